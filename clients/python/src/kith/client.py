"""The client of threads: every method returns when it is done."""

import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, cast

import grpc

from kith._backups import Backups
from kith._catalog import Aliases, Catalog
from kith._changes import Changes
from kith._channel import CHANNEL_OPTIONS, error_of, tls_of
from kith._collections import Collections, Progress, Versions
from kith._flow import Caller, Flow, Send, Step
from kith._links import ThreadLink, ThreadStream
from kith._methods import STREAM_UPSERT, Method
from kith._points import Points
from kith._searches import Likeness, Searches
from kith._stream import Streams
from kith._stream_steps import Batches
from kith._vectors import Ids, Vectors
from kith.credentials import Credentials
from kith.errors import Cancelled
from kith.options import (BackupOptions, CallOptions, ChangeOptions, CountOptions, CreateOptions,
                          DeleteOptions, DryRunOptions, Dtype, FacetOptions, FieldType,
                          FindDuplicatesOptions, GetOptions, LikeOptions, ListDuplicatesOptions,
                          ManySearchOptions, MatchingOptions, Metric, PlanOptions, RestoreOptions,
                          ScrollOptions, SearchOptions, StreamUpsertOptions, TrainOptions,
                          UpdateOptions, UpsertOptions)
from kith.results import (Acknowledgement, BatchResult, ChangeResult, DeleteResult, DryRun,
                          DuplicatesPage, Facet, GetResult, PointId, PointPage, SearchResult,
                          UpsertResult)
from kith.retry import RetryPolicy
from kith.v1 import backups_pb2, collections_pb2, filter_pb2, operations_pb2

T = TypeVar("T")


