#!/usr/bin/env python3
"""Runs the mixture against a server and watches its memory. Called by run.sh, which says what comes out."""

import argparse
import collections
import json
import pathlib
import random
import sys
import threading
import time

import kith
import mixture
import numpy as np
import picture
from watched import directory_bytes, metrics_of

CALLERS = 8
SAMPLE_S = 5
PASSING = {"OVERLOADED", "DEADLINE", "DeadlineExceeded"}   # a machine that is busy; nothing is lost by them
GROWTH_MAX = 0.01


def made(path: str) -> np.ndarray:
    count, dimension = np.fromfile(path, np.uint32, 2)
    return np.fromfile(path, np.float32, offset=8).reshape(count, dimension)


def prepare(given: argparse.Namespace) -> mixture.Stored:
    stored = mixture.Stored(made(given.made + ".base.fbin"))
    everything = range(len(stored.vectors))
    with kith.Client(given.endpoint) as client:
        client.create_collection(mixture.NAME, stored.vectors.shape[1], "l2", "f32",
                                 payload_fields=mixture.FIELDS)
        client.upsert(mixture.NAME, everything, stored.vectors,
                      [json.dumps(stored.payloads[i]).encode() for i in everything], timeout_s=3600)
        client.wait(client.train_index(mixture.NAME).id, timeout_s=3600)
    return stored


class Process:
    """What the kernel and the server's own metrics say of it."""

    METRICS = ("kith_node_points", "kith_shard_dead_rows", "kith_index_segments", "kith_wal_bytes",
               "kith_reclaimed_bytes_total", "kith_moved_rows_total")

    def __init__(self, given: argparse.Namespace):
        self._folder = pathlib.Path(f"/proc/{given.pid}")
        self._http, self._data = given.http, given.data

    def _metrics(self) -> dict[str, float]:
        sums: dict[str, float] = collections.defaultdict(float)
        for name, value in metrics_of(self._http).items():
            if name.split("{")[0] in self.METRICS:
                sums[name.split("{")[0]] += value
            elif name.startswith("kith_store_memory_bytes"):
                sums[name] += value
            elif name.startswith("kith_allocator_bytes"):
                sums["allocated" if "used" in name else "free"] = value
        return dict(sums)

    def sample(self) -> dict:
        found = {line.split(":")[0]: int(line.split()[1]) << 10 for line in
                 (self._folder / "smaps_rollup").read_text().splitlines() if line.endswith(" kB")}
        status = (self._folder / "status").read_text()
        return {"resident": found["Rss"], "anonymous": found["Anonymous"],
                "threads": int(status.split("Threads:")[1].split()[0]),
                "files": len(list((self._folder / "fd").iterdir())),
                "disk": directory_bytes(self._data), **self._metrics()}


def name_of(error: BaseException) -> str:
    if isinstance(error, kith.KithError):
        return error.reason or type(error).__name__
    return f"{type(error).__name__}: {error}"[:200]


class Drive(threading.Thread):
    """One caller: kinds drawn by their rates, at times drawn ahead, whatever the answers take; what could not
    be begun within a second of its time is left out, so that a slow machine is not pursued for ever."""

    def __init__(self, caller: mixture.Caller, tally: mixture.Tally, end: float, pace: float):
        super().__init__()
        self._caller, self._tally, self._end = caller, tally, end
        self._kinds = list(mixture.RATES)
        self._weights = [mixture.RATES[kind][1] * pace / CALLERS for kind in self._kinds]
        self._chance = random.Random(caller.own.start + 1)
        self.left_out = 0

    def run(self) -> None:
        due = time.monotonic()
        while due < self._end:
            due += self._chance.expovariate(sum(self._weights))
            late = time.monotonic() - due
            if late > 1:
                self.left_out += 1
                continue
            if late < 0:
                time.sleep(-late)
            self._call(self._chance.choices(self._kinds, self._weights)[0])

    def _call(self, kind: str) -> None:
        begin, error = time.monotonic(), ""
        try:
            mixture.RATES[kind][0](self._caller)
        except Exception as failure:  # whatever it is belongs in the report
            error = name_of(failure)
        self._tally.note(kind, time.monotonic() - begin, error)


