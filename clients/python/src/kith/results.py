"""What calls return. What has no vectors in it comes as the API's own message (kith.v1)."""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from kith.errors import KithError
from kith.v1 import search_pb2, types_pb2

PointId = int | uuid.UUID
Vector = npt.NDArray[Any]


class WriteToken(NamedTuple):
    """Where a write landed: a search that is given it sees that write."""

    shard: int
    epoch: int
    lsn: int


def newest(tokens: Iterable[WriteToken]) -> tuple[WriteToken, ...]:
    """Of each shard the newest token: what to keep of the tokens of many writes."""
    kept: dict[int, WriteToken] = {}
    for token in tokens:
        if token.shard not in kept or kept[token.shard] < token:
            kept[token.shard] = token
    return tuple(kept.values())


@dataclass(frozen=True, slots=True)
class PointFailure:
    """A point that was not written: its place in what was given, and why."""

    index: int
    error: KithError


@dataclass(frozen=True, slots=True, eq=False)
class UpsertResult:
    """written   points that were
    versions  uint64, one a point: its stored version, for the next if_versions; 0: not known
    tokens    for the searches that must see these points
    failures  the points that were not written
    """

    written: int
    versions: npt.NDArray[np.uint64]
    tokens: tuple[WriteToken, ...]
    failures: tuple[PointFailure, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Acknowledgement(UpsertResult):
    """A batch of stream_upsert that is written: as of an upsert, and

    sequence  its place among the batches, from 0
    """

    sequence: int


@dataclass(frozen=True, slots=True)
class ChangeResult:
    """changed   points whose payload was
    versions  of a change by ids one a point: its stored version; 0: there is none
    tokens    for the searches that must see these changes
    failures  the points that were not changed
    """

    changed: int
    versions: tuple[int, ...]
    tokens: tuple[WriteToken, ...]
    failures: tuple[PointFailure, ...]


@dataclass(frozen=True, slots=True)
class DryRun:
    """points: that pass the filter now; sample: the ids of some of them."""

    points: int
    sample: tuple[PointId, ...]


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value of a field, and how many points have it."""

    value: str | int | float | bool
    count: int


@dataclass(frozen=True, slots=True)
class Facet:
    """values: the most frequent first; distinct: how many there are, also beyond the limit."""

    values: tuple[FacetValue, ...]
    distinct: int


@dataclass(frozen=True, slots=True)
class DeleteResult:
    """deleted: the points that were present."""

    deleted: int
    tokens: tuple[WriteToken, ...]


@dataclass(frozen=True, slots=True, eq=False)
class StoredPoint:
    """vector: read-only, of the collection's type; None where it was not asked for."""

    id: PointId
    version: int
    payload: bytes
    vector: Vector | None


def _matrix(points: tuple[StoredPoint, ...]) -> Vector:
    rows = [point.vector for point in points if point.vector is not None]
    if len(rows) < len(points):
        raise ValueError("the points came without their vectors: with_vector was False")
    return np.stack(rows) if rows else np.zeros((0, 0))


@dataclass(frozen=True, slots=True, eq=False)
class GetResult:
    """points: those found, in the order asked for; missing: the ids of the others."""

    points: tuple[StoredPoint, ...]
    missing: tuple[PointId, ...]

    @property
    def vectors(self) -> Vector:
        """Of the points found, as the rows of a matrix. ValueError where not asked for."""
        return _matrix(self.points)


@dataclass(frozen=True, slots=True, eq=False)
class PointPage:
    """points: of this page; next_page_token: where the next one begins, empty after the last."""

    points: tuple[StoredPoint, ...]
    next_page_token: str

    @property
    def vectors(self) -> Vector:
        """Of the points, as the rows of a matrix. ValueError where not asked for."""
        return _matrix(self.points)


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """score: squared distance for L2, similarity for inner product and cosine; exact."""

    id: PointId
    score: float
    version: int
    payload: bytes
    vector: Vector | None


@dataclass(frozen=True, slots=True, eq=False)
class HitGroup:
    """The nearest points with one value of the field that was grouped by."""

    value: str | int | float | bool
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SearchResult:
    """The nearest first; what was searched for them; `degraded` says why it was not all.

    index_version   empty where the answer came from comparing every point
    explanation     None unless asked for
    next_page_token for the next page: search(..., page_token=result.next_page_token); empty where
                    there is none
    completeness    what all pages hold together: "exact" is every point there is (in the range),
                    "target_recall" of a range all but what the recall aimed at may miss, "depth"
                    what the lists and candidates looked at hold
    groups          with group_by, and then there are no hits
    groups_complete whether looking at more points could not have changed the groups
    """

    hits: tuple[Hit, ...]
    coverage: types_pb2.Coverage
    index_version: str
    degraded: tuple[str, ...]
    explanation: search_pb2.Explanation | None
    next_page_token: str = ""
    completeness: str = ""
    groups: tuple[HitGroup, ...] = ()
    groups_complete: bool = False


@dataclass(frozen=True, slots=True)
class DuplicateCluster:
    """Points that hang together by pairs within the distance; nearest_score: of the nearest two."""

    ids: tuple[PointId, ...]
    nearest_score: float


@dataclass(frozen=True, slots=True)
class DuplicatesPage:
    """The largest clusters first. next_page_token: empty on the last page."""

    clusters: tuple[DuplicateCluster, ...]
    next_page_token: str


@dataclass(frozen=True, slots=True, eq=False)
class QueryHits:
    """The hits of one query of a batch, in arrays of one length. ids: uint64, or objects where a
    UUID is among the hits of the batch. payloads, vectors: None where they were not asked for."""

    ids: npt.NDArray[Any]
    scores: npt.NDArray[np.float32]
    versions: npt.NDArray[np.uint64]
    payloads: tuple[bytes, ...] | None
    vectors: Vector | None

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True, eq=False)
class BatchResult:
    """The hits of all queries after one another: `result[q]` are those of query q.

    counts        hits of each query
    coverage      of the call with the least, where the batch took several
    explanations  one a call; empty unless asked for
    """

    counts: npt.NDArray[np.intp]
    hits: QueryHits
    coverage: types_pb2.Coverage
    index_version: str
    degraded: tuple[str, ...]
    explanations: tuple[search_pb2.Explanation, ...]

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, query: int) -> QueryHits:
        place = range(len(self.counts))[query]
        begin = int(self.counts[:place].sum())
        return self._rows(slice(begin, begin + int(self.counts[place])))

    def __iter__(self) -> Iterator[QueryHits]:
        end = 0
        for count in self.counts.tolist():
            begin, end = end, end + count
            yield self._rows(slice(begin, end))

    def _rows(self, rows: slice) -> QueryHits:
        hits = self.hits
        return QueryHits(hits.ids[rows], hits.scores[rows], hits.versions[rows],
                         None if hits.payloads is None else hits.payloads[rows],
                         None if hits.vectors is None else hits.vectors[rows])
