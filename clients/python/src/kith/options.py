"""The options of calls, as keywords: client.search("photos", vector, limit=3, exact=True)."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Literal, TypedDict

from kith.results import WriteToken
from kith.v1 import filter_pb2

Metric = Literal["l2", "inner_product", "cosine"]
Dtype = Literal["f32", "f16", "u8"]
FieldType = Literal["keyword", "integer", "double", "boolean"]


class CallOptions(TypedDict, total=False):
    """Of every call.

    timeout_s  when all of it is over: every attempt, every pause and, where it takes several calls,
               each of them. Absent: 2 s for a search, 30 s for batches of searches and reads, an
               hour for verify_collection and 60 s otherwise, each time for one call of the API
    """

    timeout_s: float | None


class CreateOptions(CallOptions, total=False):
    """Of create_collection.

    shards         1 to 256; 0: the server's default
    lists          of the index; 0: chosen from the number of points
    subspaces      bytes of a code's first plane; 0: chosen from the dimension
    plane_b_bytes  bytes of its second plane, 4 to the dimension; 0: chosen
    target_recall  recall@10 that a search aims at when it names none; 0: 0.95
    expected_points
                   how many the collection is to hold: what is left open is chosen for that size; 0:
                   for the points there are when it is trained
    payload_fields the fields of the payloads, and their types, that filters may name; payloads are
                   JSON objects then: {"color": "keyword", "year": "integer"}
    validate_only  create nothing, and answer what would be
    """

    shards: int
    lists: int
    subspaces: int
    plane_b_bytes: int
    target_recall: float
    expected_points: int
    payload_fields: Mapping[str, FieldType]
    validate_only: bool


class PlanOptions(CallOptions, total=False):
    """Of plan_collection: as create_collection, and

    memory_limit_bytes  of a node; 0: what it has
    """

    metric: Metric
    shards: int
    lists: int
    subspaces: int
    plane_b_bytes: int
    memory_limit_bytes: int


class TrainOptions(CallOptions, total=False):
    """Of train_index.

    lists, subspaces, plane_b_bytes, target_recall, expected_points
                     as create_collection; absent: as the collection has them
    seed             of the sample; the same seed and points give the same version
    auto_promote     False: the version waits for promote_index_version
    min_recall_gain  the least gain with which it serves, -1 to 1; absent: no worse than what serves
    """

    lists: int
    subspaces: int
    plane_b_bytes: int
    target_recall: float
    expected_points: int
    seed: int
    auto_promote: bool
    min_recall_gain: float


class BackupOptions(CallOptions, total=False):
    """Of create_backup. collections: only these; absent: all."""

    collections: Iterable[str]


class RestoreOptions(CallOptions, total=False):
    """Of restore_backup. target: the name the collection gets; absent: the one it had."""

    target: str


class UpsertOptions(CallOptions, total=False):
    """Of upsert.

    mode         "upsert", "insert_only" (a present id is refused), "update_only" (an absent one is)
    if_versions  one a point: write only where this is the stored version; 0: only if absent; None:
                 in any case
    priority     "import" yields to other writes
    request_id   names the request: the same call with the same name is done once, also by another
                 process (24 h). Absent: a new one for each upsert, which its repeats share
    on_refused   "raise" PointsRefused where a point was not written, or "return" the result, whose
                 failures say which
    """

    mode: Literal["upsert", "insert_only", "update_only"]
    if_versions: Iterable[int | None] | None
    priority: Literal["interactive", "import"]
    request_id: uuid.UUID
    on_refused: Literal["raise", "return"]


class StreamUpsertOptions(CallOptions, total=False):
    """Of stream_upsert.

    timeout_s    when all of it is over, the caller's own time included. Absent: 60 s for each
                 acknowledgement that is waited for
    window       messages that may be under way, 1 to 8, which is as many as the server takes; each
                 has 8 MiB at most. 1: the next batch is asked for after the one before is
                 acknowledged. Absent: 8
    first_id     of batches that are arrays alone: the id of the first of their rows. Absent: 0
    mode, priority
                 as upsert
    request_id   as upsert, for the whole stream: the same batches with the same name are written
                 once
    on_refused   "raise" PointsRefused where a point was not written, once the batches under way are
                 acknowledged, or "return": the acknowledgements' failures say which
    """

    window: int
    first_id: int
    mode: Literal["upsert", "insert_only", "update_only"]
    priority: Literal["interactive", "import"]
    request_id: uuid.UUID
    on_refused: Literal["raise", "return"]


class DeleteOptions(CallOptions, total=False):
    """Of delete_points. request_id: as upsert."""

    request_id: uuid.UUID


class ChangeOptions(CallOptions, total=False):
    """Of set_payload and clear_payload.

    replace      of set_payload: as the whole payload, instead of field by field
    if_versions  one an id: change only where this is the stored version; None: in any case
    request_id   as upsert
    on_refused   as upsert
    """

    replace: bool
    if_versions: Iterable[int | None] | None
    request_id: uuid.UUID
    on_refused: Literal["raise", "return"]


class MatchingOptions(CallOptions, total=False):
    """Of set_payload_matching, clear_payload_matching and delete_matching.

    replace     of set_payload_matching: as the whole payload, instead of field by field
    request_id  as upsert
    """

    replace: bool
    request_id: uuid.UUID


class DryRunOptions(CallOptions, total=False):
    """Of dry_run_delete. sample: ids to name, at most 100; absent: 10."""

    sample: int


class FacetOptions(CallOptions, total=False):
    """Of facet_points.

    filter  count only points that pass it (kith.filters)
    limit   values, 1 to 10,000; absent: 10
    tokens  of writes that must be seen
    """

    filter: filter_pb2.Filter
    limit: int
    tokens: Iterable[WriteToken]


class UpdateOptions(CallOptions, total=False):
    """Of update_collection: what is given changes, the rest stays.

    description      for people, 1,024 bytes at most
    target_recall    recall@10 that searches aim at from now on
    expected_points, lists, subspaces, plane_b_bytes
                     that the next training goes by
    etag             only if the collection still has it
    """

    description: str
    target_recall: float
    expected_points: int
    lists: int
    subspaces: int
    plane_b_bytes: int
    etag: str


class GetOptions(CallOptions, total=False):
    """Of get_points.

    with_vector, with_payload  what comes beside ids and versions. Absent: both
    tokens                     of writes that must be seen
    """

    with_vector: bool
    with_payload: bool
    tokens: Iterable[WriteToken]


class CountOptions(CallOptions, total=False):
    """Of count_points. filter: only points that pass it (kith.filters)."""

    filter: filter_pb2.Filter


class ScrollOptions(CallOptions, total=False):
    """Of scroll_points.

    page_token                 next_page_token of the page before; absent: from the first point on
    limit                      points of a page, 1 to 10,000; absent: 100
    filter                     only points that pass it; the same for all pages
    with_vector, with_payload  what comes beside ids and versions. Absent: both
    tokens                     of writes that must be seen
    """

    page_token: str
    limit: int
    filter: filter_pb2.Filter
    with_vector: bool
    with_payload: bool
    tokens: Iterable[WriteToken]


class ManySearchOptions(CallOptions, total=False):
    """Of search_batch, and of the searches for one query.

    limit          hits of a query, 1 to 10,000; absent: 10
    exact          compare with every point. Excludes the four below
    target_recall  0.5 to 0.999: as deep as the measured curve says
    nprobe         so many lists. Excludes target_recall
    refine, rerank candidates looked at a second time, and compared exactly
    max_distance   L2: only hits at most this far (squared). Lists are added until the range is
                   searched to its end; SearchResult.completeness says how that ended
    min_score      inner product and cosine: only hits at least this near; likewise
    min_coverage   the least share of the points' work that is an answer; absent: 1.0, all of it
    filter         only points that pass it: kith.filters.match("color", "red")
    with_payload, with_vector  of the hits; absent: neither
    explain        say what was done, in the result's explanation
    priority       "batch" yields to searches of others and may wait; absent: "interactive"
    tokens         of writes that must be seen: client.search(..., tokens=written.tokens)
    """

    limit: int
    exact: bool
    target_recall: float
    nprobe: int
    refine: int
    rerank: int
    max_distance: float
    min_score: float
    min_coverage: float
    filter: filter_pb2.Filter
    with_payload: bool
    with_vector: bool
    explain: bool
    priority: str
    tokens: Iterable[WriteToken]


class SearchOptions(ManySearchOptions, total=False):
    """Of search, search_by_id and search_like: as search_batch, and

    page_token     next_page_token of the page before; everything else as it was for that page but
                   with_payload, with_vector, explain, min_coverage and tokens
    page_depth     hits that the pages are to hold together where the index answers, limit to
                   25,000; absent: the pages end where `rerank` does
    group_by       an indexed payload field: SearchResult.groups instead of hits, `limit` of them
    group_size     hits of a group, 1 to 100; absent: 3
    """

    page_token: str
    page_depth: int
    group_by: str
    group_size: int


class LikeOptions(SearchOptions, total=False):
    """Of search_like: as search, and

    strategy  "average": one query, the mean of the positive examples, moved away from the mean of
              the negative ones. "best_score": a point's score is that to its nearest positive
              example, and points nearer to a negative one are left out (limit 1,000, no pages)
    """

    strategy: Literal["average", "best_score"]


class FindDuplicatesOptions(CallOptions, total=False):
    """Of find_duplicates.

    max_distance   L2: two points at most this far (squared) are duplicates
    min_score      inner product and cosine: two points at least this near. One of the two
    target_recall  as of a search: share of the pairs that are to be found
    exact          compare every point with every other
    """

    max_distance: float
    min_score: float
    target_recall: float
    exact: bool


class ListDuplicatesOptions(CallOptions, total=False):
    """Of list_duplicates.

    page_token  next_page_token of the page before; absent: the first page
    limit       clusters, 1 to 1,000; absent: 100
    """

    page_token: str
    limit: int
