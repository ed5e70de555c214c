"""A page under axe, and against the width of its window."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).parents[1] / "node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def faults(page: Page) -> list[str]:
    """What axe finds, one line each; and a page wider than its window."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    lines = [
        f"{fault['id']}: {node['html'][:120]} {(node['failureSummary'] or '')[:200]}"
        for fault in found["violations"]
        for node in fault["nodes"]
    ]
    if page.evaluate("document.documentElement.scrollWidth - innerWidth") > 0:
        lines.append("the page is wider than its window")
    return lines
