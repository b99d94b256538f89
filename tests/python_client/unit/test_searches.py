"""Searches by both clients: parameters on their way in, arrays on their way out."""

import asyncio
import threading
import time
import uuid
from typing import Any

import grpc
import numpy as np
import pytest

import kith
from fake_server import Failure, FakeServer
from kith._methods import FIND_DUPLICATES, LIST_DUPLICATES, SEARCH, SEARCH_BATCH
from kith.v1 import filter_pb2, operations_pb2, search_pb2, types_pb2

QUERY = np.array([1, 2, 3, 4], np.float32)


def test_a_search_sends_what_was_asked_and_nothing_else(server: FakeServer, client: Any) -> None:
    server.say(SEARCH, search_pb2.SearchResponse(
        hits=[search_pb2.Hit(id=types_pb2.PointId(number=7), score=0.5, version=2, payload=b"x",
                             vector=types_pb2.Vector(data=QUERY.tobytes()))],
        coverage=types_pb2.Coverage(ratio=0.9), degraded=["DEADLINE"], index_version="v"))
    result = client.search("c", QUERY, limit=3, min_coverage=0.5, with_payload=True, nprobe=9,
                           tokens=[kith.WriteToken(1, 0, 4), kith.WriteToken(2, 0, 4)])
    assert server.requests(SEARCH) == [search_pb2.SearchRequest(
        collection="c", vector=types_pb2.Vector(data=QUERY.tobytes()),
        parameters=search_pb2.SearchParameters(
            limit=3, min_coverage=0.5, with_payload=True, nprobe=9,
            tokens=[types_pb2.WriteToken(shard=s, lsn=4) for s in (1, 2)]))]
    assert 1 < server.asked[SEARCH.path][0].time_left_s <= 2.1
    hit = result.hits[0]
    assert (hit.id, hit.score, hit.version, hit.payload) == (7, 0.5, 2, b"x")
    assert hit.vector.tolist() == QUERY.tolist()
    assert (result.coverage.ratio, result.degraded, result.index_version) == (
        0.9, ("DEADLINE",), "v")
    assert result.explanation is None


def test_a_search_by_id_names_the_point(server: FakeServer, client: Any) -> None:
    server.say(SEARCH, search_pb2.SearchResponse())
    client.search_by_id("c", uuid.UUID(int=3), explain=True, priority="batch")
    client.search_by_id("c", np.uint64(2**64 - 1))
    first, second = server.requests(SEARCH)
    assert first.point.uuid == uuid.UUID(int=3).bytes
    assert first.parameters.explain
    assert first.parameters.priority == search_pb2.SEARCH_PRIORITY_BATCH
    assert second.parameters.priority == search_pb2.SEARCH_PRIORITY_INTERACTIVE
    assert second.point.number == 2**64 - 1
    assert second.parameters.limit == 10


def test_a_page_and_its_depth_go_with_the_search(server: FakeServer, client: Any) -> None:
    server.say(SEARCH, search_pb2.SearchResponse(
        next_page_token="there", completeness=search_pb2.COMPLETENESS_TARGET_RECALL))
    result = client.search("c", QUERY, page_token="here", page_depth=100)
    request = server.requests(SEARCH)[0]
    assert (request.page_token, request.page_depth) == ("here", 100)
    assert (result.next_page_token, result.completeness) == ("there", "target_recall")
    assert result.groups == ()


def test_groups_come_with_their_values(server: FakeServer, client: Any) -> None:
    server.say(SEARCH, search_pb2.SearchResponse(groups=[
        search_pb2.HitGroup(value=filter_pb2.FieldValue(integer=7), hits=[
            search_pb2.Hit(id=types_pb2.PointId(number=1), score=0.5)]),
        search_pb2.HitGroup(value=filter_pb2.FieldValue(boolean=False))], groups_complete=True))
    result = client.search("c", QUERY, limit=2, group_by="year", group_size=4)
    request = server.requests(SEARCH)[0]
    assert request.group_by == search_pb2.GroupBy(field="year", group_size=4)
    assert [group.value for group in result.groups] == [7, False]
    assert [hit.id for hit in result.groups[0].hits] == [1]
    assert result.groups_complete
    with pytest.raises(kith.InvalidArgument, match="group_size"):
        client.search("c", QUERY, group_size=4)


