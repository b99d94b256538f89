#!/usr/bin/env python3
"""Puts the same data through Kith and its peers; bench/peers/run.sh calls it, see there."""

import functools
import os
import pathlib
import signal
import subprocess
import sys

import arguments
import grpc_peer
import machine
import report
import systems
from contest import Contest, Contestant, say
from index_cache import HERE, ROOT, NotRun, Tools, build_library, ready_index, run_worker
from library_peer import LibraryPeer, Load
from vector_files import BadInput


def _tools(settings: arguments.Settings) -> Tools:
    build = pathlib.Path(os.environ.get("KITH_BUILD_DIR", ROOT / "build" / "release"))
    work = pathlib.Path(os.environ.get("KITH_PEERS_WORK", ROOT / "build" / "peers"))
    work.mkdir(parents=True, exist_ok=True)
    return Tools(build.resolve() / "bin", work.resolve(), machine.Turns(settings.lock))


def _version(tools: Tools, system: str) -> str:
    """Raises NotRun where the system is not there."""
    if system in ("kith", "kith-grpc"):
        commit = machine.describe()["commit"]
        return f"this tree, {commit}"
    return run_worker(tools.worker(system, "version"), 1)["version"]


def _contestant(tools: Tools, settings: arguments.Settings, config: systems.Config) -> Contestant:
    load = Load(settings.queries.path.resolve(), settings.truth.resolve(), settings.threads,
                settings.batch)
    if config.system == "kith-grpc":
        build = functools.partial(grpc_peer.build, tools, settings.base,
                                  threads=settings.build_threads)
        made = ready_index(tools, settings.base, config, build)
        return Contestant(config, made["build_s"], grpc_peer.GrpcPeer(tools, made["folder"], load))
    build = build_library(tools, settings.base, config, settings.build_threads)
    made = ready_index(tools, settings.base, config, build)
    return Contestant(config, made["build_s"], LibraryPeer(tools, config, made["folder"], load))


def _gather(tools: Tools, settings: arguments.Settings, contest: Contest, versions: dict):
    """Everyone that is here and has an index."""
    contestants = []
    for system in settings.systems:
        try:
            versions[system] = _version(tools, system)
        except NotRun as reason:
            contest.not_run[system] = str(reason)
            say(f"{system} not run: {reason}")
            continue
        for config in systems.chosen_of(system, settings):
            try:
                contestants.append(_contestant(tools, settings, config))
            except NotRun as reason:
                contest.not_run[f"{system} {config.name}"] = str(reason)
                say(f"{system} {config.name} not run: {reason}")
    return contestants


def _draw(path: pathlib.Path) -> None:
    done = subprocess.run([sys.executable, "-B", str(HERE / "plot.py"), str(path),
                           str(path.with_suffix(".svg"))], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        say(f"no plot: {done.stderr.strip().splitlines()[-1]}")


def main(words: list[str]) -> int:
    try:
        settings, only_check = arguments.parse(words)
    except BadInput as fault:
        print(f"peers: {fault}", file=sys.stderr)
        return 2
    if only_check:
        return 0
    # Ended from outside, it stops what it started and removes what it made for itself alone.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    tools = _tools(settings)
    contest = Contest(tools, settings.queries.rows, settings.measured, settings.rounds)
    facts = {"command": " ".join(["bench/peers/run.sh", *words]), "machine": machine.describe(),
             "versions": {}}
    contestants = _gather(tools, settings, contest, facts["versions"])

    def write(ready: list[Contestant]) -> dict:
        said = facts | {"not_run": contest.not_run, "protocol": contest.protocol}
        result = report.as_json(settings, ready, said)
        report.write(result, settings.json)
        return result

    try:
        ready = contest.run(contestants, write)
    finally:
        for one in contestants:
            one.peer.close()
        tools.turns.release()
    result = write(ready)
    if ready:
        _draw(settings.json)
    print(report.markdown(result))
    return 0 if ready else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
