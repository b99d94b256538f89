#!/usr/bin/env python3
"""One peer, one index, one process: builds it, or opens it and measures it as standard input asks.

    worker.py build SYSTEM --base F --folder DIR --config JSON --threads N
    worker.py serve SYSTEM --queries F --truth F --folder DIR --threads T --batch B
    worker.py version SYSTEM

Prints one JSON object a line, as kith_library_bench does (bench/library)."""

import argparse
import importlib
import json
import os
import pathlib
import sys


def resident_bytes() -> int:
    """Anonymous bytes and the mapped ones that were touched."""
    for line in pathlib.Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no Rss in smaps_rollup")


def say(message: dict) -> None:
    print(json.dumps(message), flush=True)


def build(engine_module, arguments: argparse.Namespace) -> None:
    from timed_calls import load_vectors

    seconds = engine_module.build(load_vectors(arguments.base), json.loads(arguments.config),
                                  arguments.folder, arguments.threads)
    say({"build_s": seconds})


def serve(engine_module, arguments: argparse.Namespace) -> None:
    import timed_calls

    queries = timed_calls.load_vectors(arguments.queries)
    truth = timed_calls.load_truth(arguments.truth)
    engine = engine_module.Engine(queries, arguments.threads, arguments.batch)
    overhead = timed_calls.call_us(engine, engine.queries[:1])
    empty_bytes = resident_bytes()
    engine.open(arguments.folder)
    run = timed_calls.TimedCalls(engine, engine.queries, truth, arguments.threads, arguments.batch)
    say({"description": engine_module.version(), "call_us": overhead})
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "memory":
            say({"bytes": resident_bytes(), "empty_bytes": empty_bytes})
        else:
            engine.set(request["parameters"])
            say(run.measure(request["first"], request["count"]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=("build", "serve", "version"))
    parser.add_argument("system", choices=("faiss", "hnswlib", "usearch"))
    for name in ("--base", "--queries", "--truth", "--folder", "--config"):
        parser.add_argument(name)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=1)
    arguments = parser.parse_args()
    engine_module = importlib.import_module(f"{arguments.system}_engine")
    if arguments.action == "version":
        say({"version": engine_module.version()})
    elif arguments.action == "build":
        os.makedirs(arguments.folder, exist_ok=True)
        build(engine_module, arguments)
    else:
        serve(engine_module, arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
