#!/usr/bin/env python3
"""Backups of a server as an operator makes, checks and restores them, and what can happen meanwhile."""

import json
import os
import re
import subprocess
import threading
import time
import unittest

from kithd_process import ProcessTest, Server, run


class Backups(ProcessTest):
    def setUp(self):
        super().setUp()
        self.store = self.folder / "store"
        self.store.mkdir()

    def embedded(self, data: str = "data", **settings) -> Server:
        environment = {"KITH__BACKUP__DIRECTORY": str(self.store),
                       "KITH__STORAGE__DISK_RESERVE_MB": "16", **settings}
        server = self.start("--listen", "127.0.0.1:0", "--data", str(self.folder / data),
                            environment=environment)
        return server.await_ready()

    def refused(self, reason: str, *words: str) -> str:
        done = run(os.environ["KITH"], *words)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn(reason, done.stderr)
        return done.stderr

    def digests(self, server: Server, name: str) -> list[str]:
        """Of the shards, each of which is verified."""
        found = json.loads(self.kith("collection", "verify", name, "--json", "-", "--endpoint",
                                     server.grpc))
        self.assertTrue(found["equal"])
        return [shard["digest"] for shard in found["shards"]]

    def listed(self, server: Server) -> list[dict]:
        return json.loads(self.kith("backup", "list", "--json", "-", "--endpoint", server.grpc))

    def assert_no_garbage(self):
        """What lies in the store belongs to a backup."""
        named = set()
        for manifest in (self.store / "backups").iterdir():
            self.assertNotIn(".", manifest.name)
            named |= set(re.findall(r"^file=\S+ \d+ ([0-9a-f]{64}) ",
                                    manifest.read_text(encoding="utf-8", errors="replace"), re.M))
        present = {blob.name for folder in (self.store / "blobs").iterdir()
                   for blob in folder.iterdir()}
        self.assertEqual(present, named)
        self.assertEqual(list((self.store / "incoming").iterdir()), [])

    def test_a_collection_comes_back_equal_into_the_same_and_into_an_empty_server(self):
        server = self.embedded()
        at = ("--endpoint", server.grpc)
        self.fill(server.grpc, "--shards", "2")
        before = self.digests(server, "c")
        hits = json.loads(self.search(server.grpc))
        self.kith("backup", "create", "first", *at)
        self.kith("delete", "c", str(hits["hits"][0]["id"]), *at)
        again = self.kith("backup", "create", "second", *at)
        first, second = self.listed(server)
        self.assertIn(f"of which {second['added_bytes']} are new", again)
        self.assertLess(second["added_bytes"], first["added_bytes"])
        self.assertIn("is whole", self.kith("backup", "verify", "first", *at))

        self.refused("COLLECTION_EXISTS", "backup", "restore", "first", *at)
        self.kith("backup", "restore", "first", "--collection", "c", "--as", "other", *at)
        self.assertEqual(self.digests(server, "other"), before)
        self.kith("collection", "drop", "c", "--yes", *at)
        self.assertIn("restored c as c", self.kith("backup", "restore", "first", *at))
        self.assertEqual(self.digests(server, "c"), before)
        found = json.loads(self.search(server.grpc))
        self.assertEqual(found["hits"], hits["hits"])
        self.assertEqual(found["index_version"], hits["index_version"], "it serves at once")
        self.assertEqual(server.stop(), 0, server.text())

        empty = self.embedded("empty")
        self.kith("backup", "restore", "first", "--endpoint", empty.grpc)
        self.assertEqual(self.digests(empty, "c"), before)
        self.assertEqual(json.loads(self.search(empty.grpc))["hits"], hits["hits"])
        self.kith("backup", "delete", "first", "--yes", "--endpoint", empty.grpc)
        self.assertEqual([one["backup"] for one in self.listed(empty)], ["second"])
        self.assert_no_garbage()
        self.assertEqual(empty.stop(), 0, empty.text())
        restarted = self.embedded("empty")
        self.assertEqual(self.digests(restarted, "c"), before)

    def test_every_acknowledged_write_is_in_a_backup_that_is_made_while_points_are_written(self):
        server = self.embedded()
        at = ("--endpoint", server.grpc)
        self.fill(server.grpc)
        acknowledged: list[int] = []
        stop = threading.Event()

        def upsert():
            while not stop.is_set():
                number = 1_000_000 + len(acknowledged)
                done = run(os.environ["KITH"], "upsert", "c", "--id", str(number), "--vector",
                           ",".join(["1"] * 16), *at)
                if done.returncode == 0:
                    acknowledged.append(number)

        def rewrite():
            while not stop.is_set():
                run(os.environ["KITH"], "import", "c", str(self.folder / "made.base.fbin"),
                    "--restart", *at)

        writers = [threading.Thread(target=one) for one in (upsert, rewrite)]
        for writer in writers:
            writer.start()
        try:
            for name in ("one", "two", "three"):
                wanted = set(acknowledged)
                self.kith("backup", "create", name, *at)
                self.kith("backup", "restore", name, "--collection", "c", "--as", name, *at)
                path = self.folder / f"{name}.jsonl"
                self.kith("export", name, str(path), *at)
                found = [json.loads(line)["id"] for line in path.read_text("utf-8").splitlines()]
                self.assertEqual(len(set(found)), len(found), "a point twice")
                self.assertLessEqual(wanted | set(range(1000)), set(found))
                shard = self.listed(server)[-1]["collections"][0]["shards"][0]
                self.assertEqual(self.digests(server, name), [shard["digest"]])
                self.assertEqual(len(found), shard["points"])
        finally:
            stop.set()
            for writer in writers:
                writer.join()
        self.assertGreater(len(acknowledged), 3)
        self.assertEqual(server.stop(), 0, server.text())

    def start_job(self, *words: str) -> subprocess.Popen:
        return subprocess.Popen([os.environ["KITH"], *words], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def await_true(self, condition, what: str):
        end = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.005)

    def large(self, server: Server):
        at = ("--endpoint", server.grpc)
        self.make_points(40_000)
        self.kith("collection", "create", "c", "--dimension", "16", "--metric", "l2", "--dtype",
                  "f32", *at)
        self.kith("import", "c", str(self.folder / "made.base.fbin"), *at)

    def test_a_server_that_is_killed_in_the_middle_of_a_backup_has_none_of_it(self):
        server = self.embedded(KITH__BACKUP__MB_PER_SECOND="1")
        self.large(server)
        job = self.start_job("backup", "create", "cut", "--endpoint", server.grpc)
        blobs = self.store / "blobs"
        self.await_true(lambda: blobs.exists() and any(blobs.iterdir()), "nothing is copied")
        server.kill()
        job.kill()
        job.wait()
        again = self.embedded()
        self.assertFalse((self.folder / "data" / "pinned").exists())
        self.assertEqual(self.listed(again), [])
        self.kith("backup", "create", "cut", "--endpoint", again.grpc)
        self.assert_no_garbage()
        self.kith("backup", "verify", "cut", "--endpoint", again.grpc)

    def test_a_backup_can_be_cancelled_and_nothing_of_it_stays(self):
        server = self.embedded(KITH__BACKUP__MB_PER_SECOND="1")
        self.large(server)
        at = ("--endpoint", server.grpc)
        job = self.start_job("backup", "create", "unwanted", *at)
        self.await_true(lambda: "copying" in self.kith("status", *at), "it does not begin")
        refused = self.refused("BACKUP_IN_PROGRESS", "backup", "create", "second", *at)
        operation = re.search(r"operation ([0-9a-f]+-\d+)", refused).group(1)
        self.kith("backup", "cancel", operation, *at)
        self.assertNotEqual(job.wait(60), 0)
        self.assertIn("cancelled", self.kith("status", *at))
        self.assertEqual(self.listed(server), [])
        self.assert_no_garbage()
        self.assertEqual(server.stop(), 0, server.text())

    def test_a_server_that_is_killed_in_the_middle_of_a_restore_has_all_of_it_or_nothing(self):
        server = self.embedded()
        self.large(server)
        self.kith("backup", "create", "whole", "--endpoint", server.grpc)
        digests = self.digests(server, "c")
        staged = self.folder / "data" / "shard"
        for round_number in range(3):
            count = len(list(staged.iterdir()))
            job = self.start_job("backup", "restore", "whole", "--collection", "c", "--as", "again",
                                 "--endpoint", server.grpc)
            self.await_true(lambda: job.poll() is not None or len(list(staged.iterdir())) > count,
                            "nothing is restored")
            time.sleep(0.03 * round_number)
            server.kill()
            job.kill()
            job.wait()
            server = self.embedded()
            names = [one["collection"] for one in json.loads(
                self.kith("collection", "list", "--json", "-", "--endpoint", server.grpc))]
            if "again" in names:
                self.assertEqual(self.digests(server, "again"), digests)
                self.kith("collection", "drop", "again", "--yes", "--endpoint", server.grpc)
            else:
                self.assertEqual(names, ["c"])
            self.await_true(lambda: len(list(staged.iterdir())) == 1, "a shard is left over")
        self.kith("backup", "restore", "whole", "--collection", "c", "--as", "again", "--endpoint",
                  server.grpc)
        self.assertEqual(self.digests(server, "again"), digests)

    def test_what_is_missing_is_named_and_not_restored(self):
        server = self.embedded()
        at = ("--endpoint", server.grpc)
        self.fill(server.grpc)
        self.kith("backup", "create", "damaged", *at)
        line = re.search(r"^file=(seg/\S+) \d+ ([0-9a-f]{64}) ",
                         (self.store / "backups" / "damaged").read_text(errors="replace"), re.M)
        blob = self.store / "blobs" / line[2][:2] / line[2]
        blob.unlink()
        self.kith("collection", "drop", "c", "--yes", *at)
        self.assertIn(line[1], self.refused("CORRUPTION", "backup", "verify", "damaged", *at))
        self.assertIn(line[1], self.refused("CORRUPTION", "backup", "restore", "damaged", *at))
        self.assertEqual(json.loads(self.kith("collection", "list", "--json", "-", *at)), [])
        self.refused("BACKUP_NOT_FOUND", "backup", "restore", "absent", *at)
        self.refused("BAD_REQUEST", "backup", "create", "../outside", *at)

    def test_a_server_without_a_directory_for_backups_says_so(self):
        server = self.start("--listen", "127.0.0.1:0", "--data",
                            str(self.folder / "plain")).await_ready()
        self.assertIn("backup.directory",
                      self.refused("BACKUPS_OFF", "backup", "create", "x", "--endpoint",
                                   server.grpc))


if __name__ == "__main__":
    unittest.main()
