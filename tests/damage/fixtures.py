"""Directories that releases wrote, with their thousand answers."""

import lzma
import pathlib
import tarfile

FOLDER = pathlib.Path(__file__).resolve().parent / "fixture"
SIZE = 280  # of the sample in each


def releases() -> list[str]:
    return sorted(path.name.removesuffix(".tar.xz") for path in FOLDER.glob("*.tar.xz"))


def unpack(release: str, to: pathlib.Path) -> dict[str, str]:
    """The directory goes to `to`; its answers are returned."""
    with tarfile.open(FOLDER / f"{release}.tar.xz") as packed:
        packed.extractall(to)
    with lzma.open(FOLDER / f"{release}.answers.xz", "rt") as file:
        return dict(line.rstrip("\n").split("\t", 1) for line in file)
