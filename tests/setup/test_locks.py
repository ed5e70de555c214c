"""The locks pin every library by content, and name no machine or host."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-test.txt", "requirements-node.txt"]
)
def test_python_packages_are_pinned_by_hash(name):
    lock = (ROOT / name).read_text()
    pinned = re.findall(
        r"^([a-z0-9._-]+)==\S+ (?:; .*)?\\\n    --hash=sha256:[0-9a-f]{64}", lock, re.M
    )
    named = re.findall(r"^[a-z0-9]\S*", lock, re.M)
    assert pinned and len(pinned) == len(named)
    assert "://" not in lock and "--index-url" not in lock


def test_browser_libraries_are_pinned_by_hash():
    lock = json.loads((ROOT / "package-lock.json").read_text())
    libraries = {path: entry for path, entry in lock["packages"].items() if path}
    assert all(entry["integrity"].startswith("sha512-") for entry in libraries.values())
    assert not [path for path, entry in libraries.items() if "resolved" in entry]


def test_browser_libraries_are_asked_for_by_exact_version():
    asked = json.loads((ROOT / "package.json").read_text())
    versions = asked["dependencies"] | asked["devDependencies"]
    assert [
        name for name, version in versions.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)
    ] == []


def test_the_lock_serves_other_machines_than_the_one_that_made_it():
    lock = json.loads((ROOT / "package-lock.json").read_text())
    for machine in ("linux-x64", "linux-arm64", "darwin-arm64"):
        assert f"node_modules/@esbuild/{machine}" in lock["packages"]
