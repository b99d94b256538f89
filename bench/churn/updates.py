#!/usr/bin/env python3
"""One round of updates as JSONL: every id once, in random order.

    bench/churn/updates.py --base FILE --out FILE --seed N [--as-base]     (called by run.sh)

Ids are the row numbers of the base file (.fbin or .u8bin). Each gets the vector of another row, drawn
by the seed; with --as-base its own.
"""

import argparse
import array
import random
import struct


def read_rows(path: str) -> list[str]:
    """Each row as the text of a JSON array."""
    with open(path, "rb") as file:
        count, dimension = struct.unpack("<II", file.read(8))
        if path.endswith(".u8bin"):
            texts = [str(value) for value in range(256)]
            return ["[" + ",".join([texts[b] for b in file.read(dimension)]) + "]"
                    for _ in range(count)]
        rows = []
        for _ in range(count):
            values = array.array("f")
            values.fromfile(file, dimension)
            rows.append("[" + ",".join([f"{value:.9g}" for value in values]) + "]")
        return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--as-base", action="store_true")
    arguments = parser.parse_args()
    rows = read_rows(arguments.base)
    draw = random.Random(arguments.seed)
    owners = list(range(len(rows)))
    if not arguments.as_base:
        draw.shuffle(owners)
    order = list(range(len(rows)))
    draw.shuffle(order)
    with open(arguments.out, "w", encoding="ascii", buffering=1 << 20) as out:
        for number in order:
            out.write(f'{{"id": {number}, "vector": {rows[owners[number]]}}}\n')


if __name__ == "__main__":
    main()
