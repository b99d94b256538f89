"""Flows of the Search service."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf.message import Message

from kith import _methods
from kith._collections import Collections, chosen
from kith._flow import Caller, Flow
from kith._tokens import tokens_to
from kith._vectors import (Shape, Vectors, as_matrix, as_row, from_point_id, refused, row_bytes,
                           to_point_id, vector_of)
from kith.options import (FindDuplicatesOptions, LikeOptions, ListDuplicatesOptions,
                          ManySearchOptions, SearchOptions)
from kith.results import (BatchResult, DuplicateCluster, DuplicatesPage, Hit, HitGroup, PointId,
                          QueryHits, SearchResult)
from kith.v1 import operations_pb2, search_pb2, types_pb2

# What a point is to be like: the id of a stored point, or a vector.
Likeness = PointId | Vectors

# Of the server.
LIMIT_DEFAULT = 10
LIMIT_MAX = 10_000
_QUERIES_MAX = 1024
_HITS_MAX = 1_000_000
_READ_HITS_MAX = 10_000            # with payloads or vectors
_READ_VECTOR_BYTES_MAX = 32 << 20
_AS_GIVEN = ("exact", "target_recall", "nprobe", "refine", "rerank", "max_distance", "min_score",
             "min_coverage", "with_payload", "with_vector", "explain")
_PRIORITIES = {"interactive": search_pb2.SEARCH_PRIORITY_INTERACTIVE,
               "batch": search_pb2.SEARCH_PRIORITY_BATCH}
_STRATEGIES = {"average": search_pb2.Examples.STRATEGY_AVERAGE,
               "best_score": search_pb2.Examples.STRATEGY_BEST_SCORE}
_COMPLETENESS = {search_pb2.COMPLETENESS_EXACT: "exact",
                 search_pb2.COMPLETENESS_TARGET_RECALL: "target_recall",
                 search_pb2.COMPLETENESS_DEPTH: "depth"}


def _set(message: Message, name: str, value: object, option: str) -> None:
    if value is None:
        return
    try:
        setattr(message, name, value)
    except (TypeError, ValueError) as error:
        raise refused("BAD_REQUEST", option, f"cannot be {value!r}: {error}") from error


def parameters(options: ManySearchOptions) -> search_pb2.SearchParameters:
    message = search_pb2.SearchParameters(limit=_limit(options),
                                          tokens=tokens_to(options.get("tokens", ())))
    for name in _AS_GIVEN:
        _set(message, name, options.get(name), name)
    message.priority = chosen(options.get("priority", "interactive"), _PRIORITIES, "priority")
    wanted = options.get("filter")
    if wanted is not None:
        message.filter.CopyFrom(wanted)
    return message


def request_of(collection: str, options: SearchOptions) -> search_pb2.SearchRequest:
    """All but the query."""
    request = search_pb2.SearchRequest(collection=collection, parameters=parameters(options))
    _set(request, "page_token", options.get("page_token"), "page_token")
    _set(request, "page_depth", options.get("page_depth"), "page_depth")
    if options.get("group_by") is not None:
        _set(request.group_by, "field", options["group_by"], "group_by")
        _set(request.group_by, "group_size", options.get("group_size"), "group_size")
    elif options.get("group_size") is not None:
        raise refused("BAD_REQUEST", "group_size", "is of group_by; name the field, too")
    return request


def _limit(options: ManySearchOptions) -> int:
    limit = options.get("limit", LIMIT_DEFAULT)
    if not isinstance(limit, (int, np.integer)) or not 1 <= limit <= LIMIT_MAX:
        raise refused("LIMIT_OUT_OF_RANGE", "limit", f"is {limit!r}, must be from 1 to {LIMIT_MAX}")
    return int(limit)


def _queries_a_call(options: ManySearchOptions, shape: Shape) -> int:
    limit = _limit(options)
    hits = _HITS_MAX
    if options.get("with_payload", False) or options.get("with_vector", False):
        hits = _READ_HITS_MAX
    if options.get("with_vector", False):
        hits = min(hits, _READ_VECTOR_BYTES_MAX // shape.vector_bytes)
    return max(1, min(_QUERIES_MAX, hits // limit))


@dataclass(frozen=True)
class Searches:
    caller: Caller
    collections: Collections

    def by_vector(self, collection: str, vector: Vectors,
                  options: SearchOptions) -> Flow[SearchResult]:
        until = self.caller.until(options, SearchOptions)
        request = request_of(collection, options)

        def fill(shape: Shape) -> Shape:
            request.vector.data = row_bytes(as_row(vector, shape, "vector"), shape)
            return shape

        shape = yield from self.collections.fit(collection, fill, until)
        answer = yield from self.caller.call(_methods.SEARCH, request, until)
        return _result(answer, shape)

    def by_id(self, collection: str, id: PointId, options: SearchOptions) -> Flow[SearchResult]:
        until = self.caller.until(options, SearchOptions)
        request = request_of(collection, options)
        request.point.CopyFrom(to_point_id(id, "id"))
        shape = yield from self.collections.shape(collection, until)
        answer = yield from self.caller.call(_methods.SEARCH, request, until)
        return _result(answer, shape)

    def like(self, collection: str, positive: Iterable[Likeness], negative: Iterable[Likeness],
             options: LikeOptions) -> Flow[SearchResult]:
        until = self.caller.until(options, LikeOptions)
        request = request_of(collection, options)
        strategy = options.get("strategy", "average")
        if strategy not in _STRATEGIES:
            raise refused("BAD_REQUEST", "strategy",
                          f"is {strategy!r}, must be one of {', '.join(_STRATEGIES)}")
        request.examples.strategy = _STRATEGIES[strategy]
        given = (("positive", list(positive)), ("negative", list(negative)))

        def fill(shape: Shape) -> Shape:
            for kind, examples in given:
                into = getattr(request.examples, kind)
                del into[:]
                for place, example in enumerate(examples):
                    into.append(_example(example, f"{kind}[{place}]", shape))
            return shape

        shape = yield from self.collections.fit(collection, fill, until)
        answer = yield from self.caller.call(_methods.SEARCH, request, until)
        return _result(answer, shape)

    def find_duplicates(self, collection: str,
                        options: FindDuplicatesOptions) -> Flow[operations_pb2.Operation]:
        until = self.caller.until(options, FindDuplicatesOptions)
        request = search_pb2.FindDuplicatesRequest(collection=collection)
        for name in ("max_distance", "min_score", "target_recall", "exact"):
            _set(request, name, options.get(name), name)
        return (yield from self.caller.call(_methods.FIND_DUPLICATES, request, until))

    def list_duplicates(self, operation_id: str,
                        options: ListDuplicatesOptions) -> Flow[DuplicatesPage]:
        until = self.caller.until(options, ListDuplicatesOptions)
        request = search_pb2.ListDuplicatesRequest(operation=operation_id)
        for name in ("page_token", "limit"):
            _set(request, name, options.get(name), name)
        answer = yield from self.caller.call(_methods.LIST_DUPLICATES, request, until)
        return DuplicatesPage(
            tuple(DuplicateCluster(tuple(map(from_point_id, one.ids)), one.nearest_score)
                  for one in answer.clusters), answer.next_page_token)

    def batch(self, collection: str, queries: Vectors,
              options: ManySearchOptions) -> Flow[BatchResult]:
        until = self.caller.until(options, ManySearchOptions)
        asked = parameters(options)

        def check(shape: Shape) -> tuple[Shape, npt.NDArray[Any]]:
            return shape, as_matrix(queries, shape, "queries")

        shape, matrix = yield from self.collections.fit(collection, check, until)
        if len(matrix) == 0:
            raise refused("BAD_REQUEST", "queries", "has no rows")
        step = _queries_a_call(options, shape)
        answers = []
        for begin in range(0, len(matrix), step):
            rows = matrix[begin:begin + step]
            request = search_pb2.SearchBatchRequest(
                collection=collection, queries=row_bytes(rows, shape), count=len(rows),
                parameters=asked)
            answers.append((yield from self.caller.call(_methods.SEARCH_BATCH, request, until)))
        return _batch_result(answers, shape, options)


def _example(example: Likeness, field: str, shape: Shape) -> search_pb2.Example:
    if isinstance(example, (int, np.integer, uuid.UUID)):
        return search_pb2.Example(point=to_point_id(example, field))
    data = row_bytes(as_row(example, shape, field), shape)
    return search_pb2.Example(vector=types_pb2.Vector(data=data))


def _hits(hits: Iterable[search_pb2.Hit], shape: Shape) -> tuple[Hit, ...]:
    return tuple(Hit(from_point_id(hit.id), hit.score, hit.version, hit.payload,
                     vector_of(hit.vector.data, shape)) for hit in hits)


def _result(answer: search_pb2.SearchResponse, shape: Shape) -> SearchResult:
    explanation = answer.explanation if answer.HasField("explanation") else None
    groups = tuple(HitGroup(getattr(group.value, group.value.WhichOneof("value") or "keyword"),
                            _hits(group.hits, shape)) for group in answer.groups)
    return SearchResult(_hits(answer.hits, shape), answer.coverage, answer.index_version,
                        tuple(answer.degraded), explanation, answer.next_page_token,
                        _COMPLETENESS.get(answer.completeness, ""), groups,
                        answer.groups_complete)


def _batch_result(answers: Sequence[search_pb2.SearchBatchResponse], shape: Shape,
                  options: ManySearchOptions) -> BatchResult:
    hits = QueryHits(
        _ids(answers), _numbers((one.scores for one in answers), np.dtype(np.float32)),
        _numbers((one.versions for one in answers), np.dtype(np.uint64)), None, None)
    if options.get("with_payload", False) or options.get("with_vector", False):
        hits = _with_what_was_read(hits, answers, shape, options)
    return BatchResult(
        _numbers((one.counts for one in answers), np.dtype(np.intp)), hits,
        min((one.coverage for one in answers), key=lambda coverage: coverage.ratio),
        answers[-1].index_version,
        tuple(dict.fromkeys(reason for one in answers for reason in one.degraded)),
        tuple(one.explanation for one in answers if one.HasField("explanation")))


def _with_what_was_read(hits: QueryHits, answers: Sequence[search_pb2.SearchBatchResponse],
                        shape: Shape, options: ManySearchOptions) -> QueryHits:
    payloads = vectors = None
    if options.get("with_payload", False):
        payloads = tuple(payload for one in answers for payload in one.payloads)
    if options.get("with_vector", False):
        data = b"".join(one.vectors for one in answers)
        vectors = np.frombuffer(data, dtype=shape.dtype).reshape(-1, shape.dimension)
    return QueryHits(hits.ids, hits.scores, hits.versions, payloads, vectors)


def _numbers(parts: Iterable[Sequence[float]], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    return np.concatenate([np.fromiter(part, dtype, len(part)) for part in parts])


def _ids(answers: Sequence[search_pb2.SearchBatchResponse]) -> npt.NDArray[Any]:
    if not any(one.ids for one in answers):
        return _numbers((one.numbers for one in answers), np.dtype(np.uint64))
    plain = list(_all_ids(answers))
    ids = np.empty(len(plain), dtype=object)
    ids[:] = plain
    return ids


def _all_ids(answers: Sequence[search_pb2.SearchBatchResponse]) -> Iterator[PointId]:
    for one in answers:
        yield from one.numbers
        yield from map(from_point_id, one.ids)
