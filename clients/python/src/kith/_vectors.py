"""Vectors and ids on their way in: checked before anything is sent, and never walked one by one."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kith.errors import FieldViolation, InvalidArgument
from kith.results import PointId
from kith.v1 import collections_pb2, types_pb2

# As the server's (common/base/limits.h).
_SQUARES_MAX = 1e36
# Rows are looked at in blocks of about so many elements, so that the look takes little memory.
_BLOCK_ELEMENTS = 1 << 20

DTYPES: dict[str, np.dtype[Any]] = {"f32": np.dtype("<f4"), "f16": np.dtype("<f2"),
                                    "u8": np.dtype("u1")}
_TYPE_OF = {types_pb2.ELEMENT_TYPE_F32: "f32", types_pb2.ELEMENT_TYPE_F16: "f16",
            types_pb2.ELEMENT_TYPE_U8: "u8"}

Ids = npt.NDArray[Any] | Sequence[PointId]
Vectors = npt.NDArray[Any] | Sequence[Any]


def refused(reason: str, field: str, message: str) -> InvalidArgument:
    return InvalidArgument(f"{field} {message}", reason=reason,
                           violations=[FieldViolation(field, message)])


@dataclass(frozen=True, slots=True)
class Shape:
    """What a collection takes."""

    dimension: int
    type: str
    is_cosine: bool

    @property
    def dtype(self) -> np.dtype[Any]:
        return DTYPES[self.type]

    @property
    def vector_bytes(self) -> int:
        return self.dimension * self.dtype.itemsize


def shape_of(collection: collections_pb2.Collection) -> Shape:
    return Shape(collection.dimension, _TYPE_OF[collection.element_type],
                 collection.metric == types_pb2.METRIC_COSINE)


def as_matrix(vectors: Vectors, shape: Shape, field: str) -> npt.NDArray[Any]:
    """Rows as the collection takes them, checked. An array is not copied: it must have the
    collection's type. Lists of numbers are converted where they fit."""
    matrix = _as_array(vectors, shape, field)
    if matrix.ndim != 2:
        raise refused("BAD_VECTOR", field, f"has {matrix.ndim} axes, must have two: one row a "
                      "vector")
    if matrix.shape[1] != shape.dimension:
        raise refused("DIMENSION_MISMATCH", field, f"has rows of {matrix.shape[1]} elements, the "
                      f"collection has dimension {shape.dimension}")
    _check_rows(matrix, shape, field)
    return matrix


def as_row(vector: Vectors, shape: Shape, field: str) -> npt.NDArray[Any]:
    """One vector, as a matrix of one row."""
    row = _as_array(vector, shape, field)
    if row.ndim != 1:
        raise refused("BAD_VECTOR", field, f"has {row.ndim} axes, must have one; for many queries "
                      "use search_batch")
    if len(row) != shape.dimension:
        raise refused("DIMENSION_MISMATCH", field, f"has {len(row)} elements, the collection has "
                      f"dimension {shape.dimension}")
    matrix = row.reshape(1, -1)
    _check_rows(matrix, shape, field)
    return matrix


def row_bytes(rows: npt.NDArray[Any], shape: Shape) -> bytes:
    """Row after row, little-endian."""
    return np.ascontiguousarray(rows, dtype=shape.dtype).tobytes()


def _as_array(vectors: Vectors, shape: Shape, field: str) -> npt.NDArray[Any]:
    if isinstance(vectors, np.ndarray):
        if vectors.dtype.newbyteorder("<") != shape.dtype:
            raise refused("BAD_VECTOR", field, f"is of {vectors.dtype}, the collection of "
                          f"{shape.type}: give {field}.astype(numpy.{shape.dtype.name})")
        return vectors
    try:
        array = np.asarray(vectors)
    except ValueError as error:  # rows of different lengths
        raise refused("BAD_VECTOR", field, f"cannot be made an array: {error}") from error
    if array.dtype.kind not in "iuf":
        raise refused("BAD_VECTOR", field, f"is not all numbers (numpy takes it as {array.dtype})")
    if shape.type == "u8":
        return _as_bytes(array, field)
    with np.errstate(over="ignore"):  # what becomes infinite is found as such
        return array.astype(shape.dtype)


