"""usearch from its wheel, with 8-bit elements. Calls go to its compiled search, past the Python that
wraps every answer in objects.

Bytes become signed ones by subtracting 128, which changes no distance. Floats are moved to their mean
and scaled by one number so that 99.9 % of the elements fall inside [-127, 127]: what is cut off or
rounded costs recall, as it would any user of 8-bit elements."""

import functools
import json
import os
import time

import numpy as np
import usearch
from usearch.index import Index

K = 10


def version() -> str:
    index = Index(ndim=128, metric="l2sq", dtype="i8")
    return f"usearch {usearch.__version__}, using {index.hardware_acceleration}"


def _scaling(base: np.ndarray) -> dict:
    if base.dtype == np.uint8:
        return {"mean": 128.0, "scale": 1.0}
    sample = np.asarray(base[:: max(1, len(base) // 50_000)])
    mean = float(sample.mean())
    return {"mean": mean, "scale": 127.0 / float(np.quantile(np.abs(sample - mean), 0.999))}


def _to_i8(rows: np.ndarray, scaling: dict) -> np.ndarray:
    moved = (rows.astype(np.float32) - scaling["mean"]) * scaling["scale"]
    return np.clip(np.rint(moved), -128, 127).astype(np.int8)


def build(base: np.ndarray, config: dict, folder: str, threads: int) -> float:
    begin = time.perf_counter()
    scaling = _scaling(base)
    index = Index(ndim=base.shape[1], metric="l2sq", dtype="i8", connectivity=config["M"],
                  expansion_add=config["ef_construction"])
    step = 100_000
    for at in range(0, len(base), step):
        rows = _to_i8(base[at:at + step], scaling)
        index.add(np.arange(at, at + len(rows)), rows, threads=threads, copy=True)
    seconds = time.perf_counter() - begin
    index.save(os.path.join(folder, "index"))
    with open(os.path.join(folder, "scaling.json"), "w", encoding="utf-8") as file:
        json.dump(scaling, file)
    return seconds


class Engine:
    """One index, opened."""

    def __init__(self, queries: np.ndarray, threads: int, batch: int):
        self._threads = 1 if batch == 1 else threads
        self._raw = queries
        self._queries = _to_i8(queries, {"mean": 128.0, "scale": 1.0})
        self._index = None
        self._answers: list = []
        self._tiny = Index(ndim=queries.shape[1], metric="l2sq", dtype="i8")
        self._tiny.add(np.arange(K), self._queries[:1].repeat(K, axis=0))

    @property
    def queries(self) -> np.ndarray:
        return self._queries

    def open(self, folder: str) -> None:
        with open(os.path.join(folder, "scaling.json"), encoding="utf-8") as file:
            self._queries[:] = _to_i8(self._raw, json.load(file))
        self._index = Index.restore(os.path.join(folder, "index"))

    def set(self, parameters: dict) -> None:
        self._index.expansion_search = parameters["ef"]

    def _ask(self, index: Index, rows: np.ndarray):
        return functools.partial(index._compiled.search_many, rows, K, False, self._threads)

    def call(self, rows: np.ndarray, found: np.ndarray, at: int):
        ask = self._ask(self._index, rows)
        keep = self._answers.append
        return lambda: keep((at, ask()))

    def empty_call(self, query: np.ndarray, found: np.ndarray):
        ask = self._ask(self._tiny, query)
        keep = [].append
        return lambda: keep((0, ask()))

    def warm(self, calls: list) -> None:
        for call in calls[:50]:
            call()
        self._answers.clear()

    def collect(self, found: np.ndarray) -> None:
        for at, answer in self._answers:
            keys = answer[0]
            found[at:at + len(keys), :keys.shape[1]] = keys
        self._answers.clear()
