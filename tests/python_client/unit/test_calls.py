"""Calls over a socket, by both clients: repeats, cut batches, partial failures, deadlines."""

import threading
import time
import uuid
from typing import Any

import grpc
import numpy as np
import pytest

import kith
from fake_server import Failure, FakeServer
from kith import _methods
from kith._methods import CREATE_COLLECTION, DELETE_POINTS, GET_COLLECTION, GET_POINTS, UPSERT
from kith.v1 import collections_pb2, points_pb2, types_pb2

Code = grpc.StatusCode
# What a busy machine may take where the right answer is a fraction of a second.
GENEROUS_S = 10
DOWN = Failure(Code.UNAVAILABLE, "NOT_READY")


def rows(count: int) -> np.ndarray[Any, Any]:
    return np.arange(count * 4, dtype=np.float32).reshape(count, 4)


def points_in(request: points_pb2.UpsertRequest) -> int:
    return len(request.columns.numbers) or len(request.points)


def all_written(request: points_pb2.UpsertRequest) -> points_pb2.UpsertResponse:
    count = points_in(request)
    first = request.columns.numbers[0] if request.columns.numbers else 0
    return points_pb2.UpsertResponse(
        written=count, versions=range(first + 1, first + 1 + count),
        tokens=[types_pb2.WriteToken(shard=1, epoch=2, lsn=first)])


def whole_story(error: BaseException | None) -> str:
    """The time may end within a call: then the failures before it are its causes."""
    return "" if error is None else f"{error}; {whole_story(error.__cause__)}"


def test_a_write_is_repeated_as_it_was_with_its_request_id(server: FakeServer, client: Any) -> None:
    server.say(UPSERT, DOWN, Failure(Code.UNAVAILABLE),
               Failure(Code.DEADLINE_EXCEEDED, "UNKNOWN_OUTCOME"), all_written)
    result = client.upsert("c", [7, 9], rows(2), [b"a", b""])
    asked = server.requests(UPSERT)
    assert len(asked) == 4
    assert all(one == asked[0] for one in asked)
    assert len(asked[0].request_id) == 16
    assert list(asked[0].columns.numbers) == [7, 9]
    assert asked[0].columns.vectors == rows(2).tobytes()
    assert list(asked[0].columns.payloads) == [b"a", b""]
    assert (result.written, result.versions.tolist(), result.failures) == (2, [8, 9], ())
    client.upsert("c", [7, 9], rows(2), [b"a", b""])
    assert server.requests(UPSERT)[-1].request_id != asked[0].request_id


def test_a_delete_is_repeated_with_its_request_id(server: FakeServer, client: Any) -> None:
    token = types_pb2.WriteToken(shard=3, epoch=1, lsn=5)
    server.say(DELETE_POINTS, DOWN, points_pb2.DeletePointsResponse(deleted=1, tokens=[token]))
    result = client.delete_points("c", [uuid.UUID(int=5), 1])
    first, second = server.requests(DELETE_POINTS)
    assert first == second
    assert [one.WhichOneof("id") for one in first.ids] == ["uuid", "number"]
    assert result == kith.DeleteResult(1, (kith.WriteToken(3, 1, 5),))


def test_a_write_that_is_too_large_for_a_call_goes_in_several(server: FakeServer,
                                                              client: Any) -> None:
    server.say(UPSERT, all_written)
    name = uuid.uuid4()
    result = client.upsert("c", range(25_000), rows(25_000), request_id=name)
    asked = server.requests(UPSERT)
    assert [points_in(one) for one in asked] == [10_000, 10_000, 5_000]
    assert b"".join(one.columns.vectors for one in asked) == rows(25_000).tobytes()
    assert len({one.request_id for one in asked}) == 3
    assert asked[0].request_id == name.bytes
    assert result.written == 25_000
    assert result.versions.tolist() == list(range(1, 25_001))
    assert result.tokens == (kith.WriteToken(1, 2, 20_000),)
    client.upsert("c", range(25_000), rows(25_000), request_id=name)
    assert server.requests(UPSERT)[3:] == asked


def test_calls_are_cut_by_their_bytes_too(server: FakeServer, client: Any) -> None:
    server.say(UPSERT, all_written)
    payloads = [bytes(65_536) if n % 2 else b"" for n in range(500)]
    client.upsert("c", range(500), rows(500), payloads)
    asked = server.requests(UPSERT)
    assert len(asked) == 2
    assert max(one.ByteSize() for one in asked) <= 8 << 20
    assert [n for one in asked for n in one.columns.numbers] == list(range(500))
    assert [p for one in asked for p in one.columns.payloads] == payloads


