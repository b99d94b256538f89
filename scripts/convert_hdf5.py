#!/usr/bin/env python3
"""Turns a data set of ann-benchmarks (HDF5) into files that `kith` reads.

    python3 -m venv build/hdf5 && build/hdf5/bin/pip install -r scripts/requirements-hdf5.txt
    build/hdf5/bin/python scripts/convert_hdf5.py FILE.hdf5 PREFIX

`train` becomes PREFIX.base.fbin, `test` PREFIX.query.fbin and `neighbors` PREFIX.truth.ibin: the true
neighbours by row, nearest first. Their distances are left out: ann-benchmarks takes roots where Kith does
not. Files appear whole or not at all. Prints the metric and the commands that come next.
"""

import argparse
import contextlib
import os
import pathlib
import struct
import sys

try:
    import h5py
    import numpy
except ImportError as error:
    sys.exit(f"convert_hdf5: {error}; run pip install -r scripts/requirements-hdf5.txt in a virtual "
             "environment and use its python")

ROWS_AT_ONCE = 16_384
DIMENSION_MAX = 4096
COUNT_MAX = 2**31 - 1  # what the ids of a truth file can name
METRICS = {"euclidean": "l2", "angular": "cosine", "dot": "ip", "ip": "ip"}


class BadFile(Exception):
    """The file cannot be used; the message is one line that says why and what to do."""


@contextlib.contextmanager
def whole_file(path: pathlib.Path):
    """A file that takes its name when the block ends well, and is gone otherwise."""
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def table(source: h5py.File, name: str) -> h5py.Dataset:
    found = source.get(name)
    if not isinstance(found, h5py.Dataset):
        raise BadFile(f"has no dataset \"{name}\"; it has {', '.join(source) or 'none'}")
    if found.ndim != 2 or 0 in found.shape:
        raise BadFile(f"\"{name}\" has the shape {found.shape}, expected rows and columns")
    if found.dtype.kind not in "fiu":
        raise BadFile(f"\"{name}\" holds {found.dtype}, expected numbers (sets and bits have no "
                      "place in Kith)")
    return found


def metric_of(source: h5py.File) -> str:
    distance = source.attrs.get("distance", "")
    distance = distance.decode() if isinstance(distance, bytes) else str(distance)
    if distance not in METRICS:
        raise BadFile(f"its distance is \"{distance}\", Kith has {', '.join(METRICS)}")
    return METRICS[distance]


def write_vectors(vectors: h5py.Dataset, path: pathlib.Path):
    rows, dimension = vectors.shape
    with whole_file(path) as out:
        out.write(struct.pack("<II", rows, dimension))
        for first in range(0, rows, ROWS_AT_ONCE):
            with numpy.errstate(over="ignore"):  # what overflows is infinite, and refused below
                block = numpy.ascontiguousarray(vectors[first:first + ROWS_AT_ONCE], dtype="<f4")
            bad = numpy.flatnonzero(~numpy.isfinite(block).all(axis=1))
            if bad.size:
                raise BadFile(f"row {first + bad[0]} of \"{vectors.name[1:]}\" is not finite as f32; "
                              "repair it or leave it out")
            out.write(block.tobytes())


def write_truth(neighbours: h5py.Dataset, base_rows: int, path: pathlib.Path):
    queries, depth = neighbours.shape
    with whole_file(path) as out:
        out.write(struct.pack("<II", queries, depth))
        for first in range(0, queries, ROWS_AT_ONCE):
            block = neighbours[first:first + ROWS_AT_ONCE]
            bad = numpy.flatnonzero(((block < 0) | (block >= base_rows)).any(axis=1))
            if bad.size:
                raise BadFile(f"row {first + bad[0]} of \"neighbors\" names a row that \"train\" does "
                              f"not have (it has {base_rows})")
            out.write(numpy.ascontiguousarray(block, dtype="<i4").tobytes())


def convert(source: h5py.File, prefix: str) -> str:
    metric = metric_of(source)
    base, queries, neighbours = (table(source, name) for name in ("train", "test", "neighbors"))
    if base.shape[1] != queries.shape[1] or base.shape[1] > DIMENSION_MAX:
        raise BadFile(f"\"train\" has {base.shape[1]} columns and \"test\" {queries.shape[1]}: both "
                      f"must have the same, at most {DIMENSION_MAX}")
    if neighbours.shape[0] != queries.shape[0]:
        raise BadFile(f"\"neighbors\" has {neighbours.shape[0]} rows for {queries.shape[0]} queries")
    if base.shape[0] > COUNT_MAX:
        raise BadFile(f"\"train\" has {base.shape[0]} rows, more than a truth file can name")
    write_vectors(base, pathlib.Path(f"{prefix}.base.fbin"))
    write_vectors(queries, pathlib.Path(f"{prefix}.query.fbin"))
    write_truth(neighbours, base.shape[0], pathlib.Path(f"{prefix}.truth.ibin"))
    name = pathlib.Path(prefix).name.lower()
    return (f"metric {metric}, {base.shape[0]} vectors of {base.shape[1]} dimensions, "
            f"{queries.shape[0]} queries with {neighbours.shape[1]} neighbours\n"
            f"kith collection create {name} --dimension {base.shape[1]} --metric {metric} "
            f"--dtype f32\n"
            f"kith import {name} {prefix}.base.fbin\n"
            f"kith bench recall {name} --queries {prefix}.query.fbin --truth {prefix}.truth.ibin")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", type=pathlib.Path, help="a data set of ann-benchmarks")
    parser.add_argument("prefix", help="the files are PREFIX.base.fbin and so on")
    words = parser.parse_args()
    try:
        with h5py.File(words.file, "r") as source:
            print(convert(source, words.prefix))
    except BadFile as error:
        print(f"convert_hdf5: {words.file}: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"convert_hdf5: {words.file}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
