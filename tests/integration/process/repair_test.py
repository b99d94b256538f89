#!/usr/bin/env python3
"""What an operator reads of a damaged data directory, and the repairs of docs/repair.md."""

import json
import os
import pathlib
import unittest

from kithd_process import ProcessTest, Server, run


def flip(path: pathlib.Path, at: int):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.unlink()  # a backup on the same file system shares the bytes under a name of its own
    path.write_bytes(data)


class Repairs(ProcessTest):
    def setUp(self):
        super().setUp()
        self.data = self.folder / "data"
        self.store = self.folder / "store"
        self.store.mkdir()

    def embedded(self) -> Server:
        return self.start("--listen", "127.0.0.1:0", "--data", str(self.data), environment={
            "KITH__BACKUP__DIRECTORY": str(self.store), "KITH__STORAGE__DISK_RESERVE_MB": "16"})

    def stopped(self) -> None:
        """A directory with one trained collection, c, of 1,000 points."""
        server = self.embedded().await_ready()
        self.fill(server.grpc)
        self.kith("backup", "create", "good", "--endpoint", server.grpc)
        self.assertEqual(server.stop(), 0, server.text())

    def fsck(self, code: int, *words: str) -> str:
        """What it prints and complains of."""
        done = run(os.environ["KITH"], "fsck", *words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def one(self, pattern: str) -> pathlib.Path:
        """The largest of the files."""
        return max(self.data.glob(pattern), key=lambda path: path.stat().st_size)

    def digest(self, server: Server) -> str:
        found = json.loads(self.kith("collection", "verify", "c", "--json", "-", "--endpoint",
                                     server.grpc))
        self.assertTrue(found["equal"])
        return found["shards"][0]["digest"]

    def test_fsck_says_of_each_directory_what_to_do(self):
        self.assertIn("data.directory", self.fsck(1, str(self.folder / "absent")))
        self.assertIn("is no data directory", self.fsck(1, str(self.store)))
        self.assertEqual(list(self.store.iterdir()), [])
        self.stopped()
        self.assertIn("1000 points in 1 shards were read; 0 findings",
                      self.fsck(0, str(self.data)))
        server = self.embedded().await_ready()
        in_use = self.fsck(1, str(self.data))
        self.assertIn(f"process {server.process.pid}", in_use)
        self.assertIn("kith collection verify", in_use)
        self.assertEqual(server.stop(), 0, server.text())

        rows = self.one("shard/*/rows/*.rows")
        flip(rows, 100)
        text = self.fsck(3, str(self.data))
        self.assertIn(str(rows), text)
        self.assertIn("remedy: start: ", text)
        table = self.one("shard/*/state/*.sst")
        flip(table, table.stat().st_size // 3)
        text = self.fsck(4, str(self.data))
        self.assertIn(str(table), text)
        self.assertIn("remedy: restore: ", text)
        self.assertIn("must be restored from a copy", text)

    def test_rows_and_segments_are_made_again_by_a_start(self):
        self.stopped()
        for damage in (lambda path: flip(path, 1000), pathlib.Path.unlink):
            for pattern in ("shard/*/rows/*.rows", "shard/*/seg/*.seg"):
                damage(self.one(pattern))
            self.fsck(3, str(self.data))
            server = self.embedded()
            server.await_log("event=index_encoded_again")
            server.await_ready()
            self.assertRegex(server.text(), "rows_rewritten=[1-9]")
            self.digest(server)
            self.assertEqual(server.stop(), 0, server.text())
            self.fsck(0, str(self.data))

    def test_a_collection_whose_truth_is_damaged_comes_back_from_a_backup_beside_one_that_serves(self):
        self.stopped()
        server = self.embedded().await_ready()
        at = ("--endpoint", server.grpc)
        self.kith("collection", "create", "other", "--dimension", "2", "--metric", "l2", "--dtype",
                  "f32", *at)
        self.kith("upsert", "other", "--id", "1", "--vector", "1,2", *at)
        digest = self.digest(server)
        self.assertEqual(server.stop(), 0, server.text())
        table = self.one("shard/*/state/*.sst")
        flip(table, table.stat().st_size // 3)

        server = self.embedded()
        server.await_log("event=ready_in_part")
        at = ("--endpoint", server.grpc)
        self.assertIn("1", self.kith("get", "other", "1", *at))
        refused = run(os.environ["KITH"], "collection", "verify", "c", *at)
        self.assertNotEqual(refused.returncode, 0, refused.stdout)
        self.kith("collection", "drop", "c", "--yes", *at)
        self.kith("backup", "restore", "good", *at)
        self.assertEqual(self.digest(server), digest)
        self.assertEqual(server.stop(), 0, server.text())
        self.assertIn("0 findings", self.fsck(0, str(self.data)))


if __name__ == "__main__":
    unittest.main()
