"""Points by filters, payload changes, facets and aliases, against a server as users run it."""

import json
from typing import Any

import numpy as np
import pytest

import kith
from kith import filters

RED = filters.match("color", "red")


def test_points_are_changed_counted_and_deleted_by_a_filter(either: Any) -> None:
    either.create_collection("wares", 4, "l2", "f32", shards=2,
                             payload_fields={"color": "keyword", "year": "integer"})
    payloads = [json.dumps({"color": "red" if id % 3 == 0 else "blue", "year": id % 7}).encode()
                for id in range(300)]
    either.upsert("wares", range(300), np.ones((300, 4), np.float32), payloads)
    either.set_payload("wares", [0, 1], {"color": "green", "year": None})
    found = either.get_points("wares", [0, 1]).points
    assert [json.loads(one.payload) for one in found] == [{"color": "green"}] * 2
    with pytest.raises(kith.PointsRefused):
        either.set_payload("wares", [1, 999], {"color": "red"})
    assert either.set_payload_matching("wares", RED, {"sale": True}).changed == 100
    facet = either.facet_points("wares", "color")
    assert [(one.value, one.count) for one in facet.values] == [
        ("blue", 199), ("red", 100), ("green", 1)]
    either.clear_payload("wares", [3], ["sale"])
    assert json.loads(either.get_points("wares", [3]).points[0].payload) == {
        "color": "red", "year": 3}
    assert either.dry_run_delete("wares", RED).points == 100
    page = either.scroll_points("wares", filter=RED, limit=1000)
    assert len(page.points) == 100
    assert either.delete_matching("wares", RED).deleted == 100
    assert either.count_points("wares", filter=RED) == 0
    assert either.verify_collection("wares").equal
    either.delete_collection("wares")


def test_an_alias_moves_and_a_record_changes(either: Any) -> None:
    for number, name in enumerate(("first", "second")):
        either.create_collection(name, 2, "l2", "f32")
        either.upsert(name, [number], [[0, 0]])
    either.set_alias("current", "first")
    assert either.search("current", [0, 0]).hits[0].id == 0
    assert either.change_aliases({"current": "second", "before": "first"}) == {
        "before": "first", "current": "second"}
    assert either.search("current", [0, 0]).hits[0].id == 1
    with pytest.raises(kith.FailedPrecondition, match="COLLECTION_HAS_ALIASES"):
        either.delete_collection("first")
    seen = either.get_collection("current")
    changed = either.update_collection("current", description="of people", etag=seen.etag)
    assert (changed.description, changed.collection) == ("of people", "second")
    with pytest.raises(kith.Aborted, match="ETAG_MISMATCH"):
        either.update_collection("current", description="of cats", etag=seen.etag)
    either.change_aliases({"current": None, "before": None})
    assert either.list_aliases() == {}
    for name in ("first", "second"):
        either.delete_collection(name)
