"""What an upsert writes: checked, cut into calls, and the answers of those put together."""

import itertools
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from kith._collections import chosen
from kith._tokens import tokens_from
from kith._vectors import (Ids, Shape, Vectors, as_matrix, as_numbers, refused, row_bytes,
                           to_point_id)
from kith.errors import KithError, PointsRefused, from_status
from kith.options import StreamUpsertOptions, UpsertOptions
from kith.results import PointFailure, PointId, UpsertResult, WriteToken, newest
from kith.retry import Repeat, may_repeat
from kith.v1 import points_pb2

# Of the server.
POINTS_PER_CALL_MAX = 10_000
PAYLOAD_BYTES_MAX = 64 << 10
# Well under the server's 64 MiB: a call should end within its deadline on a slow link, too.
BATCH_BYTES = 8 << 20
# What a point takes on the wire beside its vector and payload: id, version, lengths; rounded up.
_POINT_BYTES = 64

_MODES = {"upsert": points_pb2.WRITE_MODE_UPSERT, "insert_only": points_pb2.WRITE_MODE_INSERT_ONLY,
          "update_only": points_pb2.WRITE_MODE_UPDATE_ONLY}
_PRIORITIES = {"interactive": points_pb2.WRITE_PRIORITY_INTERACTIVE,
               "import": points_pb2.WRITE_PRIORITY_IMPORT}


def header_of(collection: str, options: UpsertOptions | StreamUpsertOptions
              ) -> points_pb2.UpsertRequest:
    """What the requests of an upsert have in common."""
    return points_pb2.UpsertRequest(
        collection=collection, mode=chosen(options.get("mode", "upsert"), _MODES, "mode"),
        priority=chosen(options.get("priority", "interactive"), _PRIORITIES, "priority"))


def raises_refused(options: UpsertOptions | StreamUpsertOptions) -> bool:
    """Whether points that the server refused are an error, as on_refused says."""
    return chosen(options.get("on_refused", "raise"), {"raise": True, "return": False},
                  "on_refused")


def points_refused(result: UpsertResult, count: int) -> PointsRefused:
    first = result.failures[0]
    error = PointsRefused(f"{len(result.failures)} of {count} points were not written, "
                          f"the first of them point {first.index}: {first.error}")
    error.upserted = result
    return error


