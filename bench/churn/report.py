#!/usr/bin/env python3
"""Puts the files of a run together: what ten turnovers cost.

    bench/churn/report.py WORK --json FILE     (called by run.sh)
"""

import argparse
import json
import pathlib
import statistics

P99_RATIO_MAX = 1.2
RECALL_DIFFERENCE_MAX = 0.005


def runs(work: pathlib.Path, name: str) -> list[dict]:
    return [json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(work.glob(f"{name}-[0-9]*.json"))]


def number(work: pathlib.Path, name: str) -> float:
    return float((work / name).read_text(encoding="utf-8"))


def side(work: pathlib.Path, name: str) -> dict:
    """Medians over the turns, and the bytes."""
    turns = runs(work, name)
    figures = {key: statistics.median(run[key] for run in turns)
               for key in ("recall", "p50_ms", "p99_ms", "qps")}
    for part in ("memory", "disk", "rows", "state", "segments"):
        figures[f"{part}_bytes"] = int(number(work, f"{name}-{part}"))
    collection = json.loads((work / f"{name}-collection.json").read_text(encoding="utf-8"))
    # What the collection takes by its own account, without the buffers of the state database.
    figures["index_memory_bytes"] = sum(collection["memory"].values())
    figures["upkeep"] = json.loads((work / f"{name}-metrics.json").read_text(encoding="utf-8"))
    return figures


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--json", required=True)
    arguments = parser.parse_args()
    work = arguments.work
    churned, fresh = side(work, "churned"), side(work, "fresh")
    rounds, during = runs(work, "round"), runs(work, "during")
    failed = work / "failed"
    report = {
        "points": rounds[0]["written"],
        "rounds": len(rounds),
        "churn_s": number(work, "churn_s"),
        "updates_per_s": statistics.median(run["rows_per_s"] for run in rounds),
        "failed_search_runs": len(failed.read_text().splitlines()) if failed.exists() else 0,
        "during": {"runs": len(during),
                   "p50_ms": statistics.median(run["p50_ms"] for run in during),
                   "p99_ms": statistics.median(run["p99_ms"] for run in during)},
        "churned": churned,
        "fresh": fresh,
        "p99_ratio": churned["p99_ms"] / fresh["p99_ms"],
        "p50_ratio": churned["p50_ms"] / fresh["p50_ms"],
        "recall_difference": fresh["recall"] - churned["recall"],
    }
    for part in ("index_memory", "memory", "disk", "rows", "state", "segments"):
        report[f"{part}_ratio"] = churned[f"{part}_bytes"] / fresh[f"{part}_bytes"]
    report["within_targets"] = (report["p99_ratio"] <= P99_RATIO_MAX
                                and report["recall_difference"] <= RECALL_DIFFERENCE_MAX
                                and report["failed_search_runs"] == 0)
    text = json.dumps(report, indent=2) + "\n"
    pathlib.Path(arguments.json).write_text(text, encoding="utf-8")
    print(text)
    return 0 if report["within_targets"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
