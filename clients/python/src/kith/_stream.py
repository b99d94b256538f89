"""The flow of stream_upsert: batches in, acknowledgements out, a bounded number between them."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kith import _methods
from kith._collections import Collections
from kith._flow import Caller, Sleep
from kith._stream_steps import (Emit, NoMore, Open, Put, Raised, Receive, StreamFlow, StreamStep,
                                Take)
from kith._upserts import (Extras, UpsertRows, Written, header_of, passing_failure, points_refused,
                           raises_refused, request_ids)
from kith._vectors import Ids, Vectors, check_id, refused
from kith.errors import DeadlineExceeded, FieldViolation, KithError, from_status, of_code
from kith.options import StreamUpsertOptions
from kith.results import Acknowledgement, PointId
from kith.retry import Repeat
from kith.v1 import points_pb2

# As the server's (common/base/limits.h): it reads no further message while it holds so many.
WINDOW_MAX = 8
# How long the end of a stream, on which everything is acknowledged, is waited for.
_GOODBYE_S = 1.0


@dataclass
class _Batch:
    """A batch that was taken and is not acknowledged."""

    sequence: int
    rows: UpsertRows
    parts: list[slice]
    answers: dict[int, points_pb2.UpsertResponse] = field(default_factory=dict)

    def acknowledgement(self) -> Acknowledgement:
        written = Written()
        for begin in sorted(self.answers):
            written.add(begin, self.answers[begin])
        whole = written.result()
        return Acknowledgement(whole.written, whole.versions, whole.tokens, whole.failures,
                               self.sequence)


@dataclass
class _Message:
    """Of a batch what one message takes."""

    batch: _Batch
    begin: int
    ids: frozenset[PointId]
    request: points_pb2.StreamUpsertRequest
    is_sent: bool = False
    attempt: int = 0
    due: float = 0.0  # when it is to be sent again


def _of_batch(error: KithError, sequence: int, begin: int = 0) -> KithError:
    """The error, saying whose it is; `begin` is the row from which it counts."""
    name = f"batches[{sequence}]"
    error.message = f"{name}{f', from row {begin} on' if begin else ''}: {error.message}"
    error.violations = tuple(FieldViolation(f"{name}.{one.field}", one.description)
                             for one in error.violations)
    error.sequence = sequence
    return error


class _Numbering:
    """The ids of batches that name none."""

    def __init__(self, first: int) -> None:
        check_id(first, "first_id")
        self._next = first

    def parts_of(self, batch: object) -> tuple[Ids, Vectors, Sequence[bytes] | None]:
        if isinstance(batch, np.ndarray) and batch.ndim == 2:
            ids = range(self._next, self._next + len(batch))
            self._next += len(batch)
            return ids, batch, None
        if isinstance(batch, tuple) and len(batch) in (2, 3):
            ids, vectors, *payloads = batch
            return ids, vectors, payloads[0] if payloads else None
        raise refused("BAD_REQUEST", "batch", f"is a {type(batch).__name__}, must be "
                      "(ids, vectors), (ids, vectors, payloads) or an array of rows")


@dataclass(frozen=True)
class Streams:
    caller: Caller
    collections: Collections

    def upsert(self, collection: str, options: StreamUpsertOptions) -> StreamFlow:
        """Options are looked at before the first step."""
        return UpsertStream(self, collection, options).run()


class UpsertStream:
    """One stream_upsert. A message is under way from its first sending until it is answered or
    refused for good; a stream that breaks is opened again, and what is under way is sent again as
    it was. A message that has an id of one under way waits for that: the server writes those that
    it holds in any order."""

    def __init__(self, host: Streams, collection: str, options: StreamUpsertOptions) -> None:
        self._caller = host.caller
        self._collections = host.collections
        self._collection = collection
        self._until = host.caller.until(options, StreamUpsertOptions)
        self._header = header_of(collection, options)
        self._raises_refused = raises_refused(options)
        self._window = _window(options)
        self._numbering = _Numbering(options.get("first_id", 0))
        self._names = request_ids(options.get("request_id"))

        self._taken = 0
        self._messages: Iterator[_Message] = iter(())  # of the batch taken last, those to come
        self._next: _Message | None = None
        self._under_way: dict[int, _Message] = {}  # by sequence of the message, in order
        self._unacknowledged: dict[int, _Batch] = {}
        self._numbers = 0  # messages made
        self._is_exhausted = False
        self._failure: Exception | None = None  # raised once nothing is under way
        self._is_open = False
        self._breaks = 0  # of streams, since a message was settled
        self._trouble: KithError | None = None  # the last for which something was sent again
        self._heard = self._settled = host.caller.clock()

    def run(self) -> StreamFlow:
        try:
            yield from self._exchange()
            if self._failure is not None:
                raise self._failure
        except KithError as error:
            error.unacknowledged = tuple(sorted(self._unacknowledged))
            self._collections.forget(self._collection)
            raise
        if self._is_open:
            yield Put(None)
            yield Receive(_GOODBYE_S)

    # ---- what is next

    def _exchange(self) -> StreamFlow:
        while True:
            yield from self._send()
            if self._may_take():
                answer = yield from self._receive(0)  # what has come goes first
                if answer is None:
                    yield from self._take()
                    continue
            elif not self._under_way:
                return
            else:
                answer = yield from self._receive(self._wait_s())
            yield from self._look_at(answer)

    def _may_take(self) -> bool:
        return (self._next is None and not self._is_exhausted and self._failure is None
                and len(self._under_way) < self._window)

    def _take(self) -> StreamFlow:
        self._check_time()
        given = yield Take()
        self._heard = self._settled = self._caller.clock()  # the caller's time is not the server's
        if isinstance(given, NoMore):
            self._is_exhausted = True
        elif isinstance(given, Raised):
            self._failure = given.error
        else:
            try:
                yield from self._open_batch(given)
            except KithError as error:
                self._failure = error

    def _open_batch(self, given: object) -> StreamFlow:
        sequence, self._taken = self._taken, self._taken + 1
        try:
            ids, vectors, payloads = self._numbering.parts_of(given)
            extras = Extras.of(payloads)
            rows = yield from self._collections.fit(
                self._collection, lambda shape: UpsertRows.of(shape, ids, vectors, extras),
                self._until)
        except KithError as error:
            raise _of_batch(error, sequence) from error.__cause__
        batch = _Batch(sequence, rows, list(rows.batches()))
        self._unacknowledged[sequence] = batch
        if batch.parts:
            self._messages = self._cut(batch)
        else:
            yield from self._acknowledge(batch)

    def _cut(self, batch: _Batch) -> Iterator[_Message]:
        for part in batch.parts:
            request = points_pb2.StreamUpsertRequest(sequence=self._numbers,
                                                     upsert=self._header)
            request.upsert.request_id = next(self._names)
            batch.rows.fill(part, request.upsert)
            self._numbers += 1
            yield _Message(batch, part.start, frozenset(batch.rows.ids_of(part)), request)

    def _may_begin(self) -> bool:
        """Whether the next message may be under way beside the others."""
        return (self._failure is None and len(self._under_way) < self._window
                and (self._next is None
                     or all(self._next.ids.isdisjoint(one.ids)
                            for one in self._under_way.values())))

    # ---- to the server

    def _send(self) -> StreamFlow:
        """The messages that are next, as far as they may go, and what is to be sent again now."""
        while self._may_begin():
            message = self._next
            if message is not None:
                self._under_way[message.request.sequence] = message
            self._next = next(self._messages, None)
            if self._next is None:
                break
        now = self._caller.clock()
        for one in self._under_way.values():
            if one.is_sent or one.due > now:
                continue
            if not self._is_open:
                yield Open()
                self._is_open = True
                self._heard = now
            yield Put(one.request)
            one.is_sent = True

    def _wait_s(self) -> float:
        """Until something is to be done though no answer came."""
        times = [self._end()]
        times += [one.due for one in self._under_way.values() if not one.is_sent]
        if any(one.is_sent for one in self._under_way.values()):
            times.append(self._heard + self._caller.policy.attempt_timeout_s)
        return max(0.0, min(times) - self._caller.clock())

    def _check_time(self) -> None:
        if self._caller.clock() >= self._end():
            raise DeadlineExceeded(
                "the time was over before every batch was acknowledged",
                reason="UNKNOWN_OUTCOME" if self._under_way else "DEADLINE") from self._trouble

    def _end(self) -> float:
        return self._until or self._settled + _methods.STREAM_UPSERT.timeout_s

    # ---- from the server

    def _receive(self, seconds: float) -> Generator[
            StreamStep, Any, points_pb2.StreamUpsertResponse | KithError | None]:
        if self._is_open:
            return (yield Receive(seconds))  # type: ignore[no-any-return]  # what it promises
        if seconds > 0:
            yield Sleep(seconds)
        return None

    def _look_at(self, answer: points_pb2.StreamUpsertResponse | KithError | None) -> StreamFlow:
        now = self._caller.clock()
        if answer is None:
            self._check_time()
            if (any(one.is_sent for one in self._under_way.values())
                    and now >= self._heard + self._caller.policy.attempt_timeout_s):
                yield from self._reopen(of_code("DEADLINE_EXCEEDED", "the stream is silent"))
        elif isinstance(answer, KithError):
            yield from self._reopen(answer)
        else:
            self._heard = now
            yield from self._settle(answer)

    def _reopen(self, failure: KithError) -> StreamFlow:
        """After a pause everything under way is sent again, on another stream."""
        self._breaks += 1
        pause = self._pause_s(failure, self._breaks)
        if pause is None:
            raise self._failure or failure
        self._trouble = failure
        self._is_open = False
        yield Sleep(pause)
        for one in self._under_way.values():
            one.is_sent = False

    def _settle(self, answer: points_pb2.StreamUpsertResponse) -> StreamFlow:
        message = self._under_way.get(answer.sequence)
        if message is None or not message.is_sent:
            return
        failure = from_status(answer.status) if answer.status.code != 0 else None
        trouble = failure or passing_failure(answer.upsert)
        if trouble is not None:
            message.attempt += 1
            pause = self._pause_s(trouble, message.attempt)
            if pause is not None:
                self._trouble = trouble
                message.is_sent, message.due = False, self._caller.clock() + pause
                return
        del self._under_way[answer.sequence]
        self._breaks = 0
        self._settled = self._heard
        batch = message.batch
        if failure is not None:
            self._failure = self._failure or _of_batch(failure, batch.sequence, message.begin)
            return
        batch.answers[message.begin] = answer.upsert
        if len(batch.answers) == len(batch.parts):
            yield from self._acknowledge(batch)

    def _acknowledge(self, batch: _Batch) -> StreamFlow:
        acknowledgement = batch.acknowledgement()
        if acknowledgement.failures and self._raises_refused:
            error = points_refused(acknowledgement, len(batch.rows.vectors))
            self._failure = self._failure or _of_batch(error, batch.sequence)
            return
        del self._unacknowledged[batch.sequence]
        yield Emit(acknowledgement)
        self._heard = self._settled = self._caller.clock()

    def _pause_s(self, failure: KithError, attempt: int) -> float | None:
        """None: not again, or not in time."""
        pause = self._caller.policy.pause_s(Repeat.WRITE, failure, attempt, self._caller.random)
        return None if pause is None or self._caller.clock() + pause >= self._end() else pause


def _window(options: StreamUpsertOptions) -> int:
    window = options.get("window", WINDOW_MAX)
    if isinstance(window, bool) or not isinstance(window, int) or not 1 <= window <= WINDOW_MAX:
        raise refused("BAD_REQUEST", "window", f"is {window!r}, must be from 1 to {WINDOW_MAX}")
    return window
