"""Files of vectors and of true neighbours: what they say of themselves, and whether they fit.

.u8bin and .fbin: uint32 rows, uint32 dimension, then the rows. .ibin: uint32 queries, uint32 depth,
then int32 ids, and in the big-ann form as many float32 distances behind them. Standard library only.
"""

import array
import dataclasses
import pathlib
import struct

ELEMENT_BYTES = {".u8bin": 1, ".fbin": 4}
NEIGHBOURS = 10  # recall@10: the truth has to have so many


class BadInput(Exception):
    """What the user gave cannot be used; the message is one line that says what to do."""


@dataclasses.dataclass(frozen=True)
class VectorFile:
    path: pathlib.Path
    rows: int
    dimension: int
    dtype: str  # "u8" or "f32"

    @property
    def identity(self) -> str:
        """Changes with the file: what is kept of an index of it is made anew then."""
        facts = self.path.stat()
        return f"{self.path.resolve()}:{facts.st_size}:{facts.st_mtime_ns}"


def _head(option: str, path: pathlib.Path) -> tuple[int, int, int]:
    """Two numbers and the size of the file."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise BadInput(f"{option}: cannot read {path}: {error.strerror}") from None
    if len(head) < 8:
        raise BadInput(f"{option}: {path} has {len(head)} bytes, a head alone has 8")
    return *struct.unpack("<II", head), path.stat().st_size


def open_vectors(option: str, name: str) -> VectorFile:
    path = pathlib.Path(name)
    width = ELEMENT_BYTES.get(path.suffix)
    if width is None:
        raise BadInput(f"{option}: {path} must end in .u8bin or .fbin")
    rows, dimension, size = _head(option, path)
    expected = 8 + rows * dimension * width
    if rows == 0 or dimension == 0:
        raise BadInput(f"{option}: {path} has {rows} rows of {dimension} dimensions")
    if size != expected:
        raise BadInput(f"{option}: {path} has {size} bytes; {rows} rows of {dimension} "
                       f"dimensions are {expected}")
    return VectorFile(path, rows, dimension, "u8" if width == 1 else "f32")


def check_truth(name: str, queries: VectorFile, base: VectorFile) -> pathlib.Path:
    path = pathlib.Path(name)
    if path.suffix != ".ibin":
        raise BadInput(f"--truth: {path} must end in .ibin (kith dataset truth writes one)")
    rows, depth, size = _head("--truth", path)
    if size not in (8 + rows * depth * 4, 8 + rows * depth * 8):
        raise BadInput(f"--truth: {path} has {size} bytes; {rows} rows of {depth} ids are "
                       f"{8 + rows * depth * 4}")
    if depth < NEIGHBOURS:
        raise BadInput(f"--truth: {path} has {depth} neighbours a query, recall@{NEIGHBOURS} "
                       f"needs {NEIGHBOURS}")
    if rows != queries.rows:
        raise BadInput(f"--truth: {path} has {rows} rows for {queries.rows} queries")
    ids = array.array("i")
    with path.open("rb") as file:
        file.seek(8)
        ids.frombytes(file.read(rows * depth * 4))
    if max(ids) >= base.rows or min(ids) < 0:
        raise BadInput(f"--truth: {path} names row {max(ids)}, {base.path} has {base.rows}: it "
                       "belongs to another base")
    return path


def check_fit(base: VectorFile, queries: VectorFile) -> None:
    if (base.dimension, base.dtype) != (queries.dimension, queries.dtype):
        raise BadInput(f"--queries: {queries.path} has {queries.dimension} {queries.dtype} "
                       f"elements a row, --base {base.dimension} {base.dtype}")


def write_slice(source: pathlib.Path, target: pathlib.Path, rows: slice) -> None:
    """Rows [start, stop) of a file of vectors or ids, as a file of its own (without distances)."""
    width = ELEMENT_BYTES.get(source.suffix, 4)
    with source.open("rb") as file:
        _, columns = struct.unpack("<II", file.read(8))
        file.seek(8 + rows.start * columns * width)
        body = file.read((rows.stop - rows.start) * columns * width)
    target.write_bytes(struct.pack("<II", rows.stop - rows.start, columns) + body)
