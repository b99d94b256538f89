"""Kith for ann-benchmarks (its BaseANN interface), through the Python client and a running kithd.

KITH_ENDPOINT names the server, 127.0.0.1:7430 where it is not set. README.md says how to run it.
"""

import contextlib
import os
from typing import Any

import kith
import numpy as np
import numpy.typing as npt

from ..base.module import BaseANN

_METRICS: dict[str, Any] = {"euclidean": "l2", "angular": "cosine"}
_COLLECTION = "ann-benchmarks"
_MEMORY_PARTS = ("codes", "refine", "quantizer", "rows", "tombstones")


class Kith(BaseANN):
    """`depth` names what the query arguments are: "target_recall" (of the curve that training
    measured) or "nprobe" (lists)."""

    def __init__(self, metric: str, depth: str):
        if metric not in _METRICS:
            raise NotImplementedError(f"Kith has no metric {metric}; it has {', '.join(_METRICS)}")
        if depth not in ("target_recall", "nprobe"):
            raise ValueError(f"depth is {depth!r}, must be target_recall or nprobe")
        self._metric = _METRICS[metric]
        self._depth = depth
        self._client = kith.Client(os.environ.get("KITH_ENDPOINT", "127.0.0.1:7430"))
        self._options: Any = {}
        self._batch: kith.BatchResult | None = None
        self.name = f"kith({depth})"

    def fit(self, X: npt.NDArray[Any]) -> None:
        """Writes the rows under their numbers and trains: both are the build."""
        self._client.wait_ready()
        self._drop()
        rows = np.asarray(X, dtype=np.float32)
        self._client.create_collection(_COLLECTION, rows.shape[1], self._metric, "f32")
        self._client.upsert(_COLLECTION, range(len(rows)), rows, priority="import")
        self._client.wait(self._client.train_index(_COLLECTION).id)

    def set_query_arguments(self, value: float) -> None:
        self._options = {self._depth: value}
        self.name = f"kith({self._depth}={value})"

    def query(self, v: npt.NDArray[Any], n: int) -> list[Any]:
        row = np.asarray(v, dtype=np.float32)
        result = self._client.search(_COLLECTION, row, limit=n, timeout_s=60, **self._options)
        return [hit.id for hit in result.hits]

    def batch_query(self, X: npt.NDArray[Any], n: int) -> None:
        rows = np.asarray(X, dtype=np.float32)
        self._batch = self._client.search_batch(_COLLECTION, rows, limit=n, **self._options)

    def get_batch_results(self) -> list[npt.NDArray[Any]]:
        return [] if self._batch is None else [hits.ids for hits in self._batch]

    def get_memory_usage(self) -> float:
        """The collection's in the server, in KiB; 0 before there is one."""
        try:
            memory = self._client.get_collection(_COLLECTION).memory
        except kith.NotFound:
            return 0.0
        return float(sum(getattr(memory, part) for part in _MEMORY_PARTS)) / 1024

    def done(self) -> None:
        self._drop()
        self._client.close()

    def _drop(self) -> None:
        with contextlib.suppress(kith.NotFound):
            self._client.delete_collection(_COLLECTION)

    def __str__(self) -> str:
        return self.name
