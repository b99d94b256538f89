"""Flows of the Points service: what is larger than a call is cut into several."""

import itertools
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from kith import _methods
from kith._collections import Collections, chosen
from kith._flow import Caller, Flow
from kith._vectors import (Ids, Shape, Vectors, as_matrix, as_numbers, from_point_id, refused,
                           row_bytes, to_point_id, vector_of)
from kith.errors import KithError, PointsRefused, from_status
from kith.options import CountOptions, DeleteOptions, GetOptions, ScrollOptions, UpsertOptions
from kith.results import (DeleteResult, GetResult, PointFailure, PointId, PointPage, StoredPoint,
                          UpsertResult, WriteToken, newest)
from kith.retry import Repeat, may_repeat
from kith.v1 import points_pb2, types_pb2

# Of the server.
POINTS_PER_CALL_MAX = 10_000
PAGE_DEFAULT = 100
PAYLOAD_BYTES_MAX = 64 << 10
VECTOR_BYTES_PER_GET_MAX = 32 << 20
# Well under the server's 64 MiB: a call should end within its deadline on a slow link, too.
BATCH_BYTES = 8 << 20
# What a point takes on the wire beside its vector and payload: id, version, lengths; rounded up.
_POINT_BYTES = 64

_MODES = {"upsert": points_pb2.WRITE_MODE_UPSERT, "insert_only": points_pb2.WRITE_MODE_INSERT_ONLY,
          "update_only": points_pb2.WRITE_MODE_UPDATE_ONLY}
_PRIORITIES = {"interactive": points_pb2.WRITE_PRIORITY_INTERACTIVE,
               "import": points_pb2.WRITE_PRIORITY_IMPORT}
T = TypeVar("T")


def tokens_from(messages: Sequence[types_pb2.WriteToken]) -> tuple[WriteToken, ...]:
    return tuple(WriteToken(one.shard, one.epoch, one.lsn) for one in messages)


def tokens_to(tokens: Any) -> list[types_pb2.WriteToken]:
    return [types_pb2.WriteToken(shard=one.shard, epoch=one.epoch, lsn=one.lsn)
            for one in newest(tokens)]


@dataclass(frozen=True)
class _Points:
    """What one upsert writes, checked."""

    shape: Shape
    ids: Ids
    numbers: npt.NDArray[np.uint64] | None
    vectors: npt.NDArray[Any]
    payloads: Sequence[bytes] | None
    if_versions: Sequence[int | None] | None

    @staticmethod
    def of(shape: Shape, ids: Ids, vectors: Vectors, extras: "_Extras") -> "_Points":
        numbers = as_numbers(ids)
        matrix = as_matrix(vectors, shape, "vectors") if len(vectors) else np.zeros(
            (0, shape.dimension), shape.dtype)
        for name, given in (("vectors", matrix), ("payloads", extras.payloads),
                            ("if_versions", extras.if_versions)):
            if given is not None and len(given) != len(ids):
                raise refused("BAD_REQUEST", name, f"has {len(given)} entries for {len(ids)} ids")
        return _Points(shape, ids, numbers, matrix, extras.payloads, extras.if_versions)

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
class _Extras:
    """What may come beside ids and vectors, checked."""

    payloads: Sequence[bytes] | None
    if_versions: Sequence[int | None] | None

    @staticmethod
    def of(payloads: Sequence[bytes] | None, options: UpsertOptions) -> "_Extras":
        for place, payload in enumerate(payloads or ()):
            if not isinstance(payload, bytes):
                raise refused("BAD_REQUEST", f"payloads[{place}]", "must be bytes, is of "
                              f"{type(payload).__name__}: json.dumps(...).encode(), for instance")
            if len(payload) > PAYLOAD_BYTES_MAX:
                raise refused("PAYLOAD_TOO_LARGE", f"payloads[{place}]", f"has {len(payload)} "
                              f"bytes, at most {PAYLOAD_BYTES_MAX} are taken")
        conditions = options.get("if_versions")
        if conditions is None:
            return _Extras(payloads, None)
        plain = [None if one is None else int(one) for one in conditions]
        for place, one in enumerate(plain):
            if one is not None and not 0 <= one < (1 << 64) - 1:
                raise refused("BAD_REQUEST", f"if_versions[{place}]", f"is {one}, which is no "
                              "version")
        return _Extras(payloads, plain)


@dataclass
class _Written:
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


def _passing_failure(answer: points_pb2.UpsertResponse) -> KithError | None:
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


