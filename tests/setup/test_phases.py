"""Which checks ``./consilium test`` runs, in which order."""

from __future__ import annotations

from app.supervisor.checks import CheckOptions, list_phases
from app.supervisor.install import ROOT


def test_javascript_is_linted_typed_and_tested_before_pytest_when_everything_runs():
    phases = list_phases(CheckOptions(), "/the/node")
    names = [phase.name for phase in phases]
    assert names.index("javascript") < names.index("quick tests")
    (javascript,) = [phase for phase in phases if phase.name == "javascript"]
    lint, types, tests = [" ".join(command) for command in javascript.commands]
    assert "biome check" in lint and "tsc" in types
    assert tests.startswith("/the/node --test ")
    there = sorted(str(path) for path in ROOT.glob("tests/js/**/*.test.js"))
    assert there and tests.split()[2:] == there


def test_mutants_are_tried_last_and_only_when_all_is_asked_for():
    usual = [phase.name for phase in list_phases(CheckOptions(), "/the/node")]
    whole = [phase.name for phase in list_phases(CheckOptions.parse(["--all"]), "/the/node")]
    assert "mutants" not in usual
    assert whole == [*usual, "mutants"]


def test_with_arguments_only_pytest_and_the_linter_run():
    phases = list_phases(CheckOptions.parse(["tests/setup"]), "/the/node")
    assert [phase.name for phase in phases] == ["lint", "tests"]
