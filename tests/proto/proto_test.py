#!/usr/bin/env python3
"""The wire contract only grows: nothing that tests/golden/proto_fields.txt lists may be removed,
renumbered or retyped.

    tests/proto/proto_test.py            compares proto/ with the list
    tests/proto/proto_test.py --update   adds what is new to the list; refuses if anything is gone
"""

import argparse
import pathlib
import sys

import proto_listing

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden" / "proto_fields.txt"


def compare(golden: list[str], current: list[str]) -> tuple[list[str], list[str]]:
    """What is gone (or changed) and what is new."""
    gone = sorted(set(golden) - set(current))
    new = sorted(set(current) - set(golden))
    return gone, new


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true")
    arguments = parser.parse_args()
    current = proto_listing.tree_listing(ROOT / "proto")
    golden = GOLDEN.read_text(encoding="utf-8").splitlines() if GOLDEN.exists() else []
    gone, new = compare(golden, current)
    for line in gone:
        print(f"gone or changed: {line}")
    if gone:
        print("proto: old clients and stored frames rely on these. Give the field back; reserve the "
              "number of one that is really dropped, and take its line out of the list by hand.")
        return 1
    if arguments.update:
        GOLDEN.write_text("\n".join(current) + "\n", encoding="utf-8")
        print(f"proto: {len(new)} lines added, {len(current)} in all")
        return 0
    for line in new:
        print(f"new: {line}")
    if new:
        print("proto: run tests/proto/proto_test.py --update and commit the list")
        return 1
    print(f"proto: {len(current)} fields, values and methods as listed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
