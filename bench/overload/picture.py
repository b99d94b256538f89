"""The run over time as SVG: what was offered, answered and refused, and below it the p99."""

import charts

RATES = (("offered", "#999"), ("refused", "#c1121f"), ("answered", "#08306b"))


def draw(report: dict) -> str:
    rows = report["rows"]
    rates = [charts.Curve(name, colour, [(row["t_s"], row[f"{name}_qps"]) for row in rows])
             for name, colour in RATES]
    tail = charts.Curve("p99", "#08306b", [(row["t_s"], row["p99_ms"]) for row in rows])
    return charts.draw(
        [charts.Chart("searches a second", rates,
                      charts.ceiling(max(row["offered_qps"] for row in rows))),
         charts.Chart("p99, ms", [tail], charts.ceiling(max(row["p99_ms"] for row in rows)))],
        max(row["t_s"] for row in rows) or 1.0)
