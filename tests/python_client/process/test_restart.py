"""A server that dies while it is written to, and comes back."""

import pathlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import kith
from awaited import AwaitedClient
from kithd_process import Server

CALLS, ROWS = 150, 100


@pytest.mark.parametrize("kind", ["killed", "stopped"])
def test_writes_go_on_over_a_restart_and_lose_nothing(
        start: Callable[..., Server], tmp_path: pathlib.Path, kind: str) -> None:
    first = start(tmp_path)
    endpoint = first.grpc
    vectors = np.random.default_rng(3).standard_normal((CALLS * ROWS, 8), dtype=np.float32)
    done: list[kith.UpsertResult] = []
    failed: list[BaseException] = []

    def write(client: kith.Client) -> None:
        try:
            for begin in range(0, len(vectors), ROWS):
                done.append(client.upsert("c", range(begin, begin + ROWS),
                                          vectors[begin:begin + ROWS]))
        except BaseException as error:  # of the thread: the test reports it
            failed.append(error)

    with kith.Client(endpoint) as client:
        client.create_collection("c", 8, "l2", "f32", shards=2)
        writer = threading.Thread(target=write, args=(client,))
        writer.start()
        await_that(lambda: len(done) >= CALLS // 5 or bool(failed))
        if kind == "killed":
            first.kill()
        else:
            first.stop()
        before = len(done)
        time.sleep(0.3)  # long enough for calls to fail
        assert len(done) <= before + 1
        start(tmp_path, endpoint)
        writer.join(timeout=120)
        assert failed == []
        assert len(done) == CALLS
        assert before < CALLS
        check(client, vectors, done)


def await_that(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def check(client: kith.Client, vectors: Any, done: list[kith.UpsertResult]) -> None:
    """Every point is there, once, as written, in the version that was acknowledged."""
    tokens = kith.newest(token for one in done for token in one.tokens)
    assert client.count_points("c", timeout_s=60) == len(vectors)
    got = client.get_points("c", range(len(vectors)), tokens=tokens)
    assert got.missing == ()
    assert np.array_equal(got.vectors, vectors)
    acknowledged = np.concatenate([one.versions for one in done])
    assert [point.version for point in got.points] == acknowledged.tolist()
    assert all(one.written == ROWS for one in done)


@pytest.mark.parametrize("kind", [kith.Client, AwaitedClient], ids=["threads", "asyncio"])
@pytest.mark.parametrize("end", ["killed", "stopped", "frozen"])
def test_a_stream_goes_on_over_a_restart_and_writes_each_batch_once(
        start: Callable[..., Server], tmp_path: pathlib.Path, end: str, kind: Any) -> None:
    server = start(tmp_path)
    endpoint = server.grpc
    vectors = np.random.default_rng(4).standard_normal((CALLS * ROWS, 8), dtype=np.float32)
    given: list[int] = []  # of each batch the first row

    def batches() -> Iterator[Any]:
        for begin in range(0, len(vectors), ROWS):
            rows = slice(begin, begin + ROWS)
            if begin % (3 * ROWS) == 0:  # written over at once by the next
                given.append(begin)
                yield range(begin, begin + ROWS), vectors[rows] + 1
            given.append(begin)
            yield range(begin, begin + ROWS), vectors[rows]

    with kith.Client(endpoint) as looking:
        looking.create_collection("c", 8, "l2", "f32", shards=2)
        writer = kind(endpoint, retry=kith.RetryPolicy(attempt_timeout_s=0.5))
        done: list[kith.Acknowledgement] = []
        for one in writer.stream_upsert("c", batches()):
            done.append(one)
            if len(done) == CALLS // 3:
                if end == "frozen":
                    server.send(signal.SIGSTOP)
                    threading.Timer(1.2, server.send, (signal.SIGCONT,)).start()
                else:
                    server.stop(signal.SIGKILL if end == "killed" else signal.SIGTERM)
                    threading.Timer(0.3, start, (tmp_path, endpoint)).start()
        writer.close()
        done.sort(key=lambda one: one.sequence)
        assert [one.sequence for one in done] == list(range(len(given)))
        newest = {given[one.sequence]: one for one in done}
        check(looking, vectors, list(newest.values()))
