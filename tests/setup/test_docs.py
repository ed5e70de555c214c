"""The documents say only what is there: paths and links exist, every setting is explained, the
README is short.
"""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from app.core.runtime.logs import VERBOSE_VARIABLE
from app.media.settings import MediaSettings
from config import Settings

ROOT = Path(__file__).resolve().parents[2]
MOST_README_LINES = 120
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)|\b(?:src|href)=\"([^\"]+)\"")
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"[\w.@-]+(?:/[\w.@-]+)*/?")
TOP = {path.name for path in ROOT.iterdir()} | {"requirements", "deploy", "docs"}
MADE = ("static/vendor", "data", ".venv", "node_modules")
"""What git ignores: it exists once ``./consilium`` has set up."""
VARIABLE = re.compile(r"\bCONSILIUM_[A-Z0-9_]*[A-Z0-9]\b")
MEDIA_VARIABLES = {
    "secret_key": "SECRET_KEY",
    "web_url": "WEB_URL",
    "node_id": "NODE_ID",
    "public_addresses": "MEDIA_PUBLIC_ADDRESS",
    "first_port": "MEDIA_PORTS",
    "last_port": "MEDIA_PORTS",
    "rooms": "MEDIA_ROOMS",
    "drain_seconds": "MEDIA_DRAIN_SECONDS",
    "metrics_port": "MEDIA_METRICS_PORT",
    "storage_url": "STORAGE_URL",
}


def missing_paths(text: str) -> list[str]:
    """Paths of this repository that stand in backticks and are not there."""
    named = {word for word in CODE.findall(FENCE.sub("", text)) if is_repository_path(word)}
    return sorted(word for word in named if not (ROOT / word).exists())


def is_repository_path(word: str) -> bool:
    """Whether a word in backticks means a file or folder here: it begins with one of the names at
    the root, and is neither made by the set-up nor a placeholder in capitals.
    """
    if not PATH.fullmatch(word) or word.startswith(MADE):
        return False
    first, _, rest = word.partition("/")
    if re.search(r"\b(NAME|TAG|NNNN)\b", word):
        return False
    return first in TOP and (bool(rest) or word.endswith("/") or "." in first.lstrip("."))


def broken_links(text: str, page: Path) -> list[str]:
    """Relative links whose file or heading is not there."""
    found = []
    for one, other in LINK.findall(FENCE.sub("", text)):
        link = one or other
        if re.match(r"[a-z]+:", link):
            continue
        name, _, heading = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (heading and heading not in anchors(target.read_text())):
            found.append(link)
    return found


def anchors(text: str) -> set[str]:
    """The anchors that a page's headings get: lower case, hyphens for spaces, no punctuation."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_names_is_there(name):
    page = ROOT / name
    assert missing_paths(page.read_text()) == []
    assert broken_links(page.read_text(), page) == []


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= MOST_README_LINES


def test_every_setting_is_explained_and_no_other():
    deploy = (ROOT / "docs/deploy.md").read_text()
    web = {f"CONSILIUM_{name.upper()}" for name in Settings.model_fields}
    assert {field.name for field in fields(MediaSettings)} == MEDIA_VARIABLES.keys()
    media = {f"CONSILIUM_{name}" for name in MEDIA_VARIABLES.values()}
    rows = {line.split("|")[1].strip(" `") for line in deploy.splitlines() if line.startswith("|")}
    explained = {row for row in rows if row.startswith("CONSILIUM_")}
    assert explained == web | media | {VERBOSE_VARIABLE}


def test_the_example_of_the_settings_names_only_settings_that_there_are():
    known = {f"CONSILIUM_{name.upper()}" for name in Settings.model_fields}
    for example in (ROOT / "deploy").rglob("*"):
        if example.is_file():
            named = set(VARIABLE.findall(example.read_text()))
            assert named <= known | {"CONSILIUM_MEDIA_DRAIN_SECONDS"}, example


def test_every_decision_is_in_the_index():
    folder = ROOT / "docs/adr"
    records = sorted(path.name for path in folder.glob("[0-9]*.md"))
    index = (folder / "README.md").read_text()
    assert re.findall(r"\]\((\d{4}-[^)]+)\)", index) == records
    assert [int(name[:4]) for name in records] == list(range(1, len(records) + 1))
    for name in records:
        text = (folder / name).read_text()
        assert text.startswith(f"# {name[:4]}. ")
        sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert sections == ["Status", "Context", "Decision", "Consequences"], name


def test_the_checks_notice_what_is_wrong(tmp_path):
    page = tmp_path / "page.md"
    assert missing_paths("see `app/nothing/here.py` and `docs/nowhere/`") == [
        "app/nothing/here.py",
        "docs/nowhere/",
    ]
    assert missing_paths("`app/core/db.py`, `pytest`, `./consilium run`, `app/NAME/slice.py`") == []
    page.write_text("# One heading\n[a](gone.md) [b](#one-heading) [c](#other) [d](https://x.y)")
    assert broken_links(page.read_text(), page) == ["gone.md", "#other"]
