#!/usr/bin/env python3
"""What bench/overload concludes from the series it is given."""

import pathlib
import sys
import unittest
import xml.etree.ElementTree

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
sys.path[:0] = [str(BENCH / "overload"), str(BENCH)]

import analysis  # noqa: E402  its folder comes first
import charts  # noqa: E402
import picture  # noqa: E402


def series(begin: int, end: int, answered: int = 100, failed: int = 0, p99: float = 3.0) -> list[dict]:
    return [{"t_s": float(t), "span_s": 1.0, "answered": answered, "failed": failed, "p50_ms": 1.0,
             "p99_ms": p99} for t in range(begin, end)]


class Analysis(unittest.TestCase):
    def test_normal_is_the_highest_rate_that_is_answered_whole(self):
        ladder = [{"goodput_qps": 50, "refused": 0, "due": 500},
                  {"goodput_qps": 90, "refused": 9, "due": 900},
                  {"goodput_qps": 100, "refused": 100, "due": 1100}]
        self.assertEqual(analysis.peak_of(ladder), 100)
        self.assertEqual(analysis.normal_of(ladder)["goodput_qps"], 90)

    def test_where_each_rate_has_refusals_normal_is_that_of_the_fewest(self):
        ladder = [{"goodput_qps": 50, "refused": 40, "due": 500},
                  {"goodput_qps": 70, "refused": 20, "due": 700}]
        self.assertEqual(analysis.normal_of(ladder)["goodput_qps"], 70)

    def climb(self, guess: float, server) -> list[dict]:
        """The ladder against a server that says what it answers of a rate, given how many were tried before."""
        ladder: list[dict] = []
        while (rate := analysis.next_rate(guess, ladder)) is not None:
            ladder.append({"offered_qps": rate, "goodput_qps": server(rate, len(ladder))})
        return ladder

    def test_the_ladder_ends_at_a_rate_that_is_not_answered_however_often_it_is_tried(self):
        ladder = self.climb(1000, lambda rate, _: min(rate, 1200))
        self.assertEqual(analysis.peak_of(ladder), 1200)
        beyond = [row for row in ladder if not analysis.is_answered(row)]
        self.assertEqual(len(beyond), analysis.TRIES)
        self.assertGreater(beyond[0]["offered_qps"], max(
            row["offered_qps"] for row in ladder if analysis.is_answered(row)))

    def test_a_stall_on_a_rung_is_not_taken_for_the_peak(self):
        for stalled in ({0}, {0, 1}, {2, 3}, {0, 2, 4}):
            ladder = self.climb(1000, lambda rate, at: 310 if at in stalled else min(rate, 1200))
            self.assertEqual(analysis.peak_of(ladder), 1200, stalled)

    def test_the_normal_rate_is_found_between_the_rungs(self):
        for limit in (1050, 1149, 1200, 1400):
            ladder = [{"offered_qps": rate, "goodput_qps": min(rate, limit), "due": 8 * rate,
                       "refused": 8 * max(0, rate - limit)} for rate in (1000, 1150, 1322, 1520)]
            rungs = len(ladder)
            while (rate := analysis.finer_rate(ladder)) is not None:
                ladder.append({"offered_qps": rate, "goodput_qps": min(rate, limit), "due": 8 * rate,
                               "refused": 8 * max(0, rate - limit)})
            normal = analysis.normal_of(ladder)["offered_qps"]
            self.assertLessEqual(normal, limit / (1 - analysis.REFUSED_NORMAL_MAX))
            self.assertGreater(normal * analysis.FINE, limit)
            self.assertLessEqual(len(ladder), rungs + 4)

    def test_a_rate_that_is_kept_and_answered_late_is_not_tried_for_ever(self):
        ladder = [{"offered_qps": 1000, "goodput_qps": 1000, "refused": 0, "due": 8000},
                  {"offered_qps": 1150, "goodput_qps": 1100, "refused": 400, "due": 9200}]
        while (rate := analysis.finer_rate(ladder)) is not None and len(ladder) < 20:
            ladder.append({"offered_qps": rate, "goodput_qps": 900, "refused": 0, "due": 8 * rate})
        self.assertLessEqual(len(ladder), 6)

    def test_without_a_normal_rate_or_one_above_it_nothing_finer_is_tried(self):
        kept = {"offered_qps": 50, "goodput_qps": 50, "refused": 0, "due": 400}
        refused = {"offered_qps": 40, "goodput_qps": 30, "refused": 80, "due": 320}
        self.assertIsNone(analysis.finer_rate([refused]))
        self.assertIsNone(analysis.finer_rate([refused, kept]))

    def test_a_guess_that_was_far_off_does_not_end_the_ladder(self):
        for guess in (150, 6000):
            ladder = self.climb(guess, lambda rate, _: min(rate, 1200))
            self.assertGreater(analysis.peak_of(ladder), 1200 / analysis.STEP ** 2, guess)
            self.assertTrue(any(analysis.is_answered(row) for row in ladder))
            self.assertFalse(analysis.is_answered(ladder[-1]))

    def test_a_ladder_without_an_end_says_so(self):
        with self.assertRaises(ValueError):
            self.climb(1000, lambda rate, _: rate)

    def test_recovery_counts_from_the_end_of_the_overload_to_the_first_calm_stretch(self):
        run = [*series(0, 10), *series(10, 20, failed=50, p99=30), *series(20, 23, failed=1),
               *series(23, 24, p99=100), *series(24, 40)]
        self.assertEqual(analysis.recovery_s(run, 10, 20), 4.0)

    def test_one_calm_interval_is_no_recovery(self):
        run = [*series(0, 10), *series(20, 21), *series(21, 25, failed=3), *series(25, 26)]
        self.assertIsNone(analysis.recovery_s(run, 10, 20))

    def test_at_once_is_no_time_at_all(self):
        self.assertEqual(analysis.recovery_s([*series(0, 10), *series(20, 30)], 10, 20), 0.0)

    def test_rows_add_what_both_loads_did(self):
        row = analysis.rows_over_time(series(0, 1), series(0, 1, answered=20, failed=80, p99=7))[0]
        self.assertEqual((row["answered_qps"], row["refused_qps"], row["offered_qps"]), (120, 80, 200))
        self.assertEqual(row["p99_ms"], 7)

    def test_each_target_that_is_missed_is_a_failure(self):
        good = {"goodput_qps": 80, "peak_qps": 100, "p99_ratio": 2.0, "recovery_s": 10.0}
        self.assertTrue(analysis.verdict(good))
        for wrong in ({"goodput_qps": 79}, {"p99_ratio": 2.1}, {"recovery_s": 11.0},
                      {"recovery_s": None}):
            self.assertFalse(analysis.verdict({**good, **wrong}))

    def test_the_picture_is_well_formed(self):
        rows = analysis.rows_over_time(series(0, 5), [])
        root = xml.etree.ElementTree.fromstring(picture.draw({"rows": rows}))
        self.assertTrue(root.tag.endswith("svg"))
        words = [one.text for one in root.iter() if one.tag.endswith("text")]
        for word in ("searches a second", "offered", "answered", "refused", "p99, ms", "4 s"):
            self.assertIn(word, words)
        self.assertNotIn("p99", words)  # a chart of one curve needs no legend