@dataclass(frozen=True)
class UpsertRows:
    """What one upsert writes, checked."""

    shape: Shape
    ids: Ids
    numbers: npt.NDArray[np.uint64] | None
    vectors: npt.NDArray[Any]
    payloads: Sequence[bytes] | None
    if_versions: Sequence[int | None] | None

    @staticmethod
    def of(shape: Shape, ids: Ids, vectors: Vectors, extras: "Extras") -> "UpsertRows":
        numbers = as_numbers(ids)
        matrix = as_matrix(vectors, shape, "vectors") if len(vectors) else np.zeros(
            (0, shape.dimension), shape.dtype)
        for name, given in (("vectors", matrix), ("payloads", extras.payloads),
                            ("if_versions", extras.if_versions)):
            if given is not None and len(given) != len(ids):
                raise refused("BAD_REQUEST", name, f"has {len(given)} entries for {len(ids)} ids")
        return UpsertRows(shape, ids, numbers, matrix, extras.payloads, extras.if_versions)

    def batches(self) -> Iterator[slice]:
        """Runs of points that fit a call."""
        size = self.shape.vector_bytes + _POINT_BYTES
        if self.payloads is None:
            step = max(1, min(POINTS_PER_CALL_MAX, BATCH_BYTES // size))
            for begin in range(0, len(self.vectors), step):
                yield slice(begin, min(begin + step, len(self.vectors)))
            return
        sizes = size + np.fromiter(map(len, self.payloads), np.int64, len(self.payloads))
        ends = np.cumsum(sizes)
        begin = 0
        while begin < len(ends):
            room = (ends[begin - 1] if begin else 0) + BATCH_BYTES
            end = max(begin + 1, int(np.searchsorted(ends, room, side="right")))
            yield slice(begin, min(end, begin + POINTS_PER_CALL_MAX))
            begin = min(end, begin + POINTS_PER_CALL_MAX)

    def ids_of(self, rows: slice) -> Sequence[PointId]:
        return list(self.ids[rows] if self.numbers is None else self.numbers[rows].tolist())

    def fill(self, rows: slice, request: points_pb2.UpsertRequest) -> None:
        vectors = row_bytes(self.vectors[rows], self.shape)
        payloads = None if self.payloads is None else self.payloads[rows]
        if self.numbers is not None and self.if_versions is None:
            columns = points_pb2.PointColumns(vectors=vectors, payloads=payloads)
            columns.numbers.extend(self.numbers[rows].tolist())
            request.columns.CopyFrom(columns)
            return
        width = self.shape.vector_bytes
        for place, row in enumerate(range(rows.start, rows.stop)):
            point = request.points.add()
            point.id.CopyFrom(to_point_id(self.ids[row], f"ids[{row}]"))
            point.vector.data = vectors[place * width:(place + 1) * width]
            if payloads is not None:
                point.payload = payloads[place]
            condition = None if self.if_versions is None else self.if_versions[row]
            if condition is not None:
                point.if_version = condition


@dataclass(frozen=True)
class Extras:
    """What may come beside ids and vectors, checked."""

    payloads: Sequence[bytes] | None
    if_versions: Sequence[int | None] | None

    @staticmethod
    def of(payloads: Sequence[bytes] | None,
           conditions: Iterable[int | None] | None = None) -> "Extras":
        for place, payload in enumerate(payloads or ()):
            if not isinstance(payload, bytes):
                raise refused("BAD_REQUEST", f"payloads[{place}]", "must be bytes, is of "
                              f"{type(payload).__name__}: json.dumps(...).encode(), for instance")
            if len(payload) > PAYLOAD_BYTES_MAX:
                raise refused("PAYLOAD_TOO_LARGE", f"payloads[{place}]", f"has {len(payload)} "
                              f"bytes, at most {PAYLOAD_BYTES_MAX} are taken")
        if conditions is None:
            return Extras(payloads, None)
        plain = [None if one is None else int(one) for one in conditions]
        for place, one in enumerate(plain):
            if one is not None and not 0 <= one < (1 << 64) - 1:
                raise refused("BAD_REQUEST", f"if_versions[{place}]", f"is {one}, which is no "
                              "version")
        return Extras(payloads, plain)


@dataclass
class Written:
    """The answers of an upsert's calls, put together."""

    written: int = 0
    versions: list[npt.NDArray[np.uint64]] = field(default_factory=list)
    tokens: tuple[WriteToken, ...] = ()
    failures: list[PointFailure] = field(default_factory=list)

    def add(self, begin: int, answer: points_pb2.UpsertResponse) -> None:
        self.written += answer.written
        self.versions.append(np.fromiter(answer.versions, np.uint64, len(answer.versions)))
        self.tokens = newest([*self.tokens, *tokens_from(answer.tokens)])
        for place, status in enumerate(answer.statuses):
            if status.code != 0:
                self.failures.append(PointFailure(begin + place, from_status(status)))

    def result(self) -> UpsertResult:
        versions = np.concatenate([np.zeros(0, np.uint64), *self.versions])
        return UpsertResult(self.written, versions, self.tokens, tuple(self.failures))


def passing_failure(answer: points_pb2.UpsertResponse) -> KithError | None:
    """Of the points that were not written the first whose reason may pass: the same request again
    writes those, and answers for the others as it did."""
    for status in answer.statuses:
        if status.code != 0:
            error = from_status(status)
            if may_repeat(Repeat.WRITE, error):
                return error
    return None


def request_ids(name: uuid.UUID | None) -> Iterator[bytes]:
    """Of the calls of one request: the name itself, then names made from it, so that the same
    request cut in the same way has the same ids."""
    first = name if name is not None else uuid.uuid4()
    yield first.bytes
    for number in itertools.count(1):
        yield uuid.uuid5(first, str(number)).bytes
