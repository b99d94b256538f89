#!/usr/bin/env python3
"""Damages copies of a directory, one file at a time, and looks at what kithd makes of each.

Detected: kithd, the shard or the answer says which file is wrong and what to do, and every other
answer is right. Harmless: all answers are those of the whole directory. Never anything else."""

import argparse
import collections
import dataclasses
import json
import pathlib
import re
import shutil
import sys
import tempfile
import time

import damage_cases
import damaged_server as server_of
import fixtures

PATIENCE_S = 25
# What an error must say to be of use: one of these words, beside the file or its directory.
_REMEDY = re.compile(r"restore|put (?:it|them) back|remove|train|import|made again|written again"
                     r"|encoded again|choose|start again|kith fsck", re.IGNORECASE)


@dataclasses.dataclass
class Observation:
    exit_code: int | None = None
    log: str = ""
    wrong: dict[str, str] = dataclasses.field(default_factory=dict)
    errors: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def is_equal(self) -> bool:
        return self.exit_code is None and not self.wrong and not self.errors


class Run:
    def __init__(self, scratch: pathlib.Path, size: int):
        self.scratch = scratch
        self.size = size
        self.wholes = {"kill": scratch / "killed", "stop": scratch / "stopped"}
        self.data = scratch / "data"
        self.oracle: dict[str, str] = {}

    def prepare(self, release: str) -> None:
        """Of a release's fixture, or, where none is named, of a directory that is made now."""
        killed = self.wholes["kill"]
        if release:
            self.oracle = fixtures.unpack(release, killed)
            del self.wholes["stop"]
        else:
            server_of.make_whole(killed, self.scratch, self.size)
            self.oracle = server_of.answers_of(killed, self.scratch, self.size)
            server_of.make_stopped(killed, self.wholes["stop"], self.scratch)
        for whole in self.wholes.values():
            code, report = server_of.fsck(whole)
            if code != 0:
                raise AssertionError(f"fsck finds damage in a whole directory: {report}")

    def _compare(self, answers: dict[str, str]) -> tuple[dict, dict, bool]:
        """Wrong answers, errors, and whether what may change while rows are encoded differs."""
        wrong, errors, differs = {}, {}, False
        for name, expected in self.oracle.items():
            answer = answers.get(name, "")
            if answer == expected:
                continue
            if answer.startswith("error "):
                errors[name] = answer
            elif " few lists " in name:
                differs = True
            else:
                wrong[name] = answer
        return wrong, errors, differs

    def observe(self) -> Observation:
        """Starts kithd over the data and asks until nothing is being mended any more."""
        server = server_of.start(self.data, self.scratch)
        seen = Observation()
        try:
            seen.exit_code = server_of.await_outcome(server)
            end = time.monotonic() + PATIENCE_S
            errors_before = None
            while seen.exit_code is None:
                answers = server_of.ask(server, self.size)
                wrong, seen.errors, differs = self._compare(answers)
                seen.wrong.update(wrong)
                is_over = time.monotonic() > end
                if differs and is_over:
                    seen.wrong.update({name: answers[name] for name in self.oracle
                                       if answers[name] != self.oracle[name]})
                is_stable = seen.errors == errors_before and not any(
                    "NOT_READY" in text for text in seen.errors.values())
                if seen.wrong or is_over or not differs and (not seen.errors or is_stable):
                    break
                errors_before = seen.errors
                time.sleep(0.4)
        finally:
            server.kill()
            seen.log = server.text()
            server.log.unlink()
        return seen

    def run(self, case: damage_cases.Case) -> dict:
        server_of.copy(self.wholes[case.after], self.data)
        damage_cases.apply(self.data, case)
        code, report = server_of.fsck(self.data)
        found = [finding["path"] for finding in report["findings"]]
        seen = self.observe()
        told = self._trouble(seen)
        entry = {"case": case.number, "after": case.after, "kind": case.kind,
                 "operation": case.operation, "file": case.file, "outcome": "harmless" if seen.is_equal else "detected",
                 "wrong": len(seen.wrong), "errors": len(seen.errors),
                 "ended": seen.exit_code is not None, "fsck": bool(found), "fsck_code": code,
                 "told": told, "repaired_by": "", "problems": []}
        if seen.wrong:
            entry["outcome"] = "wrong"
            name, answer = next(iter(seen.wrong.items()))
            entry["problems"].append(f"{name}: {answer[:200]} not {self.oracle[name][:200]}")
        elif not seen.is_equal:
            self._judge_telling(case, seen, entry)
            if not found:
                entry["problems"].append("fsck finds nothing")
        self._repair(case, seen, entry)
        return entry

    def _trouble(self, seen: Observation) -> str:
        """The first line that tells of it: of the log, or of an answer."""
        for line in seen.log.splitlines():
            if re.search(r"level=(?:error|warning)|^kithd: ", line) and "not_ready" not in line:
                return re.sub(r"^time=\S+ ", "", line).replace(str(self.scratch), "")[:600]
        return next(iter(seen.errors.values()), "")[:600].replace(str(self.scratch), "")

    def _judge_telling(self, case, seen: Observation, entry: dict) -> None:
        text = seen.log + "\n".join(seen.errors.values())
        path = str(self.data / case.file)
        named = [line for line in text.splitlines()
                 if path in line or str(pathlib.Path(path).parent) in line]
        if not named:
            entry["problems"].append("the file is not named")
        elif not any(_REMEDY.search(line) for line in named):
            entry["problems"].append("no remedy is told: " + named[0][-300:])

    def _repair(self, case, seen: Observation, entry: dict) -> None:
        """As docs/repair.md says, in its order: nothing, fsck --repair, the one file put back."""
        if seen.is_equal:
            mended = re.search(r"rows_rewritten=[1-9]|event=(?:index_encoded_again"
                               r"|tombstones_rebuilt|rows_rewritten|postings_rebuilt)", seen.log)
            entry["repaired_by"] = "the start" if mended else ""
            return
        code, _ = server_of.fsck(self.data, "--repair")
        if code == 0:
            repaired = self.observe()
            entry["wrong"] += len(repaired.wrong)
            if repaired.is_equal:
                entry["repaired_by"] = "kith fsck --repair"
                return
        (self.data / case.file).unlink(missing_ok=True)
        shutil.copy2(self.wholes[case.after] / case.file, self.data / case.file)
        after = self.observe()
        entry["wrong"] += len(after.wrong)
        if after.is_equal:
            entry["repaired_by"] = "the file put back"
            return
        server_of.copy(self.wholes[case.after], self.data)
        if self.observe().is_equal:
            entry["repaired_by"] = "the directory restored"
        entry["problems"].append("the file put back does not help: " + self._trouble(after)[:300])


