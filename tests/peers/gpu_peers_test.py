#!/usr/bin/env python3
"""What bench/gpu/peers.py decides without a card, a peer, or numpy."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "bench" / "gpu" / "peers.py"
sys.path.insert(0, str(SCRIPT.parent))
import peers  # noqa: E402  (the script has no package)


def curve(*points: tuple[float, float]) -> list[dict]:
    return [{"recall": recall, "qps": qps} for recall, qps in points]


class RateAtRecall(unittest.TestCase):
    def test_lies_between_the_points_around_it(self):
        self.assertAlmostEqual(peers.rate_at(curve((0.8, 300), (0.9, 200), (0.96, 80)), 0.93), 140)

    def test_at_a_point_is_that_point(self):
        self.assertAlmostEqual(peers.rate_at(curve((0.8, 300), (0.9, 200)), 0.9), 200)

    def test_where_more_recall_costs_nothing_is_that_of_more_recall(self):
        self.assertAlmostEqual(peers.rate_at(curve((0.8, 100), (0.92, 150), (0.96, 400)), 0.9), 400)

    def test_of_a_curve_that_begins_above_it_is_its_best(self):
        self.assertAlmostEqual(peers.rate_at(curve((0.97, 50), (0.99, 20)), 0.9), 50)

    def test_is_none_where_it_is_never_reached(self):
        self.assertIsNone(peers.rate_at(curve((0.5, 1000), (0.89, 10)), 0.9))
        self.assertIsNone(peers.rate_at([], 0.9))


class Compare(unittest.TestCase):
    def test_says_how_many_times_the_peers_rate_the_engines_is(self):
        rows = peers.compare(curve((0.9, 300), (0.95, 100)),
                             [{"name": "P", "bytes": 32, "curve": curve((0.9, 100), (0.92, 50))}])
        self.assertEqual([row["recall"] for row in rows], [0.90, 0.95])
        self.assertAlmostEqual(rows[0]["kith_is_times"], 3)
        self.assertIsNone(rows[1]["kith_is_times"])
        self.assertIsNone(rows[1]["qps"])
        self.assertAlmostEqual(rows[1]["kith_qps"], 100)


class WithoutPeers(unittest.TestCase):
    def test_each_is_named_as_not_run_and_the_engines_rates_are_kept(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "kith.tsv").write_text("4\t0.5\t1000\t256\t126.5\n8\t0.91\t800\t256\t126.5\n")
            # -S: without installed packages.
            ran = subprocess.run(
                [sys.executable, "-S", "-B", str(SCRIPT), "--data", folder, "--json", str(root / "out.json")],
                capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(ran.returncode, 4, ran.stdout + ran.stderr)
            out = json.loads((root / "out.json").read_text())
        self.assertEqual([row["peer"] for row in out["not_run"]], ["FAISS", "cuVS"])
        self.assertIn("not run: ", ran.stdout)
        self.assertEqual(out["kith"][1], {"lists": 8, "recall": 0.91, "qps": 800})
        self.assertEqual(out["kith_bytes"], 126.5)
        self.assertEqual(out["rows"], [])


if __name__ == "__main__":
    unittest.main()
