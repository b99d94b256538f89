"""Backups, through the client and a real server."""

from typing import Any

import numpy as np
import pytest

import kith


def test_a_collection_comes_back_from_its_backup(either: Any) -> None:
    either.create_collection("shop", 4, "l2", "f32")
    vectors = np.eye(4, dtype=np.float32)
    either.upsert("shop", range(4), vectors, [b"a", b"b", b"c", b"d"])
    digest = either.verify_collection("shop").shards[0].digest
    made = either.wait(either.create_backup("first", collections=["shop"]).id)
    assert "1 collections, 4 points" in made.result
    (listed,) = either.list_backups()
    assert (listed.backup, listed.collections[0].shards[0].points) == ("first", 4)
    assert listed.collections[0].shards[0].digest == digest

    with pytest.raises(kith.KithError, match="COLLECTION_EXISTS"):
        either.restore_backup("first", "shop")
    either.delete_points("shop", [2])
    restored = either.wait(either.restore_backup("first", "shop", target="again").id)
    assert restored.result == either.get_collection("again").incarnation
    assert either.verify_collection("again").shards[0].digest == digest
    assert either.get_points("again", [2]).points[0].payload == b"c"
    assert "is whole" in either.wait(either.verify_backup("first").id).result
    either.delete_backup("first")
    assert either.list_backups() == ()
    with pytest.raises(kith.NotFound, match="BACKUP_NOT_FOUND"):
        either.verify_backup("first")
