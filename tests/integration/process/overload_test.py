#!/usr/bin/env python3
"""More searches than a server can answer: those that are taken are answered soon, the others are told
at once when to come back, and afterwards all is as before."""

import json
import os
import subprocess
import unittest

from kithd_process import ProcessTest

POINTS = 40_000
BATCH = "search_batch:32=1"
DURATION_S = 1.5
# A search of the whole waits for 5 ms, or a few times its own time; a sanitizer build, and neighbours
# on the machine, make that a few hundred. The callers would wait 20 s.
SOON_MS = 2000


class Overload(ProcessTest):
    def setUp(self):
        super().setUp()
        self.server = self.start("--listen", "127.0.0.1:0", "--data", str(self.folder / "data"),
                                 environment={"KITH__SEARCH__THREADS": "1"}).await_ready()
        self.kith("dataset", "make", str(self.folder / "made"), "--count", str(POINTS),
                  "--dimension", "16", "--queries", "100", "--threads", "1")
        self.at = ("--endpoint", self.server.grpc)
        for name in ("c", "quiet"):
            self.kith("collection", "create", name, "--dimension", "16", "--metric", "l2",
                      "--dtype", "f32", *self.at)
            self.kith("import", name, str(self.folder / "made.base.fbin"), *self.at)

    def words(self, collection: str, out: str, *more: str) -> list[str]:
        times = () if "--duration" in more else ("--duration", str(DURATION_S), "--warmup", "0.5")
        return [os.environ["KITH"], "bench", "load", "--collection", collection, "--queries",
                str(self.folder / "made.query.fbin"), "--json", str(self.folder / out), "--mix",
                BATCH, "--deadline-ms", "20000", "--connections", "2", *times, *self.at, *more]

    def flood(self, rate: float) -> subprocess.Popen:
        return subprocess.Popen(
            self.words("c", "flood.json", "--rate", str(rate), "--duration", str(2 * DURATION_S),
                       "--warmup", "0.5"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def load(self, collection: str, *more: str) -> dict:
        done = subprocess.run(self.words(collection, "load.json", *more), capture_output=True,
                              timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return json.loads((self.folder / "load.json").read_text(encoding="utf-8"))

    def test_three_times_too_much_is_answered_as_well_as_ever_or_refused_at_once(self):
        peak = self.load("c", "--closed", "2")["achieved_rate"]
        self.assertGreater(peak, 0)
        with self.flood(3 * peak) as flood:
            # Another collection, asked for little meanwhile.
            quiet = self.load("quiet", "--rate", str(peak / 10))
            _, said = flood.communicate(timeout=120)
            self.assertEqual(flood.returncode, 0, said.decode())
        found = json.loads((self.folder / "flood.json").read_text(encoding="utf-8"))
        self.assertGreater(found["achieved_rate"], peak / 3, "shared with the other collection")
        self.assertLess(found["latency_ms"]["p99"], SOON_MS)
        self.assertGreater(found["failed"], found["due"] / 5)
        refusals = {(error["code"], error["reason"]) for error in found["kinds"][0]["errors"]}
        self.assertEqual(refusals, {("RESOURCE_EXHAUSTED", "OVERLOADED")})
        self.assertLess(quiet["failed"], quiet["due"] / 10, "it is not refused for the other's load")
        self.assertIn("kith_search_refused_total{reason=\"wait\"}", self.server.page("/metrics")[1])
        after = self.load("c", "--rate", str(peak / 4), "--duration", "1", "--warmup", "2")
        self.assertEqual(after["failed"], 0)

    def test_batch_searches_yield_and_are_not_starved(self):
        peak = self.load("c", "--closed", "2")["achieved_rate"]
        with self.flood(2 * peak) as flood:
            patient = self.load("c", "--closed", "1", "--batch-priority")
            flood.communicate(timeout=120)
        self.assertEqual(patient["failed"], 0)
        self.assertGreater(patient["answered"], 0)
        self.assertLess(patient["achieved_rate"], peak / 3, "they yield")


if __name__ == "__main__":
    unittest.main()