def test_examples_are_ids_or_vectors(server: FakeServer, client: Any) -> None:
    server.say(SEARCH, search_pb2.SearchResponse())
    client.search_like("c", [7, uuid.UUID(int=3), QUERY], [QUERY + 1], strategy="best_score")
    examples = server.requests(SEARCH)[0].examples
    assert [one.WhichOneof("example") for one in examples.positive] == ["point", "point", "vector"]
    assert examples.positive[1].point.uuid == uuid.UUID(int=3).bytes
    assert examples.negative[0].vector.data == (QUERY + 1).tobytes()
    assert examples.strategy == search_pb2.Examples.STRATEGY_BEST_SCORE
    with pytest.raises(kith.InvalidArgument, match="strategy is 'best'"):
        client.search_like("c", [7], strategy="best")
    with pytest.raises(kith.InvalidArgument, match=r"positive\[1\]"):
        client.search_like("c", [7, [1, 2]])


def test_duplicates_are_found_and_listed(server: FakeServer, client: Any) -> None:
    server.say(FIND_DUPLICATES, operations_pb2.Operation(id="o"))
    assert client.find_duplicates("c", min_score=0.9, exact=True).id == "o"
    assert server.requests(FIND_DUPLICATES) == [
        search_pb2.FindDuplicatesRequest(collection="c", min_score=0.9, exact=True)]
    server.say(LIST_DUPLICATES, search_pb2.ListDuplicatesResponse(clusters=[
        search_pb2.DuplicateCluster(ids=[types_pb2.PointId(number=n) for n in (1, 5)],
                                    nearest_score=0.5)], next_page_token="next"))
    page = client.list_duplicates("o", page_token="here", limit=7)
    assert server.requests(LIST_DUPLICATES) == [
        search_pb2.ListDuplicatesRequest(operation="o", page_token="here", limit=7)]
    assert page.clusters == (kith.DuplicateCluster((1, 5), 0.5),)
    assert page.next_page_token == "next"


def one_hit_each(request: search_pb2.SearchBatchRequest) -> search_pb2.SearchBatchResponse:
    queries = np.frombuffer(request.queries, np.float32).reshape(-1, 4)
    assert len(queries) == request.count
    numbers = queries[:, 0].astype(np.uint64).tolist()
    return search_pb2.SearchBatchResponse(
        counts=[1] * len(queries), numbers=numbers, scores=queries[:, 1].tolist(),
        versions=numbers, vectors=request.queries if request.parameters.with_vector else b"",
        coverage=types_pb2.Coverage(ratio=1 - len(queries) / 2048),
        degraded=["DEADLINE"] if len(queries) == 1024 else [])


def test_many_queries_go_in_several_calls_and_come_back_in_order(server: FakeServer,
                                                                 client: Any) -> None:
    server.say(SEARCH_BATCH, one_hit_each)
    queries = np.arange(2500 * 4, dtype=np.float32).reshape(-1, 4)
    result = client.search_batch("c", queries)
    assert [one.count for one in server.requests(SEARCH_BATCH)] == [1024, 1024, 452]
    assert len(result) == 2500
    assert result.hits.ids.dtype == np.uint64
    assert result.hits.ids.tolist() == queries[:, 0].astype(int).tolist()
    assert result[2499].scores.tolist() == [queries[2499, 1]]
    assert result[-1].versions.tolist() == [queries[2499, 0]]
    assert [hits.ids[0] for hits in result][1023:1025] == [4092, 4096]
    assert result[0].vectors is None
    assert result.coverage.ratio == 0.5
    assert result.degraded == ("DEADLINE",)
    with pytest.raises(IndexError):
        result[2500]


