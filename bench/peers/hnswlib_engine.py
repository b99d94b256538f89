"""hnswlib from PyPI, compiled for this machine by its own setup."""

import functools
import importlib.metadata
import os
import time

import hnswlib
import numpy as np

K = 10


def version() -> str:
    return f"hnswlib {importlib.metadata.version('hnswlib')}, compiled on this machine"


def build(base: np.ndarray, config: dict, folder: str, threads: int) -> float:
    begin = time.perf_counter()
    index = hnswlib.Index(space="l2", dim=base.shape[1])
    index.init_index(max_elements=len(base), M=config["M"],
                     ef_construction=config["ef_construction"], random_seed=1)
    step = 100_000
    for at in range(0, len(base), step):
        rows = np.ascontiguousarray(base[at:at + step], dtype=np.float32)
        index.add_items(rows, np.arange(at, at + len(rows)), num_threads=threads)
    seconds = time.perf_counter() - begin
    index.save_index(os.path.join(folder, "index"))
    return seconds


class Engine:
    """One index, opened."""

    def __init__(self, queries: np.ndarray, threads: int, batch: int):
        self._threads = 1 if batch == 1 else threads
        self._queries = np.ascontiguousarray(queries, dtype=np.float32)
        self._index = None
        self._answers: list = []
        self._tiny = hnswlib.Index(space="l2", dim=queries.shape[1])
        self._tiny.init_index(max_elements=K, M=4)
        self._tiny.add_items(self._queries[:1].repeat(K, axis=0), np.arange(K))

    @property
    def queries(self) -> np.ndarray:
        return self._queries

    def open(self, folder: str) -> None:
        self._index = hnswlib.Index(space="l2", dim=self._queries.shape[1])
        self._index.load_index(os.path.join(folder, "index"))

    def set(self, parameters: dict) -> None:
        self._index.set_ef(parameters["ef"])

    def call(self, rows: np.ndarray, found: np.ndarray, at: int):
        ask = functools.partial(self._index.knn_query, rows, K, self._threads)
        keep = self._answers.append
        return lambda: keep((at, ask()))

    def empty_call(self, query: np.ndarray, found: np.ndarray):
        ask = functools.partial(self._tiny.knn_query, query, K, self._threads)
        keep = [].append
        return lambda: keep((0, ask()))

    def warm(self, calls: list) -> None:
        for call in calls[:50]:
            call()
        self._answers.clear()

    def collect(self, found: np.ndarray) -> None:
        for at, (labels, _) in self._answers:
            found[at:at + len(labels)] = labels
        self._answers.clear()