def chunks(ids: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    for begin in range(0, len(ids), most):
        yield ids[begin:begin + most]


@dataclass(frozen=True)
class Points:
    caller: Caller
    collections: Collections

    def upsert(self, collection: str, points: tuple[Ids, Vectors, Sequence[bytes] | None],
               options: UpsertOptions) -> Flow[UpsertResult]:
        until = self.caller.until(options, UpsertOptions)
        on_refused = chosen(options.get("on_refused", "raise"), {"raise": True, "return": False},
                            "on_refused")
        ids, vectors, payloads = points
        extras = _Extras.of(payloads, options)
        make: Callable[[Shape], _Points] = lambda shape: _Points.of(shape, ids, vectors, extras)
        batch = yield from self.collections.fit(collection, make, until)
        result = (yield from self._send(collection, batch, options, until)).result()
        if result.failures and on_refused:
            first = result.failures[0]
            error = PointsRefused(f"{len(result.failures)} of {len(ids)} points were not written, "
                                  f"the first of them point {first.index}: {first.error}")
            error.upserted = result
            raise error
        return result

    def _send(self, collection: str, batch: _Points, options: UpsertOptions,
              until: float | None) -> Flow[_Written]:
        mode = chosen(options.get("mode", "upsert"), _MODES, "mode")
        priority = chosen(options.get("priority", "interactive"), _PRIORITIES, "priority")
        written = _Written()
        for rows, name in zip(batch.batches(), request_ids(options.get("request_id")),
                              strict=False):
            request = points_pb2.UpsertRequest(collection=collection, mode=mode, priority=priority,
                                               request_id=name)
            batch.fill(rows, request)
            try:
                answer = yield from self.caller.call(_methods.UPSERT, request, until,
                                                     _passing_failure)
            except KithError as error:
                error.upserted = written.result()
                self.collections.forget(collection)
                raise
            written.add(rows.start, answer)
        return written

    def delete(self, collection: str, ids: Ids, options: DeleteOptions) -> Flow[DeleteResult]:
        until = self.caller.until(options, DeleteOptions)
        messages = id_messages(ids)
        deleted, tokens = 0, list[WriteToken]()
        for part, name in zip(chunks(messages, POINTS_PER_CALL_MAX),
                              request_ids(options.get("request_id")), strict=False):
            request = points_pb2.DeletePointsRequest(collection=collection, ids=part,
                                                     request_id=name)
            answer = yield from self.caller.call(_methods.DELETE_POINTS, request, until)
            deleted += answer.deleted
            tokens += tokens_from(answer.tokens)
        return DeleteResult(deleted, newest(tokens))

    def get(self, collection: str, ids: Ids, options: GetOptions) -> Flow[GetResult]:
        until = self.caller.until(options, GetOptions)
        with_vector = options.get("with_vector", True)
        messages = id_messages(ids)
        shape = yield from self.collections.shape(collection, until)
        most = POINTS_PER_CALL_MAX
        if with_vector:
            most = max(1, min(most, VECTOR_BYTES_PER_GET_MAX // shape.vector_bytes))
        points: list[StoredPoint] = []
        missing: list[PointId] = []
        for part in chunks(messages, most):
            request = points_pb2.GetPointsRequest(
                collection=collection, ids=part, with_vector=with_vector,
                with_payload=options.get("with_payload", True),
                tokens=tokens_to(options.get("tokens", ())))
            answer = yield from self.caller.call(_methods.GET_POINTS, request, until)
            points += [StoredPoint(from_point_id(one.id), one.version, one.payload,
                                   vector_of(one.vector.data, shape)) for one in answer.points]
            missing += [from_point_id(one) for one in answer.missing]
        return GetResult(tuple(points), tuple(missing))

    def count(self, collection: str, options: CountOptions) -> Flow[int]:
        until = self.caller.until(options, CountOptions)
        request = points_pb2.CountPointsRequest(collection=collection,
                                                filter=options.get("filter"))
        answer = yield from self.caller.call(_methods.COUNT_POINTS, request, until)
        return answer.count

    def scroll(self, collection: str, options: ScrollOptions) -> Flow[PointPage]:
        until = self.caller.until(options, ScrollOptions)
        shape = yield from self.collections.shape(collection, until)
        request = points_pb2.ScrollPointsRequest(
            collection=collection, limit=_page_limit(options),
            page_token=options.get("page_token", ""), filter=options.get("filter"),
            with_vector=options.get("with_vector", True),
            with_payload=options.get("with_payload", True),
            tokens=tokens_to(options.get("tokens", ())))
        answer = yield from self.caller.call(_methods.SCROLL_POINTS, request, until)
        points = (StoredPoint(from_point_id(one.id), one.version, one.payload,
                              vector_of(one.vector.data, shape)) for one in answer.points)
        return PointPage(tuple(points), answer.next_page_token)


def _page_limit(options: ScrollOptions) -> int:
    limit = options.get("limit", PAGE_DEFAULT)
    if not isinstance(limit, (int, np.integer)) or not 1 <= limit <= POINTS_PER_CALL_MAX:
        raise refused("LIMIT_OUT_OF_RANGE", "limit",
                      f"is {limit!r}, must be from 1 to {POINTS_PER_CALL_MAX}")
    return int(limit)


def id_messages(ids: Ids) -> list[types_pb2.PointId]:
    numbers = as_numbers(ids)
    if numbers is not None:
        return [types_pb2.PointId(number=one) for one in numbers.tolist()]
    return [to_point_id(one, f"ids[{place}]") for place, one in enumerate(ids)]
