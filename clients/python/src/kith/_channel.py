"""What both clients' channels have in common."""

from typing import Any

import grpc

from kith._methods import MESSAGE_BYTES_MAX
from kith.credentials import Credentials
from kith.errors import KithError, from_call

# A server that is started again is found within a second: gRPC's own pauses grow to two minutes.
CHANNEL_OPTIONS: list[tuple[str, Any]] = [
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
]
_DETAILS = "grpc-status-details-bin"


def tls_of(credentials: Credentials) -> grpc.ChannelCredentials | None:
    """None: plain text."""
    if credentials.ca is None:
        return None
    return grpc.ssl_channel_credentials(
        None if credentials.ca == "system" else credentials.ca.encode(),
        None if credentials.private_key is None else credentials.private_key.encode(),
        None if credentials.certificate is None else credentials.certificate.encode())


def error_of(failure: grpc.Call | grpc.aio.AioRpcError) -> KithError:
    """A failed call as an exception of ours."""
    metadata: Any = failure.trailing_metadata() or ()
    details = next((value for key, value in metadata if key == _DETAILS), None)
    code: Any = failure.code()
    return from_call(code.value[0], failure.details() or "", details)
