#!/usr/bin/env python3
"""Other libraries on the same card, over the points that the engine was measured with.

    bench/gpu/peers.py --data DIR --json FILE

DIR is what `kith_gpu_bench --parts recall --peers-folder DIR` left: base.f32 and queries.f32 (rows of 96
floats), truth.u32 (ten row numbers a query), kith.tsv (lists probed, recall, queries a second, lists, bytes a vector
on the card).
FAISS (IVF with product or scalar quantization, with and without exact ranks of its candidates) and cuVS
(IVF-PQ) are trained on the same points with as many lists, asked the same queries in batches of all of them,
and compared where they reach the same recall in at most as much of the card's memory for codes. What cannot be
imported or does not run is named as not run. Needs numpy, and what it compares with.
"""

import argparse
import json
import pathlib
import time

DIMENSION = 96
NEIGHBOURS = 10
RECALLS = (0.90, 0.95)
SECONDS = 2.0  # of each setting, at least
LISTS = (4, 8, 16, 32, 64, 128, 256)
CANDIDATES = 40  # ranked exactly, where they are: as many as the engine does


def rate_at(curve: list[dict], recall: float) -> float | None:
    """Queries a second where a curve of (recall, qps) reaches this recall, between its points by their recall.
    None where it never does."""
    points = sorted((point["recall"], point["qps"]) for point in curve)
    above = [qps for reached, qps in points if reached >= recall]
    if not above:
        return None
    best = max(above)
    for (low, low_qps), (high, high_qps) in zip(points, points[1:]):
        if low < recall <= high:
            share = (recall - low) / (high - low)
            best = max(best, low_qps + share * (high_qps - low_qps))
    return best


def compare(kith: list[dict], peers: list[dict]) -> list[dict]:
    """Of each peer at each recall: its rate, that of the engine, and how many times that is its."""
    rows = []
    for recall in RECALLS:
        ours = rate_at(kith, recall)
        for peer in peers:
            theirs = rate_at(peer["curve"], recall)
            ratio = ours / theirs if ours and theirs else None
            rows.append({"recall": recall, "peer": peer["name"], "bytes": peer["bytes"], "qps": theirs,
                         "kith_qps": ours, "kith_is_times": ratio})
    return rows


class Kith:
    """What the engine reached, and with what."""

    def __init__(self, folder: pathlib.Path):
        rows = [line.split("\t") for line in (folder / "kith.tsv").read_text().splitlines()]
        self.curve = [{"lists": int(row[0]), "recall": float(row[1]), "qps": float(row[2])} for row in rows]
        self.lists = int(rows[0][3])
        self.vector_bytes = float(rows[0][4])


class Data:
    def __init__(self, folder: pathlib.Path, lists: int):
        import numpy as np  # not needed to compare

        self.base = np.fromfile(folder / "base.f32", dtype="<f4").reshape(-1, DIMENSION)
        self.queries = np.fromfile(folder / "queries.f32", dtype="<f4").reshape(-1, DIMENSION)
        self.truth = np.fromfile(folder / "truth.u32", dtype="<u4").reshape(-1, NEIGHBOURS)
        self.lists = lists

    def recall(self, ids) -> float:
        found = sum(len(set(row[:NEIGHBOURS]) & set(true)) for row, true in zip(ids.tolist(), self.truth.tolist()))
        return found / self.truth.size


def measured(data: Data, search) -> dict:
    """Recall and rate of search(queries) -> ids on the host."""
    ids = search(data.queries)  # and the first one warms up
    rounds = 0
    begin = time.perf_counter()
    while time.perf_counter() - begin < SECONDS:
        search(data.queries)
        rounds += 1
    qps = rounds * len(data.queries) / (time.perf_counter() - begin)
    return {"recall": data.recall(ids), "qps": qps}


def on_card(faiss, index):
    """The index on card 0; as it is where this FAISS is built without cards, which is said in the name."""
    if not hasattr(faiss, "StandardGpuResources"):
        return index
    options = faiss.GpuClonerOptions()
    options.useFloat16 = True  # tables of 96 sub-quantizers fit shared memory only so
    return faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, index, options)


