#!/usr/bin/env python3
"""Prints the report of damage_run.py as a page: damage_table.py FILE.json > README.md"""

import collections
import json
import pathlib
import sys


def rows_by_kind(entries: list[dict]):
    kinds = collections.defaultdict(list)
    for entry in entries:
        kinds[entry["kind"]].append(entry)
    for kind, cases in kinds.items():
        outcomes = collections.Counter(case["outcome"] for case in cases)
        repairs = collections.Counter(case["repaired_by"] for case in cases if case["repaired_by"])
        by = ", ".join(f"{name} ({count})" for name, count in sorted(repairs.items()))
        yield (f"| {kind} | {len(cases)} | {outcomes['detected']} | {outcomes['harmless']} "
               f"| {sum(case['wrong'] for case in cases)} | {by or '-'} |")


def examples(entries: list[dict]):
    """One telling of each kind that is not mended by itself."""
    seen = set()
    for entry in entries:
        if entry["outcome"] != "detected" or entry["kind"] in seen:
            continue
        seen.add(entry["kind"])
        yield f"- {entry['kind']}, {entry['operation']}: `{entry['told'][:300]}`"


def main() -> None:
    path = pathlib.Path(sys.argv[1])
    report = json.loads(path.read_text(encoding="utf-8"))
    print("# What damage does", "",
          f"Printed by `tests/damage/damage_table.py` from [{path.name}]({path.name}), which",
          f"`{report['command']}` wrote.", "",
          f"{report['cases']} cases, of each of which 1,000 answers were compared (where kithd did not"
          " start,",
          f"once it was repaired): {report['detected']} detected, {report['harmless']} harmless,",
          f"{report['wrong_answers']} answers wrong; {report['repaired']} repaired (all that needed it:"
          " harmless damage to what nobody reads does not).",
          "What the words mean: [repair.md](../repair.md).", "",
          "| file | cases | detected | harmless | wrong answers | repaired by |",
          "|---|---|---|---|---|---|", *rows_by_kind(report["list"]), "",
          "What it says, of one case each:", "", *examples(report["list"]), sep="\n")


if __name__ == "__main__":
    main()
