"""stream_upsert by both clients: what is under way, what is sent again, and how it ends."""

import asyncio
import contextlib
import threading
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import numpy as np
import pytest

import kith
from fake_server import Failure, FakeServer
from kith._links import LoopLink
from kith._methods import GET_COLLECTION, STREAM_UPSERT
from kith.v1 import points_pb2, types_pb2

Code = grpc.StatusCode
# What a busy machine may take where the right answer is a fraction of a second.
GENEROUS_S = 10
EAGER = kith.RetryPolicy(first_delay_s=0.001, delay_max_s=0.004)
Answer = points_pb2.StreamUpsertResponse


def rows(count: int) -> np.ndarray[Any, Any]:
    return np.arange(count * 4, dtype=np.float32).reshape(count, 4)


def batches(count: int, each: int = 2) -> Iterator[Any]:
    for n in range(count):
        yield range(n * each, (n + 1) * each), rows(each)


def points_in(request: Any) -> int:
    return len(request.upsert.columns.numbers) or len(request.upsert.points)


def written(request: Any) -> Answer:
    """Versions are ids plus one."""
    numbers = request.upsert.columns.numbers
    return Answer(sequence=request.sequence, upsert=points_pb2.UpsertResponse(
        written=points_in(request), versions=[one + 1 for one in numbers],
        tokens=[types_pb2.WriteToken(shard=1, epoch=2, lsn=request.sequence + 1)]))


def refused(request: Any, failure: Failure) -> Answer:
    return Answer(sequence=request.sequence, status=failure.status())


def write_all(requests: Iterator[Any], _: Any) -> Iterator[Answer]:
    for request in requests:
        yield written(request)


def sent(server: FakeServer) -> list[Any]:
    return server.requests(STREAM_UPSERT)


def await_that(condition: Any) -> None:
    end = time.monotonic() + GENEROUS_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def drained(stream: Iterator[Any], kind: type[BaseException]) -> tuple[list[int], Any]:
    """The batches that were acknowledged before the error, and that."""
    done: list[int] = []
    with pytest.raises(kind) as raised:
        for one in stream:
            done.append(one.sequence)
    return done, raised.value


def test_every_batch_is_written_and_acknowledged_under_its_number(server: FakeServer,
                                                                  client: Any) -> None:
    server.scripts = [write_all]
    name = uuid.uuid4()
    given = [([7, 9], rows(2)), ([uuid.UUID(int=5)], rows(1), [b"a"]), rows(3), ([], []),
             np.ones((1, 4), np.float32)]
    done = list(client.stream_upsert("c", given, first_id=100, mode="insert_only",
                                     priority="import", request_id=name))
    assert sorted(one.sequence for one in done) == [0, 1, 2, 3, 4]
    assert {one.sequence: one.written for one in done} == {0: 2, 1: 1, 2: 3, 3: 0, 4: 1}
    by_sequence = {one.sequence: one for one in done}
    assert by_sequence[0].versions.tolist() == [8, 10]
    assert by_sequence[0].tokens == (kith.WriteToken(1, 2, 1),)
    asked = sent(server)
    assert [list(one.upsert.columns.numbers) for one in asked] == [[7, 9], [], [100, 101, 102],
                                                                  [103]]
    assert asked[1].upsert.points[0].payload == b"a"
    assert asked[2].upsert.columns.vectors == rows(3).tobytes()
    assert {one.upsert.mode for one in asked} == {points_pb2.WRITE_MODE_INSERT_ONLY}
    assert {one.upsert.priority for one in asked} == {points_pb2.WRITE_PRIORITY_IMPORT}
    assert asked[0].upsert.request_id == name.bytes
    assert len({one.upsert.request_id for one in asked}) == 4
    list(client.stream_upsert("c", given, first_id=100, mode="insert_only", priority="import",
                              request_id=name))
    assert sent(server)[4:] == asked


def test_a_batch_that_is_too_large_for_a_message_goes_in_several(server: FakeServer,
                                                                 client: Any) -> None:
    def backwards(requests: Iterator[Any], _: Any) -> Iterator[Answer]:
        yield from reversed([written(next(requests)) for _ in range(4)])

    server.scripts = [backwards]
    done = list(client.stream_upsert("c", [rows(25_000), ([70_000], rows(1))]))
    assert [points_in(one) for one in sent(server)] == [10_000, 10_000, 5_000, 1]
    assert [one.sequence for one in done] == [1, 0]
    assert done[1].written == 25_000
    assert done[1].versions.tolist() == list(range(1, 25_001))
    assert done[1].tokens == (kith.WriteToken(1, 2, 3),)


