"""Filters through the client, against a server as users run it."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import kith
from kith import filters

FIELDS = {"color": "keyword", "year": "integer", "price": "double", "new": "boolean"}
RANDOM = np.random.default_rng(11)
BUSY_S = 30


def document(number: int) -> dict[str, Any]:
    return {"color": [["red"], ["red", "blue"], []][number % 3], "year": number % 100,
            "price": number / 4, "new": number % 2 == 0}


CASES: list[tuple[filters.Filter, Callable[[int, dict[str, Any]], bool]]] = [
    (filters.match("color", "blue"), lambda _, one: "blue" in one["color"]),
    (filters.match_any("year", [3, 5]), lambda _, one: one["year"] in (3, 5)),
    (filters.between("price", gt=10, lte=20.5), lambda _, one: 10 < one["price"] <= 20.5),
    (filters.exists("color"), lambda _, one: bool(one["color"])),
    (filters.has_id([4, 5, 77777]), lambda id, _: id in (4, 5)),
    (filters.all_of(filters.match("new", True),
                    filters.none_of(filters.match("color", "red"), filters.has_id([2]))),
     lambda id, one: one["new"] and "red" not in one["color"] and id != 2),
    (filters.any_of(filters.between("year", lt=2), filters.match("new", False)),
     lambda _, one: one["year"] < 2 or not one["new"]),
]


def test_what_passes_is_found_as_python_finds_it(either: Any) -> None:
    base = RANDOM.standard_normal((1000, 8)).astype("f4")
    made = either.create_collection("filtered", 8, "l2", "f32", shards=4,
                                        payload_fields=FIELDS)
    assert [field.name for field in made.payload_fields] == list(FIELDS)
    either.upsert("filtered", range(1000), base,
                      [json.dumps(document(number)).encode() for number in range(1000)])
    query = base[0] + 0.1
    order = np.argsort(((base - query) ** 2).sum(1), kind="stable")
    for condition, passes in CASES:
        expected = [int(id) for id in order if passes(int(id), document(int(id)))]
        found = either.search("filtered", query, limit=20, filter=condition, explain=True,
                                  timeout_s=BUSY_S)
        assert [hit.id for hit in found.hits] == expected[:20]
        assert found.explanation.strategy == "filtered flat"
        assert found.explanation.filter_points == len(expected)
        assert either.count_points("filtered", filter=condition) == len(expected)


def test_what_is_wrong_is_named(client: Any) -> None:
    client.create_collection("filtered", 2, "l2", "f32", payload_fields={"year": "integer"})
    with pytest.raises(kith.PointsRefused, match="field year"):
        client.upsert("filtered", [1], [[1, 2]], [b'{"year": "1999"}'])
    for condition, field in [(filters.match("size", 1), "parameters.filter.match.field"),
                             (filters.match("year", "x"), "parameters.filter.match.value"),
                             (filters.between("year"), "parameters.filter.range")]:
        with pytest.raises(kith.InvalidArgument) as refusal:
            client.search("filtered", [1, 2], filter=condition, timeout_s=BUSY_S)
        assert refusal.value.reason == "BAD_FILTER"
        assert refusal.value.violations[0].field == field
    with pytest.raises(kith.InvalidArgument):
        filters.between("year", gt=1, gte=1)


def test_a_field_indexed_later_is_filtered_by_as_python_does(either: Any) -> None:
    base = RANDOM.standard_normal((2000, 8)).astype("f4")
    either.create_collection("later", 8, "l2", "f32", shards=3)
    payloads = [json.dumps(document(i)).encode() for i in range(2000)]
    either.upsert("later", range(1500), base[:1500], payloads[:1500])
    with pytest.raises(kith.InvalidArgument):
        either.search("later", base[0], filter=filters.match("year", 3))
    begun = either.create_payload_index("later", "year", "integer")
    either.upsert("later", range(1450, 2000), base[1450:], payloads[1450:])  # beside it
    with pytest.raises(kith.PointsRefused, match="field year"):
        either.upsert("later", [1], base[:1], [b'{"year": "x"}'])
    assert either.wait(begun.id).kind == "payload_index"
    assert [one.name for one in either.get_collection("later").payload_fields] == ["year"]
    for year in (0, 7, 99):
        wanted = [i for i in range(2000) if i % 100 == year]
        distance = ((base[wanted] - base[5]) ** 2).sum(axis=1)
        nearest = [wanted[i] for i in np.argsort(distance, kind="stable")[:10]]
        hits = either.search("later", base[5], limit=10, filter=filters.match("year", year)).hits
        assert [hit.id for hit in hits] == nearest
        assert either.count_points("later", filter=filters.match("year", year)) == 20
    either.wait(either.delete_payload_index("later", "year").id)
    with pytest.raises(kith.InvalidArgument):
        either.count_points("later", filter=filters.match("year", 3))
    either.upsert("later", [1], base[:1], [b'{"year": "x"}'])
    with pytest.raises(kith.OperationFailed) as misfit:
        either.wait(either.create_payload_index("later", "year", "integer").id)
    assert misfit.value.reason == "PAYLOAD_INDEX_MISFIT"
    assert "point 1 " in str(misfit.value)
