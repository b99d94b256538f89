"""Flows of the Search service."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kith import _methods
from kith._collections import Collections, chosen
from kith._flow import Caller, Flow
from kith._points import tokens_to
from kith._vectors import (Shape, Vectors, as_matrix, as_row, from_point_id, refused, row_bytes,
                           to_point_id, vector_of)
from kith.options import SearchOptions
from kith.results import BatchResult, Hit, PointId, QueryHits, SearchResult
from kith.v1 import search_pb2, types_pb2

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


def parameters(options: SearchOptions) -> search_pb2.SearchParameters:
    message = search_pb2.SearchParameters(limit=_limit(options),
                                          tokens=tokens_to(options.get("tokens", ())))
    for name in _AS_GIVEN:
        value = options.get(name)
        if value is None:
            continue
        try:
            setattr(message, name, value)
        except (TypeError, ValueError) as error:
            raise refused("BAD_REQUEST", name, f"cannot be {value!r}: {error}") from error
    message.priority = chosen(options.get("priority", "interactive"), _PRIORITIES, "priority")
    wanted = options.get("filter")
    if wanted is not None:
        message.filter.CopyFrom(wanted)
    return message


def _limit(options: SearchOptions) -> int:
    limit = options.get("limit", LIMIT_DEFAULT)
    if not isinstance(limit, (int, np.integer)) or not 1 <= limit <= LIMIT_MAX:
        raise refused("LIMIT_OUT_OF_RANGE", "limit", f"is {limit!r}, must be from 1 to {LIMIT_MAX}")
    return int(limit)


def _queries_a_call(options: SearchOptions, shape: Shape) -> int:
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
        request = search_pb2.SearchRequest(collection=collection, parameters=parameters(options))

        def fill(shape: Shape) -> Shape:
            request.vector.data = row_bytes(as_row(vector, shape, "vector"), shape)
            return shape

        shape = yield from self.collections.fit(collection, fill, until)
        answer = yield from self.caller.call(_methods.SEARCH, request, until)
        return _result(answer, shape)

    def by_id(self, collection: str, id: PointId, options: SearchOptions) -> Flow[SearchResult]:
        until = self.caller.until(options, SearchOptions)
        request = search_pb2.SearchRequest(collection=collection, point=to_point_id(id, "id"),
                                           parameters=parameters(options))
        shape = yield from self.collections.shape(collection, until)
        answer = yield from self.caller.call(_methods.SEARCH, request, until)
        return _result(answer, shape)

    def batch(self, collection: str, queries: Vectors,
              options: SearchOptions) -> Flow[BatchResult]:
        until = self.caller.until(options, SearchOptions)
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


def _result(answer: search_pb2.SearchResponse, shape: Shape) -> SearchResult:
    hits = tuple(Hit(from_point_id(hit.id), hit.score, hit.version, hit.payload,
                     vector_of(hit.vector.data, shape)) for hit in answer.hits)
    explanation = answer.explanation if answer.HasField("explanation") else None
    return SearchResult(hits, answer.coverage, answer.index_version, tuple(answer.degraded),
                        explanation)


def _batch_result(answers: Sequence[search_pb2.SearchBatchResponse], shape: Shape,
                  options: SearchOptions) -> BatchResult:
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
                        shape: Shape, options: SearchOptions) -> QueryHits:
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