def _as_bytes(array: npt.NDArray[Any], field: str) -> npt.NDArray[Any]:
    if not np.all((array >= 0) & (array <= 255) & (array == np.floor(array))):
        raise refused("BAD_VECTOR", field, "has an element that is no whole number from 0 to 255, "
                      "and the collection is of u8")
    return array.astype(np.uint8)


def _check_rows(matrix: npt.NDArray[Any], shape: Shape, field: str) -> None:
    if shape.type == "u8" and not shape.is_cosine:
        return
    step = max(1, _BLOCK_ELEMENTS // shape.dimension)
    for begin in range(0, len(matrix), step):
        _check_block(matrix[begin:begin + step], shape, (field, begin))


def _check_block(block: npt.NDArray[Any], shape: Shape, place: tuple[str, int]) -> None:
    field, begin = place
    # NaN and infinity show in the extremes, which take no memory.
    low, high = float(block.min()), float(block.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        row, element = np.argwhere(~np.isfinite(block))[0].tolist()
        raise refused("NON_FINITE_VECTOR", f"{field}[{begin + row}]",
                      f"has {block[row, element]} as element {element}; every element must be a "
                      "finite number")
    if not shape.is_cosine and max(-low, high) ** 2 * shape.dimension <= _SQUARES_MAX:
        return
    squares = np.einsum("ij,ij->i", block, block, dtype=np.float64)
    if squares.max() > _SQUARES_MAX:
        raise refused("BAD_VECTOR", f"{field}[{begin + int(squares.argmax())}]",
                      f"is too long: its elements' squares add up to {squares.max():g}, at most "
                      f"{_SQUARES_MAX:g} is taken; scale the vectors down")
    if shape.is_cosine and squares.min() < np.finfo(np.float32).tiny:
        raise refused("ZERO_VECTOR_COSINE", f"{field}[{begin + int(squares.argmin())}]",
                      "is zero (or too short to have a direction), which has no cosine with "
                      "anything")


def as_numbers(ids: Ids) -> npt.NDArray[np.uint64] | None:
    """The ids as uint64, or None where a UUID is among them."""
    if isinstance(ids, range):
        ids = np.arange(ids.start, ids.stop, ids.step)
    array = np.asarray(ids)
    if array.ndim == 1 and array.dtype.kind not in "iu":  # an empty list, UUIDs, or wrong
        for place, one in enumerate(ids):
            check_id(one, f"ids[{place}]")
        if any(isinstance(one, uuid.UUID) for one in ids):
            return None
        array = np.array([int(one) for one in ids], dtype=np.uint64)
    if array.ndim != 1:
        raise refused("BAD_ID", "ids", f"has {array.ndim} axes, must have one")
    if array.dtype.kind == "i" and len(array) and array.min() < 0:
        raise refused("BAD_ID", f"ids[{int(array.argmin())}]", f"is {array.min()}; numbers are "
                      "from 0 to 2^64 - 1")
    return array.astype(np.uint64)


def check_id(one: object, field: str) -> None:
    if isinstance(one, uuid.UUID):
        return
    if not isinstance(one, (int, np.integer)) or isinstance(one, bool):
        raise refused("BAD_ID", field, f"is {one!r}, must be an int or a uuid.UUID")
    if not 0 <= int(one) < 1 << 64:
        raise refused("BAD_ID", field, f"is {one}; numbers are from 0 to 2^64 - 1")


def to_point_id(one: PointId, field: str) -> types_pb2.PointId:
    check_id(one, field)
    if isinstance(one, uuid.UUID):
        return types_pb2.PointId(uuid=one.bytes)
    return types_pb2.PointId(number=int(one))


def from_point_id(message: types_pb2.PointId) -> PointId:
    if message.WhichOneof("id") == "uuid":
        return uuid.UUID(bytes=message.uuid)
    return message.number


def vector_of(data: bytes, shape: Shape) -> npt.NDArray[Any] | None:
    """A vector out of an answer, without a copy; None where there is none."""
    return np.frombuffer(data, dtype=shape.dtype) if data else None
