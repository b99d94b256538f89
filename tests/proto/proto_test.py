#!/usr/bin/env python3
"""The wire contract only grows: nothing that tests/golden/proto_fields.txt lists may be renumbered or
retyped, and what is dropped must be reserved for good, so that its number never means anything else.

    tests/proto/proto_test.py            compares proto/ with the list
    tests/proto/proto_test.py --update   adds what is new to the list and marks what was dropped;
                                         refuses if anything is gone otherwise
"""

import argparse
import pathlib
import re
import sys

import proto_listing

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden" / "proto_fields.txt"

DROPPED = "dropped "
_FIELD = re.compile(r"^(?P<message>\S+)\.(?P<name>\w+) = (?P<number>\d+) (?!enum value)")
_RESERVED = re.compile(r"^(?P<message>\S+) reserved (?P<what>.+)$")


def reservations(lines: list[str]) -> dict[str, tuple[set[int], set[str]]]:
    """The reserved numbers and names of each message."""
    reserved: dict[str, tuple[set[int], set[str]]] = {}
    for line in lines:
        if not (match := _RESERVED.match(line)):
            continue
        numbers, names = reserved.setdefault(match["message"], (set(), set()))
        for part in match["what"].split(" , "):
            if part.startswith('"'):
                names.add(part.strip('"'))
            else:
                first, _, last = part.partition(" to ")
                numbers.update(range(int(first), int(last or first) + 1))
    return reserved


def used_numbers(lines: list[str]) -> set[tuple[str, int]]:
    return {(match["message"], int(match["number"]))
            for line in lines if (match := _FIELD.match(line))}


def is_reserved(line: str, reserved: dict[str, tuple[set[int], set[str]]]) -> bool:
    """Number and name of the field in `line` are kept free."""
    match = _FIELD.match(line.removeprefix(DROPPED))
    if not match:
        return False
    numbers, names = reserved.get(match["message"], (set(), set()))
    return int(match["number"]) in numbers and match["name"] in names


def compare(golden: list[str], current: list[str]) -> tuple[list[str], list[str], list[str]]:
    """What is gone (or changed), what is new, and what was dropped as it should be: its number and
    name are reserved, now and in every list to come."""
    reserved = reservations(current)
    gone, dropped = [], []
    known = set(current)
    for line in sorted(set(golden)):
        if line in known:
            continue
        if _RESERVED.match(line):
            # Numbers set aside for later may be taken into use, and only that.
            message, (numbers, _) = next(iter(reservations([line]).items()))
            kept = {(message, number) for number in reserved.get(message, (set(), set()))[0]}
            if any((message, number) not in kept | used_numbers(current) for number in numbers):
                gone.append(line)
        elif is_reserved(line, reserved):
            dropped.append(line if line.startswith(DROPPED) else DROPPED + line)
        else:
            gone.append(line)
    new = sorted(set(current) - set(golden))
    return gone, new, dropped


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true")
    arguments = parser.parse_args()
    current = proto_listing.tree_listing(ROOT / "proto")
    golden = GOLDEN.read_text(encoding="utf-8").splitlines() if GOLDEN.exists() else []
    gone, new, dropped = compare(golden, current)
    for line in gone:
        print(f"gone or changed: {line}")
    if gone:
        print("proto: old clients and stored frames rely on these. Give the field back, or reserve both "
              "the number and the name of one that is really dropped.")
        return 1
    unmarked = [line for line in dropped if line not in golden]
    if arguments.update:
        GOLDEN.write_text("\n".join(sorted([*current, *dropped])) + "\n", encoding="utf-8")
        print(f"proto: {len(new)} lines added, {len(unmarked)} marked as dropped, {len(current)} in all")
        return 0
    for line in new:
        print(f"new: {line}")
    for line in unmarked:
        print(f"newly {line}")
    if new or unmarked:
        print("proto: run tests/proto/proto_test.py --update and commit the list")
        return 1
    print(f"proto: {len(current)} fields, values and methods as listed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