def test_points_that_the_server_could_not_take_now_are_sent_again(server: FakeServer,
                                                                  client: Any) -> None:
    full = Failure(Code.RESOURCE_EXHAUSTED, "QUEUE_FULL", retry_after_s=0.001).status()
    refused = Failure(Code.ABORTED, "VERSION_MISMATCH", facts={"stored_version": "4"}).status()
    ok = type(full)()
    server.say(UPSERT, points_pb2.UpsertResponse(written=1, versions=[5, 4, 0],
                                                 statuses=[ok, refused, full]),
               points_pb2.UpsertResponse(written=2, versions=[5, 4, 6],
                                         statuses=[ok, refused, ok]))
    with pytest.raises(kith.PointsRefused, match="1 of 3 points.*point 1: ABORTED") as raised:
        client.upsert("c", [1, 2, 3], rows(3), if_versions=[None, 3, 0])
    first, second = server.requests(UPSERT)
    assert first == second
    assert [one.HasField("if_version") for one in first.points] == [False, True, True]
    result = raised.value.upserted
    assert result is not None
    assert (result.written, result.versions.tolist()) == (2, [5, 4, 6])
    assert [one.index for one in result.failures] == [1]
    assert isinstance(result.failures[0].error, kith.Aborted)
    assert result.failures[0].error.facts == {"stored_version": "4"}


def test_refused_points_of_a_later_call_are_named_by_their_place_in_all(server: FakeServer,
                                                                        client: Any) -> None:
    status = Failure(Code.ALREADY_EXISTS, "POINT_EXISTS").status()
    statuses = [type(status)()] * 6 + [status] + [type(status)()] * 93
    server.say(UPSERT, all_written,
               points_pb2.UpsertResponse(written=99, versions=[1] * 100, statuses=statuses))
    result = client.upsert("c", range(10_100), rows(10_100), mode="insert_only",
                           on_refused="return")
    assert [one.index for one in result.failures] == [10_006]
    assert result.written == 10_099
    assert server.requests(UPSERT)[0].mode == points_pb2.WRITE_MODE_INSERT_ONLY


def test_a_failure_says_what_was_written_before_it(server: FakeServer, client: Any) -> None:
    server.say(UPSERT, all_written, Failure(Code.FAILED_PRECONDITION, "WRONG_SHARD"))
    with pytest.raises(kith.FailedPrecondition) as raised:
        client.upsert("c", range(10_001), rows(10_001))
    assert raised.value.upserted is not None
    assert raised.value.upserted.written == 10_000
    assert len(raised.value.upserted.versions) == 10_000


def test_the_time_of_a_call_holds_for_all_its_repeats(server: FakeServer, client: Any) -> None:
    server.say(UPSERT, DOWN)
    client.get_collection("c")
    begin = time.monotonic()
    with pytest.raises((kith.Unavailable, kith.DeadlineExceeded)) as raised:
        client.upsert("c", [1], rows(1), timeout_s=0.2)
    assert 0.1 < time.monotonic() - begin < GENEROUS_S
    assert "NOT_READY" in whole_story(raised.value)
    left = [one.time_left_s for one in server.asked[UPSERT.path]]
    assert len(left) > 5
    assert max(left) < 0.21  # gRPC rounds a little
    assert left[-1] < left[0]


def test_a_server_that_never_answers_ends_with_the_time(server: FakeServer, client: Any) -> None:
    server.say(_methods.COUNT_POINTS, server.hang)
    begin = time.monotonic()
    with pytest.raises(kith.DeadlineExceeded):
        client.count_points("c", timeout_s=0.1)
    assert time.monotonic() - begin < GENEROUS_S
    assert len(server.requests(_methods.COUNT_POINTS)) == 1


def test_the_servers_pause_is_kept(server: FakeServer, client: Any) -> None:
    server.say(_methods.COUNT_POINTS,
               Failure(Code.RESOURCE_EXHAUSTED, "QUEUE_FULL", retry_after_s=0.15),
               points_pb2.CountPointsResponse(count=3))
    begin = time.monotonic()
    assert client.count_points("c") == 3
    assert 0.15 <= time.monotonic() - begin


