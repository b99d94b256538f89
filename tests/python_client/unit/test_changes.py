"""Changes of payloads, deletes by a filter, facets, aliases and updates, by both clients."""

import uuid
from typing import Any

import grpc
import pytest

import kith
from fake_server import Failure, FakeServer
from kith import filters
from kith._methods import (CHANGE_ALIASES, CLEAR_PAYLOAD, DELETE_POINTS, FACET_POINTS,
                           GET_COLLECTION, LIST_ALIASES, SET_ALIAS, SET_PAYLOAD,
                           UPDATE_COLLECTION, UPSERT)
from kith.v1 import collections_pb2, filter_pb2, points_pb2, types_pb2

Code = grpc.StatusCode
RED = filters.match("color", "red")
Response = points_pb2.ChangePayloadResponse


def all_changed(request: points_pb2.SetPayloadRequest) -> Response:
    return Response(changed=len(request.ids), versions=[7] * len(request.ids),
                    tokens=[types_pb2.WriteToken(shard=1, epoch=1, lsn=9)])


def test_a_payload_change_is_cut_into_calls_that_are_repeated_with_their_request_ids(
        server: FakeServer, client: Any) -> None:
    server.say(SET_PAYLOAD, Failure(Code.UNAVAILABLE), all_changed)
    name = uuid.uuid4()
    result = client.set_payload("c", range(1200), {"sold": True, "year": None},
                                if_versions=[None, 5] * 600, request_id=name)
    asked = server.requests(SET_PAYLOAD)
    assert [len(one.ids) for one in asked] == [500, 500, 500, 200]
    assert asked[0] == asked[1]
    assert asked[0].request_id == name.bytes
    assert len({one.request_id for one in asked}) == 3
    assert asked[0].payload == b'{"sold": true, "year": null}'
    assert asked[0].mode == points_pb2.PAYLOAD_MODE_MERGE
    assert list(asked[0].if_versions[:2]) == [0, 5]
    assert (result.changed, result.versions) == (1200, (7,) * 1200)
    assert result.tokens == (kith.WriteToken(1, 1, 9),)


def test_points_that_are_refused_are_named(server: FakeServer, client: Any) -> None:
    refused = Failure(Code.NOT_FOUND, "POINT_NOT_FOUND").status()
    server.say(SET_PAYLOAD, Response(changed=1, versions=[7, 0],
                                     statuses=[type(refused)(), refused]))
    with pytest.raises(kith.PointsRefused, match="1 of 2 points were not changed") as raised:
        client.set_payload("c", [1, 2], b"{}", replace=True)
    assert raised.value.changed is not None
    assert [one.index for one in raised.value.changed.failures] == [1]
    result = client.set_payload("c", [1, 2], b"{}", on_refused="return")
    assert result.failures[0].error.reason == "POINT_NOT_FOUND"
    assert server.requests(SET_PAYLOAD)[0].mode == points_pb2.PAYLOAD_MODE_REPLACE
    with pytest.raises(kith.InvalidArgument, match="if_versions"):
        client.set_payload("c", [1, 2], b"{}", if_versions=[1])
    with pytest.raises(kith.InvalidArgument, match="PAYLOAD_TOO_LARGE"):
        client.set_payload("c", [1], b"x" * 70_000)


def test_what_a_filter_picks_is_asked_for_page_by_page(server: FakeServer, client: Any) -> None:
    server.say(CLEAR_PAYLOAD, Response(changed=10_000, next_page_token="t"),
               Failure(Code.DEADLINE_EXCEEDED, "UNKNOWN_OUTCOME"), Response(changed=3))
    assert client.clear_payload_matching("c", RED, ["sold"]).changed == 10_003
    asked = server.requests(CLEAR_PAYLOAD)
    assert [one.page_token for one in asked] == ["", "t", "t"]
    assert asked[1] == asked[2] and asked[0].request_id != asked[1].request_id
    assert all(one.filter == RED and list(one.fields) == ["sold"] for one in asked)

    deleted = points_pb2.DeletePointsResponse
    server.say(DELETE_POINTS, deleted(deleted=5, next_page_token="t"), deleted(deleted=2))
    assert client.delete_matching("c", RED).deleted == 7
    server.say(DELETE_POINTS, deleted(deleted=9, sample=[types_pb2.PointId(number=4)]))
    assert client.dry_run_delete("c", RED, sample=1) == kith.DryRun(9, (4,))
    assert server.requests(DELETE_POINTS)[-1].dry_run


def test_a_facet_has_plain_values(server: FakeServer, client: Any) -> None:
    value = filter_pb2.FieldValue
    server.say(FACET_POINTS, points_pb2.FacetPointsResponse(distinct=9, values=[
        points_pb2.FacetValue(value=value(keyword="red"), count=5),
        points_pb2.FacetValue(value=value(integer=0), count=4),
        points_pb2.FacetValue(value=value(boolean=False), count=3)]))
    facet = client.facet_points("c", "color", filter=RED, limit=3)
    assert [one.value for one in facet.values] == ["red", 0, False]
    assert (facet.values[0].count, facet.distinct) == (5, 9)
    assert server.requests(FACET_POINTS)[0].limit == 3


def test_an_alias_that_moves_may_have_another_shape(server: FakeServer, client: Any) -> None:
    def shape(dimension: int) -> collections_pb2.Collection:
        return collections_pb2.Collection(dimension=dimension, metric=types_pb2.METRIC_L2,
                                          element_type=types_pb2.ELEMENT_TYPE_F32)

    answer = collections_pb2.ListAliasesResponse(
        aliases=[collections_pb2.Alias(alias="now", collection="v2")])
    server.say(GET_COLLECTION, shape(2), shape(3))
    server.say(UPSERT, points_pb2.UpsertResponse(written=1, versions=[1]))
    server.say(SET_ALIAS, answer)
    server.say(CHANGE_ALIASES, answer)
    server.say(LIST_ALIASES, answer)
    client.upsert("now", [1], [[1, 2]])
    assert client.set_alias("now", "v2") == {"now": "v2"}
    client.upsert("now", [1], [[1, 2, 3]])
    client.change_aliases({"now": "v2", "old": None})
    assert [(one.alias, one.collection) for one in server.requests(CHANGE_ALIASES)[0].changes] == [
        ("now", "v2"), ("old", "")]
    assert client.list_aliases() == {"now": "v2"}


def test_an_update_names_what_is_given(server: FakeServer, client: Any) -> None:
    server.say(UPDATE_COLLECTION, collections_pb2.Collection(etag="5"))
    assert client.update_collection("c", target_recall=0.9, description="", etag="4").etag == "5"
    asked = server.requests(UPDATE_COLLECTION)[0]
    assert list(asked.update_mask.paths) == ["description", "index.target_recall"]
    assert (asked.index.target_recall, asked.etag) == (0.9, "4")
