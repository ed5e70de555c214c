"""The curve of ``bench media`` for docs/benchmarks.md: CPU for each room and p99 delay, drawn by
Chromium from an SVG.

``python -m tests.benchmarks.media_chart RESULT.json PICTURE.png``; the result is the bench's last
line.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests import browsers

WIDTH, HEIGHT, MARGIN = 460, 300, 56
COLOURS = {"node": ("#0b6e75", "Consilium"), "janus": ("#b4541a", "Janus (C)")}
PANELS = (
    ("cpu_per_room", "CPU cores a room", lambda value: value * 1000, "thousandths of a core"),
    ("delay_p99_ms", "p99 added delay", lambda value: value, "ms"),
)


def main() -> int:
    result, picture = json.loads(Path(sys.argv[1]).read_text().splitlines()[-1]), sys.argv[2]
    with sync_playwright() as playwright, browsers.chromium(playwright) as browser:
        page = browser.new_page(
            viewport={"width": 2 * WIDTH, "height": HEIGHT}, device_scale_factor=2
        )
        page.set_content(f'<body style="margin:0">{draw(result["rows"])}')
        page.screenshot(path=picture)
    return 0


def draw(rows: list[dict]) -> str:
    panels = "".join(
        f'<g transform="translate({number * WIDTH} 0)">{_panel(rows, *panel)}</g>'
        for number, panel in enumerate(PANELS)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif" font-size="13" fill="#222">'
        f'<rect width="100%" height="100%" fill="#fff"/>{panels}</svg>'
    )


def _panel(rows: list[dict], name: str, title: str, scale, unit: str) -> str:
    kept = [row for row in rows if row.get("valid") and row["server"] in COLOURS and name in row]
    rooms = sorted({row["rooms"] for row in kept})
    top = max(scale(row[name]) for row in kept) * 1.1
    left, right, floor = MARGIN, WIDTH - 24, HEIGHT - MARGIN

    def across(count: int) -> float:
        span = math.log2(rooms[-1] / rooms[0]) or 1
        return left + (right - left) * math.log2(count / rooms[0]) / span

    def up(value: float) -> float:
        return floor - (floor - 44) * value / top

    parts = [f'<text x="{left}" y="24" font-weight="bold">{title}, {unit}</text>']
    parts += [
        f'<line x1="{left}" x2="{right}" y1="{up(mark):.1f}" y2="{up(mark):.1f}" stroke="#ddd"/>'
        f'<text x="{left - 8}" y="{up(mark) + 4:.1f}" text-anchor="end">{mark:g}</text>'
        for mark in _marks(top)
    ]
    parts += [
        f'<text x="{across(each):.1f}" y="{floor + 20}" text-anchor="middle">{each}</text>'
        for each in rooms
    ]
    middle = (left + right) / 2
    parts.append(
        f'<text x="{middle}" y="{floor + 42}" text-anchor="middle">rooms of three, one core</text>'
    )
    for number, (server, (colour, label)) in enumerate(COLOURS.items()):
        line = sorted((row["rooms"], scale(row[name])) for row in kept if row["server"] == server)
        points = " ".join(f"{across(count):.1f},{up(value):.1f}" for count, value in line)
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>'
        )
        parts += [
            f'<circle cx="{across(c):.1f}" cy="{up(v):.1f}" r="4" fill="{colour}"/>'
            for c, v in line
        ]
        if line:
            parts.append(
                f'<text x="{right - 90}" y="{24 + 18 * number}" fill="{colour}">● {label}</text>'
            )
    return "".join(parts)


def _marks(top: float) -> list[float]:
    step = 10 ** math.floor(math.log10(top))
    step = next(each for each in (step / 5, step / 2, step, step * 2) if top / each <= 6)
    return [step * number for number in range(int(top / step) + 1)]


if __name__ == "__main__":
    sys.exit(main())
