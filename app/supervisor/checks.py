"""The phases of ``./consilium test``, run one after the other.

To add a phase, add a function that returns its commands and an entry in ``list_phases``.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .install import ROOT

SETTINGS_PREFIX = "CONSILIUM_"
QUICK_TESTS = "not late and not journey"
PROCESS_TESTS = "late and not journey"
BROWSER_TESTS = "journey"
TWO_WORKERS = ("-n", "2")
ONE_AFTER_THE_OTHER = ("-n", "0")
"""A consultation in up to eight browsers fills two cores alone: two at once fail by overload."""

Command = Sequence[str]


@dataclass(frozen=True)
class CheckOptions:
    """What was asked for after ``./consilium test``."""

    pytest_arguments: tuple[str, ...] = ()
    everything: bool = False
    """Also the exhaustive fuzz and soak runs (``--all``)."""
    coverage: bool = False

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> CheckOptions:
        """``--all`` and ``--coverage`` are ours; everything else goes to pytest."""
        return cls(
            tuple(word for word in arguments if word not in ("--all", "--coverage")),
            "--all" in arguments,
            "--coverage" in arguments,
        )


@dataclass(frozen=True)
class CheckPhase:
    """Commands that must all succeed. A failure does not stop the phases after it."""

    name: str
    commands: tuple[Command, ...]

    def run(self, environment: Mapping[str, str]) -> int:
        """Runs every command. Returns the first exit code that is not 0, or 0."""
        codes = [
            subprocess.call(list(command), cwd=ROOT, env=dict(environment))
            for command in self.commands
        ]
        return next((code for code in codes if code), 0)


def list_phases(options: CheckOptions, node: str) -> list[CheckPhase]:
    """Cheap checks first. With arguments for pytest there is one phase for all tests, and none for
    types and JavaScript. ``node`` is the path of Node.
    """
    lint = CheckPhase("lint", (_python("ruff", "check", "--quiet", "."),))
    if options.pytest_arguments:
        return [lint, *_list_pytest_phases(options)]
    return [
        lint,
        CheckPhase("types", (_pyright(node),)),
        CheckPhase("javascript", _list_javascript_commands(node)),
        *_list_pytest_phases(options),
        *([CheckPhase("mutants", (_python("tests.mutation"),))] if options.everything else []),
    ]


def run_phases(phases: Sequence[CheckPhase]) -> int:
    """Runs every phase, prints what each took, and returns the first failure's exit code."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(SETTINGS_PREFIX)
    }
    # each test process would compile every test file again, which takes longer than loading them
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    results: list[tuple[CheckPhase, int, float]] = []
    for phase in phases:
        print(f"\n== {phase.name} ==", file=sys.stderr, flush=True)
        began = time.monotonic()
        code = phase.run(environment)
        results.append((phase, code, time.monotonic() - began))
    print(_format_results(results), file=sys.stderr, flush=True)
    return next((code for _, code, _ in results if code), 0)


def _format_results(results: Sequence[tuple[CheckPhase, int, float]]) -> str:
    total = sum(seconds for _, _, seconds in results)
    rows = [
        f"  {phase.name:<14}{seconds:>7.0f} s  {'failed' if code else 'passed'}"
        for phase, code, seconds in results
    ]
    return "\n".join(["", *rows, f"  {'together':<14}{total:>7.0f} s"])


def _python(*words: str) -> Command:
    return (sys.executable, "-m", *words)


def _pyright(node: str) -> Command:
    """pyright's own script. Its Python wrapper, ``python -m pyright``, looks for another Node and
    may download one.
    """
    package = importlib.util.find_spec("pyright")
    assert package is not None and package.origin is not None, "requirements/test.txt has pyright"
    script = Path(package.origin).parent / "dist" / "index.js"
    return (node, str(script), "--pythonpath", sys.executable)


def _list_javascript_commands(node: str) -> tuple[Command, ...]:
    """Lint and format, types, unit tests. The tests are named one by one: Node 18 and Node 24 read
    a folder's name differently.
    """
    modules = ROOT / "node_modules"
    tests = sorted(str(path) for path in (ROOT / "tests" / "js").rglob("*.test.js"))
    return (
        (node, str(modules / "@biomejs/biome/bin/biome"), "check", "--error-on-warnings"),
        (node, str(modules / "typescript/bin/tsc"), "--project", "jsconfig.json"),
        (node, "--test", *tests),
    )


def _list_pytest_phases(options: CheckOptions) -> list[CheckPhase]:
    flags = ("--all",) if options.everything else ()
    if options.coverage:
        flags += ("--cov", "--cov-append", "--cov-report=")
    if options.pytest_arguments:
        phases = [CheckPhase("tests", (_python("pytest", *flags, *options.pytest_arguments),))]
    else:
        phases = [
            CheckPhase(name, (_python("pytest", *flags, "-m", marks, *spread),))
            for name, marks, spread in (
                ("quick tests", QUICK_TESTS, (*TWO_WORKERS, "--dist", "worksteal")),
                ("processes", PROCESS_TESTS, (*TWO_WORKERS, "--dist", "loadgroup")),
                ("browsers", BROWSER_TESTS, ONE_AFTER_THE_OTHER),
            )
        ]
    if not options.coverage:
        return phases
    before = CheckPhase("no old figures", (_python("coverage", "erase"),))
    after = CheckPhase("coverage", (_python("coverage", "report", "--skip-covered"),))
    return [before, *phases, after]
