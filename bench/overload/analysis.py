"""What the series of the two loads say. Decides only: nothing here measures."""

GOODPUT_MIN = 0.8
P99_RATIO_MAX = 2.0
RECOVERY_S_MAX = 10.0
REFUSED_NORMAL_MAX = 0.01
GOOD_FOR_S = 1.5
# A percentile of a few hundred calls jumps; by less than this it has not changed.
P99_SLACK_MS = 5.0
# The ladder: where it begins, of a guess; from rung to rung; of what is offered, to count as answered; how often
# a rung is tried before it counts as not answered, for a stall of the machine is no limit of the server; and the
# most of all tries together.
FIRST, STEP = 0.7, 1.15
ANSWERED = 0.93
TRIES = 3
TRIES_ALL = 30
# How near the normal rate lies below one of which more is refused.
FINE = 1.04


def is_answered(row: dict) -> bool:
    return row["goodput_qps"] >= ANSWERED * row["offered_qps"]


def next_rate(guess: float, ladder: list[dict]) -> float | None:
    """What to offer next, after what was tried so far; None: the peak is known, because a rate above all that were
    answered was not, however often it was tried."""
    if not ladder:
        return FIRST * guess
    if len(ladder) >= TRIES_ALL:
        raise ValueError(f"after {TRIES_ALL} tries no rate is known that the server cannot answer")
    rate = ladder[-1]["offered_qps"]
    answered = [row["offered_qps"] for row in ladder if is_answered(row)]
    if is_answered(ladder[-1]):
        return rate * STEP
    if sum(row["offered_qps"] == rate for row in ladder) < TRIES:
        return rate
    return None if answered else rate / STEP ** 2


def peak_of(ladder: list[dict]) -> float:
    return max(row["goodput_qps"] for row in ladder)


def is_normal(row: dict) -> bool:
    return row["refused"] <= REFUSED_NORMAL_MAX * row["due"]


def finer_rate(ladder: list[dict]) -> float | None:
    """What to offer next to find the normal rate between two rungs, across which the p99 may be three times as much;
    None: it is known, or there is none."""
    normal = max((row["offered_qps"] for row in ladder if is_normal(row)), default=None)
    above = [row["offered_qps"] for row in ladder if normal is not None and row["offered_qps"] > normal]
    if not above or min(above) <= FINE * normal:
        return None
    return (normal * min(above)) ** 0.5


def normal_of(ladder: list[dict]) -> dict:
    """The highest rate of which hardly anything is refused; where there is none, of which the least is."""
    kept = [row for row in ladder if is_normal(row)]
    if not kept:
        return min(ladder, key=lambda row: row["refused"] / max(1, row["due"]))
    return max(kept, key=lambda row: row["goodput_qps"])


def within(series: list[dict], begin_s: float, end_s: float) -> list[dict]:
    return [row for row in series if begin_s <= row["t_s"] and row["t_s"] + row["span_s"] <= end_s]


def median(values: list[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else 0.0


def answered_a_second(rows: list[dict]) -> float:
    span = sum(row["span_s"] for row in rows)
    return sum(row["answered"] for row in rows) / span if span > 0 else 0.0


def recovery_s(steady: list[dict], begin_s: float, end_s: float) -> float | None:
    """From the end of the overload until the steady load is answered as before it, for a while.
    None: not within the run."""
    usual_ms = median([row["p99_ms"] for row in within(steady, 0, begin_s)])
    good_ms = max(2 * usual_ms, usual_ms + P99_SLACK_MS)
    good_since = None
    for row in steady:
        if row["t_s"] + row["span_s"] <= end_s:
            continue
        if row["failed"] > 0 or row["p99_ms"] > good_ms:
            good_since = None
            continue
        good_since = row["t_s"] if good_since is None else good_since
        if row["t_s"] + row["span_s"] - good_since >= GOOD_FOR_S:
            return max(0.0, good_since - end_s)
    return None


def rows_over_time(steady: list[dict], burst: list[dict]) -> list[dict]:
    """One row an interval of the steady load; what the other did in it is added. Its p99 is the
    larger of the two."""
    rows = []
    for row in steady:
        beside = [other for other in burst
                  if row["t_s"] <= other["t_s"] + other["span_s"] / 2 < row["t_s"] + row["span_s"]]
        answered = row["answered"] + sum(other["answered"] for other in beside)
        refused = row["failed"] + sum(other["failed"] for other in beside)
        rows.append({"t_s": round(row["t_s"], 3),
                     "offered_qps": (answered + refused) / row["span_s"],
                     "answered_qps": answered / row["span_s"],
                     "refused_qps": refused / row["span_s"],
                     "p50_ms": max([row["p50_ms"], *(other["p50_ms"] for other in beside)]),
                     "p99_ms": max([row["p99_ms"], *(other["p99_ms"] for other in beside)])})
    return rows


def verdict(report: dict) -> bool:
    return (report["goodput_qps"] >= GOODPUT_MIN * report["peak_qps"]
            and report["p99_ratio"] <= P99_RATIO_MAX
            and report["recovery_s"] is not None and report["recovery_s"] <= RECOVERY_S_MAX)
