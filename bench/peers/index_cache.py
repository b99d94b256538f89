"""Indexes, built once in a process of their own and kept on disk by what they were made of."""

import dataclasses
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys

import machine
from systems import Config
from vector_files import VectorFile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


class NotRun(Exception):
    """This system cannot be measured here; the message says why, for the report."""


@dataclasses.dataclass(frozen=True)
class Tools:
    """Where things are."""

    kith_bin: pathlib.Path  # kith, kithd, kith_library_bench
    work: pathlib.Path  # indexes, the virtual environment
    turns: machine.Turns

    def worker(self, system: str, action: str) -> list[str]:
        """The command that builds or serves an index of a library."""
        if system == "kith":
            return [str(self.kith_bin / "kith_library_bench"), action]
        return [sys.executable, "-B", str(HERE / "worker.py"), action, system]


# What of Kith makes the index of a system: another build may make another one.
KITH_PROGRAMS = {"kith": "kith_library_bench", "kith-grpc": "kithd"}


def _maker(tools: Tools, system: str) -> str:
    program = KITH_PROGRAMS.get(system)
    path = tools.kith_bin / program if program else None
    if path is None or not path.exists():
        return ""  # a peer's version is pinned
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def index_folder(tools: Tools, base: VectorFile, config: Config) -> pathlib.Path:
    data = hashlib.sha256(base.identity.encode()).hexdigest()[:8]
    made_of = json.dumps(config.build, sort_keys=True) + _maker(tools, config.system)
    shape = hashlib.sha256(made_of.encode()).hexdigest()[:4]
    slug = re.sub(r"[^A-Za-z0-9]+", "-", f"{config.system} {config.name}").strip("-")
    return tools.work / "indexes" / f"{base.path.stem}-{data}" / f"{slug}-{shape}"


def _build_command(tools: Tools, base: VectorFile, config: Config, folder: pathlib.Path,
                   threads: int) -> list[str]:
    command = [*tools.worker(config.system, "build"), "--base", str(base.path)]
    if config.system == "kith":
        shape = [word for name, value in config.build.items() for word in (f"--{name}", str(value))]
        return [*command, "--cache", str(folder), *shape, "--threads", str(threads)]
    told = json.dumps(config.build | {"shared": str(folder.parent)})
    return [*command, "--folder", str(folder), "--config", told, "--threads", str(threads)]


def run_worker(command: list[str], threads: int) -> dict:
    """The last line that it prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          env=machine.peer_environment(threads))
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"]
        raise NotRun(said[-1])
    return json.loads(done.stdout.strip().splitlines()[-1])


def build_library(tools: Tools, base: VectorFile, config: Config, threads: int):
    """A function that builds such an index into the folder it is given."""

    def build(folder: pathlib.Path) -> dict:
        return run_worker(_build_command(tools, base, config, folder, threads), threads)

    return build


def ready_index(tools: Tools, base: VectorFile, config: Config, build) -> dict:
    """What there is to know of an index that stands in its folder: `folder`, `build_s`. Calls
    `build(folder)` where it is missing or half made."""
    folder = index_folder(tools, base, config)
    record = folder / "built.json"
    if record.exists():
        return json.loads(record.read_text(encoding="utf-8"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tools.turns.take():
        print(f"peers: building {config.system} {config.name}", file=sys.stderr, flush=True)
        built = build(folder)
    built |= {"folder": str(folder), "config": config.build}
    record.write_text(json.dumps(built) + "\n", encoding="utf-8")
    return built
