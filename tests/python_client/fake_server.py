"""A gRPC server in this process that answers as a test says, and remembers what it was asked."""

import concurrent.futures
import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from kith import _methods
from kith._methods import Method

METHODS = {one.path: one for one in vars(_methods).values() if isinstance(one, Method)}


@dataclass(frozen=True)
class Failure:
    """A call that fails, or (in an UpsertResponse) a point that was refused."""

    code: grpc.StatusCode
    reason: str = ""
    message: str = "no"
    facts: dict[str, str] = field(default_factory=dict)
    field_name: str = ""
    retry_after_s: float | None = None

    def status(self) -> status_pb2.Status:
        status = status_pb2.Status(code=self.code.value[0], message=self.message)
        if self.reason:
            status.details.append(_packed(error_details_pb2.ErrorInfo(
                reason=self.reason, domain="kith", metadata=self.facts)))
        if self.field_name:
            status.details.append(_packed(error_details_pb2.BadRequest(field_violations=[
                error_details_pb2.BadRequest.FieldViolation(field=self.field_name,
                                                            description=self.message)])))
        if self.retry_after_s is not None:
            delay = duration_pb2.Duration()
            delay.FromMilliseconds(int(self.retry_after_s * 1000))
            status.details.append(_packed(error_details_pb2.RetryInfo(retry_delay=delay)))
        return status

    def end(self, context: Any) -> NoReturn:
        """Ends a call so."""
        status = self.status()
        if status.details:
            context.set_trailing_metadata(
                (("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(self.code, self.message)
        raise AssertionError("abort returned")


def _packed(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


# Of one stream: what it was sent as it comes, and the context, in; answers out.
Script = Callable[[Iterator[Any], Any], Iterator[Message]]
Answer = Message | Failure | Callable[[Any], "Message | Failure"]


@dataclass(frozen=True)
class Asked:
    request: Any
    time_left_s: float
    metadata: dict[str, str]


class FakeServer(grpc.GenericRpcHandler):
    """`answers[method]` are given one after another, the last of them from then on."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.asked: dict[str, list[Asked]] = {}
        self.scripts: list[Script] = []  # one a stream, the last of them from then on
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._server = grpc.server(
            concurrent.futures.ThreadPoolExecutor(4), handlers=[self],
            options=[("grpc.max_receive_message_length", 64 << 20), ("grpc.so_reuseport", 0)])
        self.endpoint = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def stop(self) -> None:
        self._over.set()
        self._server.stop(0).wait()

    def hang(self, _: Any) -> Failure:
        """An answer that does not come while the test runs."""
        self._over.wait(60)
        return Failure(grpc.StatusCode.UNAVAILABLE)

    def say(self, method: Method[Any, Any], *answers: Answer) -> None:
        self.answers[method.path] = list(answers)

    def requests(self, method: Method[Any, Any]) -> list[Any]:
        return [one.request for one in self.asked.get(method.path, [])]

    def service(self, handler_call_details: Any) -> Any:
        method = METHODS.get(handler_call_details.method)
        if method is None:
            return None
        if method is _methods.STREAM_UPSERT:
            return grpc.stream_stream_rpc_method_handler(
                self._stream, request_deserializer=method.request.FromString,
                response_serializer=method.answer.SerializeToString)
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self._answer(method, request, context),
            request_deserializer=method.request.FromString,
            response_serializer=method.answer.SerializeToString)

    def _stream(self, requests: Iterator[Any], context: Any) -> Iterator[Message]:
        with self._lock:
            script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        yield from script(self._remembered(requests, context), context)

    def _remembered(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        for request in requests:
            with self._lock:
                self.asked.setdefault(_methods.STREAM_UPSERT.path, []).append(
                    Asked(request, 0, dict(context.invocation_metadata())))
            yield request

    def _answer(self, method: Method[Any, Any], request: Any, context: Any) -> Message:
        with self._lock:
            self.asked.setdefault(method.path, []).append(Asked(
                request, context.time_remaining(), dict(context.invocation_metadata())))
            answers = self.answers[method.path]
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Failure):
            answer.end(context)
        return cast(Message, answer)


@contextlib.contextmanager
def running() -> Iterator[FakeServer]:
    server = FakeServer()
    try:
        yield server
    finally:
        server.stop()
