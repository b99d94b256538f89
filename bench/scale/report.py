"""The result of a run as JSON and as a page of Markdown."""

import argparse
import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def _cpu() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return "unknown"


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def machine() -> dict:
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"],
                            capture_output=True, text=True, check=False).stdout.strip()
    return {"cpu": _cpu(), "cores": os.cpu_count(), "memory_bytes": _memory_bytes(),
            "kernel": os.uname().release, "load_average": os.getloadavg()[0],
            "commit": commit or "unknown"}


def summary(state: dict, options: argparse.Namespace) -> dict:
    stages = state["stages"]
    points = options.points
    served = stages["load"]["result"]
    empty = stages["plan"]["result"]["empty"]
    seconds = {name: stage["seconds"] for name, stage in stages.items()}
    return {
        "points": points, "dim": options.dim, "dtype": options.dtype, "metric": options.metric,
        "generated": options.base is None,
        "runs": state["runs"],
        "seconds": seconds,
        "import_rows_per_s": points / max(seconds["import"], 1e-9),
        "truth_rows_per_s": points / max(seconds["truth"], 1e-9),
        "train_rows_per_s": points / max(seconds["train"], 1e-9),
        "restart_ready_s": stages["restart"]["result"]["ready_s"],
        "memory_ceiling_bytes": int(options.memory_gib * 2**30),
        "memory_serving": served["memory"],
        "memory_empty": empty,
        # What the process has more than an empty one has.
        "bytes_per_vector_memory": (served["memory"]["resident"] - empty["resident"]) / points,
        "bytes_per_vector_anonymous": (served["memory"]["anonymous"] - empty["anonymous"]) / points,
        "disk_bytes": served["disk_bytes"],
        "bytes_per_vector_disk": served["disk_bytes"] / points,
        "peaks": state["peaks"],
        "planned": {name: stages["plan"]["result"].get(name)
                    for name in ("lists", "subspaces", "steady_bytes", "disk_bytes",
                                 "retrain_peak_bytes")},
        "recall": stages["recall"]["result"]["rows"],
        "load_peak": served["peak"],
        "load_half": served["half"],
        "load_writes": served.get("writes"),
        "machine": machine(),
    }


def _giga(value: float) -> str:
    return f"{value / 1e9:.2f} GB"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def _phases(found: dict) -> str:
    seconds = found["seconds"]
    rows = [["truth of the queries", f"{seconds['truth']:.1f}", f"{found['truth_rows_per_s']:,.0f}"],
            ["import", f"{seconds['import']:.1f}", f"{found['import_rows_per_s']:,.0f}"],
            ["training to serving", f"{seconds['train']:.1f}", f"{found['train_rows_per_s']:,.0f}"],
            ["restart to ready", f"{found['restart_ready_s']:.1f}", ""]]
    return _table(["phase", "seconds", "rows/s"], rows)


def _bytes(found: dict) -> str:
    peaks, memory = found["peaks"], found["memory_serving"]

    def row(name: str, value: float, vector: float, peak: str) -> list[str]:
        return [name, _giga(value), f"{vector:.1f}", _giga(peaks.get(peak, 0))]

    return _table(["what", "after the queries", "bytes a vector", "peak of all phases"], [
        row("memory, the process' own (anonymous)", memory["anonymous"],
            found["bytes_per_vector_anonymous"], "anonymous_bytes"),
        row("memory, with the mapped bytes it touched", memory["resident"],
            found["bytes_per_vector_memory"], "resident_bytes"),
        row("disk", found["disk_bytes"], found["bytes_per_vector_disk"], "disk_bytes")])


def _recall(found: dict) -> str:
    rows = []
    for one in found["recall"]:
        reached = "" if one.get("target_reached", True) else " (not reached)"
        rows.append([f"{one['target_recall']:g}{reached}", f"{one['recall']:.4f}",
                     f"{one['qps']:,.0f}", f"{one['p50_ms']:.3f} / {one['p99_ms']:.3f}",
                     f"{one['nprobe']:.1f}", f"{100 * one['scanned_share']:.2f}%",
                     f"{one['refined']:.0f} / {one['reranked']:.0f}"])
    return _table(["target", "recall@10", "queries/s", "p50 / p99, ms", "nprobe", "scanned",
                   "refined / re-ranked"], rows)


def _of_kind(load: dict, kind: dict) -> dict:
    return {"offered_rate": load["offered_rate"] * kind["share"], "achieved_rate": kind["calls_per_s"],
            "latency_ms": kind["latency_ms"], "recall": kind.get("recall"),
            "failed": kind["failed"] + kind["unsent"], "client_lag_ms": load["client_lag_ms"]}


def _load(found: dict) -> str:
    rows = []
    loads = [("closed loop of 4", found["load_peak"]), ("open loop, half", found["load_half"])]
    if found["load_writes"]:
        loads += [(f"the same beside writes: {kind['kind']}", _of_kind(found["load_writes"], kind))
                  for kind in found["load_writes"]["kinds"]]
    for name, one in loads:
        latency = one["latency_ms"]
        rows.append([name, f"{one['offered_rate']:,.0f}" if one["offered_rate"] else "",
                     f"{one['achieved_rate']:,.0f}", f"{latency['p50']:.3f}", f"{latency['p99']:.3f}",
                     f"{latency['p99_9']:.3f}", f"{latency['max']:.1f}",
                     "" if one["recall"] is None else f"{one['recall']:.4f}",
                     f"{one['failed']}", f"{one['client_lag_ms']['p99']:.3f}"])
    return _table(["load", "asked/s", "answered/s", "p50 ms", "p99", "p99.9", "max", "recall@10",
                   "failed", "client late p99, ms"], rows)


def page(found: dict) -> str:
    host = found["machine"]
    origin = "drawn by `kith dataset make`" if found["generated"] else "given"
    ceiling = found["memory_ceiling_bytes"]
    return "\n".join([
        f"# {found['points']:,} x {found['dim']} {found['dtype']}, {found['metric']}\n",
        f"`bench/scale/run.sh --points {found['points']} --dim {found['dim']} --dtype "
        f"{found['dtype']}`: vectors {origin}; {host['cores']} cores of {host['cpu']}, "
        f"{host['memory_bytes'] / 2**30:.0f} GiB, commit {host['commit']}, load average at the end "
        f"{host['load_average']:.2f}; {found['runs']} run(s); memory ceiling "
        f"{_giga(ceiling) if ceiling else 'none'}.\n",
        _phases(found), _bytes(found), _recall(found), _load(found)])


def write(state: dict, options: argparse.Namespace) -> None:
    found = summary(state, options)
    options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    markdown = options.json.with_suffix(".md")
    markdown.write_text(page(found), encoding="utf-8")
    print(page(found))
    print(f"scale: {options.json} and {markdown}")
