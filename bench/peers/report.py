"""The report of a comparison: JSON, and the tables of docs/benchmarks.md."""

import json
import pathlib

import curve


def _rows(settings, one) -> list[dict]:
    points = settings.base.rows
    return [{
        "system": one.config.system,
        "params": one.config.params(point["parameters"]),
        "index": one.config.name,
        "recall_at_10": point["recall"],
        "qps": point["qps"],
        "qps_rounds": point["rounds"],
        "bytes_per_vector": one.index_bytes / points,
        "build_s": one.build_s,
        "call_us": one.call_us,
        "threads": settings.threads,
        "batch": settings.batch,
    } for point in one.points]


def rates_at(rows: list[dict], target: float) -> list[float | None]:
    """Queries/s at a recall, one a round, of the rows of one index."""
    rounds = len(rows[0]["qps_rounds"])
    return [curve.qps_at([{"recall": row["recall_at_10"], "qps": row["qps_rounds"][i]}
                          for row in rows], target) for i in range(rounds)]


def _summary_of(name: tuple[str, str], rows: list[dict], ours: list[dict]) -> dict:
    callers = rows[0]["threads"] if rows[0]["batch"] == 1 else 1
    call_us = rows[0]["call_us"]
    summary = {"system": name[0], "index": name[1], "bytes_per_vector": rows[0]["bytes_per_vector"],
               "build_s": rows[0]["build_s"], "call_us": call_us,
               "recall_max": max(row["recall_at_10"] for row in rows), "at": {}}
    for target in curve.TARGETS:
        theirs = rates_at(rows, target)
        reached = [rate for rate in theirs if rate is not None]
        at = {"qps": sorted(reached)[len(reached) // 2] if reached else None}
        if ours:
            bare = [curve.less_call(rate, call_us, callers) for rate in theirs]
            kith = rates_at(ours, target)
            at["kith_ratio"] = curve.median_ratio(kith, theirs)
            at["kith_ratio_less_call"] = curve.median_ratio(kith, bare)
        summary["at"][f"{target:.2f}"] = at
    return summary


def summarize(rows: list[dict]) -> list[dict]:
    """One entry an index: the rate at each target and how many times it Kith's library reaches."""
    indexes: dict[tuple[str, str], list[dict]] = {}
    for row in rows:
        indexes.setdefault((row["system"], row["index"]), []).append(row)
    ours = [row for row in rows if row["system"] == "kith"]
    return [_summary_of(name, group, ours) for name, group in indexes.items()]


def as_json(settings, contestants: list, facts: dict) -> dict:
    rows = [row for one in contestants for row in _rows(settings, one)]
    data = {"base": settings.base.path.name, "points": settings.base.rows,
            "dimension": settings.base.dimension, "dtype": settings.base.dtype,
            "queries": settings.queries.rows}
    descriptions = {f"{one.config.system} {one.config.name}": one.description
                    for one in contestants}
    return {"data": data, "threads": settings.threads, "batch": settings.batch,
            "lists": settings.lists, "build_threads": settings.build_threads, **facts,
            "descriptions": descriptions, "summary": summarize(rows), "rows": rows}


def write(result: dict, path: pathlib.Path) -> None:
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(markdown(result), encoding="utf-8")


def _table(head: tuple, rows: list[tuple]) -> str:
    lines = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in [head, *rows]]
    lines.insert(1, "|" + "---|" * len(head))
    return "\n".join(lines)


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _ratio(at: dict) -> str:
    if at.get("kith_ratio") is None:
        return "-"
    return f"{at['kith_ratio']:.2f} ({at['kith_ratio_less_call']:.2f})"


def _rate_table(summary: list[dict]) -> str:
    targets = [f"{target:.2f}" for target in curve.TARGETS]
    head = ("system", "index", *targets, "recall, most", "bytes a vector", "build, s")
    return _table(head, [
        (one["system"], f"`{one['index']}`", *(_rate(one["at"][t]["qps"]) for t in targets),
         f"{one['recall_max']:.4f}", f"{one['bytes_per_vector']:.0f}", f"{one['build_s']:.0f}")
        for one in summary])


def _ratio_table(summary: list[dict]) -> str:
    targets = [f"{target:.2f}" for target in curve.TARGETS]
    others = [one for one in summary if one["system"] != "kith"]
    return _table(("kith against", *targets, "a call alone, us"), [
        (f"{one['system']} `{one['index']}`", *(_ratio(one["at"][t]) for t in targets),
         f"{one['call_us']:.1f}") for one in others])


def markdown(result: dict) -> str:
    data, machine = result["data"], result["machine"]
    parts = [
        f"`{result['command']}`",
        f"{data['base']}: {data['points']:,} x {data['dimension']} {data['dtype']}. Machine: "
        f"{machine['cpu']}, {machine['memory_gb']} GB, Linux {machine['kernel']}; release build of "
        f"{machine['commit']}; load average before the run {machine['load_average']:.2f}. "
        f"{result['threads']} thread(s), {result['batch']} a call; built on "
        f"{result['build_threads']}. Settings chosen on {result['protocol']['tuning_queries']:,} "
        f"queries, measured on {result['protocol']['measured_queries']:,} others, "
        f"{result['protocol']['rounds']} rounds by turns.",
        "Versions: " + "; ".join(f"{name}: {text}" for name, text in result["versions"].items())
        + ".",
        "Queries a second at recall@10 (median of the rounds, log-linear between measured points):",
        _rate_table(result["summary"]),
    ]
    if any(one["system"] == "kith" for one in result["summary"]):
        parts += ["Kith's library against the others: median over the rounds of the ratio (in "
                  "brackets: had the peer's call from Python cost nothing).",
                  _ratio_table(result["summary"])]
    if result["not_run"]:
        parts += ["Not run:", "\n".join(f"- {name}: {why}"
                                        for name, why in result["not_run"].items())]
    return "\n\n".join(parts) + "\n"
