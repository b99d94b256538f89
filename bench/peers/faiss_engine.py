"""FAISS from its wheel. Calls go to its wrapped C++ search with pointers made beforehand, so that a
call costs no array handling; settings are set on the index, not handed over with every call."""

import functools
import os
import time

import faiss
import numpy as np

K = 10
# Of the coarse centroids' training; FAISS takes 256 points a centroid at most by itself, which is
# all of a million points for 4096 lists, and warns below 39.
POINTS_PER_LIST = 128


def version() -> str:
    return (f"faiss-cpu {faiss.__version__}, compiled for {faiss.get_compile_options().strip()}, "
            f"using {faiss.SIMDConfig.get_level_name()}")


def _as_floats(rows: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(rows, dtype=np.float32)


def _add(index, base: np.ndarray) -> None:
    step = 100_000
    for at in range(0, len(base), step):
        index.add(_as_floats(base[at:at + step]))


def _train_coarse(base: np.ndarray, lists: int) -> np.ndarray:
    kmeans = faiss.Kmeans(base.shape[1], lists, niter=10, seed=1, verbose=False,
                          max_points_per_centroid=POINTS_PER_LIST)
    random = np.random.default_rng(1)
    count = min(len(base), lists * POINTS_PER_LIST)
    rows = np.sort(random.choice(len(base), count, replace=False))
    kmeans.train(_as_floats(base[rows]))
    return kmeans.centroids


def _shared_coarse(base: np.ndarray, lists: int, folder: str) -> tuple[np.ndarray, float]:
    """All inverted files of one size have the same centroids; each counts the time of making them."""
    path = os.path.join(folder, f"faiss-coarse-{lists}.npz")
    if os.path.exists(path):
        kept = np.load(path)
        return kept["centroids"], float(kept["seconds"])
    begin = time.perf_counter()
    centroids = _train_coarse(base, lists)
    seconds = time.perf_counter() - begin
    np.savez(path, centroids=centroids, seconds=seconds)
    return centroids, seconds


def _give_centroids(index, centroids: np.ndarray) -> None:
    base_index = faiss.downcast_index(getattr(index, "base_index", index))
    if isinstance(base_index, faiss.IndexPreTransform):
        transform = faiss.downcast_VectorTransform(base_index.chain.at(0))
        transform.train(centroids)
        centroids = transform.apply(centroids)
    inverted = faiss.extract_index_ivf(index)
    inverted.quantizer.add(centroids)


def build(base: np.ndarray, config: dict, folder: str, threads: int) -> float:
    faiss.omp_set_num_threads(threads)
    index = faiss.index_factory(base.shape[1], config["factory"])
    before = 0.0
    if config["lists"]:
        centroids, before = _shared_coarse(base, config["lists"], config["shared"])
    begin = time.perf_counter()
    if config["lists"]:
        _give_centroids(index, centroids)
    else:
        faiss.downcast_index(index).hnsw.efConstruction = config["ef_construction"]
    if not index.is_trained:
        random = np.random.default_rng(2)
        count = min(len(base), 262_144)
        index.train(_as_floats(base[np.sort(random.choice(len(base), count, replace=False))]))
    _add(index, base)
    seconds = time.perf_counter() - begin
    faiss.write_index(index, os.path.join(folder, "index"))
    return before + seconds


class Engine:
    """One index, opened."""

    def __init__(self, queries: np.ndarray, threads: int, batch: int):
        faiss.omp_set_num_threads(1 if batch == 1 else threads)
        self._queries = _as_floats(queries)
        self._index = None
        self._space = faiss.ParameterSpace()
        self._tiny = faiss.IndexFlatL2(queries.shape[1])
        self._tiny.add(self._queries[:1])
        self._distances = np.empty((max(batch, 1), K), dtype=np.float32)

    @property
    def queries(self) -> np.ndarray:
        return self._queries

    def open(self, folder: str) -> None:
        self._index = faiss.read_index(os.path.join(folder, "index"))

    def set(self, parameters: dict) -> None:
        for name, value in parameters.items():
            if name == "k_factor":
                self._index.k_factor = value
            elif name == "efSearch":
                faiss.downcast_index(self._index).hnsw.efSearch = value
            else:
                faiss.extract_index_ivf(self._index).nprobe = value

    def call(self, rows: np.ndarray, found: np.ndarray, at: int):
        return self._call(self._index, rows, found[at:at + len(rows)])

    def empty_call(self, query: np.ndarray, found: np.ndarray):
        return self._call(self._tiny, query, found)

    def _call(self, index, rows: np.ndarray, found: np.ndarray):
        distances = np.empty((len(rows), K), dtype=np.float32)
        pointers = [faiss.swig_ptr(part) for part in (rows, distances, found)]
        bound = functools.partial(index.search_c, len(rows), pointers[0], K, pointers[1],
                                  pointers[2])
        bound.keep = (rows, distances)
        return bound

    def warm(self, calls: list) -> None:
        for call in calls[:50]:
            call()

    def collect(self, found: np.ndarray) -> None:
        """Everything is there: FAISS wrote it."""
