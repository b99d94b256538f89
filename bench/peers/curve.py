"""Recall against rate: the points worth having, and the rate at a given recall. Pure arithmetic."""

import math
import statistics

TARGETS = (0.80, 0.90, 0.95, 0.99)
# Points this near to a target on either side are measured with those that enclose it: recall on
# other queries is a little different.
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


def qps_at(points: list[dict], target: float) -> float | None:
    """Rate at a recall: log-linear between the two points of the front around it. Where even the
    fastest point is better than the target, its rate; None where no point reaches the target."""
    front = pareto(points)
    if not front or front[-1]["recall"] < target:
        return None
    if front[0]["recall"] >= target:
        return front[0]["qps"]
    for low, high in zip(front, front[1:]):
        if high["recall"] >= target:
            part = (target - low["recall"]) / (high["recall"] - low["recall"])
            return math.exp((1 - part) * math.log(low["qps"]) + part * math.log(high["qps"]))
    return None


def worth_measuring(tuned: list[dict]) -> list[dict]:
    """Of a sweep, the points of the front that enclose the targets, and its two ends."""
    front = pareto([p for p in tuned if p["recall"] >= LEAST_RECALL]) or pareto(tuned)
    chosen = {0, len(front) - 1}
    for target in TARGETS:
        below = [i for i, p in enumerate(front) if p["recall"] <= target - MARGIN]
        above = [i for i, p in enumerate(front) if p["recall"] >= target + MARGIN]
        first = below[-1] if below else 0
        last = above[0] if above else len(front) - 1
        chosen.update(range(first, last + 1))
    return [front[i] for i in _thinned(sorted(chosen), front)]


def _thinned(indices: list[int], front: list[dict]) -> list[int]:
    """Without points that lie closer than the margin to the one before: they would only cost time."""
    kept = indices[:1]
    for index in indices[1:]:
        if front[index]["recall"] - front[kept[-1]]["recall"] >= MARGIN or index == indices[-1]:
            kept.append(index)
    return kept


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
