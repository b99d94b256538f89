#!/usr/bin/env python3
"""Breaks guards one at a time and expects their tests to fail. Outside CI: it builds for each one.

    tests/mutation/run.py [--json FILE] [--only TEXT] [--check]

guards.toml lists the mutations: a text that stands exactly once in a file, what to put in its place,
and the test binary that must then fail to pass. The work is done in a copy under build/mutation, which
is kept so that a second run builds little. Ends with 1 where a mutation survives or does not apply.
--check builds nothing: it says which mutations no longer apply. CMAKE_BUILD_PARALLEL_LEVEL bounds the
compilers.
"""

import argparse
import dataclasses
import json
import pathlib
import shutil
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPY = ROOT / "build" / "mutation" / "tree"
BUILD = ROOT / "build" / "mutation" / "build"
TEST_SECONDS = 300


@dataclasses.dataclass(frozen=True)
class Mutation:
    guard: str
    file: str
    find: str
    replace: str
    target: str


def read_mutations() -> list[Mutation]:
    with open(ROOT / "tests" / "mutation" / "guards.toml", "rb") as source:
        return [Mutation(**entry) for entry in tomllib.load(source)["mutation"]]


def run(command: list[str], **more) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


def copy_tree() -> None:
    """The tracked files as they are on disk; unchanged ones keep their time stamps."""
    tracked = run(["git", "ls-files", "-z"], cwd=ROOT).stdout.split("\0")
    for name in filter(None, tracked):
        source, target = ROOT / name, COPY / name
        if not source.exists():
            target.unlink(missing_ok=True)
            continue
        if target.exists() and target.read_bytes() == source.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def build(targets: list[str]) -> subprocess.CompletedProcess:
    return run(["cmake", "--build", str(BUILD), "--target", *targets])


def prepare(targets: list[str]) -> None:
    copy_tree()
    configured = run(["cmake", "--preset", "dev", "-B", str(BUILD)], cwd=COPY)
    built = configured if configured.returncode else build(targets)
    if built.returncode:
        sys.exit(f"mutation: the unchanged tree does not build:\n{built.stdout}{built.stderr}")


def passes(target: str) -> bool:
    try:
        done = run([str(BUILD / "tests" / target)], timeout=TEST_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def fault(mutation: Mutation, root: pathlib.Path) -> str:
    """Why the mutation does not apply to the tree; empty where it does."""
    path = root / mutation.file
    count = path.read_text(encoding="utf-8").count(mutation.find) if path.exists() else 0
    return "" if count == 1 else f"stale: its text stands {count} times in {mutation.file}"


def check(mutations: list[Mutation]) -> int:
    faults = [(mutation.guard, fault(mutation, ROOT)) for mutation in mutations]
    stale = [f"{guard}: {why}" for guard, why in faults if why]
    print("\n".join([*stale, f"mutation: {len(stale)} of {len(mutations)} do not apply"]))
    return 1 if stale else 0


def judge(mutation: Mutation) -> str:
    """caught, survived, or why the mutation says nothing."""
    path = COPY / mutation.file
    why = fault(mutation, COPY)
    if why:
        return why
    original = path.read_text(encoding="utf-8")
    path.write_text(original.replace(mutation.find, mutation.replace), encoding="utf-8")
    try:
        if build([mutation.target]).returncode:
            return "stale: it does not compile"
        return "survived" if passes(mutation.target) else "caught"
    finally:
        path.write_text(original, encoding="utf-8")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--json", type=pathlib.Path)
    arguments.add_argument("--only", default="", help="mutations whose guard or file has this text")
    arguments.add_argument("--check", action="store_true", help="only whether they still apply")
    options = arguments.parse_args()
    mutations = [m for m in read_mutations() if options.only in m.guard or options.only in m.file]
    if options.check:
        return check(mutations)
    targets = sorted({mutation.target for mutation in mutations})
    prepare(targets)
    results = []
    for mutation in mutations:
        verdict = judge(mutation)
        results.append({"guard": mutation.guard, "file": mutation.file, "verdict": verdict})
        print(f"{verdict:9} {mutation.guard} ({mutation.file})", flush=True)
    build(targets)
    failing = [target for target in targets if not passes(target)]
    caught = sum(result["verdict"] == "caught" for result in results)
    print(f"mutation: {caught} of {len(results)} caught")
    if failing:
        print(f"mutation: these fail without any mutation: {', '.join(failing)}")
    if options.json:
        report = {"mutations": len(results), "caught": caught, "results": results}
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0 if caught == len(results) and not failing else 1


if __name__ == "__main__":
    sys.exit(main())
