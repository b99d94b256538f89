#!/usr/bin/env python3
"""The arithmetic and the checks of bench/peers: fronts, rates at a recall, ratios, bad input."""

import fcntl
import math
import pathlib
import struct
import subprocess
import sys
import tempfile
import types
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = ROOT / "bench" / "peers"
sys.path.insert(0, str(PEERS))

import contest  # noqa: E402
import curve  # noqa: E402
import index_cache  # noqa: E402
import machine  # noqa: E402
import report  # noqa: E402
import systems  # noqa: E402
import vector_files  # noqa: E402


def point(recall: float, qps: float) -> dict:
    return {"recall": recall, "qps": qps}


class Curve(unittest.TestCase):
    def test_a_point_beaten_in_both_is_not_on_the_front(self):
        points = [point(0.9, 100), point(0.8, 90), point(0.95, 50), point(0.95, 40), point(0.7, 300)]
        self.assertEqual(curve.pareto(points), [point(0.7, 300), point(0.9, 100), point(0.95, 50)])

    def test_between_two_points_the_rate_is_log_linear(self):
        points = [point(0.9, 10_000), point(0.8, 40_000)]
        self.assertAlmostEqual(curve.qps_at(points, 0.85), 20_000)
        self.assertAlmostEqual(curve.qps_at(points, 0.80), 40_000)
        self.assertAlmostEqual(curve.qps_at(points, 0.90), 10_000)

    def test_beyond_the_last_point_there_is_no_rate(self):
        self.assertIsNone(curve.qps_at([point(0.8, 9), point(0.9, 5)], 0.91))
        self.assertIsNone(curve.qps_at([], 0.5))

    def test_before_the_first_point_its_rate_is_the_rate(self):
        self.assertEqual(curve.qps_at([point(0.85, 9), point(0.9, 5)], 0.80), 9)

    def test_a_slower_and_worse_point_does_not_pull_the_curve_down(self):
        points = [point(0.8, 400), point(0.85, 10), point(0.9, 100)]
        self.assertAlmostEqual(curve.qps_at(points, 0.85), 200)

    def test_a_setting_worse_than_its_neighbours_does_not_pull_the_curve_down(self):
        points = [point(0.8, 40_000), point(0.89, 10_100), point(0.9, 10_000)]
        self.assertAlmostEqual(curve.qps_at(points, 0.85), 20_000)
        self.assertEqual(curve.hull(points), [points[0], points[2]])

    def test_points_around_each_target_are_measured_and_few_others(self):
        sweep = [point(r / 1000, 1e6 * (1 - r / 1000)) for r in range(500, 1000)]
        chosen = [p["recall"] for p in curve.worth_measuring(sweep)]
        for target in curve.TARGETS:
            self.assertTrue(any(target - 0.01 < r <= target - 0.004 for r in chosen), target)
            self.assertTrue(any(target + 0.004 <= r < target + 0.01 for r in chosen), target)
        self.assertEqual(chosen, sorted(chosen))
        self.assertEqual((chosen[0], chosen[-1]), (0.7, 0.999))
        self.assertLess(len(chosen), 20)

    def test_a_sweep_that_reaches_no_target_still_gives_points(self):
        chosen = curve.worth_measuring([point(0.3, 10), point(0.4, 5)])
        self.assertEqual([p["recall"] for p in chosen], [0.3, 0.4])

    def test_the_cost_of_calls_is_taken_off_each_caller(self):
        self.assertAlmostEqual(curve.less_call(100_000, 5, 1), 200_000)
        self.assertAlmostEqual(curve.less_call(200_000, 5, 2), 400_000)
        self.assertEqual(curve.less_call(100_000, 20, 1), math.inf)
        self.assertIsNone(curve.less_call(None, 5, 1))

    def test_a_ratio_is_the_median_of_the_rounds(self):
        self.assertEqual(curve.median_ratio([10, 20, 90], [10, 10, 10]), 2)
        self.assertIsNone(curve.median_ratio([10, 20], [None, None]))


class FakePeer:
    """Recall rises with nprobe up to what k_factor allows."""

    def __init__(self):
        self.asked = []

    def measure(self, parameters: dict, first: int, count: int) -> dict:
        self.asked.append((parameters["nprobe"], parameters["k_factor"], first, count))
        recall = min(0.5 + 0.1 * math.log2(parameters["nprobe"]), 0.7 + 0.01 * parameters["k_factor"])
        return point(recall, 1000 / parameters["nprobe"])


class Sweep(unittest.TestCase):
    def test_it_ends_for_a_setting_where_more_work_finds_no_more(self):
        peer = FakePeer()
        config = systems.Config("faiss", "X", {}, "nprobe", (1, 2, 4, 8, 16, 32),
                                ({"k_factor": 5}, {"k_factor": 20}))
        tuned = contest.sweep(contest.Contestant(config, 0, peer), 7)
        self.assertEqual([a[:2] for a in peer.asked],
                         [(n, 5) for n in (1, 2, 4, 8, 16)] + [(n, 20) for n in (1, 2, 4, 8, 16, 32)])
        self.assertEqual({a[2:] for a in peer.asked}, {(0, 7)})
        self.assertEqual(tuned[0], {"parameters": {"nprobe": 1, "k_factor": 5}, **point(0.5, 1000)})


