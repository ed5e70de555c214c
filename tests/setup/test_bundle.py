"""What the browser gets is built here, complete, and within the content security policy."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "static" / "vendor"
STYLES = ["app.css", "app.rtl.css"]
SCRIPTS = ["app.js", "connection-check.js", "consult.js"]


def test_the_manifest_gives_each_file_the_hash_of_its_content():
    manifest = json.loads((VENDOR / "manifest.json").read_text())
    assert {"pdf.worker.js", *SCRIPTS, *STYLES} <= manifest.keys()
    for name, digest in manifest.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest().startswith(digest), name


@pytest.mark.parametrize("name", STYLES)
def test_every_address_in_a_stylesheet_is_a_file_of_ours(name):
    addresses = re.findall(r"url\([\"']?([^)\"']+)", (VENDOR / name).read_text())
    foreign = [
        address
        for address in addresses
        if not address.startswith(("data:image/", "/static/"))
        and not (VENDOR / address.split("?")[0].split("#")[0]).is_file()
    ]
    assert addresses and foreign == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_needs_eval(name):
    assert not re.search(r"\beval\(|\bnew Function\(", (VENDOR / name).read_text())


def test_every_controller_that_a_template_names_is_in_the_bundle_and_no_other():
    templates = "\n".join(path.read_text() for path in (ROOT / "app").rglob("templates/**/*.html"))
    named = re.findall(r"""data-controller["']?\s*[=:]\s*["']([a-z -]+)["']""", templates)
    bundled = re.findall(r'identifier:"([a-z-]+)"', (VENDOR / "app.js").read_text())
    assert sorted({name for names in named for name in names.split()}) == sorted(bundled)
