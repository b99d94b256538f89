#!/usr/bin/env python3
"""Splits a file of vectors into a base and the queries that are kept out of it.

    scripts/split_vectors.py FILE FOLDER

FILE is fbin, u8bin or fvecs of at least 300 vectors. Its last 1,000 vectors (at most a tenth of them)
become FOLDER/queries.EXT, the rest FOLDER/base.EXT. Prints: vectors dimension dtype extension.
"""

import pathlib
import struct
import sys

QUERIES = 1000
# What training asks for, and a tenth that is kept out of it.
VECTORS_MIN = 300
# extension -> (dtype, bytes an element, bytes before each vector)
FORMATS = {"fbin": ("f32", 4, 0), "u8bin": ("u8", 1, 0), "fvecs": ("f32", 4, 4)}


class BadFile(Exception):
    pass


def read_shape(path: pathlib.Path, extension: str) -> tuple[int, int]:
    """Vectors and dimension, checked against the size of the file."""
    _, width, prefix = FORMATS[extension]
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
    if len(head) < 8:
        raise BadFile(f"{path} has {size} bytes: not even a header")
    if extension == "fvecs":
        dimension = struct.unpack("<i", head[:4])[0]
        record = prefix + dimension * width
        if dimension < 1 or size % record:
            raise BadFile(f"{path}: {size} bytes are no whole number of vectors of dimension "
                          f"{dimension}")
        return size // record, dimension
    vectors, dimension = struct.unpack("<II", head)
    if dimension < 1 or size != 8 + vectors * dimension * width:
        raise BadFile(f"{path} claims {vectors} vectors of dimension {dimension} and has {size} "
                      "bytes")
    return vectors, dimension


def split(path: pathlib.Path, folder: pathlib.Path) -> tuple[int, int, str, str]:
    extension = path.suffix.lstrip(".")
    if extension not in FORMATS:
        raise BadFile(f"{path}: the name must end in .fbin, .u8bin or .fvecs")
    dtype, width, prefix = FORMATS[extension]
    total, dimension = read_shape(path, extension)
    queries = min(QUERIES, total // 10)
    if total < VECTORS_MIN:
        raise BadFile(f"{path} has {total} vectors: at least {VECTORS_MIN} are needed, because an "
                      "index is trained on 256 and a tenth are kept out as queries")
    with path.open("rb") as source:
        source.seek(0 if prefix else 8)
        for name, count in (("base", total - queries), ("queries", queries)):
            with (folder / f"{name}.{extension}").open("wb") as target:
                if not prefix:
                    target.write(struct.pack("<II", count, dimension))
                copy(source, target, count * (prefix + dimension * width))
    return total - queries, dimension, dtype, extension


def copy(source, target, count: int):
    while count:
        chunk = source.read(min(count, 1 << 20))
        if not chunk:
            raise BadFile("the file became shorter while it was read")
        target.write(chunk)
        count -= len(chunk)


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        print(*split(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))
    except (BadFile, OSError) as error:
        print(f"split_vectors: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
