"""Changes one line of the program at a time and asks the tests whether they notice.

``python -m tests.mutation`` tries ``MUTANTS_PER_MODULE`` changes in each module of ``TARGETS`` and
prints those that no test noticed. The choice is the same each time. No file is changed: each
mutant lives in a forked process whose import system hands out the changed source, and that process
runs the tests of its module, stopping at the first failure.

The last line printed is one JSON object. Reasons for the survivors stand in ``docs/testing.md``.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import random
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parent.parent
MUTANTS_PER_MODULE = 10
MUTANT_TIMEOUT_SECONDS = 240
SEED = 20261201

POLICY_TESTS = ("tests/web/test_who_may.py", "tests/web/test_policies.py")
TARGETS: dict[str, tuple[str, ...]] = {
    "app.scheduling.bookings.claims": (
        "tests/scheduling/bookings/test_claims.py",
        "tests/scheduling/bookings/test_service.py",
    ),
    "app.scheduling.matching.slots": ("tests/scheduling/matching",),
    "app.consults.interpreting.channels": ("tests/consults/interpreting/test_channels.py",),
    "app.cases.policy": ("tests/cases", *POLICY_TESTS, "tests/records/test_reading.py"),
    "app.cases.states": ("tests/cases",),
    "app.records.policy": (*POLICY_TESTS, "tests/records/test_reading.py"),
    "app.opinions.policy": (*POLICY_TESTS, "tests/opinions"),
    "app.consults.policy": (*POLICY_TESTS, "tests/consults/room/test_sockets.py"),
    "app.scheduling.policy": (*POLICY_TESTS, "tests/scheduling/bookings/test_service.py"),
    "app.web.access": ("tests/web/test_access.py",),
    "app.core.crypto": ("tests/core/test_crypto.py", "tests/core/test_blobs.py"),
    "app.records.receiving.tus": (
        "tests/records/test_uploads.py",
        "tests/records/test_uploads_refused.py",
    ),
    "app.scheduling.interpreters.ladder": (
        "tests/scheduling/interpreters/test_ladder_told.py",
        "tests/scheduling/bookings/test_service.py",
        "tests/scheduling/bookings/test_team_of_two.py",
        "tests/scheduling/bookings/test_rescue.py",
    ),
    "app.media.forwarding.forward": ("tests/media/forwarding",),
    "app.media.bandwidth.estimator": ("tests/media/bandwidth",),
    "app.media.bandwidth.allocator": ("tests/media/bandwidth",),
    "app.audit.service": ("tests/audit",),
    "app.audit.queries": ("tests/audit",),
    "app.identity.service": ("tests/identity",),
    "app.identity.queries": ("tests/identity",),
    "app.scheduling.availability.feeds": ("tests/scheduling/availability/test_feeds.py",),
}
PRELOADED = (
    "flask_socketio",
    "flask_migrate",
    "sqlalchemy.orm",
    "aiortc",
    "hypothesis",
    "requests",
)

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}


@dataclass(frozen=True)
class Mutant:
    """One change: where it is, what stood there, what stands there now, and the whole source."""

    module: str
    line: int
    was: str
    became: str
    source: str


def list_mutants(module: str) -> list[Mutant]:
    """Every mutant of a module that this program knows how to make, in the order of its lines."""
    path = ROOT / (module.replace(".", "/") + ".py")
    text = path.read_text()
    found = []
    for index in range(sum(1 for _ in _walk_statements(ast.parse(text)))):
        for variant in range(3):
            tree = ast.parse(text)
            node = next(n for i, n in enumerate(_walk_statements(tree)) if i == index)
            was = ast.unparse(node)
            if not _mutate(node, variant):
                break
            became = ast.unparse(node)
            found.append(Mutant(module, node.lineno, was, became, ast.unparse(tree)))
    return found


def _walk_statements(tree: ast.Module) -> Iterator[ast.expr | ast.stmt]:
    """The nodes that can be changed, inside functions only: constants of a module are its data."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for statement in function.body:
                for node in ast.walk(statement):
                    if isinstance(
                        node, ast.Compare | ast.BoolOp | ast.If | ast.Return | ast.BinOp | ast.Raise
                    ) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
                        yield node