def lost(given: argparse.Namespace, stored: mixture.Stored) -> list[int]:
    """Ids whose stored point is not what the last acknowledged write left."""
    wrong = []
    with kith.Client(given.endpoint) as client:
        for begin in range(0, len(stored.vectors), 1000):
            ids = [i for i in range(begin, min(begin + 1000, len(stored.vectors)))
                   if i not in stored.unknown]
            found = client.get_points(mixture.NAME, ids, with_vector=True, with_payload=True)
            wrong.extend(found.missing)
            for point in found.points:
                kept = json.loads(point.payload)
                kept.pop("mark", None)      # of marks that a failed call left
                if kept != stored.payloads[point.id] or \
                        not np.array_equal(point.vector, stored.vectors[stored.row_of[point.id]]):
                    wrong.append(point.id)
    return wrong


def trends(samples: list[dict], seconds: float) -> dict:
    """How what is resident changes from the first sixth of the time to its end, as a share of its mean: the
    slope of the line through it, plain and with what the server itself says of its buffers and of dead rows taken
    out, which rise and fall with every flush and merge and hide a slow change."""
    kept = [s for s in samples if s["t_s"] >= seconds / 6]
    times = np.array([s["t_s"] for s in kept])
    swings = np.array([[sum(v for k, v in s.items() if k.startswith("kith_store_memory")),
                        s["kith_shard_dead_rows"]] for s in kept])
    found = {}
    for what in ("resident", "anonymous", "allocated"):
        bytes_ = np.array([s[what] for s in kept], float)
        for name, beside in (("growth", swings[:, :0]), ("growth_beside_swings", swings)):
            terms = np.column_stack([np.ones_like(times), times, beside])
            slope = np.linalg.lstsq(terms, bytes_, rcond=None)[0][1]
            found[f"{what}_{name}"] = round(slope * np.ptp(times) / bytes_.mean(), 4)
        found[f"{what}_swing"] = round(bytes_.std() / bytes_.mean(), 4)
    return found


def soak(given: argparse.Namespace) -> dict:
    stored = prepare(given)
    queries, seconds = made(given.made + ".query.fbin"), given.minutes * 60
    share = len(stored.vectors) // CALLERS
    tally, process, begin = mixture.Tally(), Process(given), time.monotonic()
    drives = [Drive(mixture.Caller(given.endpoint, given.http, stored, queries,
                                   range(i * share, (i + 1) * share)),
                    tally, begin + seconds, given.pace) for i in range(CALLERS)]
    for drive in drives:
        drive.start()
    samples = []
    while time.monotonic() < begin + seconds:
        samples.append({"t_s": round(time.monotonic() - begin, 1), **process.sample()})
        time.sleep(SAMPLE_S)
    for drive in drives:
        drive.join()
    wrong = lost(given, stored)
    return {"minutes": given.minutes, "points": len(stored.vectors), "pace": given.pace,
            **trends(samples, seconds),
            "lost": len(wrong), "lost_ids": wrong[:20], "unknown": len(stored.unknown),
            "left_out": sum(drive.left_out for drive in drives),
            "kinds": tally.report(), "samples": samples}


def failures(report: dict) -> list[str]:
    said = [f"{kind}: {count} x {name}" for kind, figures in report["kinds"].items()
            for name, count in figures["errors"].items() if name not in PASSING]
    if report["resident_growth_beside_swings"] > GROWTH_MAX:
        said.append(f"memory grew by {report['resident_growth_beside_swings']:.2%}")
    if report["lost"]:
        said.append(f"{report['lost']} points are not as they were written: {report['lost_ids']}")
    return said


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--json", "--endpoint", "--http", "--made", "--data"):
        parser.add_argument(name, required=True)
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--pace", type=float, required=True)
    parser.add_argument("--plot")
    given = parser.parse_args()
    report = soak(given)
    pathlib.Path(given.json).write_text(json.dumps(report, indent=1), encoding="utf-8")
    if given.plot:
        pathlib.Path(given.plot).write_text(picture.draw(report), encoding="utf-8")
    print(json.dumps({key: value for key, value in report.items() if key != "samples"}, indent=1))
    said = failures(report)
    for line in said:
        print(line, file=sys.stderr)
    sys.exit(1 if said else 0)


if __name__ == "__main__":
    main()