def test_an_error_carries_what_the_server_said_and_is_not_repeated(server: FakeServer,
                                                                   client: Any) -> None:
    server.say(GET_POINTS, Failure(Code.INVALID_ARGUMENT, "BATCH_TOO_LARGE", "too many",
                                   {"field": "ids"}, "ids"))
    with pytest.raises(kith.InvalidArgument) as raised:
        client.get_points("c", [1])
    error = raised.value
    assert issubclass(type(error), ValueError)
    assert (error.code, error.reason, error.message) == ("INVALID_ARGUMENT", "BATCH_TOO_LARGE",
                                                         "too many")
    assert error.violations == (kith.FieldViolation("ids", "too many"),)
    assert error.facts == {"field": "ids"}
    assert error.remedy == "send or ask for less at a time"
    assert error.__notes__ == ["What to do: send or ask for less at a time"]
    assert str(error) == "INVALID_ARGUMENT BATCH_TOO_LARGE: too many (ids)"
    assert len(server.requests(GET_POINTS)) == 1


def test_a_collection_is_not_made_twice(server: FakeServer, client: Any) -> None:
    server.say(CREATE_COLLECTION, Failure(Code.UNAVAILABLE), collections_pb2.Collection())
    with pytest.raises(kith.Unavailable):
        client.create_collection("c", 4, "l2", "f32")
    assert len(server.requests(CREATE_COLLECTION)) == 1
    server.say(CREATE_COLLECTION, Failure(Code.UNAVAILABLE, "SHARD_UNAVAILABLE"),
               collections_pb2.Collection(collection="c"))
    assert client.create_collection("c", 4, "l2", "f32").collection == "c"
    assert len(server.requests(CREATE_COLLECTION)) == 3


def test_a_call_under_way_ends_when_the_client_is_closed(server: FakeServer) -> None:
    server.say(UPSERT, server.hang)
    client = kith.Client(server.endpoint)
    client.get_collection("c")
    closer = threading.Timer(0.1, client.close)
    closer.start()
    begin = time.monotonic()
    with pytest.raises(kith.Cancelled):
        client.upsert("c", [1], rows(1))
    closer.join()
    assert time.monotonic() - begin < GENEROUS_S


def test_nobody_listening_is_unavailable_and_says_so() -> None:
    with kith.Client("127.0.0.1:1") as client:
        begin = time.monotonic()
        with pytest.raises((kith.Unavailable, kith.DeadlineExceeded)) as raised:
            client.count_points("c", timeout_s=0.3)
        assert "cannot be reached" in whole_story(raised.value)
        with pytest.raises(kith.Unavailable) as not_ready:
            client.wait_ready(timeout_s=0.2)
        assert "cannot be reached" in whole_story(not_ready.value)
        assert time.monotonic() - begin < GENEROUS_S


def test_the_shape_of_a_collection_is_asked_for_once(server: FakeServer, client: Any) -> None:
    server.say(UPSERT, all_written)
    client.upsert("c", [1], rows(1))
    client.upsert("c", [2], rows(1))
    assert len(server.requests(GET_COLLECTION)) == 1


def test_a_collection_that_was_made_anew_is_looked_at_again(server: FakeServer,
                                                            client: Any) -> None:
    server.say(UPSERT, all_written)
    client.upsert("c", [1], rows(1))
    server.say(GET_COLLECTION, collections_pb2.Collection(
        collection="c", dimension=2, metric=types_pb2.METRIC_L2,
        element_type=types_pb2.ELEMENT_TYPE_U8))
    client.upsert("c", [1], np.array([[1, 2]], np.uint8))
    assert server.requests(UPSERT)[-1].columns.vectors == b"\1\2"
    with pytest.raises(kith.InvalidArgument, match="dimension 2"):
        client.upsert("c", [1], np.array([[1, 2, 3]], np.uint8))
    assert len(server.requests(UPSERT)) == 2


def test_ids_to_get_go_in_several_calls_and_come_back_in_order(server: FakeServer,
                                                               client: Any) -> None:
    def found(request: points_pb2.GetPointsRequest) -> points_pb2.GetPointsResponse:
        return points_pb2.GetPointsResponse(
            points=[points_pb2.StoredPoint(id=request.ids[0], version=3, payload=b"p",
                                           vector=types_pb2.Vector(data=rows(1).tobytes()))],
            missing=request.ids[1:])

    server.say(GET_POINTS, found)
    result = client.get_points("c", np.arange(10_001),
                               tokens=[kith.WriteToken(1, 1, 9), kith.WriteToken(1, 2, 3)])
    assert [point.id for point in result.points] == [0, 10_000]
    assert result.points[0].vector.tolist() == [0, 1, 2, 3]
    assert result.points[0].vector.dtype == np.float32
    assert len(result.missing) == 9_999
    first = server.requests(GET_POINTS)[0]
    assert [(one.shard, one.epoch, one.lsn) for one in first.tokens] == [(1, 2, 3)]
    assert (first.with_vector, first.with_payload) == (True, True)
