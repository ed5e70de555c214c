"""What the browser gets is built here, complete, and within the content security policy."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

VENDOR = Path(__file__).resolve().parents[2] / "static" / "vendor"
STYLES = ["app.css", "app.rtl.css"]


def test_the_manifest_gives_each_file_the_hash_of_its_content():
    manifest = json.loads((VENDOR / "manifest.json").read_text())
    assert {"app.js", "consult.js", "pdf.worker.js", *STYLES} <= manifest.keys()
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


@pytest.mark.parametrize("name", ["app.js", "consult.js"])
def test_no_script_needs_eval(name):
    assert not re.search(r"\beval\(|\bnew Function\(", (VENDOR / name).read_text())