class Client:
    """Speaks to a Kith server.

        with kith.Client("127.0.0.1:7430") as client:
            client.create_collection("demo", 80, "l2", "f32")
            written = client.upsert("demo", ids, vectors)
            result = client.search("demo", vectors[0], limit=3, tokens=written.tokens)

    Every method takes timeout_s (kith.options says what else), raises kith.KithError, and repeats
    calls that failed for a reason which passes, as `retry` says. Keys and certificates come from
    the environment where no `credentials` are given. One client serves any number of threads; it
    must not be used across a fork.
    """

    def __init__(self, endpoint: str = "127.0.0.1:7430", *, retry: RetryPolicy | None = None,
                 credentials: Credentials | None = None):
        known = credentials or Credentials.from_environment()
        self._metadata = known.metadata_for(endpoint)
        tls = tls_of(known)
        self._channel = (grpc.insecure_channel(endpoint, options=CHANNEL_OPTIONS)
                         if tls is None else
                         grpc.secure_channel(endpoint, tls, options=CHANNEL_OPTIONS))
        self._stubs: dict[str, Any] = {}
        self._is_closed = False
        caller = Caller(retry or RetryPolicy())
        self._collections = Collections(caller)
        self._backups = Backups(self._collections)
        self._catalog = Catalog(self._collections)
        self._points = Points(caller, self._collections)
        self._changes = Changes(caller)
        self._streams = Streams(caller, self._collections)
        self._searches = Searches(caller, self._collections)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection, and calls under way with it: they raise Cancelled."""
        self._is_closed = True
        self._channel.close()

    # ---- the server

    def wait_ready(self, **options: Unpack[CallOptions]) -> None:
        """Returns once the server serves; Unavailable where it does not within timeout_s."""
        self._run(self._collections.wait_ready(options))

    # ---- collections

    def create_collection(self, collection: str, dimension: int, metric: Metric, dtype: Dtype,
                          **options: Unpack[CreateOptions]) -> collections_pb2.Collection:
        """Creates a collection of vectors of one dimension (1 to 4096), metric and type. Where the
        connection breaks the call is not repeated: the collection may be there all the same."""
        return self._run(self._collections.create(collection, dimension, (metric, dtype), options))

    def plan_collection(self, dimension: int, dtype: Dtype, points: int,
                        **options: Unpack[PlanOptions]
                        ) -> collections_pb2.PlanCollectionResponse:
        """What a collection of so many points takes in memory and on disk, before it is made."""
        return self._run(self._collections.plan(dimension, dtype, points, options))

    def get_collection(self, collection: str,
                       **options: Unpack[CallOptions]) -> collections_pb2.Collection:
        """Its shape, status, points, memory and measured recall."""
        return self._run(self._collections.get(collection, options))

    def list_collections(self, **options: Unpack[CallOptions]
                         ) -> tuple[collections_pb2.Collection, ...]:
        """All of them, each as get_collection."""
        return self._run(self._collections.all(options))

    def delete_collection(self, collection: str, **options: Unpack[CallOptions]) -> None:
        """Deletes it with all its points. NotFound where there is none."""
        self._run(self._collections.delete(collection, options))

    def update_collection(self, collection: str,
                          **options: Unpack[UpdateOptions]) -> collections_pb2.Collection:
        """Changes what is given of its record, in one step. Aborted where `etag` is not its etag
        any more."""
        return self._run(self._catalog.update(collection, options))

    def verify_collection(self, collection: str, **options: Unpack[CallOptions]
                          ) -> collections_pb2.VerifyCollectionResponse:
        """Compares the digests of everything stored: reads all of it. `equal` is the answer."""
        return self._run(self._collections.verify(collection, options))

    # ---- aliases

    def set_alias(self, alias: str, collection: str, **options: Unpack[CallOptions]) -> Aliases:
        """Makes a further name of a collection, or moves it there, in one step. Wherever a
        collection is named its alias may stand, save where one is created or deleted. All aliases
        afterwards, by name."""
        return self._run(self._catalog.set_alias(alias, collection, options))

    def delete_alias(self, alias: str, **options: Unpack[CallOptions]) -> Aliases:
        """Deletes the further name; the collection stays. NotFound where there is none."""
        return self._run(self._catalog.delete_alias(alias, options))

    def change_aliases(self, changes: Mapping[str, str | None],
                       **options: Unpack[CallOptions]) -> Aliases:
        """Several in one step, all of them or none: {"faces": "faces-v2", "old": None}; None
        deletes."""
        return self._run(self._catalog.change_aliases(changes, options))

    def list_aliases(self, **options: Unpack[CallOptions]) -> Aliases:
        """The collection of each alias."""
        return self._run(self._catalog.aliases(options))

    # ---- index versions

    def train_index(self, collection: str,
                    **options: Unpack[TrainOptions]) -> operations_pb2.Operation:
        """Starts a training and returns its operation at once: wait(operation.id) for its end."""
        return self._run(self._collections.train(collection, options))

    def list_index_versions(self, collection: str, **options: Unpack[CallOptions]) -> Versions:
        """The versions that are held, the serving one first."""
        return self._run(self._collections.versions(collection, options))

    def promote_index_version(self, collection: str, version: str = "",
                              **options: Unpack[CallOptions]) -> Versions:
        """Makes a held version serve; unnamed: the one that waits. The versions afterwards."""
        return self._run(self._collections.promote(collection, version, options))

    def rollback_index_version(self, collection: str, **options: Unpack[CallOptions]) -> Versions:
        """Makes the version serve that served before the last promotion."""
        return self._run(self._collections.rollback(collection, options))

    def drop_index_version(self, collection: str, version: str,
                           **options: Unpack[CallOptions]) -> Versions:
        """Frees a version that does not serve."""
        return self._run(self._collections.drop(collection, version, options))

    def create_payload_index(self, collection: str, field: str, field_type: FieldType,
                             **options: Unpack[CallOptions]) -> operations_pb2.Operation:
        """Starts to index a payload field, of points that are there too, and returns its operation
        at once: filters may name the field after wait(operation.id). Called again it goes on."""
        return self._run(self._collections.add_field(collection, field, field_type, options))

    def delete_payload_index(self, collection: str, field: str,
                             **options: Unpack[CallOptions]) -> operations_pb2.Operation:
        """Takes the index of a field away: filters that name it are refused from now on, and
        wait(operation.id) returns when every shard has let go of it."""
        return self._run(self._collections.drop_field(collection, field, options))

    # ---- operations

    def wait(self, operation_id: str, progress: Progress | None = None,
             **options: Unpack[CallOptions]) -> operations_pb2.Operation:
        """The operation, once it has succeeded. `progress` is called with it after every look: its
        `stage`, and `progress` from 0 to 1. OperationFailed where it failed or was cancelled;
        DeadlineExceeded where it still runs after timeout_s (absent: no limit)."""
        return self._run(self._collections.wait(operation_id, progress, options))

    def get_operation(self, operation_id: str,
                      **options: Unpack[CallOptions]) -> operations_pb2.Operation:
        """How far it is: kept for a day, and not over a restart of the server."""
        return self._run(self._collections.operation(operation_id, options))

    def list_operations(self, collection: str = "", **options: Unpack[CallOptions]
                        ) -> tuple[operations_pb2.Operation, ...]:
        """Those of a collection; unnamed: of all."""
        return self._run(self._collections.operations(collection, options))

    def cancel_operation(self, operation_id: str,
                         **options: Unpack[CallOptions]) -> operations_pb2.Operation:
        """Asks it to end; the operation as it is then."""
        return self._run(self._collections.cancel(operation_id, options))

    # ---- backups

    def create_backup(self, backup: str,
                      **options: Unpack[BackupOptions]) -> operations_pb2.Operation:
        """Starts a backup, in the directory that the server's configuration names, and returns its
        operation at once: wait(operation.id) for its end."""
        return self._run(self._backups.create(backup, options))

    def list_backups(self, **options: Unpack[CallOptions]) -> tuple[backups_pb2.Backup, ...]:
        """Those that are complete, the oldest first."""
        return self._run(self._backups.all(options))

    def verify_backup(self, backup: str,
                      **options: Unpack[CallOptions]) -> operations_pb2.Operation:
        """Starts an operation that reads every byte of a backup. Waiting for it raises
        OperationFailed with CORRUPTION and the files' names where one is missing or damaged."""
        return self._run(self._backups.verify(backup, options))

    def restore_backup(self, backup: str, collection: str,
                       **options: Unpack[RestoreOptions]) -> operations_pb2.Operation:
        """Starts an operation that makes a collection of a backup anew, beside what is there."""
        return self._run(self._backups.restore(backup, collection, options))

    def delete_backup(self, backup: str, **options: Unpack[CallOptions]) -> None:
        """Deletes a backup, and frees what no other one needs."""
        self._run(self._backups.delete(backup, options))

    # ---- points

    def upsert(self, collection: str, ids: Ids, vectors: Vectors,
               payloads: Sequence[bytes] | None = None,
               **options: Unpack[UpsertOptions]) -> UpsertResult:
        """Writes points: ids are integers (an array, a range, a list) or uuid.UUIDs, vectors the
        rows of a matrix of the collection's type (float32, float16, uint8), payloads bytes.

        Everything is checked before anything is sent. What does not fit one call goes in several,
        each with a request_id that its repeats share, so that nothing is written twice and nothing
        is lost where the server answers within timeout_s. A point that the server refused does not
        keep the others back: PointsRefused at the end names it.
        """
        return self._run(self._points.upsert(collection, (ids, vectors, payloads), options))

    def stream_upsert(self, collection: str, batches: Batches,
                      **options: Unpack[StreamUpsertOptions]
                      ) -> Generator[Acknowledgement, None, None]:
        """Writes batch after batch over one stream, each (ids, vectors), (ids, vectors, payloads)
        or an array of rows, and gives the acknowledgement of each that is written:

            for done in client.stream_upsert("demo", batches()):
                print(done.sequence, done.written)

        Nothing is sent but while acknowledgements are asked for. A batch is taken when fewer
        messages than `window` are under way, so that neither a slow server nor a slow caller
        takes memory. Acknowledgements come in any order; but points of one id are written in the
        order in which they were given. Where the stream breaks, what is not acknowledged is sent
        again with its request_id: it is written once.

        A batch that is refused, and an error of `batches` itself, is raised once the batches under
        way are acknowledged: its `sequence` and `violations` say which and what. Who closes the
        generator cancels the stream: batches that are not acknowledged may have been written.
        """
        stream = ThreadStream(self._open_stream, self._take)
        return stream.run(self._streams.upsert(collection, options), iter(batches))

    def delete_points(self, collection: str, ids: Ids,
                      **options: Unpack[DeleteOptions]) -> DeleteResult:
        """Deletes the points of these ids; those that are absent are no error."""
        return self._run(self._points.delete(collection, ids, options))

    def delete_matching(self, collection: str, filter: filter_pb2.Filter,
                        **options: Unpack[MatchingOptions]) -> DeleteResult:
        """Deletes all points that pass a filter, in as many calls as that takes. Each shard deletes
        those that pass when its part begins; what is written after that stays. A call that failed
        can be made again: it goes on with what is left."""
        return self._run(self._changes.delete_matching(collection, filter, options))

    def dry_run_delete(self, collection: str, filter: filter_pb2.Filter,
                       **options: Unpack[DryRunOptions]) -> DryRun:
        """How many points delete_matching would delete now, and some of them."""
        return self._run(self._changes.dry_run(collection, filter, options))

    def set_payload(self, collection: str, ids: Ids, payload: Mapping[str, Any] | bytes,
                    **options: Unpack[ChangeOptions]) -> ChangeResult:
        """Sets fields of the payloads of points that are there; None (null) takes a field out, and
        what is not named stays. A point that the server refused does not keep the others back:
        PointsRefused at the end names it."""
        return self._run(self._changes.set_payload(collection, ids, payload, options))

    def clear_payload(self, collection: str, ids: Ids, fields: Sequence[str] = (),
                      **options: Unpack[ChangeOptions]) -> ChangeResult:
        """Takes fields out of the payloads of points; unnamed: all of each payload."""
        return self._run(self._changes.clear_payload(collection, ids, fields, options))

    def set_payload_matching(self, collection: str, filter: filter_pb2.Filter,
                             payload: Mapping[str, Any] | bytes,
                             **options: Unpack[MatchingOptions]) -> ChangeResult:
        """set_payload of all points that pass a filter, as delete_matching."""
        return self._run(self._changes.set_matching(collection, filter, payload, options))

    def clear_payload_matching(self, collection: str, filter: filter_pb2.Filter,
                               fields: Sequence[str] = (),
                               **options: Unpack[MatchingOptions]) -> ChangeResult:
        """clear_payload of all points that pass a filter, as delete_matching."""
        return self._run(self._changes.clear_matching(collection, filter, fields, options))

    def facet_points(self, collection: str, field: str,
                     **options: Unpack[FacetOptions]) -> Facet:
        """The values of an indexed field and how many points have each, exactly."""
        return self._run(self._changes.facet(collection, field, options))

    def get_points(self, collection: str, ids: Ids, **options: Unpack[GetOptions]) -> GetResult:
        """The stored points of these ids, and the ids that have none."""
        return self._run(self._points.get(collection, ids, options))

    def count_points(self, collection: str, **options: Unpack[CountOptions]) -> int:
        """How many points there are, or pass a filter, exactly."""
        return self._run(self._points.count(collection, options))

    def scroll_points(self, collection: str, **options: Unpack[ScrollOptions]) -> PointPage:
        """A page of all points, in an order of their own. A point that is there from the first page
        to the last is on exactly one of them, whatever is written meanwhile:

            page = client.scroll_points("demo")
            while page.next_page_token:
                page = client.scroll_points("demo", page_token=page.next_page_token)
        """
        return self._run(self._points.scroll(collection, options))

    # ---- searches

    def search(self, collection: str, vector: Vectors,
               **options: Unpack[SearchOptions]) -> SearchResult:
        """The nearest points of a vector:

            page = client.search("demo", vector, max_distance=0.5, limit=100)
            while page.next_page_token:
                page = client.search("demo", vector, max_distance=0.5, limit=100,
                                     page_token=page.next_page_token)
        """
        return self._run(self._searches.by_vector(collection, vector, options))

    def search_by_id(self, collection: str, point: PointId,
                     **options: Unpack[SearchOptions]) -> SearchResult:
        """The nearest points of a stored point, which is not among them."""
        return self._run(self._searches.by_id(collection, point, options))

    def search_like(self, collection: str, positive: Iterable[Likeness],
                    negative: Iterable[Likeness] = (),
                    **options: Unpack[LikeOptions]) -> SearchResult:
        """The nearest points of examples, each the id of a stored point (which is not among the
        hits) or a vector: like the positive ones, unlike the negative ones."""
        return self._run(self._searches.like(collection, positive, negative, options))

    def search_batch(self, collection: str, queries: Vectors,
                     **options: Unpack[ManySearchOptions]) -> BatchResult:
        """The nearest points of each row of a matrix: much cheaper than one search a row. What does
        not fit one call (1,024 queries, a million hits) goes in several."""
        return self._run(self._searches.batch(collection, queries, options))

    def find_duplicates(self, collection: str, **options: Unpack[FindDuplicatesOptions]
                        ) -> operations_pb2.Operation:
        """Starts a search for points within a distance of one another, and returns its operation at
        once: wait(operation.id) for its end, then list_duplicates."""
        return self._run(self._searches.find_duplicates(collection, options))

    def list_duplicates(self, operation_id: str,
                        **options: Unpack[ListDuplicatesOptions]) -> DuplicatesPage:
        """The clusters that an operation of find_duplicates found, page by page."""
        return self._run(self._searches.list_duplicates(operation_id, options))

    # ---- steps

    def _run(self, flow: Flow[T]) -> T:
        outcome: Any = None
        while True:
            try:
                step = flow.send(outcome)
            except StopIteration as end:
                result: T = end.value
                return result
            outcome = self._take(step)

    def _take(self, step: Step) -> Any:
        if not isinstance(step, Send):
            return time.sleep(step.seconds)
        try:
            return self._stub(step.method)(step.request, timeout=step.timeout_s,
                                           metadata=self._metadata)
        except grpc.RpcError as failure:
            error = error_of(cast(grpc.Call, failure))  # every failed unary call is one
            if self._is_closed:
                raise error from None
            return error

    def _stub(self, method: Method[Any, Any]) -> Any:
        stub = self._stubs.get(method.path)
        if stub is None:
            stub = self._stubs[method.path] = self._channel.unary_unary(
                method.path, request_serializer=method.request.SerializeToString,
                response_deserializer=method.answer.FromString)
        return stub

    def _open_stream(self) -> ThreadLink:
        if self._is_closed:
            raise Cancelled("the client was closed")
        stub = self._channel.stream_stream(
            STREAM_UPSERT.path, request_serializer=STREAM_UPSERT.request.SerializeToString,
            response_deserializer=STREAM_UPSERT.answer.FromString)
        return ThreadLink(stub, self._metadata)
