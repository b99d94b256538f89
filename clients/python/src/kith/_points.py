"""Flows of the Points service: what is larger than a call is cut into several."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from kith import _methods
from kith._collections import Collections
from kith._flow import Caller, Flow
from kith._tokens import tokens_from, tokens_to
from kith._upserts import (POINTS_PER_CALL_MAX, Extras, UpsertRows, Written, header_of,
                           passing_failure, points_refused, raises_refused, request_ids)
from kith._vectors import (Ids, Shape, Vectors, as_numbers, from_point_id, refused, to_point_id,
                           vector_of)
from kith.errors import KithError
from kith.options import CountOptions, DeleteOptions, GetOptions, ScrollOptions, UpsertOptions
from kith.results import (DeleteResult, GetResult, PointId, PointPage, StoredPoint, UpsertResult,
                          WriteToken, newest)
from kith.v1 import points_pb2, types_pb2

PAGE_DEFAULT = 100
VECTOR_BYTES_PER_GET_MAX = 32 << 20  # of the server
T = TypeVar("T")


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
        on_refused = raises_refused(options)
        ids, vectors, payloads = points
        extras = Extras.of(payloads, options.get("if_versions"))
        make: Callable[[Shape], UpsertRows] = lambda shape: UpsertRows.of(shape, ids, vectors,
                                                                          extras)
        rows = yield from self.collections.fit(collection, make, until)
        result = (yield from self._send(collection, rows, options, until)).result()
        if result.failures and on_refused:
            raise points_refused(result, len(ids))
        return result

    def _send(self, collection: str, rows: UpsertRows, options: UpsertOptions,
              until: float | None) -> Flow[Written]:
        header = header_of(collection, options)
        written = Written()
        for part, name in zip(rows.batches(), request_ids(options.get("request_id")),
                              strict=False):
            request = points_pb2.UpsertRequest(request_id=name)
            request.MergeFrom(header)
            rows.fill(part, request)
            try:
                answer = yield from self.caller.call(_methods.UPSERT, request, until,
                                                     passing_failure)
            except KithError as error:
                error.upserted = written.result()
                self.collections.forget(collection)
                raise
            written.add(part.start, answer)
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
