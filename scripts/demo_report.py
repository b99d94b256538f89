#!/usr/bin/env python3
"""Puts the demo's figures together: a table on stdout and a JSON file.

    scripts/demo_report.py FOLDER REPORT     (called by demo.sh, which sets KITH_* in the environment)

Bytes per vector = (resident bytes after the query run - those of an empty server) / vectors. The
report's figure is of the restarted server, which has the same past as the empty one: it opened its
data and answered. `bytes_per_vector_after_import` is of the server that did the import, with its
write buffers full and its training done.
"""

import json
import os
import pathlib
import sys


def number(name: str) -> float:
    return float(os.environ[f"KITH_{name}"])


def collect(folder: pathlib.Path) -> dict:
    first = json.loads((folder / "bench.json").read_text(encoding="utf-8"))
    again = json.loads((folder / "bench_after_restart.json").read_text(encoding="utf-8"))
    vectors = int(number("VECTORS"))
    empty = number("EMPTY_BYTES")
    return {
        "recall_at_10": first["recall"],
        "qps": first["qps"],
        "p50_ms": first["p50_ms"],
        "p99_ms": first["p99_ms"],
        "bytes_per_vector": round((number("SERVING_BYTES") - empty) / vectors, 1),
        "bytes_per_vector_after_import": round((number("LOADED_BYTES") - empty) / vectors, 1),
        "restart_s": number("RESTART_S"),
        "restart_to_ready_s": number("READY_S"),
        "recall_at_10_after_restart": again["recall"],
        "vectors": vectors,
        "dimension": int(number("DIMENSION")),
        "import_s": number("IMPORT_S"),
        "train_s": number("TRAIN_S"),
        "install_s": number("INSTALL_S"),
        "build_s": number("BUILD_S"),
        "run_s": number("RUN_S"),
        "bench": first,
    }


def table(report: dict) -> str:
    bench = report["bench"]
    rows = [
        ("vectors", f"{report['vectors']:,} of {report['dimension']} dimensions"),
        ("recall@10 against exact search", f"{report['recall_at_10']:.4f}"),
        ("the same after the restart", f"{report['recall_at_10_after_restart']:.4f}"),
        ("queries a second", f"{report['qps']:,.0f} ({bench['threads']} client thread(s), batch "
                             f"{bench['batch']})"),
        ("latency p50 / p99", f"{report['p50_ms']:.2f} / {report['p99_ms']:.2f} ms"),
        ("lists probed, share scanned", f"{bench['nprobe']:.4g}, {bench['scanned_share']:.2%}"),
        ("bytes a vector in memory", f"{report['bytes_per_vector']:.0f} (right after import and "
                                     f"training: {report['bytes_per_vector_after_import']:.0f})"),
        ("import", f"{report['import_s']:.1f} s, {report['vectors'] / report['import_s']:,.0f} "
                   "vectors a second"),
        ("training and encoding", f"{report['train_s']:.1f} s"),
        ("restart to the first answer", f"{report['restart_s']:.2f} s"),
        ("install / build / run", f"{report['install_s']:.0f} / {report['build_s']:.0f} / "
                                  f"{report['run_s']:.0f} s"),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in rows)


def main() -> int:
    folder, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    report = collect(folder)
    target.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"\n{table(report)}\n\n  written to {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
