"""The client against a server as users run it."""

import uuid
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import kith
from kith.v1 import collections_pb2, operations_pb2

State = collections_pb2.IndexVersion
BUSY_S = 30  # the usual 2 s may be short where other tests compute
RANDOM = np.random.default_rng(7)


def vectors(count: int, dtype: str, dimension: int = 24) -> npt.NDArray[Any]:
    if dtype == "u8":
        return RANDOM.integers(0, 256, (count, dimension), dtype=np.uint8)
    return RANDOM.standard_normal((count, dimension)).astype({"f32": "f4", "f16": "f2"}[dtype])


def brute_force(base: npt.NDArray[Any], queries: npt.NDArray[Any], metric: str,
                limit: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Places and scores of the nearest rows, ties by place."""
    rows, asked = base.astype(np.float64), queries.astype(np.float64)
    if metric == "cosine":
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    scores = asked @ rows.T
    if metric == "l2":
        scores = (asked**2).sum(1)[:, None] - 2 * scores + (rows**2).sum(1)
    order = np.argsort(scores if metric == "l2" else -scores, axis=1, kind="stable")[:, :limit]
    return order, np.take_along_axis(scores, order, 1)


@pytest.mark.parametrize(("metric", "dtype"), [
    ("l2", "f32"), ("inner_product", "f32"), ("cosine", "f32"), ("l2", "f16"), ("l2", "u8")])
def test_what_was_written_is_found_as_numpy_finds_it(client: Any, metric: str,
                                                     dtype: str) -> None:
    base, queries = vectors(1000, dtype), vectors(20, dtype)
    ids = RANDOM.permutation(1000).astype(np.uint64) + np.uint64(2**63)
    in_order = np.argsort(ids)
    client.create_collection("c", 24, metric, dtype, shards=2)
    written = client.upsert("c", ids, base)
    assert written.written == 1000
    assert len(written.tokens) == 2
    found = client.search_batch("c", queries, limit=15, tokens=written.tokens, with_vector=True)
    places, scores = brute_force(base[in_order], queries, metric, 15)
    assert found.counts.tolist() == [15] * 20
    assert np.array_equal(found.hits.ids.reshape(20, 15), ids[in_order][places])
    assert np.allclose(found.hits.scores.reshape(20, 15), scores, rtol=1e-4, atol=1e-4)
    assert np.array_equal(found.hits.vectors.reshape(20, 15, 24), base[in_order][places])
    assert found.hits.vectors.dtype == base.dtype
    one = client.search("c", queries[3], limit=15, with_payload=True, timeout_s=BUSY_S)
    assert [hit.id for hit in one.hits] == found[3].ids.tolist()
    assert [hit.score for hit in one.hits] == found[3].scores.tolist()
    assert one.coverage.ratio == 1


def test_points_are_read_replaced_and_deleted(either: Any) -> None:
    either.create_collection("c", 24, "l2", "f32")
    base, names = vectors(3, "f32"), [uuid.uuid4(), 7, uuid.uuid4()]
    first = either.upsert("c", names, base, [b"a", b"\0b", b""])
    got = either.get_points("c", [7, 8, names[2]], tokens=first.tokens)
    assert [(point.id, point.payload) for point in got.points] == [(7, b"\0b"), (names[2], b"")]
    assert got.missing == (8,)
    assert np.array_equal(got.points[0].vector, base[1])
    assert got.points[0].version == first.versions[1]
    bare = either.get_points("c", [7], with_vector=False, with_payload=False).points[0]
    assert (bare.vector, bare.payload) == (None, b"")
    with pytest.raises(ValueError, match="with_vector"):
        kith.GetResult((bare,), ()).vectors
    assert either.get_points("c", [99]).vectors.shape == (0, 0)

    with pytest.raises(kith.PointsRefused) as raised:
        either.upsert("c", names, base[::-1], if_versions=[first.versions[0], 1, 0])
    result = raised.value.upserted
    assert result is not None
    assert result.written == 1
    assert [failure.error.reason for failure in result.failures] == ["VERSION_MISMATCH"] * 2
    assert result.failures[0].error.facts["stored_version"] == str(first.versions[1])

    hits = either.search_by_id("c", names[0], tokens=result.tokens, limit=2,
                               timeout_s=BUSY_S).hits
    assert hits[0].id == names[2]  # was given the same vector
    assert hits[0].score == 0
    page, scrolled = either.scroll_points("c", limit=2), {}
    while True:
        scrolled |= {point.id: (point.payload, point.vector.tolist()) for point in page.points}
        if not page.next_page_token:
            break
        page = either.scroll_points("c", limit=2, page_token=page.next_page_token)
    stored = either.get_points("c", names).points
    assert scrolled == {point.id: (point.payload, point.vector.tolist()) for point in stored}
    bare = either.scroll_points("c", with_vector=False, with_payload=False)
    assert {(point.id, point.vector, point.payload) for point in bare.points} == {
        (name, None, b"") for name in names}
    with pytest.raises(ValueError, match="with_vector"):
        bare.vectors
    with pytest.raises(kith.InvalidArgument) as bad_token:
        either.scroll_points("c", page_token="garbage")
    assert bad_token.value.reason == "BAD_PAGE_TOKEN"
    with pytest.raises(kith.InvalidArgument) as no_limit:
        either.scroll_points("c", limit=0)
    assert no_limit.value.reason == "LIMIT_OUT_OF_RANGE"
    assert either.delete_points("c", [names[2], 999]).deleted == 1
    assert either.count_points("c") == 2


def test_a_repeated_request_writes_nothing_again(client: Any) -> None:
    client.create_collection("c", 24, "l2", "f32", shards=2)
    base, name = vectors(20, "f32"), uuid.uuid4()
    first = client.upsert("c", range(20), base, request_id=name)
    again = client.upsert("c", range(20), base, request_id=name)
    assert np.array_equal(again.versions, first.versions)
    with pytest.raises(kith.KithError) as raised:
        client.upsert("c", range(20), base[::-1], request_id=name)
    assert raised.value.reason == "REQUEST_ID_REUSED"


def test_more_than_a_message_holds_is_written_and_read(endpoint: str) -> None:
    base = vectors(17_000, "f32", 1024)  # 70 MB, and a message holds 64 MiB
    with kith.Client(endpoint) as client:
        client.create_collection("large", 1024, "l2", "f32")
        written = client.upsert("large", range(17_000), base)
        assert written.written == 17_000
        got = client.get_points("large", range(17_000), tokens=written.tokens)
        client.delete_collection("large")
    assert np.array_equal(got.vectors, base)


def test_an_index_is_trained_promoted_rolled_back_and_dropped(either: Any) -> None:
    either.create_collection("c", 24, "l2", "f32")
    written = either.upsert("c", range(1000), vectors(1000, "f32"))
    seen: list[operations_pb2.Operation] = []
    operation = either.wait(either.train_index("c").id, seen.append, timeout_s=120)
    assert operation.promoted
    assert seen[-1].progress == 1
    assert either.get_collection("c").serving_version == operation.result
    found = either.search("c", vectors(1, "f32")[0], nprobe=4, explain=True,
                          tokens=written.tokens, timeout_s=BUSY_S)
    assert found.index_version == operation.result
    assert found.explanation.strategy == "ivf"
    assert len(either.search_batch("c", vectors(3, "f32"), nprobe=1, explain=True).explanations) == 1

    second = either.wait(either.train_index("c", seed=2, auto_promote=False).id, timeout_s=120)
    assert not second.promoted
    states = {one.version: one.state for one in either.list_index_versions("c")}
    assert states == {operation.result: State.STATE_SERVING, second.result: State.STATE_WAITING}
    assert either.promote_index_version("c")[0].version == second.result
    assert either.rollback_index_version("c")[0].version == operation.result
    assert [one.version for one in either.drop_index_version("c", second.result)] == [
        operation.result]
    with pytest.raises(kith.FailedPrecondition) as raised:
        either.drop_index_version("c", operation.result)
    assert raised.value.reason == "INDEX_VERSION_SERVING"
    ended = {one.id for one in either.list_operations("c")}
    assert {operation.id, second.id} <= ended
    assert either.cancel_operation(second.id).state == operations_pb2.Operation.STATE_SUCCEEDED


def test_a_training_that_cannot_be_fails_with_its_reason(client: Any) -> None:
    client.create_collection("c", 24, "l2", "f32")
    client.upsert("c", range(10), vectors(10, "f32"))
    with pytest.raises(kith.KithError) as raised:
        client.wait(client.train_index("c").id, timeout_s=60)
    assert raised.value.reason == "TOO_FEW_POINTS"
    assert raised.value.remedy.startswith("add points")


def test_collections_are_planned_made_listed_verified_and_deleted(client: Any) -> None:
    plan = client.plan_collection(24, "f32", 1_000_000, memory_limit_bytes=1 << 40)
    assert plan.fits
    assert plan.steady_bytes > 1_000_000 * 24
    client.create_collection("c", 24, "cosine", "f32", validate_only=True)
    assert client.list_collections() == ()
    client.create_collection("c", 24, "cosine", "f32")
    with pytest.raises(kith.AlreadyExists):
        client.create_collection("c", 24, "cosine", "f32")
    client.upsert("c", [1], vectors(1, "f32"))
    assert [(one.collection, one.points) for one in client.list_collections()] == [("c", 1)]
    verified = client.verify_collection("c")
    assert verified.equal
    assert [shard.points for shard in verified.shards] == [1]
    client.delete_collection("c")
    for call in (client.get_collection, client.count_points, client.delete_collection):
        with pytest.raises(kith.NotFound):
            call("c")


def test_errors_of_the_server_name_reason_and_field(client: Any) -> None:
    client.create_collection("c", 24, "l2", "f32")
    with pytest.raises(kith.InvalidArgument) as raised:
        client.search("c", vectors(1, "f32")[0], nprobe=3, exact=True, timeout_s=BUSY_S)
    assert raised.value.reason == "BAD_REQUEST"
    assert [one.field for one in raised.value.violations] == ["parameters.nprobe"]
    with pytest.raises(kith.InvalidArgument, match="min_score"):
        client.search("c", vectors(1, "f32")[0], min_score=3, timeout_s=BUSY_S)
    with pytest.raises(kith.NotFound) as absent:
        client.search_by_id("c", 5, timeout_s=BUSY_S)
    assert absent.value.reason == "POINT_NOT_FOUND"


def test_a_deadline_longer_than_the_server_takes_is_no_error(client: Any) -> None:
    client.create_collection("c", 24, "l2", "f32")
    assert client.search("c", vectors(1, "f32")[0], timeout_s=600).hits == ()