def test_the_messages_of_one_batch_keep_to_the_window_and_end_with_the_first_that_is_refused(
        server: FakeServer, client: Any) -> None:
    bad = Failure(Code.INVALID_ARGUMENT, "BAD_PAYLOAD", "is no JSON object")

    def refuses(requests: Iterator[Any], _: Any) -> Iterator[Answer]:
        yield written(next(requests))
        yield refused(next(requests), bad)
        yield from write_all(requests, None)

    server.scripts = [refuses]
    done, error = drained(client.stream_upsert("c", [rows(45_000)], window=1), kith.InvalidArgument)
    assert (done, error.unacknowledged) == ([], (0,))
    assert "batches[0], from row 10000 on: is no JSON object" in str(error)
    assert len(sent(server)) == 2
    server.scripts = [write_all]
    before = len(server.requests(GET_COLLECTION))
    assert len(list(client.stream_upsert("c", [rows(1)]))) == 1
    assert len(server.requests(GET_COLLECTION)) == before + 1  # it may be another collection by now


def test_no_more_is_taken_or_sent_than_may_be_under_way(server: FakeServer, client: Any) -> None:
    go = threading.Event()

    def slow(requests: Iterator[Any], _: Any) -> Iterator[Answer]:
        for request in requests:
            go.wait(GENEROUS_S)
            yield written(request)

    taken: list[int] = []

    def counted() -> Iterator[Any]:
        for n, batch in enumerate(batches(40)):
            taken.append(n)
            yield batch

    server.scripts = [slow]
    stream = client.stream_upsert("c", counted(), window=3)
    assert taken == []
    watcher = threading.Timer(0.2, lambda: (seen.append(len(taken)), go.set()))
    seen: list[int] = []
    watcher.start()
    assert next(stream).sequence == 0
    assert seen == [3]
    time.sleep(0.1)  # the caller does nothing: nothing is taken, whatever was answered
    assert len(taken) <= 4
    assert [one.sequence for one in stream] == list(range(1, 40))


def test_after_a_break_what_is_not_acknowledged_is_sent_again_as_it_was(server: FakeServer,
                                                                        client: Any) -> None:
    def breaks(requests: Iterator[Any], context: Any) -> Iterator[Answer]:
        first = [next(requests) for _ in range(4)]
        yield written(first[1])
        yield written(first[0])
        Failure(Code.UNAVAILABLE).end(context)

    def drains(requests: Iterator[Any], context: Any) -> Iterator[Answer]:
        yield written(next(requests))
        Failure(Code.UNAVAILABLE, "DRAINING", retry_after_s=0.001).end(context)

    server.scripts = [breaks, drains, write_all]
    done = [one.sequence for one in client.stream_upsert("c", batches(10), window=4)]
    assert sorted(done) == list(range(10))
    assert done[:2] == [1, 0]
    asked = sent(server)
    again = {one.sequence: [two for two in asked if two.sequence == one.sequence] for one in asked}
    assert all(one == same[0] for same in again.values() for one in same)
    assert [len(again[n]) for n in (0, 1)] == [1, 1]
    assert all(len(again[n]) > 1 for n in (2, 3))


def test_points_of_one_id_are_written_in_the_order_in_which_they_were_given(
        server: FakeServer, client: Any) -> None:
    busy = Failure(Code.UNAVAILABLE, "NOT_READY")
    order: list[int] = []

    def refuses_once(requests: Iterator[Any], _: Any) -> Iterator[Answer]:
        refused_already: set[int] = set()
        for request in requests:
            if request.sequence not in refused_already and request.sequence in (0, 2):
                refused_already.add(request.sequence)
                yield refused(request, busy)
            else:
                order.append(request.sequence)
                yield written(request)

    server.scripts = [refuses_once]
    shared = uuid.uuid4()
    given: list[Any] = [([7, 8], rows(2)), ([9, 8], rows(2)), ([shared], rows(1)),
                        ([1, shared], rows(2)), ([2], rows(1))]
    done = [one.sequence for one in client.stream_upsert("c", given)]
    assert sorted(done) == [0, 1, 2, 3, 4]
    assert order.index(0) < order.index(1)
    assert order.index(2) < order.index(3)