class Charts(unittest.TestCase):
    def test_an_axis_ends_at_a_round_number(self):
        for value, end in ((0.3, 1), (1, 1), (1.5, 2), (3, 5), (37_000, 50_000)):
            self.assertEqual(charts.ceiling(value), end)

    def test_charts_stand_below_one_another_over_one_time_line(self):
        curve = charts.Curve("a", "#000", [(0, 0), (1800, 40_000), (3600, 20_000)])
        other = charts.Curve("b", "#111", [(0, 1), (3600, 1)])
        root = xml.etree.ElementTree.fromstring(charts.draw(
            [charts.Chart("upper", [curve, other], 50_000), charts.Chart("lower", [other], 2)], 3600))
        words = [one.text for one in root.iter() if one.tag.endswith("text")]
        self.assertEqual(words, ["upper", "0", "12500", "25000", "37500", "50000", "a", "b",
                                 "lower", "0", "0.5", "1", "1.5", "2",
                                 *(f"{mark} min" for mark in range(0, 61, 5))])
        lines = [one.get("points") for one in root.iter() if one.tag.endswith("polyline")]
        self.assertEqual(lines[0], "80.0,290.0 530.0,90.0 980.0,190.0")
        self.assertEqual(lines[2], "80.0,475.0 980.0,475.0")


if __name__ == "__main__":
    unittest.main()
