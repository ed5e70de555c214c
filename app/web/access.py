"""Closed by default: a route without a permission stops the application from starting."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Flask, redirect, request, url_for
from werkzeug.wrappers import Response

from app.core.errors import Forbidden
from app.core.permissions import Permission
from app.web.context import person_or_none
from app.web.errors import wants_page

View = TypeVar("View", bound=Callable[..., object])
PUBLIC = "public"
OURS = frozenset({"static"})  # Flask's own route for files that everybody may read


class Unguarded(RuntimeError):
    """A route or socket event that says nothing about who may use it."""


def requires(permission: Permission) -> Callable[[View], View]:
    """Opens a route to people whose role holds `permission`; the thing itself is judged by the
    slice's policy.
    """

    def mark(view: View) -> View:
        view.permission = permission  # type: ignore[attr-defined]
        return view

    return mark


def public(view: View) -> View:
    """Opens a route to everybody, signed in or not."""
    view.permission = PUBLIC  # type: ignore[attr-defined]
    return view


def permission_of(app: Flask, endpoint: str) -> Permission | str | None:
    if endpoint in OURS:
        return PUBLIC
    return getattr(app.view_functions[endpoint], "permission", None)


def check_every_route(app: Flask) -> None:
    """Raises `Unguarded` naming each route that carries no permission."""
    naked = sorted(
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if permission_of(app, rule.endpoint) is None
    )
    if naked:
        raise Unguarded("no permission on: " + ", ".join(naked))


def install(app: Flask) -> None:
    @app.before_request
    def guard() -> Response | None:
        if request.endpoint is None:
            return None  # no such route: the 404 says so
        permission = permission_of(app, request.endpoint)
        if permission == PUBLIC:
            return None
        person = person_or_none()
        if person is None:
            return _ask_to_sign_in()
        if not isinstance(permission, Permission) or not person.may(permission):
            raise Forbidden()
        return None


def _ask_to_sign_in() -> Response:
    if not wants_page():
        return Response(status=401)
    onward = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("identity.sign_in", next=onward))
