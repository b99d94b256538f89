"""Client of Kith: the nearest neighbours of a vector among many.

    import kith

    with kith.Client("127.0.0.1:7430") as client:
        client.create_collection("demo", 80, "l2", "f32")
        client.upsert("demo", range(len(vectors)), vectors)
        for hit in client.search("demo", vectors[0], limit=3).hits:
            print(hit.id, hit.score)

Client waits, AsyncClient is awaited; otherwise they are the same. help(kith.Client) lists the
calls, help(kith.options) what each of them takes, help(kith.errors) what they raise. The API's own
messages are in kith.v1.
"""

from kith import filters
from kith.aio import AsyncClient
from kith.client import Client
from kith.credentials import Credentials
from kith.errors import (Aborted, AlreadyExists, Cancelled, DataLoss, DeadlineExceeded,
                         FailedPrecondition, FieldViolation, Internal, InvalidArgument, KithError,
                         NotFound, OperationFailed, PermissionDenied, PointsRefused,
                         ResourceExhausted, Unauthenticated, Unavailable)
from kith.results import (Acknowledgement, BatchResult, ChangeResult, DeleteResult, DryRun,
                          DuplicateCluster, DuplicatesPage, Facet, FacetValue, GetResult, Hit,
                          HitGroup, PointFailure, PointId, PointPage, QueryHits, SearchResult,
                          StoredPoint, UpsertResult, WriteToken, newest)
from kith.retry import RetryPolicy

__all__ = [
    "Aborted", "Acknowledgement", "AlreadyExists", "AsyncClient", "BatchResult", "Cancelled",
    "ChangeResult", "Client", "Credentials", "DataLoss", "DeadlineExceeded", "DeleteResult",
    "DryRun",
    "DuplicateCluster", "DuplicatesPage", "Facet", "FacetValue", "FailedPrecondition",
    "FieldViolation", "GetResult", "Hit", "HitGroup", "Internal", "InvalidArgument",
    "KithError", "NotFound", "OperationFailed", "PermissionDenied", "PointFailure", "PointId",
    "PointPage", "PointsRefused", "QueryHits", "ResourceExhausted", "RetryPolicy",
    "SearchResult", "StoredPoint", "Unauthenticated", "Unavailable", "UpsertResult",
    "WriteToken", "filters", "newest",
]