class TakingTurns(unittest.TestCase):
    """Two indexes, of which one fails when it is measured."""

    class Peer(FakePeer):
        def __init__(self, name: str, order: list):
            super().__init__()
            self._name, self._order = name, order
            self.running = False

        def start(self) -> dict:
            self.running = True
            self._order.append(self._name)
            return {"description": self._name}

        def measure(self, parameters: dict, first: int, count: int) -> dict:
            if self._name == "bad" and first > 0:
                raise index_cache.NotRun("out of memory")
            return super().measure(parameters, first, count)

        def memory(self) -> int:
            return 800

        def stop(self) -> None:
            self.running = False

    def test_indexes_alternate_and_one_that_fails_is_named_and_left_out(self):
        order: list[str] = []
        peers = [self.Peer(name, order) for name in ("a", "bad", "c")]
        ones = [contest.Contestant(
            systems.Config("faiss", peer._name, {}, "nprobe", (1, 4, 16, 64), ({"k_factor": 25},)),
            1, peer) for peer in peers]
        run = contest.Contest(index_cache.Tools(pathlib.Path(), pathlib.Path(), machine.Turns(None)),
                              queries=100, measured=80, rounds=2)
        rounds: list[int] = []
        ready = run.run(ones, lambda done: rounds.append(len(done)))
        self.assertEqual([one.config.name for one in ready], ["a", "c"])
        self.assertEqual(order, ["a", "bad", "c"] * 2 + ["a", "c"])
        self.assertEqual(run.not_run, {"faiss bad": "out of memory"})
        self.assertEqual(rounds, [2, 2])
        self.assertFalse(any(peer.running for peer in peers))
        self.assertEqual(ready[0].index_bytes, 800)
        self.assertEqual({len(p["rounds"]) for p in ready[0].points}, {2})
        measured = {asked[2:] for asked in peers[0].asked}
        self.assertEqual(measured, {(0, 10), (10, 80)})


