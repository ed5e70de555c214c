"""The locks pin every library by content, and name no machine or host."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


# Each lock with the sources that it was made from.
LOCKS = {
    "requirements.txt": "requirements/base.in",
    "requirements/test.txt": "requirements/test.in",
    "requirements/node.txt": "requirements/node.in",
}


@pytest.mark.parametrize("name", LOCKS)
def test_python_packages_are_pinned_by_hash(name):
    lock = (ROOT / name).read_text()
    pinned = re.findall(
        r"^([a-z0-9._-]+)==\S+ (?:; .*)?\\\n    --hash=sha256:[0-9a-f]{64}", lock, re.M
    )
    named = re.findall(r"^[a-z0-9]\S*", lock, re.M)
    assert pinned and len(pinned) == len(named)
    assert "://" not in lock and "--index-url" not in lock


@pytest.mark.parametrize(("name", "source"), LOCKS.items())
def test_everything_asked_for_is_locked(name, source):
    asked = [
        re.match(r"[A-Za-z0-9._-]+", line).group().lower()
        for line in (ROOT / source).read_text().splitlines()
        if line and not line.startswith(("-", "#"))
    ]
    locked = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / name).read_text(), re.M))
    assert asked and [package for package in asked if package not in locked] == []


def test_the_locks_of_production_and_tests_agree():
    locked = [
        dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / name).read_text(), re.M))
        for name in ("requirements.txt", "requirements/test.txt")
    ]
    both = locked[0].keys() & locked[1].keys()
    assert both and [name for name in both if locked[0][name] != locked[1][name]] == []


def test_every_lock_lies_where_it_is_listed_here():
    found = {str(path.relative_to(ROOT)) for path in ROOT.glob("requirements*.*")}
    found |= {str(path.relative_to(ROOT)) for path in ROOT.glob("requirements/*")}
    assert found == LOCKS.keys() | set(LOCKS.values())


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
