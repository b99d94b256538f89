"""A server that dies while it is written to, and comes back."""

import pathlib
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import kith
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
