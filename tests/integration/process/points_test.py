#!/usr/bin/env python3
"""Payload changes, filters, facets, aliases and updates from the command line, over two shard nodes in
processes of their own."""

import json
import os
import subprocess
import unittest

from kithd_process import ProcessTest, Server, run

RED = '{"match": {"field": "color", "value": {"keyword": "red"}}}'


class PointsFromTheCommandLine(ProcessTest):
    def setUp(self):
        super().setUp()
        self.nodes = [self.node(name) for name in ("a", "b")]
        self.data = str(self.folder / "coordinator")
        self.names = {"KITH__CLUSTER__NODES": self.named()}
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

    def node(self, name: str) -> Server:
        return self.start("--role", "shard", "--data", str(self.folder / name), "--node-listen",
                          "127.0.0.1:0").await_ready()

    def named(self) -> str:
        return ",".join(f"n{i}={node.node}" for i, node in enumerate(self.nodes))

    def coordinator(self) -> Server:
        return self.start("--role", "coordinator", "--listen", "127.0.0.1:0", "--data", self.data,
                          environment=self.names).await_ready()

    def kith_at(self, *words: str) -> str:
        return self.kith(*words, "--endpoint", self.server.grpc)

    def payload(self, number: int) -> dict:
        return json.loads(self.kith_at("get", "shop", str(number)))["payload"]

    def state(self, name: str) -> str:
        made = json.loads(self.kith_at("collection", "get", "shop", "--json", "-"))
        return next((field["state"] for field in made["payload_fields"] if field["name"] == name),
                    "none")

    def found(self, above: int, *more: str) -> list[int]:
        """The ids that a search under `n > above` finds, nearest first."""
        bound = json.dumps({"range": {"field": "n", "gt": {"integer": above}}})
        answer = json.loads(self.kith_at("search", "shop", "--vector", "0,1", "--limit", "50",
                                         "--filter", bound, "--json", "-", *more))
        return [hit["id"] for hit in answer["hits"]]

    def test_a_field_is_indexed_later_and_filters_find_what_a_walk_finds(self):
        ids = range(1000, 11_000)
        path = self.folder / "more.jsonl"
        path.write_text("".join(json.dumps({"id": i, "vector": [i, 1], "payload": {"n": i}}) + "\n"
                                for i in ids), encoding="utf-8")
        self.kith_at("import", "shop", str(path))
        refused = run(os.environ["KITH"], "count", "shop", "--filter",
                      '{"exists": {"field": "n"}}', "--endpoint", self.server.grpc)
        self.assertIn("CreatePayloadIndex", refused.stderr)
        misfit = run(os.environ["KITH"], "collection", "payload-index", "add", "shop",
                     "color:boolean", "--endpoint", self.server.grpc)
        self.assertIn("PAYLOAD_INDEX_EXISTS", misfit.stderr)
        adding = subprocess.Popen([os.environ["KITH"], "collection", "payload-index", "add", "shop",
                                   "n:integer", "--endpoint", self.server.grpc],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while self.state("n") == "none":
            self.assertIsNone(adding.poll())
        self.nodes[0].kill()    # in it, or just after it
        self.server.kill()
        adding.kill()           # it would wait for the server to come back
        adding.wait(60)
        self.nodes[0] = self.node("a")
        self.names = {"KITH__CLUSTER__NODES": self.named()}
        self.server = self.coordinator()
        self.assertEqual(self.kith_at("collection", "payload-index", "add", "shop", "n:integer"),
                         "shop: field n is indexed as integer\n")
        self.assertEqual(self.state("n"), "ready")
        everything = [*range(300), *ids]
        for above in (-1, 100, 5_000, 10_960, 40_000):
            walked = [i for i in everything if i > above][:50]
            self.assertEqual(self.found(above), walked, "recall 1, in order")
            self.assertEqual(self.kith_at("count", "shop", "--filter", json.dumps(
                {"range": {"field": "n", "gt": {"integer": above}}})),
                f"{sum(i > above for i in everything)}\n")
        self.assertTrue(json.loads(self.kith_at("collection", "verify", "shop", "--json",
                                                "-"))["equal"])
        self.assertEqual(self.kith_at("collection", "payload-index", "remove", "shop", "n"),
                         "shop: the index of field n is gone\n")
        self.assertEqual(self.state("n"), "none")
        self.assertEqual(self.payload(4), {"color": "red", "n": 4})

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
