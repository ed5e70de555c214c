"""Imports run one way (DESIGN 3). Each rule is also shown to catch a breach, so that it cannot be
true by accident.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from app.core.slices import load_slices

ROOT = Path(__file__).parent.parent
APP = ROOT / "app"
# Before the slices stands what they all may use. Each slice says in its manifest what it builds on;
# tests/test_slices.py compares their order with the one of the design.
CHAIN = ("core", "i18n", "web", *(manifest.name for manifest in load_slices().manifests))
OUTSIDE = ("media", "supervisor")  # processes of their own
WIRING = ("__init__", "cli", "health")
ROOMS = ("models", "policy", "queries", "service", "forms", "routes", "sockets", "jobs")
EDGES = frozenset({"routes", "sockets", "commands"})
FLASK = (
    "flask",
    "flask_socketio",
    "flask_login",
    "flask_babel",
    "flask_wtf",
    "flask_limiter",
    "werkzeug.wrappers",
)
MEDIA_MAY = (
    "app.media",
    "app.core.clock",
    "app.core.crypto",
    "app.core.blobs",
    "app.core.runtime",
    "app.core.webm",
)
WEB_FACING = ("web",)  # the edge itself


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(APP.rglob("*.py")):
        yield ".".join(path.relative_to(ROOT).with_suffix("").parts), path


@cache
def imports(source: str) -> frozenset[str]:
    """Every module that the source imports, at the top or inside a function; names of `from x
    import y` as x.y.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "imports are absolute, so that they can be read"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def slice_of(module: str) -> str:
    return module.split(".")[1] if module.count(".") else ""


def breaches_of_chain(module: str, source: str) -> list[str]:
    """The imports that look to the right of the module's place in the chain."""
    own = slice_of(module)
    if own not in CHAIN:
        return []
    wrong = []
    for name in imports(source):
        if not name.startswith("app."):
            continue
        other = slice_of(name)
        if other == own or name.startswith("app.media.messages") and own == "consults":
            continue
        if other not in CHAIN or CHAIN.index(other) > CHAIN.index(own):
            wrong.append(f"{module} imports {name}")
    return wrong


def module_part(name: str) -> str:
    """The longest leading part of a dotted name that is a module or package of the application."""
    parts = name.split(".")
    while parts and ".".join(parts) not in ALL:
        parts.pop()
    return ".".join(parts)


def breaches_inside(module: str, source: str) -> list[str]:
    """Within a slice and its sub-packages: models < policy < queries < service < forms < routes."""
    own = module.split(".")
    if len(own) < 3 or own[1] not in CHAIN or own[-1] not in ROOMS:
        return []
    rank = min(ROOMS.index(own[-1]), ROOMS.index("routes"))
    wrong = []
    for name in imports(source):
        parts = module_part(name).split(".")
        if parts[:2] != own[:2] or parts[-1] not in ROOMS or parts[-1] == own[-1]:
            continue
        other = min(ROOMS.index(parts[-1]), ROOMS.index("routes"))
        if other > rank and not (own[-1] == "service" and parts[-1] == "forms"):
            wrong.append(f"{module} imports {name}")
    return wrong


def knows_flask(source: str) -> list[str]:
    return sorted(
        name for name in imports(source) if name.startswith(FLASK) or name.startswith("app.web.")
    )


def breaches_of_media(source: str) -> list[str]:
    return sorted(
        name
        for name in imports(source)
        if name.startswith("app.")
        and not name.startswith(MEDIA_MAY)
        or name.split(".")[0] in ("flask", "sqlalchemy", "flask_socketio")
    )


ALL = dict(modules())


def test_every_room_has_its_place():
    found = {slice_of(module) for module in ALL} - {""} - set(WIRING)
    assert found <= set(CHAIN) | set(OUTSIDE), found - set(CHAIN) - set(OUTSIDE)


def test_imports_run_one_way():
    breaches = [
        breach
        for module, path in ALL.items()
        for find in (breaches_of_chain, breaches_inside)
        for breach in find(module, path.read_text())
    ]
    assert not breaches, "\n".join(["imports against the direction of DESIGN 3:", *breaches])


