"""Recall against rate: the points worth having, and the rate at a given recall. Pure arithmetic."""

import math
import statistics

TARGETS = (0.80, 0.90, 0.95, 0.99)
# What encloses a target is so far from it at least: recall on other queries is a little different.
MARGIN = 0.004
# Below this recall nothing is of interest.
LEAST_RECALL = 0.70


def pareto(points: list[dict]) -> list[dict]:
    """Those that no other point beats in both recall and rate, by rising recall."""
    front: list[dict] = []
    for point in sorted(points, key=lambda p: (-p["recall"], -p["qps"])):
        if not front or point["qps"] > front[-1]["qps"]:
            front.append(point)
    return front[::-1]


def hull(points: list[dict]) -> list[dict]:
    """Of the front, what no straight line between two others passes above, in recall and log rate: a
    setting that was tried and is worse than its neighbours must not lower what is read between them."""
    line: list[dict] = []
    for point in pareto(points):
        while len(line) > 1 and _slope(line[-1], point) >= _slope(line[-2], line[-1]):
            line.pop()
        line.append(point)
    return line


def _slope(low: dict, high: dict) -> float:
    return math.log(high["qps"] / low["qps"]) / (high["recall"] - low["recall"])


def qps_at(points: list[dict], target: float) -> float | None:
    """Rate at a recall: log-linear between the two points of the hull around it. Where even the
    fastest point is better than the target, its rate; None where no point reaches the target."""
    line = hull(points)
    if not line or line[-1]["recall"] < target:
        return None
    if line[0]["recall"] >= target:
        return line[0]["qps"]
    for low, high in zip(line, line[1:]):
        if high["recall"] >= target:
            part = (target - low["recall"]) / (high["recall"] - low["recall"])
            return math.exp((1 - part) * math.log(low["qps"]) + part * math.log(high["qps"]))
    return None


def worth_measuring(tuned: list[dict]) -> list[dict]:
    """Of a sweep, what encloses the targets on the front and on the hull, and the two ends."""
    of_interest = [p for p in tuned if p["recall"] >= LEAST_RECALL] or tuned
    front = pareto(of_interest)
    chosen = [front[0], front[-1], *_around_targets(front), *_around_targets(hull(of_interest))]
    return [point for point in front if any(point is one for one in chosen)]


def _around_targets(line: list[dict]) -> list[dict]:
    found = []
    for target in TARGETS:
        found += [p for p in line if p["recall"] <= target - MARGIN][-1:]
        found += [p for p in line if p["recall"] >= target + MARGIN][:1]
    return found


def less_call(qps: float | None, call_us: float, callers: int) -> float | None:
    """The rate, had a call cost nothing but the search: of `callers` at a time."""
    if qps is None:
        return None
    seconds = callers / qps - call_us * 1e-6
    return callers / seconds if seconds > 0 else math.inf


def median_ratio(ours: list[float | None], theirs: list[float | None]) -> float | None:
    """Median over rounds of ours / theirs; None where either did not reach the target."""
    ratios = [a / b for a, b in zip(ours, theirs) if a is not None and b is not None]
    return statistics.median(ratios) if ratios else None


def best_of(rates: dict[str, float | None]) -> str | None:
    """The name with the highest rate."""
    reached = {name: rate for name, rate in rates.items() if rate is not None}
    return max(reached, key=reached.get) if reached else None
