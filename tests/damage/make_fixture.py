"""Packs the directory of a sample, and its answers, for fixture_test.py."""

import argparse
import lzma
import os
import pathlib
import tarfile
import tempfile

import damaged_server as server_of
import fixtures

# RocksDB's own text logs; they say where the directory was made.
_LEFT_OUT = ("LOG", "LOG.old", "LOCK")


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Without what is of the machine that made it."""
    if pathlib.PurePath(entry.name).name.startswith(_LEFT_OUT):
        return None
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = 0
    return entry


def _pack(folder: pathlib.Path, to: pathlib.Path) -> None:
    # A dictionary larger than all of it: a vector is in the state and in the row file.
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 128 << 20}]
    with lzma.open(to, "wb", filters=filters) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
            archive.add(folder, ".", filter=_plain)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("release")
    words = parser.parse_args()
    to = fixtures.FOLDER
    to.mkdir(exist_ok=True)
    packed = to / f"{words.release}.tar.xz"
    if packed.exists():
        raise SystemExit(f"{packed} is there: what a release wrote does not change")
    with tempfile.TemporaryDirectory(prefix="kith-fixture-") as scratch:
        folder = pathlib.Path(scratch)
        whole = folder / "whole"
        server_of.make_whole(whole, folder, fixtures.SIZE)
        answers = server_of.answers_of(whole, folder, fixtures.SIZE)
        _pack(whole, packed)
    text = "".join(f"{name}\t{answer}\n" for name, answer in answers.items())
    with lzma.open(to / f"{words.release}.answers.xz", "wt", preset=9) as file:
        file.write(text)
    for path in sorted(to.iterdir()):
        print(path.name, os.path.getsize(path))


if __name__ == "__main__":
    main()
