#!/usr/bin/env python3
"""Points out of one server and into another, in every format, by the commands that a user has."""

import json
import os
import signal
import subprocess
import threading
import unittest

from kithd_process import ProcessTest, run

POINTS = 3000


class ExportAndImport(ProcessTest):
    def embedded(self, data: str):
        return self.start("--listen", "127.0.0.1:0", "--data", str(self.folder / data))

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def create(self, server: str, name: str, dtype: str = "f32"):
        self.kith("collection", "create", name, "--dimension", "3", "--metric", "l2", "--dtype",
                  dtype, "--shards", "3", "--endpoint", server)

    def write_points(self):
        """Numbers and UUIDs; payloads that are JSON, that are not written as kith writes it, and none."""
        with open(self.path("in.jsonl"), "w", encoding="utf-8") as out:
            for i in range(POINTS):
                name = i * 7 if i % 5 else f"00000000-0000-4000-8000-{i:012x}"
                point = {"id": name, "vector": [i, i / 7, -0.5]}
                if i % 3 == 0:
                    point["payload"] = {"n": i, "text": "caf\u00e9"}
                out.write(json.dumps(point) + "\n")

    def points_of(self, server: str, name: str) -> dict:
        """What an export of that collection as jsonl says, by id."""
        path = self.path(f"{name}.check.jsonl")
        self.kith("export", name, path, "--force", "--page", "700", "--endpoint", server)
        with open(path, encoding="utf-8") as lines:
            points = [json.loads(line) for line in lines]
        by_id = {point["id"]: point for point in points}
        self.assertEqual(len(by_id), len(points), "a point twice")
        return by_id

    def test_every_format_gives_the_same_points_in_another_server(self):
        first = self.embedded("first").await_ready()
        second = self.embedded("second").await_ready()
        self.write_points()
        self.create(first.grpc, "c")
        self.kith("import", "c", self.path("in.jsonl"), "--endpoint", first.grpc)
        self.assertEqual(self.kith("count", "c", "--endpoint", first.grpc), f"{POINTS}\n")
        wanted = self.points_of(first.grpc, "c")
        self.assertEqual(len(wanted), POINTS)

        self.create(second.grpc, "jsonl")
        self.kith("export", "c", self.path("c.jsonl"), "--endpoint", first.grpc)
        self.kith("import", "jsonl", self.path("c.jsonl"), "--endpoint", second.grpc)
        self.assertEqual(self.points_of(second.grpc, "jsonl"), wanted)
        bare = {name: {"id": name, "vector": point["vector"]} for name, point in wanted.items()}
        for ending in ("fbin", "fvecs", "npy"):
            self.create(second.grpc, ending)
            path = self.path(f"c.{ending}")
            self.kith("export", "c", path, "--endpoint", first.grpc)
            self.kith("import", ending, path, "--ids", path + ".ids.npy", "--endpoint", second.grpc)
            self.assertEqual(self.points_of(second.grpc, ending), bare)
            verified = self.kith("collection", "verify", ending, "--endpoint", second.grpc)
            self.assertIn("equal", verified)
        self.assertEqual(first.stop(), 0, first.text())
        self.assertEqual(second.stop(), 0, second.text())

    def test_points_that_stay_are_each_exported_once_while_others_are_written(self):
        server = self.embedded("data").await_ready()
        self.write_points()
        self.create(server.grpc, "c")
        self.kith("import", "c", self.path("in.jsonl"), "--endpoint", server.grpc)
        wanted = self.points_of(server.grpc, "c")
        stop = threading.Event()

        def write():
            while not stop.is_set():
                run(os.environ["KITH"], "import", "c", self.path("in.jsonl"), "--restart",
                    "--endpoint", server.grpc)
                run(os.environ["KITH"], "upsert", "c", "--id", "99999999", "--vector", "1,2,3",
                    "--endpoint", server.grpc)
                run(os.environ["KITH"], "delete", "c", "99999999", "--endpoint", server.grpc)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(5):
                found = self.points_of(server.grpc, "c")
                found.pop(99999999, None)
                self.assertEqual(found, wanted)
        finally:
            stop.set()
            writer.join()
        self.assertEqual(server.stop(), 0, server.text())

    def test_an_export_that_is_killed_leaves_nothing_under_the_name_and_can_be_repeated(self):
        server = self.embedded("data").await_ready()
        self.write_points()
        self.create(server.grpc, "c")
        self.kith("import", "c", self.path("in.jsonl"), "--endpoint", server.grpc)
        # A page a point: long enough to be killed in the middle.
        words = [os.environ["KITH"], "export", "c", self.path("c.npy"), "--page", "1",
                 "--endpoint", server.grpc]
        for how in (signal.SIGKILL, signal.SIGINT):
            with subprocess.Popen(words, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) as export:
                self.await_file("c.npy.partial")
                export.send_signal(how)
                self.assertNotEqual(export.wait(60), 0)
            self.assertFalse((self.folder / "c.npy").exists())
            self.assertFalse((self.folder / "c.npy.ids.npy").exists())
            left = sorted(path.name for path in self.folder.glob("c.npy.*"))
            if how == signal.SIGINT:
                self.assertEqual(left, [], "an interrupt tidies up")
            for name in left:
                (self.folder / name).unlink()
        self.kith("export", "c", self.path("c.npy"), "--endpoint", server.grpc)
        self.create(server.grpc, "d")
        self.kith("import", "d", self.path("c.npy"), "--ids", self.path("c.npy.ids.npy"),
                  "--endpoint", server.grpc)
        self.assertEqual(self.kith("count", "d", "--endpoint", server.grpc), f"{POINTS}\n")
        self.assertEqual(server.stop(), 0, server.text())

    def await_file(self, name: str):
        for _ in range(3000):
            if (self.folder / name).exists():
                return
            threading.Event().wait(0.01)
        self.fail(f"{name} does not appear")


if __name__ == "__main__":
    unittest.main()
