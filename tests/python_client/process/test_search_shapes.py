"""Ranges, pages, groups and examples through the client, against a server as users run it."""

import json
from typing import Any

import numpy as np
import pytest

import kith
from kith import filters

RANDOM = np.random.default_rng(23)
BUSY_S = 30


def distances(base: Any, query: Any) -> Any:
    return ((base.astype("f8") - query) ** 2).sum(1)


def all_pages(search: Any, **options: Any) -> list[Any]:
    """The hits of every page, one after another."""
    page = search(timeout_s=BUSY_S, **options)
    hits = list(page.hits)
    while page.next_page_token:
        page = search(timeout_s=BUSY_S, page_token=page.next_page_token, **options)
        hits += page.hits
    return hits


def colored(client: Any, name: str, shards: int) -> Any:
    """1,000 points on a grid: many are as far from one another; some have no color."""
    base = RANDOM.integers(0, 4, (1000, 4)).astype("f4")
    client.create_collection(name, 4, "l2", "f32", shards=shards,
                             payload_fields={"color": "keyword", "year": "integer"})
    client.upsert(name, range(1000), base, [
        json.dumps({"color": color(n), "year": n % 7}).encode() for n in range(1000)])
    return base


def color(number: int) -> list[str]:
    return [[], ["red"], ["blue", "red"], ["green"]][number % 4]


def test_a_range_is_given_to_its_end_page_by_page(either: Any) -> None:
    base = colored(either, "shapes", shards=3)
    query = np.array([1, 2, 1, 2], "f4")
    far = distances(base, query)
    within = sorted((int(id) for id in np.flatnonzero(far <= 4)), key=lambda id: (far[id], id))
    assert len(within) > 200
    for limit in (7, 100, 10_000):
        hits = all_pages(lambda **more: either.search("shapes", query, **more), max_distance=4,
                         limit=limit)
        assert [hit.id for hit in hits] == within, "each once, in order, the border too"
    passing = [id for id in within if "red" in color(id)]
    hits = all_pages(lambda **more: either.search("shapes", query, **more), max_distance=4,
                     limit=20, filter=filters.match("color", "red"), with_payload=True)
    assert [hit.id for hit in hits] == passing
    one = either.search("shapes", query, max_distance=4, limit=20, timeout_s=BUSY_S, explain=True)
    assert one.completeness == "exact"
    assert one.explanation.points_within == len(within)
    of_point = all_pages(lambda **more: either.search_by_id("shapes", 5, **more), limit=300)
    assert sorted(hit.id for hit in of_point) == [id for id in range(1000) if id != 5]


def test_a_page_token_of_something_else_is_refused_by_name(client: Any) -> None:
    colored(client, "shapes", shards=2)
    query = np.array([1, 2, 1, 2], "f4")

    def page(**changed: Any) -> Any:
        options = {"limit": 5, "timeout_s": BUSY_S, **changed}
        vector = options.pop("vector", query)
        return client.search(options.pop("collection", "shapes"), vector, **options)

    token = page().next_page_token
    assert page(page_token=token, with_payload=True).hits
    client.create_collection("other", 4, "l2", "f32")
    for changed, name in [({"collection": "other"}, "another collection"),
                          ({"vector": query + 1}, "another query"),
                          ({"filter": filters.match("year", 1)}, "another filter"),
                          ({"limit": 6}, "other parameters"), ({"exact": True}, "other parameters"),
                          ({"max_distance": 9}, "other parameters"),
                          ({"page_token": token[:-8]}, "no page token"),
                          ({"page_token": "x" * 5000}, "no page token")]:
        with pytest.raises(kith.InvalidArgument, match=name) as refusal:
            page(**{"page_token": token, **changed})
        assert refusal.value.reason == "BAD_PAGE_TOKEN"
        assert refusal.value.violations[0].field == "page_token"
    client.delete_collection("shapes")
    colored(client, "shapes", shards=2)
    with pytest.raises(kith.InvalidArgument, match="earlier one of that name"):
        page(page_token=token)
    for bad, field in [({"max_distance": float("nan")}, "parameters.max_distance"),
                       ({"max_distance": -1.0}, "parameters.max_distance"),
                       ({"min_score": 0.5}, "parameters.min_score"),
                       ({"page_depth": 25_001}, "page_depth"), ({"page_depth": 4}, "page_depth")]:
        with pytest.raises(kith.InvalidArgument) as refusal:
            page(**bad)
        assert refusal.value.violations[0].field == field