def test_what_the_server_could_not_take_now_is_sent_again_and_holds_nothing_else_up(
        server: FakeServer, client: Any) -> None:
    full = Failure(Code.RESOURCE_EXHAUSTED, "QUEUE_FULL", retry_after_s=0.2)

    def refuses_once(requests: Iterator[Any], _: Any) -> Iterator[Answer]:
        seen: set[int] = set()
        for request in requests:
            fresh = request.sequence not in seen
            seen.add(request.sequence)
            if fresh and request.sequence == 0:
                yield refused(request, full)
            elif fresh and request.sequence == 1:
                ok = type(full.status())()
                answer = written(request)
                answer.upsert.written = 1
                answer.upsert.statuses.extend([ok, full.status()])
                yield answer
            else:
                yield written(request)

    server.scripts = [refuses_once]
    done = list(client.stream_upsert("c", batches(6), window=4))
    assert [one.sequence for one in done][:4] == [2, 3, 4, 5]
    assert {one.sequence: one.written for one in done} == dict.fromkeys(range(6), 2)
    assert sorted(one.sequence for one in sent(server)) == [0, 0, 1, 1, 2, 3, 4, 5]


def test_a_refused_batch_is_named_once_those_under_way_are_acknowledged(server: FakeServer,
                                                                        client: Any) -> None:
    bad = Failure(Code.INVALID_ARGUMENT, "BAD_PAYLOAD", "is no JSON object",
                  field_name="columns.payloads[1]")

    def refuses(requests: Iterator[Any], _: Any) -> Iterator[Answer]:
        first = [next(requests) for _ in range(3)]
        yield refused(first[1], bad)
        yield written(first[2])
        yield written(first[0])
        yield from (written(one) for one in requests)

    server.scripts = [refuses]
    done, error = drained(client.stream_upsert("c", batches(9), window=3), kith.InvalidArgument)
    assert done == [2, 0]
    assert (error.reason, error.sequence, error.unacknowledged) == ("BAD_PAYLOAD", 1, (1,))
    assert [one.field for one in error.violations] == ["batches[1].columns.payloads[1]"]
    assert "batches[1]: is no JSON object" in str(error)
    assert [one.sequence for one in sent(server)] == [0, 1, 2]


@pytest.mark.parametrize(("bad", "reason", "field"), [
    (([1], np.ones((1, 5), np.float32)), "DIMENSION_MISMATCH", "vectors"),
    (([1, 2], rows(1)), "BAD_REQUEST", "vectors"),
    (([1], np.full((1, 4), np.nan, np.float32)), "NON_FINITE_VECTOR", "vectors[0]"),
    (([-1], rows(1)), "BAD_ID", "ids[0]"),
    (([1], rows(1), ["text"]), "BAD_REQUEST", "payloads[0]"),
    (np.ones((1, 4)), "BAD_VECTOR", "vectors"),
    ([1, 2], "BAD_REQUEST", "batch"), (None, "BAD_REQUEST", "batch"),
    (np.ones(4, np.float32), "BAD_REQUEST", "batch")])
def test_a_batch_that_cannot_be_right_is_refused_after_those_before_it(
        server: FakeServer, client: Any, bad: Any, reason: str, field: str) -> None:
    server.scripts = [write_all]
    done, error = drained(client.stream_upsert("c", [*batches(2), bad, *batches(1)]),
                          kith.InvalidArgument)
    assert done == [0, 1]
    assert (error.reason, error.sequence, error.unacknowledged) == (reason, 2, ())
    assert [one.field for one in error.violations] == [f"batches[2].{field}"]
    assert "batches[2]: " in str(error)
    assert len(sent(server)) == 2


def test_an_error_of_the_batches_themselves_is_raised_after_those_before_it(
        server: FakeServer, client: Any) -> None:
    def fails() -> Iterator[Any]:
        yield from batches(3)
        raise OSError("the disk is gone")

    server.scripts = [write_all]
    done, error = drained(client.stream_upsert("c", fails()), OSError)
    assert done == [0, 1, 2]
    assert str(error) == "the disk is gone"


@pytest.mark.parametrize("on_refused", ["raise", "return"])
def test_points_that_were_refused_are_named(server: FakeServer, client: Any,
                                            on_refused: str) -> None:
    exists = Failure(Code.ALREADY_EXISTS, "POINT_EXISTS").status()

    def refuses(requests: Iterator[Any], _: Any) -> Iterator[Answer]:
        for request in requests:
            answer = written(request)
            if request.sequence == 1:
                answer.upsert.written = 1
                answer.upsert.statuses.extend([type(exists)(), exists])
            yield answer

    server.scripts = [refuses]
    stream = client.stream_upsert("c", batches(4), window=1, on_refused=on_refused)
    if on_refused == "return":
        done = {one.sequence: one for one in stream}
        assert [len(done[n].failures) for n in range(4)] == [0, 1, 0, 0]
        assert done[1].failures[0].index == 1
        return
    acknowledged, error = drained(stream, kith.PointsRefused)
    assert acknowledged == [0]
    assert "batches[1]: 1 of 2 points were not written" in str(error)
    assert (error.sequence, error.unacknowledged) == (1, (1,))
    assert error.upserted.written == 1


