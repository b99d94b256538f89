"""What the command line of the comparison says, checked before anything is built."""

import argparse
import dataclasses
import os
import pathlib

import systems
from vector_files import BadInput, VectorFile, check_fit, check_truth, open_vectors


@dataclasses.dataclass(frozen=True)
class Settings:
    base: VectorFile
    queries: VectorFile
    truth: pathlib.Path
    threads: int
    batch: int
    json: pathlib.Path
    systems: tuple[str, ...]
    indexes: tuple[str, ...]  # parts of names of the peers' indexes to be measured; none: all
    lists: int
    subspaces: tuple[int, ...]  # of Kith's indexes beside the default one
    measured: int
    rounds: int
    build_threads: int
    lock: pathlib.Path | None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str):
        raise BadInput(message)


def _number(option: str, value: int, most: int) -> int:
    if not 1 <= value <= most:
        raise BadInput(f"{option}: is {value}, must be 1 to {most}")
    return value


def _systems(names: str) -> tuple[str, ...]:
    chosen = tuple(name for name in names.split(",") if name)
    for name in chosen:
        if name not in systems.SYSTEMS:
            raise BadInput(f"--systems: {name} is none of {', '.join(systems.SYSTEMS)}")
    if not chosen:
        raise BadInput(f"--systems: names none of {', '.join(systems.SYSTEMS)}")
    return chosen


def _json_path(name: str) -> pathlib.Path:
    path = pathlib.Path(name)
    if not os.access(path.parent, os.W_OK) or path.is_dir():
        raise BadInput(f"--json: {path} cannot be written")
    return path


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="bench/peers/run.sh", allow_abbrev=False)
    for option in ("--base", "--queries", "--truth", "--json"):
        parser.add_argument(option, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--systems", default=",".join(systems.SYSTEMS))
    parser.add_argument("--index", action="append", default=[])
    parser.add_argument("--lists", type=int)
    parser.add_argument("--subspaces", type=int, action="append", default=[])
    parser.add_argument("--measured", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--build-threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--lock", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    return parser


def parse(words: list[str]) -> tuple[Settings, bool]:
    """The settings, and whether checking them is all that is wanted. Raises BadInput."""
    given = _parser().parse_args(words)
    base = open_vectors("--base", given.base)
    queries = open_vectors("--queries", given.queries)
    check_fit(base, queries)
    truth = check_truth(given.truth, queries, base)
    cores = len(os.sched_getaffinity(0))
    # Fewer than 39 rows a list are too few to train on, says FAISS.
    lists_most = max(1, base.rows // 39)
    lists = given.lists or min(systems.auto_lists(base.rows), lists_most)
    settings = Settings(
        base, queries, truth,
        threads=_number("--threads", given.threads, cores),
        batch=_number("--batch", given.batch, queries.rows),
        json=_json_path(given.json),
        systems=_systems(given.systems),
        indexes=tuple(given.index),
        lists=_number("--lists", lists, lists_most),
        subspaces=tuple(_number("--subspaces", one, base.dimension) for one in given.subspaces),
        measured=_number("--measured", given.measured, 1 << 30),
        rounds=_number("--rounds", given.rounds, 100),
        build_threads=_number("--build-threads", given.build_threads, 1024),
        lock=given.lock)
    return settings, given.check