def faiss_peers(data: Data, most_bytes: float) -> list[dict]:
    import faiss

    suffix = "" if hasattr(faiss, "StandardGpuResources") else " on the processor (no GPU in this build)"
    coarse = faiss.IndexFlatL2(DIMENSION)
    kinds = {
        f"FAISS IVF-PQ{size}": (size + 8, lambda size=size: faiss.IndexIVFPQ(
            coarse, DIMENSION, data.lists, size, 8)) for size in (24, 48, 96)
    }
    kinds["FAISS IVF-SQ8"] = (DIMENSION + 8, lambda: faiss.IndexIVFScalarQuantizer(
        coarse, DIMENSION, data.lists, faiss.ScalarQuantizer.QT_8bit))
    peers = []
    for name, (vector_bytes, make) in kinds.items():
        if vector_bytes > most_bytes:
            continue
        index = on_card(faiss, make())
        index.train(data.base[: 256 * data.lists])
        for begin in range(0, len(data.base), 1_000_000):
            index.add(data.base[begin : begin + 1_000_000])
        exact = faiss.IndexRefineFlat(index, faiss.swig_ptr(data.base))
        exact.k_factor = CANDIDATES / NEIGHBOURS
        for label, searched in ((name, index), (f"{name}, {CANDIDATES} ranked exactly by the host", exact)):
            curve = []
            for lists in LISTS:
                index.nprobe = min(lists, data.lists)
                curve.append({"lists": lists, **measured(data, lambda q: searched.search(q, NEIGHBOURS)[1])})
            peers.append({"name": label + suffix, "bytes": vector_bytes, "curve": curve})
    return peers


def cuvs_peers(data: Data, most_bytes: float) -> list[dict]:
    import numpy as np
    from cuvs.neighbors import ivf_pq, refine
    from pylibraft.common import device_ndarray

    base = device_ndarray(data.base)
    peers = []
    for size in (24, 48, 96):
        vector_bytes = size + 8
        if vector_bytes > most_bytes:
            continue
        index = ivf_pq.build(ivf_pq.IndexParams(n_lists=data.lists, pq_dim=size, pq_bits=8), base)

        def ask(queries, params, wanted):
            _, ids = ivf_pq.search(params, index, device_ndarray(queries), wanted)
            return ids.copy_to_host()

        def ask_exactly(queries, params):
            candidates = ask(queries, params, CANDIDATES)
            return np.asarray(refine(data.base, queries, candidates, NEIGHBOURS)[1])

        name = f"cuVS IVF-PQ{size}"
        for label, function in (
            (name, lambda q, p: ask(q, p, NEIGHBOURS)),
            (f"{name}, {CANDIDATES} ranked exactly by the host", ask_exactly),
        ):
            curve = []
            for lists in LISTS:
                params = ivf_pq.SearchParams(n_probes=min(lists, data.lists), lut_dtype=np.float16,
                                             internal_distance_dtype=np.float16)
                curve.append({"lists": lists, **measured(data, lambda q: function(q, params))})
            peers.append({"name": label, "bytes": vector_bytes, "curve": curve})
    return peers


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--json", type=pathlib.Path, required=True)
    options = parser.parse_args()
    kith = Kith(options.data)
    peers: list[dict] = []
    not_run: list[dict] = []
    for name, measure in (("FAISS", faiss_peers), ("cuVS", cuvs_peers)):
        try:
            peers += measure(Data(options.data, kith.lists), kith.vector_bytes)
        except Exception as error:  # a peer may fail in its own ways: the others are measured all the same
            not_run.append({"peer": name, "why": f"{type(error).__name__}: {error}".splitlines()[0]})
    rows = compare(kith.curve, peers)
    options.json.write_text(json.dumps(
        {"kith": kith.curve, "kith_bytes": kith.vector_bytes, "peers": peers, "rows": rows, "not_run": not_run}, indent=1))
    for row in rows:
        rate = f"{row['qps']:.0f}/s" if row["qps"] else "never reached"
        times = f", the engine {row['kith_is_times']:.2f} times that" if row["kith_is_times"] else ""
        print(f"recall {row['recall']:.2f}  {row['peer']}: {rate}{times}")
    for row in not_run:
        print(f"{row['peer']} not run: {row['why']}")
    return 0 if peers else 4


if __name__ == "__main__":
    raise SystemExit(main())