def summary(entries: list[dict], seconds: float) -> dict:
    outcomes = collections.Counter(entry["outcome"] for entry in entries)
    return {"cases": len(entries), "detected": outcomes["detected"],
            "harmless": outcomes["harmless"],
            "wrong_answers": sum(entry["wrong"] for entry in entries),
            "repaired": sum(bool(entry["repaired_by"]) for entry in entries),
            "problems": sum(bool(entry["problems"]) for entry in entries),
            "answers_compared": 1000 * len(entries), "seconds": round(seconds, 1)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=900, help="points of the largest collection")
    parser.add_argument("--fixture", choices=["", *fixtures.releases()], default="",
                        help="damage the directory of this release")
    parser.add_argument("--only", type=int, help="just the case of this number")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kith-damage-") as scratch:
        run = Run(pathlib.Path(scratch), fixtures.SIZE if words.fixture else words.size)
        begun = time.monotonic()
        run.prepare(words.fixture)
        entries = []
        for case in damage_cases.choose(run.wholes, words.cases, words.seed):
            if words.only is not None and case.number != words.only:
                continue
            entry = run.run(case)
            entries.append(entry)
            print(f"{case.number:3} {entry['outcome']:9} {case.kind}: {case.operation}"
                  f" ({entry['repaired_by'] or '-'})", *entry["problems"], sep="\n      ", flush=True)
        report = summary(entries, time.monotonic() - begun)
    print(json.dumps(report))
    if words.json is not None:
        command = f"tests/damage/run.sh --cases {words.cases} --seed {words.seed} --size {words.size}"
        words.json.write_text(
            json.dumps({**report, "command": command, "list": entries}, indent=1) + "\n")
    return 1 if report["wrong_answers"] or report["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