def test_groups_hold_the_nearest_points_of_each_value(either: Any) -> None:
    base = colored(either, "shapes", shards=3)
    query = np.array([0, 3, 0, 3], "f4")
    order = np.lexsort((np.arange(1000), distances(base, query)))
    expected: dict[str, list[int]] = {}
    for id in map(int, order):
        for value in color(id):
            expected.setdefault(value, [])
            if len(expected[value]) < 4:
                expected[value].append(id)
    found = either.search("shapes", query, limit=3, group_by="color", group_size=4,
                          with_payload=True, timeout_s=BUSY_S)
    assert found.hits == ()
    assert found.groups_complete
    assert {group.value: [hit.id for hit in group.hits] for group in found.groups} == expected
    nearest = [group.hits[0].score for group in found.groups]
    assert nearest == sorted(nearest)
    assert all(json.loads(hit.payload)["color"] == color(hit.id)
               for group in found.groups for hit in group.hits)
    years = either.search("shapes", query, limit=7, group_by="year", group_size=100,
                          filter=filters.between("year", lt=3), timeout_s=BUSY_S)
    assert sorted(group.value for group in years.groups) == [0, 1, 2]
    assert [len(group.hits) for group in years.groups] == [100, 100, 100]


def test_what_cannot_be_grouped_is_named(client: Any) -> None:
    colored(client, "shapes", shards=1)
    for options, field in [({"group_by": "size"}, "group_by.field"),
                           ({"group_by": "year", "group_size": 101}, "group_by.group_size"),
                           ({"group_by": "year", "group_size": 0}, "group_by.group_size"),
                           ({"group_by": "year", "limit": 1001}, "parameters.limit"),
                           ({"group_by": "year", "limit": 500, "group_size": 21},
                            "parameters.limit"),
                           ({"group_by": "year", "page_depth": 100}, "page_depth")]:
        with pytest.raises(kith.InvalidArgument) as refusal:
            client.search("shapes", [1, 2, 3, 4], timeout_s=BUSY_S, **options)
        assert refusal.value.violations[0].field == field


def test_examples_make_a_query_and_are_not_found_themselves(either: Any) -> None:
    base = RANDOM.standard_normal((500, 4)).astype("f4")
    either.create_collection("shapes", 4, "l2", "f32", shards=3)
    either.upsert("shapes", range(500), base)
    given = RANDOM.standard_normal(4).astype("f4")
    mean = (base[3] + base[8] + given) / 3
    query = mean + (mean - base[20])
    order = [int(id) for id in np.argsort(distances(base, query), kind="stable")
             if id not in (3, 8, 20)]
    found = either.search_like("shapes", [3, 8, given], [20], limit=12, timeout_s=BUSY_S)
    assert [hit.id for hit in found.hits] == order[:12]
    pages = all_pages(lambda **more: either.search_like("shapes", [3, 8, given], [20], **more),
                      limit=100)
    assert [hit.id for hit in pages] == order

    best = np.minimum(distances(base, base[3]), distances(base, given))
    worst = distances(base, base[20])
    order = [int(id) for id in np.argsort(best, kind="stable")
             if id not in (3, 20) and worst[id] >= best[id]]
    found = either.search_like("shapes", [3, given], [20], limit=12, strategy="best_score",
                               timeout_s=BUSY_S)
    assert [hit.id for hit in found.hits] == order[:12]
    assert np.allclose([hit.score for hit in found.hits], best[order[:12]], rtol=1e-5)
    with pytest.raises(kith.NotFound, match="no point 777, 778") as missing:
        either.search_like("shapes", [3, 777], [778], timeout_s=BUSY_S)
    assert missing.value.facts["field"] == "examples.positive[1]"
    with pytest.raises(kith.InvalidArgument) as refusal:
        either.search_like("shapes", [], timeout_s=BUSY_S)
    assert refusal.value.violations[0].field == "examples.positive"


