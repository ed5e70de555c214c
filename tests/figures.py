"""Figures about the code itself: names, layout, types, documents and tests.

Run ``python -m tests.figures``. Each line stands beside the figure of 2026-12-01, before the
restructuring. Nothing here fails; the limits that must hold are tests.
"""

from __future__ import annotations

import ast
import json
import re
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
APP = ROOT / "app"
MAX_FUNCTION_NAMES_SHOWN = 5

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def list_sources(folder: Path = APP) -> Iterator[tuple[str, ast.Module]]:
    """Each Python module below ``folder``: its path from the root, and its syntax tree."""
    for path in sorted(folder.rglob("*.py")):
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def find_public_names(with_methods: bool) -> dict[str, list[str]]:
    """Every public function and class of the application, with the modules that define it."""
    places: dict[str, list[str]] = defaultdict(list)
    for path, tree in list_sources():
        for node in tree.body:
            if isinstance(node, Definition) and not node.name.startswith("_"):
                places[node.name].append(path)
            if with_methods and isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                        if not inner.name.startswith("_"):
                            places[inner.name].append(path)
    return places


def share_of_unique_names(places: dict[str, list[str]]) -> float:
    """The share of definitions whose name no other definition has, from 0 to 1."""
    total = sum(len(found) for found in places.values())
    return sum(len(found) == 1 for found in places.values()) / total


def find_single_word_functions() -> list[str]:
    """Public top-level functions outside ``app/core`` whose name has no underscore."""
    return [
        f"{path}:{node.name}"
        for path, tree in list_sources()
        if not path.startswith("app/core/")
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and "_" not in node.name
    ]


def measure_functions() -> list[int]:
    """The number of lines of each function and method, without its decorators and docstring."""
    lengths = []
    for _, tree in list_sources():
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
            end = node.end_lineno or node.lineno
            lengths.append(end - body[0].lineno + 1)
    return lengths


def count_modules_by_folder() -> dict[str, int]:
    """Python modules and page scripts in each folder of the program and its tests."""
    counted: dict[str, int] = defaultdict(int)
    for name in list_tracked_files():
        path = Path(name)
        if path.suffix in (".py", ".js") and path.name != "__init__.py":
            counted[str(path.parent)] += 1
    return counted


def list_tracked_files() -> list[str]:
    """What git tracks, as paths from the root."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    return [name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def find_long_files(limit: int = 400) -> list[tuple[int, str]]:
    """Modules of the application with more lines than ``limit``, the longest first."""
    sizes = [(len(path.read_text().splitlines()), path) for path in APP.rglob("*.py")]
    return sorted(((n, str(p.relative_to(ROOT))) for n, p in sizes if n > limit), reverse=True)


def count_docstrings() -> tuple[int, int]:
    """Public top-level functions and classes: how many have a docstring, and how many there are."""
    found = [
        bool(ast.get_docstring(node))
        for _, tree in list_sources()
        for node in tree.body
        if isinstance(node, Definition) and not node.name.startswith("_")
    ]
    return sum(found), len(found)


def count_lines_with_any() -> int:
    """Lines of the application that contain the word ``Any``."""
    return sum(
        bool(re.search(r"\bAny\b", line))
        for path in APP.rglob("*.py")
        for line in path.read_text().splitlines()
    )


def count_type_errors() -> str:
    """What pyright counts, in its own words."""
    command = [sys.executable, "-m", "pyright", "--outputjson"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    try:
        summary = json.loads(answer)["summary"]
    except (ValueError, KeyError):
        return "pyright did not answer"
    return f"{summary['errorCount']} errors in {summary['filesAnalyzed']} files"


def collect_tests() -> tuple[int, float]:
    """How many tests there are, and how many seconds pytest takes to find them."""
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    found = re.search(r"(\d+)(?:/\d+)? tests", printed)
    return int(found[1]) if found else 0, time.monotonic() - began


def build_report() -> list[tuple[str, str, str]]:
    """Each figure: what it is, how it was on 2026-12-01, and how it is now."""
    plain, whole = find_public_names(False), find_public_names(True)
    lengths = sorted(measure_functions())
    folders = count_modules_by_folder()
    fullest = max(folders, key=lambda name: folders[name])
    single, long_files = find_single_word_functions(), find_long_files()
    documented, public = count_docstrings()
    tests, seconds = collect_tests()
    readme = len((ROOT / "README.md").read_text().splitlines())
    records = len(list((ROOT / "docs" / "adr").glob("[0-9]*.md")))
    return [
        ("unique names, functions and classes", "76.8 %", f"{share_of_unique_names(plain):.1%}"),
        ("the same with methods", "71.1 %", f"{share_of_unique_names(whole):.1%}"),
        ("one-word functions outside core", "333", str(len(single))),
        ("median and 90th percentile of lines in a function", "6 and 16 at 120 columns",
         f"{statistics.median(lengths):g} and {lengths[int(len(lengths) * 0.9)]}"),
        ("fullest folder", "43 modules (app/scheduling)", f"{folders[fullest]} ({fullest})"),
        ("modules past 400 lines", "2 at 120 columns", str(len(long_files))),
        ("public functions and classes with a docstring", "",
         f"{documented} of {public} ({documented / public:.0%})"),
        ("lines with Any in app", "235", str(count_lines_with_any())),
        ("pyright", "52 errors, basic", count_type_errors()),
        ("lines of README", "187", str(readme)),
        ("decision records", "42 in the README", str(records)),
        ("tests, and seconds to collect them", "2504, 7.7 s", f"{tests}, {seconds:.1f} s"),
    ]  # fmt: skip


def print_figures() -> None:
    """Prints the report, and the first names that break a rule."""
    for what, before, now in build_report():
        print(f"{what:52} {before:28} {now}")
    for name in find_single_word_functions()[:MAX_FUNCTION_NAMES_SHOWN]:
        print(f"  one word: {name}")
    for lines, name in find_long_files():
        print(f"  long: {name} {lines}")


if __name__ == "__main__":
    print_figures()
