"""The client of an event loop: Client with `await` before every call."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import grpc

from kith._backups import Backups
from kith._catalog import Aliases, Catalog
from kith._changes import Changes
from kith._channel import CHANNEL_OPTIONS, error_of, tls_of
from kith._collections import Collections, Progress, Versions
from kith._flow import Caller, Flow, Send, Step
from kith._links import LoopLink, LoopStream
from kith._methods import STREAM_UPSERT, Method
from kith._points import Points
from kith._searches import Likeness, Searches
from kith._stream import Streams
from kith._stream_steps import AsyncBatches
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


class AsyncClient:
    """kith.Client for asyncio: the same methods with the same arguments and answers, awaited.
    help(kith.Client) says what each of them does.

        async with kith.AsyncClient("127.0.0.1:7430") as client:
            result = await client.search("demo", vector, limit=3)

    It belongs to the event loop in which it makes its first call.
    """

    def __init__(self, endpoint: str = "127.0.0.1:7430", *, retry: RetryPolicy | None = None,
                 credentials: Credentials | None = None):
        known = credentials or Credentials.from_environment()
        self._endpoint = endpoint
        self._metadata = known.metadata_for(endpoint)
        self._tls = tls_of(known)
        self._channel: grpc.aio.Channel | None = None
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

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the connection, and calls under way with it: they raise Cancelled."""
        self._is_closed = True
        if self._channel is not None:
            await self._channel.close()

    # ---- the server

    async def wait_ready(self, **options: Unpack[CallOptions]) -> None:
        await self._run(self._collections.wait_ready(options))

    # ---- collections

    async def create_collection(self, collection: str, dimension: int, metric: Metric, dtype: Dtype,
                                **options: Unpack[CreateOptions]) -> collections_pb2.Collection:
        return await self._run(
            self._collections.create(collection, dimension, (metric, dtype), options))

    async def plan_collection(self, dimension: int, dtype: Dtype, points: int,
                              **options: Unpack[PlanOptions]
                              ) -> collections_pb2.PlanCollectionResponse:
        return await self._run(self._collections.plan(dimension, dtype, points, options))

    async def get_collection(self, collection: str,
                             **options: Unpack[CallOptions]) -> collections_pb2.Collection:
        return await self._run(self._collections.get(collection, options))

    async def list_collections(self, **options: Unpack[CallOptions]
                               ) -> tuple[collections_pb2.Collection, ...]:
        return await self._run(self._collections.all(options))

    async def delete_collection(self, collection: str, **options: Unpack[CallOptions]) -> None:
        await self._run(self._collections.delete(collection, options))

    async def update_collection(self, collection: str,
                                **options: Unpack[UpdateOptions]) -> collections_pb2.Collection:
        return await self._run(self._catalog.update(collection, options))

    async def verify_collection(self, collection: str, **options: Unpack[CallOptions]
                                ) -> collections_pb2.VerifyCollectionResponse:
        return await self._run(self._collections.verify(collection, options))

    # ---- aliases

    async def set_alias(self, alias: str, collection: str,
                        **options: Unpack[CallOptions]) -> Aliases:
        return await self._run(self._catalog.set_alias(alias, collection, options))

    async def delete_alias(self, alias: str, **options: Unpack[CallOptions]) -> Aliases:
        return await self._run(self._catalog.delete_alias(alias, options))

    async def change_aliases(self, changes: Mapping[str, str | None],
                             **options: Unpack[CallOptions]) -> Aliases:
        return await self._run(self._catalog.change_aliases(changes, options))

    async def list_aliases(self, **options: Unpack[CallOptions]) -> Aliases:
        return await self._run(self._catalog.aliases(options))

    # ---- index versions

    async def train_index(self, collection: str,
                          **options: Unpack[TrainOptions]) -> operations_pb2.Operation:
        return await self._run(self._collections.train(collection, options))

    async def list_index_versions(self, collection: str,
                                  **options: Unpack[CallOptions]) -> Versions:
        return await self._run(self._collections.versions(collection, options))

    async def promote_index_version(self, collection: str, version: str = "",
                                    **options: Unpack[CallOptions]) -> Versions:
        return await self._run(self._collections.promote(collection, version, options))

    async def rollback_index_version(self, collection: str,
                                     **options: Unpack[CallOptions]) -> Versions:
        return await self._run(self._collections.rollback(collection, options))

    async def drop_index_version(self, collection: str, version: str,
                                 **options: Unpack[CallOptions]) -> Versions:
        return await self._run(self._collections.drop(collection, version, options))

    async def create_payload_index(self, collection: str, field: str, field_type: FieldType,
                                   **options: Unpack[CallOptions]) -> operations_pb2.Operation:
        return await self._run(self._collections.add_field(collection, field, field_type, options))

    async def delete_payload_index(self, collection: str, field: str,
                                   **options: Unpack[CallOptions]) -> operations_pb2.Operation:
        return await self._run(self._collections.drop_field(collection, field, options))

    # ---- operations

    async def wait(self, operation_id: str, progress: Progress | None = None,
                   **options: Unpack[CallOptions]) -> operations_pb2.Operation:
        return await self._run(self._collections.wait(operation_id, progress, options))

    async def get_operation(self, operation_id: str,
                            **options: Unpack[CallOptions]) -> operations_pb2.Operation:
        return await self._run(self._collections.operation(operation_id, options))

    async def list_operations(self, collection: str = "", **options: Unpack[CallOptions]
                              ) -> tuple[operations_pb2.Operation, ...]:
        return await self._run(self._collections.operations(collection, options))

    async def cancel_operation(self, operation_id: str,
                               **options: Unpack[CallOptions]) -> operations_pb2.Operation:
        return await self._run(self._collections.cancel(operation_id, options))

    # ---- backups

    async def create_backup(self, backup: str,
                            **options: Unpack[BackupOptions]) -> operations_pb2.Operation:
        return await self._run(self._backups.create(backup, options))

    async def list_backups(self, **options: Unpack[CallOptions]) -> tuple[backups_pb2.Backup, ...]:
        return await self._run(self._backups.all(options))

    async def verify_backup(self, backup: str,
                            **options: Unpack[CallOptions]) -> operations_pb2.Operation:
        return await self._run(self._backups.verify(backup, options))

    async def restore_backup(self, backup: str, collection: str,
                             **options: Unpack[RestoreOptions]) -> operations_pb2.Operation:
        return await self._run(self._backups.restore(backup, collection, options))

    async def delete_backup(self, backup: str, **options: Unpack[CallOptions]) -> None:
        await self._run(self._backups.delete(backup, options))

    # ---- points

    async def upsert(self, collection: str, ids: Ids, vectors: Vectors,
                     payloads: Sequence[bytes] | None = None,
                     **options: Unpack[UpsertOptions]) -> UpsertResult:
        return await self._run(self._points.upsert(collection, (ids, vectors, payloads), options))

    def stream_upsert(self, collection: str, batches: AsyncBatches,
                      **options: Unpack[StreamUpsertOptions]
                      ) -> AsyncGenerator[Acknowledgement, None]:
        """As kith.Client's, for `async for`; batches may come asynchronously, too. Where the loop
        is left early, contextlib.aclosing ends the stream at once."""
        stream = LoopStream(self._open_stream, self._take)
        taken = aiter(batches) if isinstance(batches, AsyncIterable) else iter(batches)
        return stream.run(self._streams.upsert(collection, options), taken)

    async def delete_points(self, collection: str, ids: Ids,
                            **options: Unpack[DeleteOptions]) -> DeleteResult:
        return await self._run(self._points.delete(collection, ids, options))

    async def delete_matching(self, collection: str, filter: filter_pb2.Filter,
                              **options: Unpack[MatchingOptions]) -> DeleteResult:
        return await self._run(self._changes.delete_matching(collection, filter, options))

    async def dry_run_delete(self, collection: str, filter: filter_pb2.Filter,
                             **options: Unpack[DryRunOptions]) -> DryRun:
        return await self._run(self._changes.dry_run(collection, filter, options))

    async def set_payload(self, collection: str, ids: Ids, payload: Mapping[str, Any] | bytes,
                          **options: Unpack[ChangeOptions]) -> ChangeResult:
        return await self._run(self._changes.set_payload(collection, ids, payload, options))

    async def clear_payload(self, collection: str, ids: Ids, fields: Sequence[str] = (),
                            **options: Unpack[ChangeOptions]) -> ChangeResult:
        return await self._run(self._changes.clear_payload(collection, ids, fields, options))

    async def set_payload_matching(self, collection: str, filter: filter_pb2.Filter,
                                   payload: Mapping[str, Any] | bytes,
                                   **options: Unpack[MatchingOptions]) -> ChangeResult:
        return await self._run(self._changes.set_matching(collection, filter, payload, options))

    async def clear_payload_matching(self, collection: str, filter: filter_pb2.Filter,
                                     fields: Sequence[str] = (),
                                     **options: Unpack[MatchingOptions]) -> ChangeResult:
        return await self._run(self._changes.clear_matching(collection, filter, fields, options))

    async def facet_points(self, collection: str, field: str,
                           **options: Unpack[FacetOptions]) -> Facet:
        return await self._run(self._changes.facet(collection, field, options))

    async def get_points(self, collection: str, ids: Ids,
                         **options: Unpack[GetOptions]) -> GetResult:
        return await self._run(self._points.get(collection, ids, options))

    async def count_points(self, collection: str, **options: Unpack[CountOptions]) -> int:
        return await self._run(self._points.count(collection, options))

    async def scroll_points(self, collection: str, **options: Unpack[ScrollOptions]) -> PointPage:
        return await self._run(self._points.scroll(collection, options))

    # ---- searches

    async def search(self, collection: str, vector: Vectors,
                     **options: Unpack[SearchOptions]) -> SearchResult:
        return await self._run(self._searches.by_vector(collection, vector, options))

    async def search_by_id(self, collection: str, point: PointId,
                           **options: Unpack[SearchOptions]) -> SearchResult:
        return await self._run(self._searches.by_id(collection, point, options))

    async def search_like(self, collection: str, positive: Iterable[Likeness],
                          negative: Iterable[Likeness] = (),
                          **options: Unpack[LikeOptions]) -> SearchResult:
        return await self._run(self._searches.like(collection, positive, negative, options))

    async def search_batch(self, collection: str, queries: Vectors,
                           **options: Unpack[ManySearchOptions]) -> BatchResult:
        return await self._run(self._searches.batch(collection, queries, options))

    async def find_duplicates(self, collection: str, **options: Unpack[FindDuplicatesOptions]
                              ) -> operations_pb2.Operation:
        return await self._run(self._searches.find_duplicates(collection, options))

    async def list_duplicates(self, operation_id: str,
                              **options: Unpack[ListDuplicatesOptions]) -> DuplicatesPage:
        return await self._run(self._searches.list_duplicates(operation_id, options))

    # ---- steps

    async def _run(self, flow: Flow[T]) -> T:
        outcome: Any = None
        while True:
            try:
                step = flow.send(outcome)
            except StopIteration as end:
                result: T = end.value
                return result
            outcome = await self._take(step)

    async def _take(self, step: Step) -> Any:
        if not isinstance(step, Send):
            return await asyncio.sleep(step.seconds)
        try:
            return await self._stub(step.method)(step.request, timeout=step.timeout_s,
                                                 metadata=self._metadata)
        except grpc.aio.AioRpcError as failure:
            error = error_of(failure)
            if self._is_closed:
                raise error from None
            return error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._is_closed and not (task and task.cancelling()):
                raise Cancelled("the client was closed") from None  # not its caller
            raise

    def _stub(self, method: Method[Any, Any]) -> Any:
        stub = self._stubs.get(method.path)
        if stub is None:
            stub = self._stubs[method.path] = self._connected().unary_unary(
                method.path, request_serializer=method.request.SerializeToString,
                response_deserializer=method.answer.FromString)
        return stub

    def _open_stream(self) -> LoopLink:
        if self._is_closed:
            raise Cancelled("the client was closed")
        stub = self._connected().stream_stream(
            STREAM_UPSERT.path, request_serializer=STREAM_UPSERT.request.SerializeToString,
            response_deserializer=STREAM_UPSERT.answer.FromString)
        return LoopLink(stub, self._metadata)

    def _connected(self) -> grpc.aio.Channel:
        if self._channel is None:
            self._channel = (
                grpc.aio.insecure_channel(self._endpoint, options=CHANNEL_OPTIONS)
                if self._tls is None else
                grpc.aio.secure_channel(self._endpoint, self._tls, options=CHANNEL_OPTIONS))
        return self._channel
