#!/usr/bin/env python3
"""Waits until upkeep has been quiet for so many seconds, then writes what it did.

    bench/churn/metrics.py HTTP_PORT --out FILE --quiet-s S     (called by run.sh)
"""

import argparse
import json
import time

from watched import metrics_of

WATCHED = ["kith_shard_dead_rows", "kith_index_segments", "kith_reclaimed_bytes_total",
           "kith_moved_rows_total", "kith_compactions_total", "kith_compacted_rows_total",
           "kith_compaction_seconds_total"]
LONGEST_S = 300


def scrape(port: int) -> dict[str, float]:
    found = metrics_of(f"127.0.0.1:{port}")
    return {name: found[name] for name in WATCHED if name in found}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--out", required=True)
    parser.add_argument("--quiet-s", type=float, required=True)
    arguments = parser.parse_args()
    begun = changed = time.monotonic()
    last = scrape(arguments.port)
    while time.monotonic() - changed < arguments.quiet_s:
        if time.monotonic() - begun > LONGEST_S:
            raise SystemExit(f"upkeep is not quiet after {LONGEST_S} s: {last}")
        time.sleep(0.5)
        now = scrape(arguments.port)
        if now != last:
            changed = time.monotonic()
        last = now
    last["waited_s"] = changed - begun
    with open(arguments.out, "w", encoding="utf-8") as out:
        json.dump(last, out, indent=2)


if __name__ == "__main__":
    main()
