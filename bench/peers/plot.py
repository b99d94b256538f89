#!/usr/bin/env python3
"""Draws recall against queries a second, one line an index.

    plot.py REPORT.json PICTURE.svg|png
"""

import json
import pathlib
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402  the backend comes first
from matplotlib.ticker import FixedLocator, FuncFormatter  # noqa: E402

import curve  # noqa: E402

_MARKERS = "osD^vP*Xh<>"
_COLOURS = {"kith": ["#c1121f"], "kith-grpc": ["#f08a24"],
            "faiss": ["#08306b", "#2171b5", "#4a90a4", "#6baed6", "#7a7a7a", "#3f7f3f"],
            "hnswlib": ["#6a3d9a"], "usearch": ["#111111"]}


def _lines(result: dict) -> dict[tuple[str, str], list[dict]]:
    lines: dict[tuple[str, str], list[dict]] = {}
    for row in result["rows"]:
        point = {"recall": row["recall_at_10"], "qps": row["qps"]}
        lines.setdefault((row["system"], row["index"]), []).append(point)
    return {name: curve.pareto(points) for name, points in lines.items()}


def _label(name: tuple[str, str], result: dict) -> str:
    bytes_each = next(one["bytes_per_vector"] for one in result["summary"]
                      if (one["system"], one["index"]) == name)
    return f"{name[0]} {name[1]} ({bytes_each:.0f} B)"


def _style_axes(axes, lines: dict) -> None:
    # Recall on a scale of what is missed: 0.90 to 0.99 takes as much room as it takes work.
    axes.set_yscale("log")
    lowest = min(point["recall"] for points in lines.values() for point in points)
    axes.set_xscale("function", functions=(lambda r: -((1.0005 - r) ** 0.5),
                                           lambda y: 1.0005 - y ** 2))
    ticks = [tick for tick in (0.70, 0.80, 0.85, 0.90, 0.95, 0.98, 0.99, 0.995, 1.0)
             if tick >= lowest - 0.03]
    axes.set_xlim(max(0.68, lowest - 0.005), 0.9995)
    axes.xaxis.set_major_locator(FixedLocator(ticks[:-1]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_minor_locator(FixedLocator([f * 10**e for e in range(1, 7) for f in (2, 5)]))
    axes.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.grid(True, which="both", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel("recall@10")
    axes.set_ylabel("queries a second (log)")


def draw(result: dict, path: pathlib.Path) -> None:
    figure, axes = plt.subplots(figsize=(10, 6.4), layout="constrained")
    lines = _lines(result)
    used: dict[str, int] = {}
    for number, (name, points) in enumerate(lines.items()):
        colours = _COLOURS.get(name[0], ["#555555"])
        colour = colours[used.setdefault(name[0], 0) % len(colours)]
        used[name[0]] += 1
        ours = name[0].startswith("kith")
        axes.plot([p["recall"] for p in points], [p["qps"] for p in points], color=colour,
                  marker=_MARKERS[number % len(_MARKERS)], markersize=5.5,
                  linewidth=2.4 if ours else 1.4, label=_label(name, result))
    _style_axes(axes, lines)
    data = result["data"]
    axes.set_title(f"{data['base']}: {data['points']:,} x {data['dimension']} {data['dtype']}, "
                   f"{result['threads']} thread(s), {result['batch']} a call\n"
                   f"{result['machine']['cpu']}", fontsize=11)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2,
                  fontsize=9, frameon=False)
    plt.rcParams["svg.hashsalt"] = "kith"  # the same report gives the same file
    figure.savefig(path, dpi=110, metadata={"Date": None} if path.suffix == ".svg" else None)


def main() -> int:
    report, picture = map(pathlib.Path, sys.argv[1:3])
    draw(json.loads(report.read_text(encoding="utf-8")), picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
