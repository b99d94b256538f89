"""Long jobs, health, and calls about collections, by both clients."""

from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2

import kith
from fake_server import Failure, FakeServer
from kith import _methods
from kith.v1 import collections_pb2, operations_pb2, types_pb2

Operation = operations_pb2.Operation


def running(progress: float) -> Operation:
    return Operation(id="o", state=Operation.STATE_RUNNING, stage="encoding", progress=progress)


def test_waiting_reports_progress_and_ends_with_the_operation(server: FakeServer,
                                                              client: Any) -> None:
    done = Operation(id="o", state=Operation.STATE_SUCCEEDED, progress=1, result="version")
    server.say(_methods.GET_OPERATION, running(0.1), Failure(grpc.StatusCode.UNAVAILABLE),
               running(0.5), done)
    seen: list[float] = []
    assert client.wait("o", lambda operation: seen.append(operation.progress)) == done
    assert seen == [0.1, 0.5, 1]


def test_an_operation_that_failed_or_was_cancelled_is_an_error(server: FakeServer,
                                                               client: Any) -> None:
    server.say(_methods.GET_OPERATION,
               Operation(id="o", state=Operation.STATE_FAILED, error_reason="TOO_FEW_POINTS",
                         error_message="300 are needed"),
               Operation(id="o", state=Operation.STATE_CANCELLED))
    with pytest.raises(kith.OperationFailed, match="TOO_FEW_POINTS: 300 are needed") as raised:
        client.wait("o")
    assert raised.value.facts == {"operation": "o"}
    with pytest.raises(kith.OperationFailed, match="STATE_CANCELLED"):
        client.wait("o")


def test_waiting_no_longer_than_asked_says_how_far_it_is(server: FakeServer, client: Any) -> None:
    server.say(_methods.GET_OPERATION, running(0.25))
    with pytest.raises(kith.DeadlineExceeded, match="encoding, 25%"):
        client.wait("o", timeout_s=0.2)


def test_an_operation_that_the_server_forgot_is_not_found(server: FakeServer, client: Any) -> None:
    server.say(_methods.GET_OPERATION, Failure(grpc.StatusCode.NOT_FOUND, "OPERATION_NOT_FOUND"))
    with pytest.raises(kith.NotFound):
        client.wait("o")


def test_a_server_that_starts_is_waited_for(server: FakeServer, client: Any) -> None:
    response = health_pb2.HealthCheckResponse
    server.say(_methods.CHECK_HEALTH, Failure(grpc.StatusCode.UNAVAILABLE),
               response(status=response.NOT_SERVING), response(status=response.SERVING))
    client.wait_ready()
    assert len(server.requests(_methods.CHECK_HEALTH)) == 3
    server.say(_methods.CHECK_HEALTH, response(status=response.NOT_SERVING))
    with pytest.raises(kith.Unavailable, match="does not serve yet|in time"):
        client.wait_ready(timeout_s=0.05)


def test_a_training_sends_only_what_was_said(server: FakeServer, client: Any) -> None:
    server.say(_methods.TRAIN_INDEX, running(0))
    assert client.train_index("c").id == "o"
    client.train_index("c", lists=8, seed=3, auto_promote=False, min_recall_gain=-0.5)
    plain, told = server.requests(_methods.TRAIN_INDEX)
    assert not plain.HasField("auto_promote")
    assert not plain.HasField("min_recall_gain")
    assert told == collections_pb2.TrainIndexRequest(
        collection="c", index=collections_pb2.IndexParameters(lists=8), seed=3,
        auto_promote=False, min_recall_gain=-0.5)


def test_a_collection_is_made_as_asked(server: FakeServer, client: Any) -> None:
    server.say(_methods.CREATE_COLLECTION, collections_pb2.Collection())
    client.create_collection("c", 80, "cosine", "u8", shards=4, target_recall=0.9, subspaces=16,
                             plane_b_bytes=40, lists=9, expected_points=1000, validate_only=True)
    assert server.requests(_methods.CREATE_COLLECTION) == [collections_pb2.CreateCollectionRequest(
        collection="c", dimension=80, metric=types_pb2.METRIC_COSINE, shards=4, validate_only=True,
        element_type=types_pb2.ELEMENT_TYPE_U8, index=collections_pb2.IndexParameters(
            lists=9, subspaces=16, plane_b_bytes=40, target_recall=0.9,
            expected_points=1000))]


@pytest.mark.parametrize(("words", "options", "field"), [
    (("c", 8, "euclid", "f32"), {}, "metric"), (("c", 8, "l2", "float"), {}, "dtype"),
    (("c", -1, "l2", "f32"), {}, "dimension"), (("c", 1.5, "l2", "f32"), {}, "dimension"),
    (("c", 8, "l2", "f32"), {"shards": -2}, "shards"),
    (("c", 8, "l2", "f32"), {"lists": True}, "lists")])
def test_a_collection_that_cannot_be_is_refused_by_the_field(
        server: FakeServer, client: Any, words: Any, options: Any, field: str) -> None:
    with pytest.raises(kith.InvalidArgument) as raised:
        client.create_collection(*words, **options)
    assert [one.field for one in raised.value.violations] == [field]
    assert _methods.CREATE_COLLECTION.path not in server.asked
