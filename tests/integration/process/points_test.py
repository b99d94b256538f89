#!/usr/bin/env python3
"""Payload changes, filters, facets, aliases and updates from the command line, over two shard nodes in
processes of their own."""

import json
import os
import unittest

from kithd_process import ProcessTest, Server, run

RED = '{"match": {"field": "color", "value": {"keyword": "red"}}}'


class PointsFromTheCommandLine(ProcessTest):
    def setUp(self):
        super().setUp()
        nodes = [self.start("--role", "shard", "--data", str(self.folder / name), "--node-listen",
                            "127.0.0.1:0").await_ready() for name in ("a", "b")]
        names = ",".join(f"n{i}={node.node}" for i, node in enumerate(nodes))
        self.data = str(self.folder / "coordinator")
        self.names = {"KITH__CLUSTER__NODES": names}
        self.server = self.coordinator()
        self.kith_at("collection", "create", "shop", "--dimension", "2", "--metric", "l2",
                     "--dtype", "f32", "--shards", "2", "--payload-field", "color:keyword",
                     "--description", "wares")
        lines = [json.dumps({"id": n, "vector": [n, 1], "payload": {"color": "red" if n % 3 else
                                                                    "blue", "n": n}})
                 for n in range(300)]
        path = self.folder / "wares.jsonl"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.kith_at("import", "shop", str(path))

    def coordinator(self) -> Server:
        return self.start("--role", "coordinator", "--listen", "127.0.0.1:0", "--data", self.data,
                          environment=self.names).await_ready()

    def kith_at(self, *words: str) -> str:
        return self.kith(*words, "--endpoint", self.server.grpc)

    def payload(self, number: int) -> dict:
        return json.loads(self.kith_at("get", "shop", str(number)))["payload"]

    def test_points_are_changed_and_deleted_by_ids_and_by_filters(self):
        self.assertEqual(self.kith_at("payload", "set", "shop", "1", "2", "--payload",
                                      '{"color": "green", "n": null}'), "changed 2\n")
        self.assertEqual(self.payload(1), {"color": "green"})
        self.assertEqual(self.kith_at("count", "shop", "--filter", RED), "198\n")
        self.assertEqual(self.kith_at("payload", "set", "shop", "--filter", RED, "--payload",
                                      '{"sale": true}'), "changed 198\n")
        self.assertEqual(self.payload(4), {"color": "red", "n": 4, "sale": True})
        self.assertEqual(self.kith_at("payload", "clear", "shop", "4", "--field", "sale"),
                         "changed 1\n")
        self.assertEqual(self.payload(4), {"color": "red", "n": 4})
        facet = json.loads(self.kith_at("facet", "shop", "color", "--limit", "2", "--json", "-"))
        self.assertEqual(facet, {"values": [{"value": "red", "count": 198},
                                            {"value": "blue", "count": 100}], "distinct": 3})
        page = self.kith_at("scroll", "shop", "--filter", RED, "--limit", "1000")
        self.assertEqual(len(page.splitlines()), 198)
        dry = json.loads(self.kith_at("delete", "shop", "--filter", RED, "--dry-run", "--sample",
                                      "3", "--json", "-"))
        self.assertEqual((dry["would_delete"], len(dry["sample"])), (198, 3))
        self.assertEqual(self.kith_at("delete", "shop", "--filter", RED), "deleted 198\n")
        self.assertEqual(self.kith_at("count", "shop"), "102\n")
        self.assertIn("equal", self.kith_at("collection", "verify", "shop"))

    def test_neither_ids_nor_a_filter_or_both_are_a_wrong_command(self):
        for words in (["delete", "shop"], ["delete", "shop", "1", "--filter", RED],
                      ["payload", "clear", "shop"]):
            done = run(os.environ["KITH"], *words, "--endpoint", self.server.grpc)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("either ids or a --filter", done.stderr)

    def test_aliases_and_descriptions_outlive_a_kill(self):
        self.kith_at("alias", "set", "now", "shop")
        self.assertEqual(self.kith_at("alias", "change", "now=", "then=shop", "later=shop"),
                         "later -> shop\nthen -> shop\n")
        self.kith_at("collection", "update", "then", "--description", "old wares",
                     "--target-recall", "0.9")
        self.server.kill()
        self.server = self.coordinator()
        self.assertEqual(self.kith_at("count", "later"), "300\n")
        shown = json.loads(self.kith_at("collection", "get", "then", "--json", "-"))
        self.assertEqual((shown["description"], shown["aliases"], shown["index"]["target_recall"]),
                         ("old wares", ["later", "then"], 0.9))
        done = run(os.environ["KITH"], "collection", "drop", "shop", "--yes", "--endpoint",
                   self.server.grpc)
        self.assertIn("COLLECTION_HAS_ALIASES", done.stderr)
        self.kith_at("alias", "delete", "then")
        self.assertEqual(json.loads(self.kith_at("alias", "list", "--json", "-")),
                         {"later": "shop"})


if __name__ == "__main__":
    unittest.main()