class Turns(unittest.TestCase):
    def test_the_file_is_locked_from_the_first_turn_until_it_is_let_go(self):
        with tempfile.NamedTemporaryFile() as file:
            turns = machine.Turns(pathlib.Path(file.name))
            with turns.take():
                self.assertRaises(BlockingIOError, fcntl.flock, file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.assertRaises(BlockingIOError, fcntl.flock, file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            turns.release()
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Report(unittest.TestCase):
    def row(self, system: str, recall: float, rounds: list[float], call_us: float) -> dict:
        return {"system": system, "index": "X", "recall_at_10": recall, "qps": rounds[0],
                "qps_rounds": rounds, "bytes_per_vector": 100, "build_s": 1, "call_us": call_us,
                "threads": 1, "batch": 1}

    def test_ratios_compare_the_same_recall_in_the_same_round(self):
        rows = [self.row("kith", 0.8, [40_000, 80_000], 0), self.row("kith", 0.99, [10_000, 20_000], 0),
                self.row("faiss", 0.8, [10_000, 10_000], 50),
                self.row("faiss", 0.95, [2_000, 4_000], 50),
                self.row("usearch", 0.99, [80_000, 80_000], 0)]
        kith, faiss, usearch = report.summarize(rows)
        self.assertEqual(usearch["at"]["0.80"]["kith_ratio"], (40 + 80) / 2 / 80)
        self.assertEqual(kith["at"]["0.80"]["kith_ratio"], 1)
        self.assertAlmostEqual(faiss["at"]["0.80"]["kith_ratio"], (4 + 8) / 2)
        self.assertAlmostEqual(faiss["at"]["0.80"]["kith_ratio_less_call"], (2 + 4) / 2)
        self.assertIsNone(faiss["at"]["0.99"]["qps"])
        self.assertIsNone(faiss["at"]["0.99"]["kith_ratio"])
        self.assertEqual(faiss["recall_max"], 0.95)


class Systems(unittest.TestCase):
    def test_lists_follow_the_rows_as_in_the_engine(self):
        for points, lists in ((1_000_000, 4096), (10_000_000, 16_384), (1, 16), (10**13, 1 << 18)):
            self.assertEqual(systems.auto_lists(points), lists)

    def test_what_faiss_is_told_begins_with_its_factory(self):
        for config in systems.configs_of("faiss", 4096, 128):
            self.assertTrue(config.params({"nprobe": 4}).startswith(config.build["factory"] + " "))
        names = [config.name for config in systems.configs_of("faiss", 4096, 128)]
        self.assertIn("IVF4096,PQ64x4fsr,Refine(SQ8)", names)

    def test_indexes_of_peers_can_be_chosen_by_a_part_of_their_name(self):
        settings = types.SimpleNamespace(lists=64, subspaces=(), indexes=("x4fsr", "HNSW"),
                                         base=types.SimpleNamespace(dimension=32))
        self.assertEqual([config.name for config in systems.chosen_of("faiss", settings)],
                         ["IVF64,PQ16x4fsr,Refine(SQ8)", "HNSW32"])
        self.assertEqual(len(systems.chosen_of("kith", settings)), 1)

    def test_kith_is_measured_in_each_shape_that_is_named(self):
        configs = systems.configs_of("kith", 64, 32, (8, 16))
        self.assertEqual([config.build for config in configs],
                         [{"lists": 64}, {"lists": 64, "subspaces": 8}, {"lists": 64, "subspaces": 16}])
        self.assertEqual(len({config.name for config in configs}), 3)

    def test_names_of_indexes_do_not_repeat(self):
        names = [(c.system, c.name) for s in systems.SYSTEMS for c in systems.configs_of(s, 4096, 128)]
        self.assertEqual(len(names), len(set(names)))


class BadInput(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("base.u8bin", struct.pack("<II", 100, 4) + bytes(400))
        self.write("query.u8bin", struct.pack("<II", 3, 4) + bytes(12))
        self.write("truth.ibin", struct.pack("<II", 3, 10) + struct.pack("<30i", *range(30)))

    def write(self, name: str, content: bytes) -> str:
        (self.root / name).write_bytes(content)
        return str(self.root / name)

    def check(self, *more: str, **files: str) -> subprocess.CompletedProcess:
        named = {"base": "base.u8bin", "queries": "query.u8bin", "truth": "truth.ibin"} | files
        words = [word for option, name in named.items()
                 for word in (f"--{option}", str(self.root / name))]
        return subprocess.run(
            [sys.executable, "-B", str(PEERS / "harness.py"), "--check", *words, "--threads", "1",
             "--batch", "1", "--json", str(self.root / "out.json"), *more],
            capture_output=True, text=True, timeout=60, check=False)

    def assert_refused(self, done: subprocess.CompletedProcess, *words: str) -> None:
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_files_that_fit_pass(self):
        self.assertEqual(self.check().returncode, 0, self.check().stderr)

    def test_a_file_that_is_absent_cut_or_of_another_kind_is_named(self):
        self.assert_refused(self.check(base="no.u8bin"), "--base", "no.u8bin", "No such file")
        self.assert_refused(self.check(queries="truth.ibin"), "--queries", ".u8bin or .fbin")
        self.assert_refused(self.check(truth="query.u8bin"), "--truth", ".ibin")
        self.write("cut.u8bin", struct.pack("<II", 100, 4) + bytes(399))
        self.assert_refused(self.check(base="cut.u8bin"), "407 bytes", "408")
        self.write("head.u8bin", b"\1\0\0")
        self.assert_refused(self.check(base="head.u8bin"), "3 bytes")

    def test_a_truth_that_does_not_fit_is_refused(self):
        self.write("few.ibin", struct.pack("<II", 3, 9) + bytes(4 * 27))
        self.assert_refused(self.check(truth="few.ibin"), "9 neighbours", "needs 10")
        self.write("other.ibin", struct.pack("<II", 2, 10) + bytes(80))
        self.assert_refused(self.check(truth="other.ibin"), "2 rows for 3 queries")
        self.write("far.ibin", struct.pack("<II", 3, 10) + struct.pack("<30i", *range(71, 101)))
        self.assert_refused(self.check(truth="far.ibin"), "row 100", "another base")

    def test_queries_of_another_dimension_are_refused(self):
        self.write("wide.u8bin", struct.pack("<II", 3, 5) + bytes(15))
        self.assert_refused(self.check(queries="wide.u8bin"), "5 u8 elements", "--base 4 u8")

    def test_an_unknown_system_and_odd_numbers_are_refused(self):
        self.assert_refused(self.check("--systems", "kith,annoy"), "annoy", "hnswlib")
        self.assert_refused(self.check("--systems", ","), "--systems")
        self.assert_refused(self.check("--batch", "4"), "--batch", "1 to 3")
        self.assert_refused(self.check("--threads", "0"), "--threads")
        self.assert_refused(self.check("--threads", "x"), "--threads")
        self.assert_refused(self.check("--json", "/nonexistent/o.json"), "--json", "cannot be written")
        self.assert_refused(self.check("--sideways"), "--sideways")

    def test_a_slice_has_the_rows_asked_for(self):
        target = self.root / "slice.ibin"
        vector_files.write_slice(self.root / "truth.ibin", target, slice(1, 3))
        self.assertEqual(target.read_bytes(),
                         struct.pack("<II", 2, 10) + struct.pack("<20i", *range(10, 30)))


class Script(unittest.TestCase):
    def test_it_parses_and_says_how_it_is_called(self):
        script = str(PEERS / "run.sh")
        self.assertEqual(subprocess.run(["bash", "-n", script], check=False).returncode, 0)
        done = subprocess.run(["bash", script], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--base F --queries F --truth F", done.stderr)


if __name__ == "__main__":
    unittest.main()
