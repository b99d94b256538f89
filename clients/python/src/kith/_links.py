"""How both clients carry out the steps of an UpsertStream."""

import asyncio
import queue
import threading
from collections.abc import (AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine,
                             Generator, Iterator)
from typing import Any, TypeVar, cast

import grpc

from kith._channel import error_of
from kith._flow import Step
from kith._stream_steps import (Batch, Emit, NoMore, Open, Put, Raised, Receive, StreamFlow,
                                StreamStep, Take)
from kith.errors import Cancelled, KithError, Unavailable
from kith.results import Acknowledgement
from kith.v1 import points_pb2

T = TypeVar("T")
Sent = points_pb2.StreamUpsertRequest | None
Received = points_pb2.StreamUpsertResponse | KithError | None


def _ended() -> KithError:
    return Unavailable("the server ended the stream")


class ThreadLink:
    """A call. gRPC sends what is put from a thread of its own, and another reads answers: there are
    never more of either than are under way."""

    def __init__(self, stub: Any, metadata: Any) -> None:
        self._outgoing: queue.SimpleQueue[Sent] = queue.SimpleQueue()
        self._incoming: queue.SimpleQueue[Received] = queue.SimpleQueue()
        self._call = stub(iter(self._outgoing.get, None), metadata=metadata)
        threading.Thread(target=self._read, daemon=True, name="kith-stream").start()

    def _read(self) -> None:
        end = _ended()
        try:
            for answer in self._call:
                self._incoming.put(answer)
        except grpc.RpcError as failure:
            end = error_of(cast(grpc.Call, failure))
        self._incoming.put(end)

    def put(self, message: Sent) -> None:
        self._outgoing.put(message)

    def receive(self, seconds: float) -> Received:
        try:
            return self._incoming.get(timeout=seconds)
        except queue.Empty:
            return None

    def close(self) -> None:
        """What was not answered may have been written."""
        self._call.cancel()
        self._outgoing.put(None)  # for the thread that waits for more


class ThreadStream:
    """One stream_upsert of Client. open: begins a call, or raises Cancelled where the client was
    closed; take: carries out what is no stream's."""

    def __init__(self, open: Callable[[], ThreadLink], take: Callable[[Step], Any]) -> None:
        self._open, self._take = open, take
        self._link: ThreadLink | None = None

    def run(self, flow: StreamFlow, batches: Iterator[Batch]
            ) -> Generator[Acknowledgement, None, None]:
        outcome: Any = None
        try:
            while (step := _next_step(flow, outcome)) is not None:
                outcome = None
                if isinstance(step, Emit):
                    yield step.acknowledgement
                elif isinstance(step, Take):
                    outcome = _next(batches)
                else:
                    try:
                        outcome = self._carry(step)
                    except KithError as error:
                        flow.throw(error)  # it says what is not known, and raises it
        finally:
            flow.close()
            self._close()

    def _carry(self, step: StreamStep) -> Any:
        if isinstance(step, Open):
            self._close()
            self._link = self._open()
        elif isinstance(step, Put) and self._link is not None:
            self._link.put(step.message)
        elif isinstance(step, Receive) and self._link is not None:
            return self._link.receive(step.seconds)
        else:
            return self._take(cast(Step, step))
        return None

    def _close(self) -> None:
        if self._link is not None:
            self._link.close()


class LoopLink:
    """As ThreadLink, in an event loop."""

    def __init__(self, stub: Any, metadata: Any) -> None:
        self._outgoing: asyncio.Queue[Sent] = asyncio.Queue()
        self._call = stub(self._messages(), metadata=metadata)
        self._read: asyncio.Future[Any] | None = None
        self._end: KithError = Unavailable("the stream broke while it was written to")
        self._call.add_done_callback(self._note_end)

    async def _messages(self) -> AsyncIterator[points_pb2.StreamUpsertRequest]:
        while (message := await self._outgoing.get()) is not None:
            yield message

    def _note_end(self, call: Any) -> None:
        """Called whenever gRPC sets the status. A message that meets the end makes it say INTERNAL
        right after, or before, what the server said: that is kept."""
        code, details, metadata = (_at_once(one) for one in (call.code(), call.details(),
                                                             call.trailing_metadata()))
        if code is grpc.StatusCode.OK:
            self._end = _ended()
        elif code is not grpc.StatusCode.INTERNAL or metadata:
            self._end = error_of(
                grpc.aio.AioRpcError(code, grpc.aio.Metadata(), metadata, details))

    def put(self, message: Sent) -> None:
        self._outgoing.put_nowait(message)

    async def receive(self, seconds: float) -> Received:
        # A read that was begun stays: one that is cancelled would cancel the call.
        if self._read is None:
            self._read = asyncio.ensure_future(self._call.read())
        await asyncio.wait({self._read}, timeout=seconds)
        if not self._read.done():
            return None
        read, self._read = self._read, None
        try:
            answer = read.result()
        except grpc.aio.AioRpcError:
            return self._end
        except asyncio.CancelledError:  # of the call: ours would have been raised by the wait
            return Cancelled("the stream was cancelled")
        return _ended() if answer is grpc.aio.EOF else cast(Received, answer)

    def close(self) -> None:
        """What was not answered may have been written."""
        self._call.cancel()
        self._outgoing.put_nowait(None)
        if self._read is not None and not self._read.cancel() and not self._read.cancelled():
            self._read.exception()  # nobody asks for it any more


class LoopStream:
    """As ThreadStream, of AsyncClient."""

    def __init__(self, open: Callable[[], LoopLink], take: Callable[[Step], Awaitable[Any]]
                 ) -> None:
        self._open, self._take = open, take
        self._link: LoopLink | None = None

    async def run(self, flow: StreamFlow, batches: Iterator[Batch] | AsyncIterator[Batch]
                  ) -> AsyncGenerator[Acknowledgement, None]:
        outcome: Any = None
        try:
            while (step := _next_step(flow, outcome)) is not None:
                outcome = None
                if isinstance(step, Emit):
                    yield step.acknowledgement
                elif isinstance(step, Take):
                    outcome = await _anext(batches)
                else:
                    try:
                        outcome = await self._carry(step)
                    except KithError as error:
                        flow.throw(error)  # it says what is not known, and raises it
        finally:
            flow.close()
            self._close()

    async def _carry(self, step: StreamStep) -> Any:
        if isinstance(step, Open):
            self._close()
            self._link = self._open()
        elif isinstance(step, Put) and self._link is not None:
            self._link.put(step.message)
        elif isinstance(step, Receive) and self._link is not None:
            return await self._link.receive(step.seconds)
        else:
            return await self._take(cast(Step, step))
        return None

    def _close(self) -> None:
        if self._link is not None:
            self._link.close()


def _at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """Of one that has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast(T, end.value)
    coroutine.close()
    raise AssertionError("it waits")


def _next_step(flow: StreamFlow, outcome: Any) -> StreamStep | None:
    try:
        return flow.send(outcome)
    except StopIteration:
        return None


def _next(batches: Iterator[Batch]) -> Batch | Raised | NoMore:
    try:
        return next(batches, NoMore())
    except Exception as error:  # the caller's: the flow raises it in its turn
        return Raised(error)


async def _anext(batches: Iterator[Batch] | AsyncIterator[Batch]) -> Batch | Raised | NoMore:
    if isinstance(batches, Iterator):
        return _next(batches)
    try:
        return await anext(batches, NoMore())
    except Exception as error:
        return Raised(error)
