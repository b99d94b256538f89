"""What goes wrong, as exceptions: one class a code, with the server's reason and what to do."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from kith.remedies import REMEDIES

if TYPE_CHECKING:
    from kith.results import ChangeResult, UpsertResult

_DOMAIN = "kith"


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A field of the request, and what is wrong with it."""

    field: str
    description: str


class KithError(Exception):
    """Any failure of a call. Catch a subclass by what happened, or look at `reason`.

    code          the gRPC code by name, such as "NOT_FOUND"
    reason        what a program acts on, such as "COLLECTION_NOT_FOUND" (docs/api.md lists them);
                  empty where the transport failed and no server said anything
    message       what the server or this client said
    facts         the reason's figures, such as {"stored_version": "7"}
    violations    the fields of the request that were refused
    retry_after_s when the server wants to see the caller again; None where it did not say
    remedy        what to do about the reason, which a traceback shows, too; empty where unknown
    upserted      of an upsert in several calls: what the calls before the failed one wrote
    changed       of PointsRefused, where payloads were to change: what became of all of them
    sequence      of stream_upsert: the batch that is to blame, counted from 0; None where none is
    unacknowledged
                  of stream_upsert: the batches that were sent and not acknowledged. They may have
                  been written, in part or as a whole
    """

    code: str = "UNKNOWN"

    def __init__(self, message: str, *, reason: str = "", facts: Mapping[str, str] | None = None,
                 violations: Sequence[FieldViolation] = (), retry_after_s: float | None = None):
        self.reason = reason
        self.message = message
        self.facts = dict(facts or {})
        self.violations = tuple(violations)
        self.retry_after_s = retry_after_s
        self.upserted: UpsertResult | None = None
        self.changed: ChangeResult | None = None
        self.sequence: int | None = None
        self.unacknowledged: tuple[int, ...] = ()
        super().__init__(message)
        if self.remedy:
            self.add_note(f"What to do: {self.remedy}")

    @property
    def remedy(self) -> str:
        return REMEDIES.get(self.reason, "")

    def __str__(self) -> str:
        text = " ".join(word for word in (self.code, self.reason) if word) + ": " + self.message
        fields = ", ".join(v.field for v in self.violations if v.field not in self.message)
        if fields:
            text += f" ({fields})"
        return text


class InvalidArgument(KithError, ValueError):
    """The request cannot be right; sending it again will not help. Also raised before anything is
    sent, where this client sees it first."""

    code = "INVALID_ARGUMENT"


class NotFound(KithError, LookupError):
    code = "NOT_FOUND"


class AlreadyExists(KithError):
    code = "ALREADY_EXISTS"


class FailedPrecondition(KithError):
    code = "FAILED_PRECONDITION"


class Aborted(KithError):
    code = "ABORTED"


class ResourceExhausted(KithError):
    """Something is full. Where it may pass, it was tried again until the time was over."""

    code = "RESOURCE_EXHAUSTED"


class Unavailable(KithError, ConnectionError):
    """The server, or a part of it, cannot be asked. It was tried again until the time was over,
    unless a repeat might have done something twice."""

    code = "UNAVAILABLE"


class DeadlineExceeded(KithError, TimeoutError):
    code = "DEADLINE_EXCEEDED"


class Cancelled(KithError):
    code = "CANCELLED"


class Unauthenticated(KithError):
    """No key, or none that the server believes."""

    code = "UNAUTHENTICATED"


class PermissionDenied(KithError, PermissionError):
    """The key may not do this."""

    code = "PERMISSION_DENIED"


class DataLoss(KithError):
    code = "DATA_LOSS"


class Internal(KithError):
    """A bug by definition."""

    code = "INTERNAL"


class OperationFailed(KithError):
    """A long job ended without success; reason and message are the job's."""

    code = "OPERATION_FAILED"


class PointsRefused(KithError):
    """Some points of an upsert were not written, or some payloads not changed; the others were.
    `upserted.failures` or `changed.failures` names each refused point with its own error."""

    code = "POINTS_REFUSED"


_NUMBERS = {0: "OK", 1: "CANCELLED", 2: "UNKNOWN", 3: "INVALID_ARGUMENT", 4: "DEADLINE_EXCEEDED",
            5: "NOT_FOUND", 6: "ALREADY_EXISTS", 7: "PERMISSION_DENIED", 8: "RESOURCE_EXHAUSTED",
            9: "FAILED_PRECONDITION", 10: "ABORTED", 11: "OUT_OF_RANGE", 12: "UNIMPLEMENTED",
            13: "INTERNAL", 14: "UNAVAILABLE", 15: "DATA_LOSS", 16: "UNAUTHENTICATED"}
_CLASSES: dict[str, type[KithError]] = {
    one.code: one for one in (Cancelled, InvalidArgument, DeadlineExceeded, NotFound, AlreadyExists,
                              ResourceExhausted, FailedPrecondition, Aborted, Internal, Unavailable,
                              DataLoss, Unauthenticated, PermissionDenied)}


def of_code(code: str, message: str) -> KithError:
    """An error of which nothing is known but its code."""
    return _make(code, message, KithError(""))


def _make(code: str, message: str, told: KithError) -> KithError:
    error = _CLASSES.get(code, KithError)(
        message, reason=told.reason, facts=told.facts, violations=told.violations,
        retry_after_s=told.retry_after_s)
    error.code = code
    return error


def from_status(status: status_pb2.Status) -> KithError:
    """What google.rpc.Status says, with its details."""
    told = KithError("")
    violations: list[FieldViolation] = []
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        bad = error_details_pb2.BadRequest()
        retry = error_details_pb2.RetryInfo()
        if detail.Unpack(info) and info.domain == _DOMAIN:
            told.reason = info.reason
            told.facts = dict(info.metadata)
        elif detail.Unpack(bad):
            violations += [FieldViolation(one.field, one.description)
                           for one in bad.field_violations]
        elif detail.Unpack(retry):
            told.retry_after_s = _seconds(retry.retry_delay.ToTimedelta())
    told.violations = tuple(violations)
    return _make(_NUMBERS.get(status.code, "UNKNOWN"), status.message, told)


def _seconds(delay: datetime.timedelta) -> float:
    return max(0.0, delay.total_seconds())


def from_call(code: int, message: str, details: bytes | None) -> KithError:
    """What a failed call says. `details` is its grpc-status-details-bin, if any."""
    status = status_pb2.Status()
    if details:
        try:
            status.ParseFromString(details)
        except DecodeError:  # somebody else's, or cut on its way
            status.Clear()
    if status.code == code:
        return from_status(status)
    name = _NUMBERS.get(code, "UNKNOWN")
    return of_code(name, f"the server cannot be reached: {message}" if code == 14 else message)