def test_a_server_that_falls_silent_is_asked_again_and_then_given_up(server: FakeServer,
                                                                     client: Any) -> None:
    over = threading.Event()

    def silent(requests: Iterator[Any], _: Any) -> Iterator[Answer]:
        yield written(next(requests))
        over.wait(GENEROUS_S)

    server.scripts = [silent, silent, write_all]
    client_kind = type(client)
    impatient = client_kind(server.endpoint, retry=kith.RetryPolicy(
        first_delay_s=0.001, delay_max_s=0.004, attempt_timeout_s=0.1))
    done = [one.sequence for one in impatient.stream_upsert("c", batches(12))]
    assert sorted(done) == list(range(12))
    server.scripts = [silent]
    begin = time.monotonic()
    acknowledged, error = drained(impatient.stream_upsert("c", batches(90), timeout_s=0.5),
                                  kith.DeadlineExceeded)
    assert time.monotonic() - begin < GENEROUS_S
    assert len(acknowledged) + len(error.unacknowledged) <= len(acknowledged) + 8
    assert error.unacknowledged
    over.set()
    impatient.close()


def test_with_repeats_turned_off_the_first_break_ends_it_and_says_what_is_not_known(
        server: FakeServer, client: Any) -> None:
    def breaks(requests: Iterator[Any], context: Any) -> Iterator[Answer]:
        yield written(next(requests))
        next(requests)
        Failure(Code.UNAVAILABLE).end(context)

    server.scripts = [breaks, write_all]
    once = type(client)(server.endpoint, retry=kith.RetryPolicy(attempts_max=1))
    done, error = drained(once.stream_upsert("c", batches(6), window=2), kith.Unavailable)
    assert done == [0]
    assert set(error.unacknowledged) <= {1, 2}
    assert 1 in error.unacknowledged
    once.close()


def test_a_break_counts_as_the_first_where_the_stream_before_brought_something(
        server: FakeServer, client: Any) -> None:
    def breaks(requests: Iterator[Any], context: Any) -> Iterator[Answer]:
        yield written(next(requests))
        Failure(Code.UNAVAILABLE).end(context)

    server.scripts = [breaks, breaks, breaks, breaks, write_all]
    twice = type(client)(server.endpoint, retry=kith.RetryPolicy(attempts_max=2,
                                                                 first_delay_s=0.001))
    assert len(list(twice.stream_upsert("c", batches(6)))) == 6
    twice.close()


@pytest.mark.parametrize("code", [Code.PERMISSION_DENIED, Code.UNAUTHENTICATED])
def test_a_stream_that_is_refused_for_good_is_not_opened_again(server: FakeServer, client: Any,
                                                               code: grpc.StatusCode) -> None:
    opened: list[int] = []

    def denies(requests: Iterator[Any], context: Any) -> Iterator[Answer]:
        opened.append(1)
        Failure(code, "BAD_KEY").end(context)
        yield written(next(requests))

    server.scripts = [denies]
    done, error = drained(client.stream_upsert("c", batches(3)), kith.KithError)
    assert (done, error.code, error.reason) == ([], code.name, "BAD_KEY")
    assert opened == [1]


def test_who_closes_it_cancels_the_stream(server: FakeServer, client: Any) -> None:
    ended = threading.Event()

    over = threading.Event()

    def watched(requests: Iterator[Any], context: Any) -> Iterator[Answer]:
        context.add_callback(ended.set)
        yield written(next(requests))
        over.wait(GENEROUS_S)  # it would not end by itself

    server.scripts = [watched]
    stream = client.stream_upsert("c", batches(100))
    next(stream)
    assert not ended.is_set()
    stream.close()
    assert ended.wait(GENEROUS_S / 2)
    over.set()
    assert not [one for one in threading.enumerate() if one.name == "kith-stream"
                and not _ends(one)]


def _ends(thread: threading.Thread) -> bool:
    thread.join(GENEROUS_S)
    return not thread.is_alive()


@pytest.mark.parametrize("wrong", [{"window": 0}, {"window": 9}, {"window": True}, {"first_id": -1},
                                   {"mode": "append"}, {"priority": "low"}, {"on_refused": "no"}])
