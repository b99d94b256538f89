"""The server's memory over time as SVG, and below it the bytes on disk."""

import charts

CURVES = (("resident", "#08306b"), ("anonymous", "#c1121f"), ("allocated", "#2a9d8f"))
MB = 1e6


def _chart(title: str, samples: list[dict], curves: tuple) -> charts.Chart:
    drawn = [charts.Curve(name, colour, [(one["t_s"], one[name] / MB) for one in samples])
             for name, colour in curves]
    return charts.Chart(title, drawn, 1.1 * max(value for one in drawn for _, value in one.points))


def draw(report: dict) -> str:
    samples = report["samples"]
    return charts.draw([_chart("MB in memory", samples, CURVES),
                        _chart("MB on disk", samples, (("disk", "#08306b"),))],
                       samples[-1]["t_s"] or 1.0)