def test_through_the_index_a_range_reaches_the_target_and_pages_are_one_answer(
        client: Any) -> None:
    centers = RANDOM.standard_normal((60, 16)) * 4
    base = (centers[RANDOM.integers(0, 60, 20_000)]
            + RANDOM.standard_normal((20_000, 16))).astype("f4")
    client.create_collection("shapes", 16, "l2", "f32", shards=2)
    client.upsert("shapes", range(20_000), base)
    client.wait(client.train_index("shapes", lists=128).id)
    found = wanted = 0
    for query in base[:25] + RANDOM.standard_normal((25, 16)).astype("f4") * 0.3:
        far = distances(base, query)
        radius = float(np.sort(far)[400:402].mean())  # no point lies where floats decide
        within = set(map(int, np.flatnonzero(far <= radius)))
        hits = all_pages(lambda **more: client.search("shapes", query, **more),
                         max_distance=radius, limit=150, target_recall=0.95)
        ids = [hit.id for hit in hits]
        assert len(set(ids)) == len(ids)
        assert [hit.score for hit in hits] == sorted(hit.score for hit in hits)
        assert set(ids) <= within
        found += len(ids)
        wanted += len(within)
        one = client.search("shapes", query, max_distance=radius, target_recall=0.95, limit=3,
                            timeout_s=BUSY_S)
        assert one.completeness == "target_recall"
        exact = all_pages(lambda **more: client.search("shapes", query, **more),
                          max_distance=radius, limit=150, exact=True)
        assert set(hit.id for hit in exact) == within
    assert found >= 0.95 * wanted
    whole = client.search("shapes", base[7], nprobe=20, page_depth=90, limit=90, timeout_s=BUSY_S)
    pages = all_pages(lambda **more: client.search("shapes", base[7], **more), nprobe=20,
                      page_depth=90, limit=9)
    assert [hit.id for hit in pages][:90] == [hit.id for hit in whole.hits]
    assert len(pages) > 90
    end = client.search("shapes", base[7], nprobe=20, limit=9, timeout_s=BUSY_S)
    assert end.completeness == "depth"


def test_duplicates_come_in_clusters(either: Any) -> None:
    base = RANDOM.standard_normal((400, 8)).astype("f4") * 10
    ids = list(range(400))
    vectors = [*base]
    for number in (5, 9, 100):
        for copy in range(number % 4 + 1):
            ids.append(1000 * (copy + 1) + number)
            vectors.append(base[number] + 0.01)
    either.create_collection("shapes", 8, "l2", "f32", shards=3)
    either.upsert("shapes", ids, np.array(vectors))
    operation = either.wait(either.find_duplicates("shapes", max_distance=0.1).id)
    assert (operation.duplicates.clusters, operation.duplicates.points) == (3, 8)
    assert operation.duplicates.points_compared == len(ids)
    first = either.list_duplicates(operation.id, limit=2)
    last = either.list_duplicates(operation.id, page_token=first.next_page_token)
    assert [one.ids for one in (*first.clusters, *last.clusters)] == [
        (5, 1005, 2005), (9, 1009, 2009), (100, 1100)]
    assert last.next_page_token == ""
    assert first.clusters[0].nearest_score == 0
    with pytest.raises(kith.NotFound) as missing:
        either.list_duplicates("nothing")
    assert missing.value.reason == "OPERATION_NOT_FOUND"
