"""Every request that changes something needs the CSRF token, on every route of every slice, in the
configuration that production runs.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from app import create_app
from app.audit.models import AuditEntry
from app.core.permissions import Role
from app.web.errors import STALE_FORM
from app.web.limits import limiter
from tests.conftest import COMPILED, knowing, test_settings
from tests.people import Visitor, a_person
from tests.web.test_who_may import HOLDERS, ROUTES, by_name

CHANGING_METHODS = {"POST", "PUT", "PATCH", "DELETE"}
# Routes that take a change without the token, each with its reason. There are none: the uploads of
# tus send the token in a header, and media nodes speak over a socket with a secret of their own.
EXEMPT: dict[str, str] = {}


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory, _empty_sqlite: Path) -> Iterator[Flask]:
    folder = tmp_path_factory.mktemp("production")
    shutil.copy(_empty_sqlite, folder / "consilium.db")
    settings = test_settings(
        folder,
        mode="production",
        require_second_factor=False,
        database_url=f"sqlite:///{folder}/consilium.db",
        storage_url=f"file://{folder}/objects",
    )
    app = create_app(settings)
    app.jinja_env.bytecode_cache = COMPILED
    knowing(app.extensions["database"])
    with app.app_context():
        limiter.reset()
    yield app
    app.extensions["database"].close()


@pytest.fixture(scope="module")
def visitors(production: Flask) -> dict[str, Visitor]:
    """One signed-in person of each role, and somebody who is not signed in."""
    with production.extensions["database"].unit_of_work() as session:
        people = {str(role): a_person(session, role) for role in Role}
    needed = {roles.split()[0] for roles in HOLDERS.values()}
    signed_in = {role: Visitor(production, people[role]) for role in sorted(needed)}
    return signed_in | {"nobody": Visitor(production)}


def changing_routes(app: Flask) -> Iterator[tuple[str, str, str]]:
    """(method, path, endpoint). The ids lead nowhere: the token is looked at first."""
    for rule in app.url_map.iter_rules():
        values = {
            name: next(iter(getattr(rule._converters[name], "items", ["0" * 32])))  # noqa: SLF001
            for name in rule.arguments
        }
        for method in sorted((rule.methods or set()) & CHANGING_METHODS):
            with app.test_request_context():
                path = app.url_map.bind("").build(rule.endpoint, values, method=method)
            yield method, path, rule.endpoint


def count_entries(app: Flask) -> int:
    with app.extensions["database"].sessions() as session:
        return session.scalar(select(func.count()).select_from(AuditEntry)) or 0


def test_nothing_changes_without_the_token(production: Flask, visitors: dict[str, Visitor]):
    """Asked by somebody whose role holds the permission, so that nothing else can refuse it."""
    before, permissions, tried = count_entries(production), by_name(ROUTES), 0
    for method, path, endpoint in changing_routes(production):
        if endpoint in EXEMPT:
            continue
        permission = permissions[endpoint]
        who = "nobody" if permission == "public" else HOLDERS[permission].split()[0]
        # a made-up token is as good as none
        headers = {} if tried % 2 else {"X-CSRFToken": "made up"}
        answer = visitors[who].client.open(
            path, method=method, headers={**headers, "X-Requested-With": "fetch"}
        )
        assert (answer.status_code, answer.json) == (400, {"error": STALE_FORM}), (
            f"{method} {path} ({endpoint}): {answer.status_code}"
        )
        tried += 1
    assert tried > 60
    assert count_entries(production) == before


def test_with_the_token_the_same_requests_get_past_it(
    production: Flask, visitors: dict[str, Visitor]
):
    """Otherwise the test above would pass on an application that refuses everything."""
    permissions = by_name(ROUTES)
    for method, path, endpoint in changing_routes(production):
        if endpoint.startswith("identity."):
            continue  # these change the session and its token; test_sign_in.py uses them all
        permission = permissions[endpoint]
        who = "nobody" if permission == "public" else HOLDERS[permission].split()[0]
        visitor = visitors[who]
        if not visitor.token:
            visitor.get("/sign-in")
        answer = visitor.client.open(
            path, method=method, headers={"X-CSRFToken": visitor.token, "X-Requested-With": "fetch"}
        )
        assert STALE_FORM not in answer.text, f"{method} {path} ({endpoint})"
