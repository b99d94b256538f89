#!/usr/bin/env python3
"""The rules of the house, checked: sizes, arrows, names, includes, targets (STYLE.md).

    tests/tidy/tidy_test.py [ROOT] [--warnings]

Ends with 1 if a rule is broken. --warnings also lists what is above the wanted sizes.
"""

import argparse
import pathlib
import sys

import architecture
import cpp_source
import python_rules
import rules
import tree_rules


def findings(root: pathlib.Path) -> list[str]:
    sources = cpp_source.read_tree(root, architecture.FOLDERS)
    present = {source.path for source in sources}
    found = []
    for source in sources:
        for rule in rules.PER_FILE:
            found += [f"{source.path}:{line}: {message} [{rule.__name__}]"
                      for line, message in rule(source)]
        found += [f"{source.path}:{line}: {message} [own_header_first]"
                  for line, message in rules.own_header_first(source, present)]
    for rule, args in ((tree_rules.cycles, (sources,)), (tree_rules.targets, (root, sources)),
                       (tree_rules.foreign_sources, (root, sources)),
                       (tree_rules.host_names, (root,))):
        found += [f"{path}:{line}: {message} [{rule.__name__}]"
                  for path, line, message in rule(*args)]
    return found + list(python_rules.findings(root))


def warnings(root: pathlib.Path) -> list[str]:
    return [f"{source.path}:{line}: {message}"
            for source in cpp_source.read_tree(root, architecture.FOLDERS)
            for line, message in rules.size_warnings(source)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    default_root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=default_root)
    parser.add_argument("--warnings", action="store_true")
    arguments = parser.parse_args()
    wanted = warnings(arguments.root)
    if arguments.warnings:
        print("\n".join(wanted))
    found = findings(arguments.root)
    print("\n".join(found))
    print(f"tidy: {len(found)} findings, {len(wanted)} sizes above the wanted ones")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
