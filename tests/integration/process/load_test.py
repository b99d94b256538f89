#!/usr/bin/env python3
"""`kith bench load` against a real server, one that is stopped for a while included."""

import json
import os
import signal
import subprocess
import time
import unittest
import xml.etree.ElementTree

from kithd_process import ProcessTest

STALL_S = 0.3
RATE = 200
DURATION_S = 3


class Load(ProcessTest):
    def setUp(self):
        super().setUp()
        self.server = self.start("--listen", "127.0.0.1:0", "--data",
                                 str(self.folder / "data")).await_ready()
        self.fill(self.server.grpc)

    def words(self, *more: str) -> list[str]:
        return ["bench", "load", "--endpoint", self.server.grpc, "--collection", "c", "--queries",
                str(self.folder / "made.query.fbin"), "--json", str(self.folder / "load.json"),
                "--duration", str(DURATION_S), *more]

    def result(self) -> dict:
        return json.loads((self.folder / "load.json").read_text(encoding="utf-8"))

    def load_through_a_stall(self, *more: str) -> dict:
        """A load during which the server's process is stopped once, for STALL_S."""
        with subprocess.Popen([os.environ["KITH"], *self.words("--warmup", "0.5", *more)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as load:
            # In the middle of what is counted: after the start of the program and its warm-up.
            time.sleep(0.5 + DURATION_S / 2)
            self.server.send(signal.SIGSTOP)
            time.sleep(STALL_S)
            self.server.send(signal.SIGCONT)
            _, said = load.communicate(timeout=60)
            self.assertEqual(load.returncode, 0, said.decode())
        return self.result()

    def test_a_stall_shows_in_every_call_that_was_due_meanwhile(self):
        found = self.load_through_a_stall("--rate", str(RATE))
        self.assertEqual(found["due"], RATE * DURATION_S)
        self.assertEqual(found["answered"], RATE * DURATION_S, "and none is left out")
        # A tenth of the calls were due while the server stood: half of them waited longer than
        # half of the stall.
        latency = found["latency_ms"]
        self.assertGreater(latency["p95"], 1000 * STALL_S / 3)
        self.assertGreater(latency["max"], 1000 * STALL_S * 0.9)

    def test_a_closed_loop_hides_the_same_stall(self):
        # What the test above would see if the client waited for answers before it went on.
        found = self.load_through_a_stall("--closed", "1")
        self.assertLess(found["latency_ms"]["p95"], 1000 * STALL_S / 3)
        self.assertGreater(found["latency_ms"]["max"], 1000 * STALL_S * 0.9)

    def test_a_mix_with_writes_gives_figures_per_kind_and_a_picture(self):
        plot = self.folder / "load.svg"
        self.kith("dataset", "truth", "--base", str(self.folder / "made.base.fbin"), "--queries",
                  str(self.folder / "made.query.fbin"), "--k", "10", "--metric", "l2", "--out",
                  str(self.folder / "truth.ibin"))
        said = self.kith(*self.words(
            "--warmup", "0.3", "--rate", "150", "--arrivals", "poisson", "--connections", "3",
            "--mix", "search=0.8,search_batch:8=0.1,upsert:16=0.1", "--upsert-vectors",
            str(self.folder / "made.base.fbin"), "--truth", str(self.folder / "truth.ibin"),
            "--exact", "--plot", str(plot)))
        found = self.result()
        self.assertEqual([kind["kind"] for kind in found["kinds"]],
                         ["search", "search_batch:8", "upsert:16"])
        for kind in found["kinds"]:
            self.assertGreater(kind["answered"], 0, said)
            self.assertEqual(kind["failed"], 0, said)
        self.assertEqual(found["recall"], 1.0, "exact, and the points are written over themselves")
        picture = xml.etree.ElementTree.parse(plot).getroot()
        self.assertTrue(picture.tag.endswith("svg"))
        words = "".join(picture.itertext())
        for part in ("latency, ms", "seconds", "upsert:16", "99 %"):
            self.assertIn(part, words)

    def test_a_server_that_dies_shows_as_errors_by_their_code(self):
        with subprocess.Popen([os.environ["KITH"],
                               *self.words("--warmup", "0", "--rate", "100", "--deadline-ms", "500")],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as load:
            time.sleep(DURATION_S / 2)
            self.server.kill()
            _, said = load.communicate(timeout=60)
            self.assertEqual(load.returncode, 0, said.decode())
        found = self.result()
        self.assertEqual(found["answered"] + found["failed"], 100 * DURATION_S)
        codes = {error["code"] for error in found["kinds"][0]["errors"]}
        self.assertIn("UNAVAILABLE", codes)
        self.assertLessEqual(codes, {"UNAVAILABLE", "DEADLINE_EXCEEDED"})


if __name__ == "__main__":
    unittest.main()
