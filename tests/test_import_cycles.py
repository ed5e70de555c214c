"""No module of ``app`` imports itself by way of others.

Every import counts: at the top, inside a function, and under ``TYPE_CHECKING``. A cycle that is
hidden that way still means that neither module can be understood, or moved, without the other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MEDIA_PACKAGES = ("wire", "bandwidth", "forwarding", "recording")
"""Each may import those before it."""


def find_modules() -> dict[str, str]:
    """Dotted name to source, packages by their own name."""
    paths = sorted((ROOT / "app").rglob("*.py"))
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(
            ".__init__"
        ): path.read_text()
        for path in paths
    }


def list_imports(source: str) -> Iterable[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def build_import_graph(modules: Mapping[str, str]) -> dict[str, set[str]]:
    """Module to the modules of the same mapping that it imports something from."""
    graph: dict[str, set[str]] = {}
    for name, source in modules.items():
        imported = set()
        for each in list_imports(source):
            target = each if each in modules else each.rpartition(".")[0]
            if target in modules and target != name:
                imported.add(target)
        graph[name] = imported
    return graph


def find_cycle(modules: Mapping[str, str]) -> list[str]:
    try:
        TopologicalSorter(build_import_graph(modules)).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_no_module_imports_itself_by_way_of_others():
    modules = find_modules()
    assert len(modules) > 200
    assert find_cycle(modules) == []


def test_the_packages_of_the_media_node_import_one_way():
    wrong = []
    for name, imported in build_import_graph(find_modules()).items():
        package = name.removeprefix("app.media.").split(".")[0]
        if package not in MEDIA_PACKAGES:
            continue
        later = MEDIA_PACKAGES[MEDIA_PACKAGES.index(package) + 1 :]
        above = tuple(f"app.media.{each}" for each in (*later, "room", "rooms", "node", "metrics"))
        wrong += [f"{name} imports {each}" for each in sorted(imported) if each.startswith(above)]
    assert wrong == []


@pytest.mark.parametrize(
    "hidden",
    [
        "from app.a import x",
        "def f():\n    from app.a import x",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from app import a",
        "import app.a",
    ],
    ids=["plain", "in a function", "for types only", "by its full name"],
)
def test_a_cycle_is_found_wherever_the_import_stands(hidden):
    modules = {"app": "", "app.a": "from app.b import y", "app.b": "import app.c", "app.c": hidden}
    assert set(find_cycle(modules)) == {"app.a", "app.b", "app.c"}
    assert find_cycle(modules | {"app.c": ""}) == []
