#!/usr/bin/env python3
"""Offers a server ever more, then three times its peak for a while. Called by run.sh, which says what
comes out."""

import argparse
import json
import os
import pathlib
import subprocess
import threading
import time

import analysis
import picture
from watched import metrics_of

STEP_S = 8
CALM_S = 8          # of the steady load before the overload
AFTER_S = 20        # and after it
ONSET_S = 2         # of the overload, that its figures leave out; the rows have it
STEADY, BURST = 0.5, 2.5
DEADLINE_MS = 2000
WARMUP_S = 1


class Loads:
    """`kith bench load`, with what all of its runs have in common."""

    def __init__(self, given: argparse.Namespace):
        self._given = given
        self._work = pathlib.Path(given.work)

    def start(self, name: str, duration_s: float, *more: str) -> subprocess.Popen:
        return subprocess.Popen(
            [os.environ["KITH_BIN"], "bench", "load", "--endpoint", self._given.endpoint,
             "--collection", "busy", "--queries", self._given.queries, "--nprobe",
             str(self._given.nprobe), "--min-coverage", "1", "--connections", "4", "--deadline-ms", str(DEADLINE_MS),
             "--warmup", str(WARMUP_S), "--duration", str(duration_s), "--json",
             str(self._work / f"{name}.json"), *more],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def end(self, name: str, load: subprocess.Popen) -> dict:
        _, said = load.communicate(timeout=600)
        if load.returncode != 0:
            raise SystemExit(f"{name}: {said.decode()}")
        return json.loads((self._work / f"{name}.json").read_text(encoding="utf-8"))

    def run(self, name: str, duration_s: float, *more: str) -> dict:
        return self.end(name, self.start(name, duration_s, *more))


class Watch(threading.Thread):
    """The queue's figures from /metrics, four times a second."""

    NAMES = ("kith_search_queue_wait_seconds", "kith_search_concurrency_limit",
             "kith_search_overloaded", "kith_search_queue_length", "kith_search_refused_total",
             "kith_search_throttled_total")
    # What the answered ones waited for a thread: seconds together, and how many they were.
    WAITED = tuple(f'kith_search_stage_duration_seconds_{what}{{stage="queue"}}' for what in ("sum", "count"))

    def __init__(self, address: str):
        super().__init__(daemon=True)
        self._address = address
        self._ended = threading.Event()
        self.samples: list[dict] = []

    def read(self) -> dict:
        return {name: value for name, value in metrics_of(self._address).items()
                if name.split("{")[0] in self.NAMES or name in self.WAITED}

    def run(self) -> None:
        while not self._ended.wait(0.25):
            self.samples.append(self.read())

    def end(self) -> dict:
        """The medians of the gauges, and by how much the counters grew."""
        self._ended.set()
        self.join()
        figures = {}
        for name in self.samples[-1]:
            values = [sample[name] for sample in self.samples if name in sample]
            grown = values[-1] - values[0]
            is_counter = "_total" in name or name in self.WAITED
            figures[name] = grown if is_counter else analysis.median(values)
        waited_s, answered = (figures.pop(name) for name in self.WAITED)
        figures["waited_ms_mean"] = 1000 * waited_s / max(1.0, answered)
        return figures


def series_of(result: dict, begin_s: float) -> list[dict]:
    """The intervals of a load, on the clock that begin_s, the start of what it counts, is of."""
    series = result["kinds"][0]["series"]
    span = series[1]["t_s"] - series[0]["t_s"]
    return [{**row, "t_s": row["t_s"] + begin_s, "span_s": span} for row in series]


def row_of(result: dict, rate: float | None) -> dict:
    return {"offered_qps": rate, "goodput_qps": result["achieved_rate"], "due": result["due"],
            "refused": result["failed"], "p50_ms": result["latency_ms"]["p50"],
            "p99_ms": result["latency_ms"]["p99"], "client_cores": result["client_cores"],
            "client_lag_p99_ms": result["client_lag_ms"]["p99"],
            "client_kept_schedule": result["client_kept_schedule"]}


def climb(loads: Loads, guess: float) -> list[dict]:
    """Ever higher rates, until one cannot be answered."""
    ladder: list[dict] = []
    while (rate := analysis.next_rate(guess, ladder)) is not None:
        step(loads, rate, ladder)
    while (rate := analysis.finer_rate(ladder)) is not None:
        step(loads, rate, ladder)
    return ladder


def step(loads: Loads, rate: float, ladder: list[dict]) -> None:
    ladder.append(row_of(loads.run(f"ladder-{len(ladder)}", STEP_S, "--rate", str(rate)), rate))
    print(json.dumps(ladder[-1]), flush=True)


def overload(loads: Loads, peak: float, given: argparse.Namespace) -> dict:
    """The steady load throughout, the burst in the middle. Times count from the end of the steady
    load's warm-up."""
    total_s = CALM_S + given.seconds + AFTER_S
    began = time.monotonic() + WARMUP_S
    steady = loads.start("steady", total_s, "--rate", str(STEADY * peak))
    time.sleep(max(0.0, began + CALM_S - WARMUP_S - time.monotonic()))
    watch = Watch(given.http)
    burst_began = time.monotonic() - began
    burst = loads.start("burst", given.seconds - WARMUP_S, "--rate", str(BURST * peak))
    time.sleep(ONSET_S)
    watch.start()
    burst_result = loads.end("burst", burst)
    burst_ended = time.monotonic() - began
    figures = watch.end()
    steady_result = loads.end("steady", steady)
    return {"steady": series_of(steady_result, 0),
            "burst": series_of(burst_result, burst_began + WARMUP_S),
            "began_s": burst_began, "ended_s": burst_ended, "burst_result": burst_result,
            "steady_result": steady_result, "figures": figures}


def summed(run: dict, ladder: list[dict]) -> dict:
    peak, normal = analysis.peak_of(ladder), analysis.normal_of(ladder)
    begin, end = run["began_s"] + ONSET_S, run["ended_s"] - 0.5
    steady, burst = (analysis.within(run[name], begin, end) for name in ("steady", "burst"))
    goodput = analysis.answered_a_second(steady) + analysis.answered_a_second(burst)
    p99 = max(run["burst_result"]["latency_ms"]["p99"],
              analysis.median([row["p99_ms"] for row in steady]))
    offered = sum((row["answered"] + row["failed"]) / row["span_s"] / len(rows)
                  for rows in (steady, burst) for row in rows)
    errors = {}
    for result in (run["burst_result"], run["steady_result"]):
        for error in result["kinds"][0]["errors"]:
            name = f"{error['code']} {error['reason']}".strip()
            errors[name] = errors.get(name, 0) + error["count"]
    return {"peak_qps": peak, "goodput_qps": goodput, "goodput_ratio": goodput / peak,
            "offered_qps": offered, "normal_p99_ms": normal["p99_ms"], "p99_ms": p99,
            "p99_ratio": p99 / normal["p99_ms"],
            "client_cores": sum(run[name]["client_cores"] for name in ("burst_result", "steady_result")),
            "client_lag_p99_ms": max(run[name]["client_lag_ms"]["p99"]
                                     for name in ("burst_result", "steady_result")),
            "recovery_s": analysis.recovery_s(run["steady"], run["began_s"], run["ended_s"]),
            "errors": errors}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("json", "work", "endpoint", "http", "queries", "cores"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--plot")
    parser.add_argument("--nprobe", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    given = parser.parse_args()
    loads = Loads(given)
    loads.run("warm", 2, "--closed", "2")
    closed = loads.run("closed", STEP_S, "--closed", "4")
    ladder = climb(loads, closed["achieved_rate"])
    run = overload(loads, analysis.peak_of(ladder), given)
    report = {**summed(run, ladder), "nprobe": given.nprobe, "cores": given.cores,
              "overload": {"began_s": run["began_s"], "ended_s": run["ended_s"]},
              "refused": run["figures"], "closed_loop_of_4": row_of(closed, None),
              "ladder": ladder, "rows": analysis.rows_over_time(run["steady"], run["burst"]),
              "machine": closed["machine"]}
    report["within_targets"] = analysis.verdict(report)
    pathlib.Path(given.json).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if given.plot:
        pathlib.Path(given.plot).write_text(picture.draw(report), encoding="utf-8")
    print(json.dumps({key: value for key, value in report.items() if key != "rows"}, indent=2))
    return 0 if report["within_targets"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