def _mutate(node: ast.expr | ast.stmt, variant: int) -> bool:
    """Changes the node in place in its ``variant``-th way. False when it has no such way."""
    match node:
        case ast.Compare() if variant == 0 and type(node.ops[0]) in COMPARISONS:
            node.ops[0] = COMPARISONS[type(node.ops[0])]()
        case ast.BoolOp() if variant == 0:
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case ast.BoolOp() if variant == 1:
            node.values.pop()
        case ast.If() if variant < 2:
            node.test = ast.Constant(variant == 0)
        case ast.Return() if variant == 0 and node.value and ast.unparse(node.value) != "None":
            node.value = ast.Constant(None)
        case ast.BinOp() if variant == 0 and type(node.op) in OPERATORS:
            node.op = OPERATORS[type(node.op)]()
        case ast.Raise() if variant == 0:
            node.exc, node.cause = ast.parse("GeneratorExit()", mode="eval").body, None
        case ast.Expr() if variant == 0:
            node.value = ast.Constant(None)
        case _:
            return False
    ast.fix_missing_locations(node)
    return True


class MutantFinder(importlib.abc.MetaPathFinder):
    """Hands out the mutant's source when its module is imported."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self.mutant.module:
            return None
        file = str(ROOT / (name.replace(".", "/") + ".py"))
        return importlib.util.spec_from_file_location(name, file, loader=_Loader(self.mutant, file))


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, mutant: Mutant, file: str) -> None:
        super().__init__(mutant.module, file)
        self.mutant = mutant

    def get_code(self, fullname: str):  # type: ignore[no-untyped-def]
        return compile(self.mutant.source, self.path, "exec", dont_inherit=True)


def is_noticed(mutant: Mutant | None, tests: Sequence[str]) -> bool:
    """Whether the tests fail with the mutant. With None, whether they fail as things are."""
    child = os.fork()
    if child == 0:
        _run_tests_and_exit(mutant, tests)
    _, status = os.waitpid(child, 0)
    return status != 0


def _run_tests_and_exit(mutant: Mutant | None, tests: Sequence[str]) -> None:
    import pytest

    os.setsid()
    signal.alarm(MUTANT_TIMEOUT_SECONDS)  # a mutant that never ends is noticed: SIGALRM kills it
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    if mutant is not None:
        sys.meta_path.insert(0, MutantFinder(mutant))
    there = [name for name in tests if (ROOT / name).exists()]
    words = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", "not postgresql"]
    words += ["-m", "not late and not journey"]
    os._exit(0 if pytest.main([*words, *there]) == pytest.ExitCode.OK else 1)


def try_module(module: str, count: int, workers: int) -> tuple[int, list[Mutant]]:
    """How many mutants of the module were tried, and those that survived."""
    tests = TARGETS[module]
    if is_noticed(None, tests):
        raise SystemExit(f"The tests of {module} fail as it is: {' '.join(tests)}")
    mutants = list_mutants(module)
    chosen = random.Random(SEED).sample(mutants, min(count, len(mutants)))
    with ThreadPoolExecutor(workers) as pool:
        noticed = list(pool.map(lambda mutant: is_noticed(mutant, tests), chosen))
    return len(chosen), [one for one, seen in zip(chosen, noticed, strict=True) if not seen]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", default=list(TARGETS))
    parser.add_argument("--per-module", type=int, default=MUTANTS_PER_MODULE)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    os.chdir(ROOT)
    for name in PRELOADED:
        importlib.import_module(name)
    tried, survivors = 0, []
    for module in asked.modules:
        count, alive = try_module(module, asked.per_module, asked.workers)
        tried += count
        survivors += alive
        print(f"{module}: {count - len(alive)} of {count} noticed", flush=True)
        for one in alive:
            print(f"  line {one.line}: {one.was}\n    -> {one.became}", flush=True)
    share = 1 - len(survivors) / tried
    print(json.dumps({"mutants": tried, "survivors": len(survivors), "killed": round(share, 3)}))
    return 0 if share >= 0.9 else 1


if __name__ == "__main__":
    sys.exit(main())
