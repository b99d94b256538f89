#!/usr/bin/env python3
"""Turns the files of a run into summary.md, the tables of docs/benchmarks.md.

    bench/spine/summary.py FOLDER     (called by run.sh)
"""

import json
import pathlib
import platform
import re
import subprocess
import sys

# What the profile of a write is told by: a name for the reader, the function that stands for it.
# Shares include what a function calls; "of it" marks a part of the line above.
WRITE_PARTS = [
    ("the writer thread", "kith::shard::Writer::Process"),
    ("of it: admit (look the ids up, resolve)", "kith::shard::Writer::Admit"),
    ("of it: log (append and sync)", "kith::shard::Writer::Log"),
    ("of it: apply, rows into the row file and the batch", "kith::shard::Applier::Add"),
    ("of it: apply, the batch into RocksDB's memtables", "kith::shard::Applier::Commit"),
    ("flushes of memtables", "rocksdb::FlushJob::WriteLevel0Table"),
    ("compactions", "rocksdb::CompactionJob::Run"),
    ("gRPC, decoding, validation, routing", "kith::coordinator::WriteService::Upsert"),
]


def load(folder: pathlib.Path, name: str) -> dict:
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


def measured(folder: pathlib.Path) -> dict[str, float]:
    lines = (folder / "measured.tsv").read_text(encoding="utf-8").splitlines()
    return {name: float(value) for name, value in (line.split("\t") for line in lines)}


def command_output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def machine(folder: pathlib.Path) -> str:
    cpu = dict(
        (part.strip() for part in line.split(":", 1))
        for line in command_output("lscpu").splitlines() if ":" in line
    )
    memory_gb = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1])
    avx512 = "with" if "avx512_vbmi" in cpu.get("Flags", "") else "without"
    commit = command_output("git", "rev-parse", "--short", "HEAD").strip()
    load = measured(folder)["load_before"]
    return (
        f"Machine: {cpu.get('CPU(s)')} cores of {cpu.get('Model name')} (family "
        f"{cpu.get('CPU family')}, model {cpu.get('Model')}, {avx512} AVX-512 VBMI), "
        f"{memory_gb / 2**20:.0f} GB, Linux {platform.release()}; release build of {commit}; "
        f"load average before the run {load:g}."
    )


def table(rows: list[tuple], head: tuple) -> str:
    lines = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in [head, *rows]]
    lines.insert(1, "|" + "---|" * len(head))
    return "\n".join(lines)


def recall_row(folder: pathlib.Path, what: str, name: str) -> tuple:
    run = load(folder, name)
    return (
        what,
        f"{run['recall']:.4f}",
        f"{run['qps']:,.0f}",
        f"{run['p50_ms']:.3f} / {run['p99_ms']:.3f}",
        f"{run['nprobe']:g}",
        f"{run['scanned_share']:.2%}",
        f"{run['refined']:.0f} / {run['reranked']:.0f}",
    )


def searches(folder: pathlib.Path) -> str:
    head = ("run", "recall@10", "queries/s", "p50 / p99 of a call, ms", "nprobe", "scanned",
            "refined / re-ranked")
    rows = [
        ("embedded, defaults, 1 connection, batch 1", "embedded-default"),
        ("the same after a restart", "embedded-again"),
        ("2 connections", "embedded-two"),
        ("64 queries a call", "embedded-batch64"),
        ("target recall 0.90", "embedded-090"),
        ("target recall 0.99", "embedded-099"),
        ("coordinator + 4 shards, defaults, 1 connection, batch 1", "cluster-default"),
        ("coordinator + 4 shards, 64 queries a call", "cluster-batch64"),
    ]
    return table([recall_row(folder, what, name) for what, name in rows], head)


def other_figures(folder: pathlib.Path) -> str:
    got = measured(folder)
    rows = []
    for name, what in (("embedded", "embedded"), ("cluster", "coordinator + 4 shards")):
        imported = load(folder, f"{name}-import")
        rate = imported["rows_per_s"]
        rows.append((f"import, {what}", f"{rate:,.0f} rows/s"))
        rows.append((f"train to serving, {what}", f"{got[f'{name}_train_s']:.1f} s"))
    rows.append(("restart to `/readyz` / to the first answer",
                 f"{got['ready_s']:.2f} / {got['restart_s']:.2f} s"))
    for name, what in (("serving", "after the restart"), ("loaded", "after import and training")):
        share = (got[f"{name}_bytes"] - got["empty_bytes"]) / 1e6
        rows.append((f"bytes a vector in memory, {what}", f"{share:.0f}"))
    return table(rows, ("what", "figure"))


def agreement(folder: pathlib.Path) -> str:
    rows = []
    for name, what in (("agree-default", "defaults"), ("agree-exact", "`--exact`")):
        run = load(folder, name)
        rows.append((what, f"{run['queries']:,}", f"{run['recall']:.4f} / {run['other_recall']:.4f}",
                     f"{run['identical']:,}", f"{run['shared']:.3%}", run["score_mismatches"]))
    return table(rows, ("search", "queries", "recall, 1 shard / 4 shards", "answered alike",
                        "ids in both", "of them with another score"))


def writes(folder: pathlib.Path) -> str:
    rows = []
    for name, what in (("write-new", "new ids"), ("write-again", "the same ids again, at once"),
                       ("write-third", "a third time")):
        run = load(folder, name)
        rows.append((what, f"{run['rows_per_s']:,.0f}", f"{run['p50_ms']:.1f} / {run['p99_ms']:.1f}"))
    return table(rows, ("pass of 400,000 rows", "rows/s", "p50 / p99 of a call, ms"))


def share_of(profile: pathlib.Path, function: str) -> str:
    for line in profile.read_text(encoding="utf-8", errors="replace").splitlines():
        # "62.78%  0.00%  [.] function   -  -", the last columns being empty
        if re.search(r"\] " + re.escape(function) + r"(\s|$)", line):
            return line.split()[0]
    return "not sampled"


def write_profile(folder: pathlib.Path) -> str:
    profiles = [folder / f"profile-{name}.txt" for name in ("new", "again")]
    if not all(profile.exists() for profile in profiles):
        return "perf is not installed: no profile was taken."
    rows = [(what, *(share_of(profile, function) for profile in profiles))
            for what, function in WRITE_PARTS]
    return table(rows, ("share of the server's CPU time", "new ids", "the same ids again"))


def main() -> int:
    folder = pathlib.Path(sys.argv[1])
    parts = [
        machine(folder),
        "## Searches: SIFT, 1,000,000 x 128 u8", searches(folder),
        "## Import, training, restart, memory", other_figures(folder),
        "## One shard and four give the same answers", agreement(folder),
        "## Durable writes", writes(folder), write_profile(folder),
    ]
    text = "\n\n".join(parts) + "\n"
    (folder / "summary.md").write_text(text, encoding="utf-8")
    print("\n" + text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
