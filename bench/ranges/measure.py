#!/usr/bin/env python3
"""Fills a collection and measures ranges and deep answers; called by run.sh, which says what and why."""

import argparse
import json
import pathlib
import time

import numpy as np

import kith

COLLECTION = "ranges"
NEIGHBOURS = (10, 100, 1000, 10_000)
CALL = 10_000
LIMIT_MAX = 10_000


def read_u8bin(path: pathlib.Path) -> np.ndarray:
    count, dimension = np.fromfile(path, "<u4", 2)
    return np.memmap(path, np.uint8, "r", 8, (int(count), int(dimension)))


def fill(client: kith.Client, base: np.ndarray) -> None:
    client.create_collection(COLLECTION, base.shape[1], "l2", "u8")
    for begin in range(0, len(base), CALL):
        end = min(len(base), begin + CALL)
        client.upsert(COLLECTION, np.arange(begin, end, dtype=np.uint64), base[begin:end],
                      priority="import", timeout_s=600)
    client.wait(client.train_index(COLLECTION).id, timeout_s=3600)


def measure_range(client: kith.Client, query: np.ndarray, true: list[kith.Hit],
                  k: int) -> dict[str, float]:
    """The range whose border is the k-th true neighbour: what is found of it."""
    border = true[k - 1].score
    wanted = sum(hit.score <= border for hit in true)  # of those as far as the k-th, those known
    begun = time.perf_counter()
    page = client.search(COLLECTION, query, max_distance=border, limit=LIMIT_MAX, explain=True,
                         timeout_s=60)
    took = time.perf_counter() - begun
    told = page.explanation
    return {"found": min(len(page.hits), wanted) / wanted, "rounds": told.range_rounds,
            "lists": told.nprobe, "ms": took * 1000}


def measure_depth(client: kith.Client, query: np.ndarray, true: list[kith.Hit],
                  k: int) -> dict[str, float]:
    """One answer of k under the lists of ten, and with two, four, eight and sixteen times as many;
    the first k of pages that are to hold k."""
    truth = {hit.id for hit in true[:k]}

    def recall(**options: int) -> tuple[float, int]:
        found = client.search(COLLECTION, query, limit=k, timeout_s=60, explain=True, **options)
        return len(truth & {hit.id for hit in found.hits}) / k, found.explanation.nprobe

    plain, lists = recall()
    paged, paged_lists = recall(page_depth=k)
    more = {f"recall_{times}x": recall(nprobe=times * lists)[0] for times in (2, 4, 8, 16)}
    return {"lists_of_ten": lists, "recall": plain, "paged_recall": paged,
            "paged_lists": paged_lists} | more


def mean(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(float(np.mean([row[name] for row in rows])), 4) for name in rows[0]}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--json", type=pathlib.Path, required=True)
    parser.add_argument("--queries", type=int, required=True)
    arguments = parser.parse_args()
    base = read_u8bin(arguments.data / "sift1m.base.u8bin")
    queries = np.array(read_u8bin(arguments.data / "sift1m.query.u8bin")[:arguments.queries])
    rows = []
    with kith.Client(arguments.endpoint) as client:
        fill(client, base)
        truths = [client.search(COLLECTION, query, limit=LIMIT_MAX, exact=True, timeout_s=60).hits
                  for query in queries]
        for k in NEIGHBOURS:
            pairs = list(zip(queries, truths))
            rows.append({"neighbours": k}
                        | mean([measure_range(client, query, true, k) for query, true in pairs])
                        | mean([measure_depth(client, query, true, k) for query, true in pairs]))
            print(json.dumps(rows[-1]), flush=True)
    arguments.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
