"""The run over time as SVG: what was offered, answered and refused, and below it the p99."""

WIDTH, HEIGHT, LEFT, TOP, GAP = 900, 260, 70, 40, 60


def _ceiling(value: float) -> float:
    step = 1.0
    while True:
        for factor in (1, 2, 5):
            if value <= factor * step:
                return factor * step
        step *= 10


def _line(points: list[tuple[float, float]], top: int, span_s: float, highest: float,
          colour: str) -> str:
    path = " ".join(f"{LEFT + WIDTH * t / span_s:.1f},{top + HEIGHT * (1 - v / highest):.1f}"
                    for t, v in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _frame(top: int, highest: float, unit: str) -> list[str]:
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = top + HEIGHT * (1 - share)
        parts.append(f'<line x1="{LEFT}" y1="{y}" x2="{LEFT + WIDTH}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{share * highest:g}</text>')
    parts.append(f'<text x="{LEFT}" y="{top - 8}">{unit}</text>')
    return parts


def draw(report: dict) -> str:
    rows = report["rows"]
    span_s = max(row["t_s"] for row in rows) or 1.0
    highest = _ceiling(max(row["offered_qps"] for row in rows))
    slowest = _ceiling(max(row["p99_ms"] for row in rows))
    second = TOP + HEIGHT + GAP
    parts = [*_frame(TOP, highest, "searches a second"), *_frame(second, slowest, "p99, ms")]
    for name, colour in (("offered_qps", "#999"), ("refused_qps", "#c1121f"),
                         ("answered_qps", "#08306b")):
        points = [(row["t_s"], row[name]) for row in rows]
        parts.append(_line(points, TOP, span_s, highest, colour))
    parts.append(_line([(row["t_s"], row["p99_ms"]) for row in rows], second, span_s, slowest,
                       "#08306b"))
    legend = (("offered", "#999"), ("answered", "#08306b"), ("refused", "#c1121f"))
    for number, (name, colour) in enumerate(legend):
        parts.append(f'<text x="{LEFT + 300 + 110 * number}" y="{TOP - 8}" fill="{colour}">{name}'
                     '</text>')
    for second_mark in range(0, int(span_s) + 1, 5):
        parts.append(f'<text x="{LEFT + WIDTH * second_mark / span_s:.1f}" '
                     f'y="{second + HEIGHT + 18}" text-anchor="middle">{second_mark} s</text>')
    body = "\n".join(parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 30}" '
            f'height="{second + HEIGHT + 30}" font-family="sans-serif" font-size="12">\n'
            f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n')