def test_an_option_that_cannot_be_right_is_refused_before_anything_is_taken(
        client: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(kith.InvalidArgument):
        client.stream_upsert("c", batches(1), **wrong)


def test_a_client_that_is_closed_ends_the_stream(server: FakeServer) -> None:
    hang = threading.Event()

    def silent(requests: Iterator[Any], _: Any) -> Iterator[Answer]:
        next(requests)
        hang.wait(GENEROUS_S)
        yield from ()

    server.scripts = [silent]
    with kith.Client(server.endpoint, retry=EAGER) as client:
        threading.Timer(0.1, client.close).start()
        done, error = drained(client.stream_upsert("c", batches(9)), kith.Cancelled)
    assert done == []
    assert len(error.unacknowledged) == 8
    hang.set()


def test_batches_may_come_asynchronously_and_a_task_may_be_cancelled(server: FakeServer) -> None:
    ended = threading.Event()
    hang = threading.Event()

    def half(requests: Iterator[Any], context: Any) -> Iterator[Answer]:
        context.add_callback(ended.set)
        for request in requests:
            if request.sequence == 5:
                hang.wait(GENEROUS_S)
            yield written(request)

    async def produced() -> AsyncIterator[Any]:
        for batch in batches(20):
            await asyncio.sleep(0)
            yield batch

    async def fails() -> AsyncIterator[Any]:
        for batch in batches(2):
            yield batch
        raise OSError("the disk is gone")

    async def body() -> list[int]:
        done: list[int] = []

        async def write(client: kith.AsyncClient) -> None:
            async with contextlib.aclosing(client.stream_upsert("c", produced())) as stream:
                async for one in stream:
                    done.append(one.sequence)

        async with kith.AsyncClient(server.endpoint, retry=EAGER) as client:
            task = asyncio.create_task(write(client))
            while len(done) < 5:
                await asyncio.sleep(0.002)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            hang.set()
            assert await asyncio.to_thread(ended.wait, GENEROUS_S)
            server.scripts = [write_all]
            assert len([one async for one in client.stream_upsert("c", produced())]) == 20
            with pytest.raises(OSError, match="the disk is gone"):
                async for one in client.stream_upsert("c", fails()):
                    done.append(one.sequence)
        return done

    server.scripts = [half]
    assert asyncio.run(body()) == [0, 1, 2, 3, 4, 0, 1]


def test_a_stream_whose_batches_are_all_acknowledged_is_ended_and_not_cancelled(
        server: FakeServer, client: Any) -> None:
    ends: list[str] = []

    def watched(requests: Iterator[Any], context: Any) -> Iterator[Answer]:
        try:
            yield from write_all(requests, context)
            ends.append("ended")
        except Exception:  # of requests that were cut off
            ends.append("cancelled")

    server.scripts = [watched]
    assert len(list(client.stream_upsert("c", batches(5)))) == 5
    await_that(lambda: ends)
    assert ends == ["ended"]


class Call:
    """Of gRPC: ends as it is told."""

    def __init__(self) -> None:
        self.ends: list[Any] = []

    def add_done_callback(self, callback: Any) -> None:
        self.ends.append(callback)

    def end(self, code: grpc.StatusCode, *metadata: tuple[str, bytes]) -> None:
        async def of(value: Any) -> Any:
            return value

        self.code, self.details = lambda: of(code), lambda: of("said")
        self.trailing_metadata = lambda: of(grpc.aio.Metadata(*metadata))
        for callback in self.ends:
            callback(self)

    async def read(self) -> Any:
        raise grpc.aio.AioRpcError(Code.INTERNAL, grpc.aio.Metadata(), grpc.aio.Metadata())


@pytest.mark.parametrize("codes", [(Code.INTERNAL, Code.PERMISSION_DENIED),
                                   (Code.PERMISSION_DENIED, Code.INTERNAL)])
def test_what_the_server_said_is_kept_where_a_message_met_the_end(
        codes: tuple[grpc.StatusCode, ...]) -> None:
    """gRPC itself overwrites the status of such a stream, in either order."""
    async def body() -> Any:
        call = Call()
        link = LoopLink(lambda *_, **__: call, ())
        for code in codes:
            call.end(code)
        return await link.receive(1)

    assert asyncio.run(body()).code == "PERMISSION_DENIED"


def test_of_a_broken_stream_of_which_nothing_else_is_known_grpcs_word_is_not_believed() -> None:
    async def body() -> Any:
        call = Call()
        link = LoopLink(lambda *_, **__: call, ())
        call.end(Code.INTERNAL)
        return await link.receive(1)

    assert asyncio.run(body()).code == "UNAVAILABLE"