def test_calls_hold_no_more_hits_than_the_server_returns(server: FakeServer, client: Any) -> None:
    server.say(SEARCH_BATCH, one_hit_each)
    queries = np.zeros((30, 4), np.float32)
    result = client.search_batch("c", queries, limit=1000, with_vector=True)
    assert [one.count for one in server.requests(SEARCH_BATCH)] == [10, 10, 10]
    assert result[29].vectors.shape == (1, 4)
    client.search_batch("c", np.zeros((150, 4), np.float32), limit=10_000)
    assert [one.count for one in server.requests(SEARCH_BATCH)][3:] == [100, 50]


def test_uuids_among_the_hits_come_as_uuids(server: FakeServer, client: Any) -> None:
    name = uuid.uuid4()
    server.say(SEARCH_BATCH, search_pb2.SearchBatchResponse(
        counts=[0, 2], scores=[1, 2], versions=[1, 1], payloads=[b"a", b"b"],
        ids=[types_pb2.PointId(number=4), types_pb2.PointId(uuid=name.bytes)]))
    result = client.search_batch("c", np.zeros((2, 4), np.float32), with_payload=True)
    assert len(result[0]) == 0
    assert result[1].ids.tolist() == [4, name]
    assert result[1].payloads == (b"a", b"b")


def test_a_search_that_was_interrupted_is_repeated(server: FakeServer, client: Any) -> None:
    server.say(SEARCH, Failure(grpc.StatusCode.UNAVAILABLE, "COVERAGE_BELOW_MINIMUM"),
               search_pb2.SearchResponse())
    assert client.search("c", QUERY).hits == ()


@pytest.mark.parametrize(("options", "field"), [
    ({"limit": 0}, "limit"), ({"limit": 10_001}, "limit"), ({"limit": 2.5}, "limit"),
    ({"nprobe": -1}, "nprobe"), ({"exact": "yes"}, "exact"), ({"target_recall": "x"},
                                                              "target_recall")])
def test_parameters_that_cannot_be_are_refused_by_name(server: FakeServer, client: Any,
                                                       options: dict[str, Any], field: str) -> None:
    with pytest.raises(kith.InvalidArgument) as raised:
        client.search("c", QUERY, **options)
    assert [one.field for one in raised.value.violations] == [field]
    assert server.requests(SEARCH) == []


def test_a_cancelled_search_of_asyncio_ends_at_once(server: FakeServer) -> None:
    async def search() -> None:
        async with kith.AsyncClient(server.endpoint) as client:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.search("c", QUERY, timeout_s=30), 0.1)

    server.say(SEARCH, server.hang)
    begin = time.monotonic()
    asyncio.run(search())
    assert time.monotonic() - begin < 10


def test_a_search_of_asyncio_under_way_ends_when_the_client_is_closed(server: FakeServer) -> None:
    async def close_meanwhile() -> None:
        client = kith.AsyncClient(server.endpoint)
        search = asyncio.create_task(client.search("c", QUERY, timeout_s=30))
        while SEARCH.path not in server.asked:
            await asyncio.sleep(0.01)
        await client.close()
        with pytest.raises(kith.Cancelled):
            await search

    server.say(SEARCH, server.hang)
    asyncio.run(close_meanwhile())


def test_many_searches_of_asyncio_run_side_by_side(server: FakeServer) -> None:
    together = threading.Barrier(4)  # passes only four at a time

    def meet(_: Any) -> search_pb2.SearchResponse:
        together.wait(timeout=20)
        return search_pb2.SearchResponse()

    async def search() -> None:
        async with kith.AsyncClient(server.endpoint) as client:
            await asyncio.gather(*(client.search("c", QUERY, timeout_s=30) for _ in range(4)))

    server.say(SEARCH, meet)
    asyncio.run(search())
    assert len(server.requests(SEARCH)) == 4
