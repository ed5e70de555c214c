"""Closed by default: a route without a permission stops the application from starting."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Flask, redirect, request, url_for
from werkzeug.wrappers import Response

from app.core.errors import Forbidden
from app.core.permissions import Permission
from app.core.slices import get_roles_by_permission
from app.web.context import get_person_or_none
from app.web.errors import is_page_request

ViewFunction = TypeVar("ViewFunction", bound=Callable[..., object])
PUBLIC_ACCESS = "public"
FRAMEWORK_ENDPOINTS = frozenset({"static"})  # Flask's own route for files that everybody may read


class UnguardedEndpoint(RuntimeError):
    """A route or socket event that says nothing about who may use it."""


def require_permission(permission: Permission) -> Callable[[ViewFunction], ViewFunction]:
    """Opens a route to people whose role holds ``permission``; the thing itself is judged by the
    slice's policy.
    """

    def mark(view: ViewFunction) -> ViewFunction:
        view.permission = permission  # type: ignore[attr-defined]
        return view

    return mark


def allow_public(view: ViewFunction) -> ViewFunction:
    """Opens a route to everybody, signed in or not."""
    view.permission = PUBLIC_ACCESS  # type: ignore[attr-defined]
    return view


def require_recent_factor(view: ViewFunction) -> ViewFunction:
    """Opens a route only within ten minutes of the person's second step on this device. People
    who have one are asked again, and then the request goes on with all that they had typed. People
    who have none and need none are not asked.
    """
    view.recent_proof = "factor"  # type: ignore[attr-defined]
    return view


def require_recent_proof(view: ViewFunction) -> ViewFunction:
    """As ``require_recent_factor``, but people who have no second step are asked for their
    password.
    """
    view.recent_proof = "any"  # type: ignore[attr-defined]
    return view


def allow_without_factor(view: ViewFunction) -> ViewFunction:
    """Leaves a route open to people who have yet to set up the second step that their role
    needs.
    """
    view.without_factor = True  # type: ignore[attr-defined]
    return view


def get_route_permission(app: Flask, endpoint: str) -> Permission | str | None:
    if endpoint in FRAMEWORK_ENDPOINTS:
        return PUBLIC_ACCESS
    return getattr(app.view_functions[endpoint], "permission", None)


def check_every_route(app: Flask) -> None:
    """Raises ``UnguardedEndpoint`` naming each route that carries no permission of a slice."""
    known = {PUBLIC_ACCESS, *get_roles_by_permission()}
    naked = sorted(
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if get_route_permission(app, rule.endpoint) not in known
    )
    if naked:
        raise UnguardedEndpoint("no permission on: " + ", ".join(naked))


def install_access_guard(app: Flask) -> None:
    @app.before_request
    def guard() -> Response | None:
        if request.endpoint is None:
            return None  # no such route: the 404 says so
        permission = get_route_permission(app, request.endpoint)
        if permission == PUBLIC_ACCESS:
            return None
        person = get_person_or_none()
        if person is None:
            return _ask_to_sign_in()
        if not isinstance(permission, Permission) or not person.may(permission):
            raise Forbidden()
        return None


def _ask_to_sign_in() -> Response:
    if not is_page_request():
        return Response(status=401)
    onward = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("identity.show_sign_in", next=onward))
