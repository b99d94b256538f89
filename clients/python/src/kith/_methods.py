"""Every call of the API: path, messages, how long it may take, whether it may be repeated."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message
from grpc_health.v1 import health_pb2

from kith.retry import Repeat
from kith.v1 import backups_pb2 as backups
from kith.v1 import collections_pb2 as collections
from kith.v1 import operations_pb2 as operations
from kith.v1 import points_pb2 as points
from kith.v1 import search_pb2 as search

Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)

MESSAGE_BYTES_MAX = 64 << 20
# The server refuses a search with a longer deadline and cuts the others to it.
_DEADLINE_MAX_S = 60.0


@dataclass(frozen=True)
class Method(Generic[Q, A]):
    path: str
    request: type[Q]
    answer: type[A]
    repeat: Repeat
    timeout_s: float                    # of all attempts, where the caller names none
    attempt_max_s: float = float("inf")  # of one attempt


def _collections(name: str, request: type[Q], answer: type[A], repeat: Repeat, *,
                 timeout_s: float = 60) -> Method[Q, A]:
    return Method(f"/kith.v1.Collections/{name}", request, answer, repeat, timeout_s)


CREATE_COLLECTION = _collections("CreateCollection", collections.CreateCollectionRequest,
                                 collections.Collection, Repeat.UNSAFE)
PLAN_COLLECTION = _collections("PlanCollection", collections.PlanCollectionRequest,
                               collections.PlanCollectionResponse, Repeat.READ)
GET_COLLECTION = _collections("GetCollection", collections.GetCollectionRequest,
                              collections.Collection, Repeat.READ)
LIST_COLLECTIONS = _collections("ListCollections", collections.ListCollectionsRequest,
                                collections.ListCollectionsResponse, Repeat.READ)
DELETE_COLLECTION = _collections("DeleteCollection", collections.DeleteCollectionRequest,
                                 collections.DeleteCollectionResponse, Repeat.UNSAFE)
UPDATE_COLLECTION = _collections("UpdateCollection", collections.UpdateCollectionRequest,
                                 collections.Collection, Repeat.UNSAFE)
SET_ALIAS = _collections("SetAlias", collections.SetAliasRequest,
                         collections.ListAliasesResponse, Repeat.READ)  # a repeat changes nothing
DELETE_ALIAS = _collections("DeleteAlias", collections.DeleteAliasRequest,
                            collections.ListAliasesResponse, Repeat.UNSAFE)
CHANGE_ALIASES = _collections("ChangeAliases", collections.ChangeAliasesRequest,
                              collections.ListAliasesResponse, Repeat.UNSAFE)
LIST_ALIASES = _collections("ListAliases", collections.ListAliasesRequest,
                            collections.ListAliasesResponse, Repeat.READ)
TRAIN_INDEX = _collections("TrainIndex", collections.TrainIndexRequest, operations.Operation,
                           Repeat.UNSAFE)
LIST_INDEX_VERSIONS = _collections(
    "ListIndexVersions", collections.ListIndexVersionsRequest,
    collections.ListIndexVersionsResponse, Repeat.READ)
PROMOTE_INDEX_VERSION = _collections(
    "PromoteIndexVersion", collections.PromoteIndexVersionRequest,
    collections.ListIndexVersionsResponse, Repeat.UNSAFE)
ROLLBACK_INDEX_VERSION = _collections(
    "RollbackIndexVersion", collections.RollbackIndexVersionRequest,
    collections.ListIndexVersionsResponse, Repeat.UNSAFE)
DROP_INDEX_VERSION = _collections(
    "DropIndexVersion", collections.DropIndexVersionRequest,
    collections.ListIndexVersionsResponse, Repeat.UNSAFE)
CREATE_PAYLOAD_INDEX = _collections("CreatePayloadIndex", collections.CreatePayloadIndexRequest,
                                    operations.Operation, Repeat.UNSAFE)
DELETE_PAYLOAD_INDEX = _collections("DeletePayloadIndex", collections.DeletePayloadIndexRequest,
                                    operations.Operation, Repeat.UNSAFE)
# Reads everything that is stored.
VERIFY_COLLECTION = _collections("VerifyCollection", collections.VerifyCollectionRequest,
                                 collections.VerifyCollectionResponse, Repeat.READ, timeout_s=3600)

CREATE_BACKUP = Method("/kith.v1.Backups/CreateBackup", backups.CreateBackupRequest,
                       operations.Operation, Repeat.UNSAFE, 60)
LIST_BACKUPS = Method("/kith.v1.Backups/ListBackups", backups.ListBackupsRequest,
                      backups.ListBackupsResponse, Repeat.READ, 60)
VERIFY_BACKUP = Method("/kith.v1.Backups/VerifyBackup", backups.BackupTarget,
                       operations.Operation, Repeat.UNSAFE, 60)
RESTORE_BACKUP = Method("/kith.v1.Backups/RestoreBackup", backups.RestoreBackupRequest,
                        operations.Operation, Repeat.UNSAFE, 60)
# Looks at every file of the store.
DELETE_BACKUP = Method("/kith.v1.Backups/DeleteBackup", backups.BackupTarget,
                       backups.DeleteBackupResponse, Repeat.UNSAFE, 600)

GET_OPERATION = Method("/kith.v1.Operations/GetOperation", operations.GetOperationRequest,
                       operations.Operation, Repeat.READ, 60)
LIST_OPERATIONS = Method("/kith.v1.Operations/ListOperations", operations.ListOperationsRequest,
                         operations.ListOperationsResponse, Repeat.READ, 60)
CANCEL_OPERATION = Method("/kith.v1.Operations/CancelOperation", operations.GetOperationRequest,
                          operations.Operation, Repeat.READ, 60)

UPSERT = Method("/kith.v1.Points/Upsert", points.UpsertRequest, points.UpsertResponse,
                Repeat.WRITE, 60, _DEADLINE_MAX_S)
STREAM_UPSERT = Method("/kith.v1.Points/StreamUpsert", points.StreamUpsertRequest,
                       points.StreamUpsertResponse, Repeat.WRITE, 60)
DELETE_POINTS = Method("/kith.v1.Points/DeletePoints", points.DeletePointsRequest,
                       points.DeletePointsResponse, Repeat.WRITE, 60, _DEADLINE_MAX_S)
SET_PAYLOAD = Method("/kith.v1.Points/SetPayload", points.SetPayloadRequest,
                     points.ChangePayloadResponse, Repeat.WRITE, 60, _DEADLINE_MAX_S)
CLEAR_PAYLOAD = Method("/kith.v1.Points/ClearPayload", points.ClearPayloadRequest,
                       points.ChangePayloadResponse, Repeat.WRITE, 60, _DEADLINE_MAX_S)
FACET_POINTS = Method("/kith.v1.Points/FacetPoints", points.FacetPointsRequest,
                      points.FacetPointsResponse, Repeat.READ, 30, _DEADLINE_MAX_S)
GET_POINTS = Method("/kith.v1.Points/GetPoints", points.GetPointsRequest,
                    points.GetPointsResponse, Repeat.READ, 30, _DEADLINE_MAX_S)
COUNT_POINTS = Method("/kith.v1.Points/CountPoints", points.CountPointsRequest,
                      points.CountPointsResponse, Repeat.READ, 30, _DEADLINE_MAX_S)
SCROLL_POINTS = Method("/kith.v1.Points/ScrollPoints", points.ScrollPointsRequest,
                       points.ScrollPointsResponse, Repeat.READ, 30, _DEADLINE_MAX_S)

SEARCH = Method("/kith.v1.Search/Search", search.SearchRequest, search.SearchResponse,
                Repeat.READ, 2, _DEADLINE_MAX_S)
SEARCH_BATCH = Method("/kith.v1.Search/SearchBatch", search.SearchBatchRequest,
                      search.SearchBatchResponse, Repeat.READ, 30, _DEADLINE_MAX_S)

FIND_DUPLICATES = Method("/kith.v1.Search/FindDuplicates", search.FindDuplicatesRequest,
                         operations.Operation, Repeat.UNSAFE, 60)
LIST_DUPLICATES = Method("/kith.v1.Search/ListDuplicates", search.ListDuplicatesRequest,
                         search.ListDuplicatesResponse, Repeat.READ, 60)

CHECK_HEALTH = Method("/grpc.health.v1.Health/Check", health_pb2.HealthCheckRequest,
                      health_pb2.HealthCheckResponse, Repeat.READ, 60)
