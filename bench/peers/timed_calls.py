"""Asks queries of a peer in this process: recall, rate, and what a call costs by itself."""

import threading
import time

import numpy as np

K = 10


def load_vectors(path: str) -> np.ndarray:
    """The rows of a .u8bin or .fbin, mapped."""
    dtype = np.uint8 if path.endswith(".u8bin") else np.float32
    rows, dimension = np.fromfile(path, dtype=np.uint32, count=2)
    return np.memmap(path, dtype=dtype, mode="r", offset=8, shape=(int(rows), int(dimension)))


def load_truth(path: str) -> np.ndarray:
    rows, depth = np.fromfile(path, dtype=np.uint32, count=2)
    ids = np.fromfile(path, dtype=np.int32, offset=8, count=int(rows) * int(depth))
    return ids.reshape(int(rows), int(depth))[:, :K].copy()


def recall(found: np.ndarray, truth: np.ndarray) -> float:
    """Share of the true k among the k found, mean of the queries."""
    hits = (found[:, :, None] == truth[:, None, :]).any(axis=2)
    return float(hits.mean())


class TimedCalls:
    """`engine.calls(rows, found)` gives one function without arguments for each call of a batch;
    what it finds lands in `found`. Several callers share the calls where one query goes with each:
    with more a call, the peer's own threads share them."""

    def __init__(self, engine, queries: np.ndarray, truth: np.ndarray, threads: int, batch: int):
        self._engine = engine
        self._queries = queries
        self._truth = truth
        self._batch = batch
        self.callers = threads if batch == 1 else 1

    def measure(self, first: int, count: int) -> dict:
        found = np.full((count, K), -1, dtype=np.int64)
        calls = [
            self._engine.call(self._queries[at:at + self._batch], found, at - first)
            for at in range(first, first + count, self._batch)
        ]
        self._engine.warm(calls)
        seconds = _run(calls, self.callers)
        self._engine.collect(found)
        return {"recall": recall(found, self._truth[first:first + count]),
                "qps": count / seconds}


def _run(calls: list, callers: int) -> float:
    """Seconds from the first call to the end of the last."""
    if callers == 1:
        begin = time.perf_counter()
        for call in calls:
            call()
        return time.perf_counter() - begin
    barrier = threading.Barrier(callers + 1)

    def work(mine: list) -> None:
        barrier.wait()
        for call in mine:
            call()

    threads = [threading.Thread(target=work, args=(calls[i::callers],)) for i in range(callers)]
    for thread in threads:
        thread.start()
    barrier.wait()
    begin = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begin


def call_us(engine, query: np.ndarray) -> float:
    """Microseconds of a call of one query to an index of one point: Python, binding, nothing else."""
    found = np.empty((1, K), dtype=np.int64)
    calls = [engine.empty_call(query, found)] * 20_000
    _run(calls[:2_000], 1)
    return min(_run(calls, 1) for _ in range(3)) / len(calls) * 1e6