def is_edge(module: str) -> bool:
    room = module.split(".")[-1]
    return (
        room in EDGES
        or room.startswith("sockets_")
        or room.endswith("_routes")
        or module in KNOW_FLASK
    )


def test_only_the_edges_know_flask():
    breaches = [
        f"{module} imports {name}"
        for module, path in ALL.items()
        if slice_of(module) in CHAIN and slice_of(module) not in WEB_FACING and not is_edge(module)
        for name in knows_flask(path.read_text())
    ]
    assert not breaches, "\n".join(["only routes and sockets may import Flask:", *breaches])


# Edges under another name: each is a wire to the outside, not a room of decisions.
KNOW_FLASK = {
    "app.consults.nodes.namespace",
    "app.consults.nodes.commands",
    "app.consults.room.announcing",  # the wires to nodes and browsers
    "app.consults.room.watch",  # a thread of the web process
    "app.consults.room.seating",  # what several files of sockets share
    "app.consults.blueprint",
    "app.organizations.blueprint",
    "app.portal.blueprint",
    "app.records.blueprint",
    "app.scheduling.blueprint",  # shared by several files of routes
    "app.portal.acts",
    "app.portal.oversight",
    "app.portal.worklist",  # portal's routes, a file each
    "app.portal.navigation",  # addresses for the frame round every page
    "app.records.receiving.spool",  # takes the bytes off the wire
}


def test_the_media_node_stands_alone():
    breaches = [
        f"{module} imports {name}"
        for module, path in ALL.items()
        if slice_of(module) == "media"
        for name in breaches_of_media(path.read_text())
    ]
    assert not breaches, "\n".join([f"app.media may import only {MEDIA_MAY}:", *breaches])


IMPORT_ONE_BY_ONE = """
import importlib, os, sys, traceback
# a fork for each module: each starts with nothing imported, without starting Python again
for asked in sys.argv[1:]:
    name, *banned = asked.split(",")
    if not os.fork():
        try:
            importlib.import_module(name)
            brought = [module for module in banned if module in sys.modules]
            message = f"{name} brings {', '.join(brought)}" if brought else ""
        except BaseException:
            message = f"{name}: {traceback.format_exc()}"
        print(message, file=sys.stderr, end="\\n" if message else "", flush=True)
        os._exit(bool(message))
failed = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in sys.argv[1:]]
sys.exit(any(failed))
"""


def test_core_modules_can_be_imported_one_by_one():
    databases = {"db", "columns", "outbox", "rotation"}
    names = sorted(path.stem for path in (APP / "core").glob("*.py") if path.stem != "__init__")
    asked = [
        f"app.core.{name},flask" + ("" if name in databases else ",sqlalchemy") for name in names
    ]
    done = run_python(IMPORT_ONE_BY_ONE, *asked)
    assert done.returncode == 0, done.stderr


def test_importing_one_by_one_catches_a_breach():
    done = run_python(IMPORT_ONE_BY_ONE, "app.core.clock,flask", "app.core.db,sqlalchemy")
    assert done.returncode == 1
    assert done.stderr == "app.core.db brings sqlalchemy\n"
    done = run_python(IMPORT_ONE_BY_ONE, "app.core.there_is_no_such_module,flask")
    assert done.returncode == 1 and "ModuleNotFoundError" in done.stderr


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True
    )


def test_the_media_node_loads_without_flask_and_without_a_database():
    code = (
        "import sys, app.media.node; "
        "sys.exit(', '.join(m for m in ('flask', 'sqlalchemy') if m in sys.modules) or 0)"
    )
    done = run_python(code)
    assert done.returncode == 0, done.stderr


def test_the_rules_catch_a_breach():
    assert breaches_of_chain("app.cases.service", "from app.records import queries") != []
    assert breaches_of_chain("app.records.service", "from app.cases import queries") == []
    assert breaches_of_chain("app.opinions.service", "import app.media.forwarding.room") != []
    assert breaches_inside("app.cases.models", "from app.cases import service") != []
    assert breaches_inside("app.cases.service", "from app.cases import routes") != []
    assert knows_flask("def f():\n    from flask import request") != []
    assert breaches_of_media("from app.cases.models import Case") != []
