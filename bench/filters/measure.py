#!/usr/bin/env python3
"""Fills a collection and measures filtered searches; called by run.sh, which says what and why."""

import argparse
import json
import pathlib
import time

import numpy as np

import kith
from kith import filters

COLLECTION = "filters"
SHARES = (0.5, 0.05, 0.005, 0.0005)
CALL = 10_000
FIELDS = {"random": "keyword", "near": "keyword", "number": "integer"}


def read_u8bin(path: pathlib.Path) -> np.ndarray:
    count, dimension = np.fromfile(path, "<u4", 2)
    return np.memmap(path, np.uint8, "r", 8, (int(count), int(dimension)))


def names_of(places: np.ndarray) -> list[list[str]]:
    """For each point the shares whose part it is in: of a million places the first 500,000 are in
    "0.5", the first 50,000 in "0.05" as well."""
    count = len(places)
    return [[str(share) for share in SHARES if place < share * count] for place in places.tolist()]


def fill(client: kith.Client, base: np.ndarray) -> None:
    count, dimension = base.shape
    client.create_collection(COLLECTION, dimension, "l2", "u8", payload_fields=FIELDS)
    places = np.random.default_rng(7).permutation(count)
    random_names = names_of(places)
    # Bands of the distance to one point: what passes lies together.
    far = ((base.astype(np.int32) - base[0].astype(np.int32)) ** 2).sum(axis=1)
    near = np.empty(count, np.int64)
    near[np.argsort(far, kind="stable")] = np.arange(count)
    near_names = names_of(near)
    for begin in range(0, count, CALL):
        end = min(count, begin + CALL)
        payloads = [json.dumps({"random": random_names[i], "near": near_names[i],
                                "number": int(places[i])}).encode() for i in range(begin, end)]
        client.upsert(COLLECTION, np.arange(begin, end, dtype=np.uint64), base[begin:end], payloads,
                      priority="import", timeout_s=600)
    client.wait(client.train_index(COLLECTION).id, timeout_s=3600)


def truths(client: kith.Client, queries: np.ndarray, condition) -> np.ndarray:
    found = client.search_batch(COLLECTION, queries, limit=10, exact=True, filter=condition,
                                timeout_s=3600)
    return ids_of(found, len(queries))


def run(client: kith.Client, queries: np.ndarray, options: dict) -> tuple[np.ndarray, float]:
    begun = time.perf_counter()
    found = client.search_batch(COLLECTION, queries, limit=10, timeout_s=600, **options)
    rate = len(queries) / (time.perf_counter() - begun)
    return ids_of(found, len(queries)), rate


def ids_of(found: kith.BatchResult, queries: int) -> np.ndarray:
    return np.asarray(found.hits.ids).reshape(queries, -1)


def recall(found: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean([len(set(a) & set(b)) / len(b)
                          for a, b in zip(found.tolist(), truth.tolist())]))


def measure(client: kith.Client, queries: np.ndarray, condition, rounds: int,
            unfiltered_truth: np.ndarray) -> dict:
    # The first time: afterwards the shard remembers what passes.
    first = client.search(COLLECTION, queries[0], limit=10, filter=condition, explain=True,
                          timeout_s=60).explanation
    truth = truths(client, queries, condition)
    best, unfiltered = 0.0, 0.0
    found = plain = truth
    for _ in range(rounds):
        plain, rate = run(client, queries, {})
        unfiltered = max(unfiltered, rate)
        found, rate = run(client, queries, {"filter": condition})
        best = max(best, rate)
    return {"recall_at_10": round(recall(found, truth), 4), "qps": round(best, 1),
            "unfiltered_recall_at_10": round(recall(plain, unfiltered_truth), 4),
            "unfiltered_qps": round(unfiltered, 1), "ratio": round(best / unfiltered, 3),
            "strategy": first.strategy, "lists_probed": first.lists_probed,
            "passing": first.filter_points, "first_filter_us": first.shards[0].filter_us}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--json", type=pathlib.Path, required=True)
    parser.add_argument("--queries", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    arguments = parser.parse_args()
    base = read_u8bin(arguments.data / "sift1m.base.u8bin")
    queries = np.array(read_u8bin(arguments.data / "sift1m.query.u8bin")[:arguments.queries])
    rows = []
    with kith.Client(arguments.endpoint) as client:
        fill(client, base)
        unfiltered_truth = truths(client, queries, None)
        for share in SHARES:
            conditions = [(False, "match", filters.match("random", str(share))),
                          (False, "range", filters.between("number", lt=int(share * len(base)))),
                          (True, "match", filters.match("near", str(share)))]
            for correlated, kind, condition in conditions:
                row = {"selectivity": share, "correlated": correlated, "condition": kind}
                rows.append(row | measure(client, queries, condition, arguments.rounds,
                                          unfiltered_truth))
                print(json.dumps(rows[-1]), flush=True)
        memory = client.get_collection(COLLECTION).memory
    print(f"payload index: {memory.payload_index} bytes", flush=True)
    arguments.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
