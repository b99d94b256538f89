"""The server's memory over time as SVG, and below it the bytes on disk."""

WIDTH, HEIGHT, LEFT, TOP, GAP = 900, 240, 80, 40, 60
CURVES = (("resident", "#08306b"), ("anonymous", "#c1121f"), ("allocated", "#2a9d8f"))


def _panel(samples: list[dict], top: int, curves: tuple, title: str) -> list[str]:
    span = samples[-1]["t_s"] or 1
    highest = max(max(sample[name] for sample in samples) for name, _ in curves) * 1.1
    parts = [f'<text x="{LEFT}" y="{top - 8}">{title}</text>']
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = top + HEIGHT * (1 - share)
        parts.append(f'<line x1="{LEFT}" y1="{y}" x2="{LEFT + WIDTH}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">'
                     f'{share * highest / 1e6:.0f}</text>')
    for place, (name, colour) in enumerate(curves):
        path = " ".join(f"{LEFT + WIDTH * sample['t_s'] / span:.1f},"
                        f"{top + HEIGHT * (1 - sample[name] / highest):.1f}" for sample in samples)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{LEFT + 300 + 110 * place}" y="{top - 8}" fill="{colour}">{name}'
                     '</text>')
    return parts


def draw(report: dict) -> str:
    samples = report["samples"]
    second = TOP + HEIGHT + GAP
    parts = [*_panel(samples, TOP, CURVES, "MB in memory"),
             *_panel(samples, second, (("disk", "#08306b"),), "MB on disk")]
    minutes = samples[-1]["t_s"] / 60
    step = next(step for step in (1, 2, 5, 10, 30, 60, 600) if minutes / step <= 15)
    for mark in range(0, int(minutes) + 1, step):
        parts.append(f'<text x="{LEFT + WIDTH * mark / minutes:.1f}" y="{second + HEIGHT + 18}" '
                     f'text-anchor="middle">{mark} min</text>')
    body = "\n".join(parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 30}" '
            f'height="{second + HEIGHT + 30}" font-family="sans-serif" font-size="12">\n'
            f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n')
