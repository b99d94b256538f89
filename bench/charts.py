"""Charts over time as SVG, one below the other: axes, curves and legends, for what a benchmark draws."""

import dataclasses

WIDTH, HEIGHT, LEFT, TOP, GAP = 900, 250, 80, 40, 60


@dataclasses.dataclass(frozen=True)
class Curve:
    name: str
    colour: str
    points: list[tuple[float, float]]   # second, value


@dataclasses.dataclass(frozen=True)
class Chart:
    title: str      # with the unit
    curves: list[Curve]
    highest: float  # of the axis


def ceiling(value: float) -> float:
    """The next round number: 1, 2 or 5 times a power of ten."""
    step = 1.0
    while True:
        for factor in (1, 2, 5):
            if value <= factor * step:
                return factor * step
        step *= 10


def _number(value: float, highest: float) -> str:
    return f"{value:.0f}" if highest >= 10 else f"{value:g}"


def _axis(chart: Chart, top: int) -> list[str]:
    parts = [f'<text x="{LEFT}" y="{top - 8}">{chart.title}</text>']
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = top + HEIGHT * (1 - share)
        parts.append(f'<line x1="{LEFT}" y1="{y}" x2="{LEFT + WIDTH}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">'
                     f'{_number(share * chart.highest, chart.highest)}</text>')
    return parts


def _curves(chart: Chart, top: int, span_s: float) -> list[str]:
    parts = []
    for place, curve in enumerate(chart.curves):
        path = " ".join(f"{LEFT + WIDTH * t / span_s:.1f},"
                        f"{top + HEIGHT * (1 - value / chart.highest):.1f}"
                        for t, value in curve.points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{curve.colour}" '
                     'stroke-width="2"/>')
        if len(chart.curves) > 1:
            parts.append(f'<text x="{LEFT + 300 + 110 * place}" y="{top - 8}" '
                         f'fill="{curve.colour}">{curve.name}</text>')
    return parts


def _times(bottom: int, span_s: float) -> list[str]:
    unit, name = (60, "min") if span_s > 120 else (1, "s")
    span = span_s / unit
    step = next(step for step in (1, 2, 5, 10, 30, 60, 600, 6000) if span / step <= 15)
    return [f'<text x="{LEFT + WIDTH * mark / span:.1f}" y="{bottom + 18}" text-anchor="middle">'
            f'{mark} {name}</text>' for mark in range(0, int(span) + 1, step)]


def draw(charts: list[Chart], span_s: float) -> str:
    parts: list[str] = []
    for number, chart in enumerate(charts):
        top = TOP + number * (HEIGHT + GAP)
        parts += _axis(chart, top) + _curves(chart, top, span_s)
    bottom = TOP + len(charts) * (HEIGHT + GAP) - GAP
    body = "\n".join(parts + _times(bottom, span_s))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 30}" '
            f'height="{bottom + 30}" font-family="sans-serif" font-size="12">\n'
            f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n')
