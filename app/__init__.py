"""Consilium: wiring only, to be read as a table of contents.

Each part is imported by the function that wires it: the media node and the jobs import ``app`` too,
and know no Flask.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from app.core.runtime.zone_rules import use_pinned_zone_rules

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy.orm import Session

    from app.identity.models import Person
    from config import Settings

use_pinned_zone_rules()  # in every process that imports anything of ours, before any zone is read


def create_app(settings: Settings) -> Flask:
    """The whole web application, bound to one ``config.Settings``.

    Raises ``UnguardedEndpoint`` for a route without permission.
    """
    from flask import Flask

    app = Flask("app", static_folder="../static", template_folder="web/templates")
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_NAME="consilium",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.is_https,
        PERMANENT_SESSION_LIFETIME=timedelta(days=14),
        MAX_FORM_MEMORY_SIZE=2_000_000,
        WTF_CSRF_TIME_LIMIT=None,
        TESTING=settings.mode == "test",
    )
    if settings.behind_proxy:
        from werkzeug.middleware.proxy_fix import ProxyFix

        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    open_stores(app, settings)
    install_edge(app)
    install_sign_in(app)
    install_slices(app)
    install_cli(app)
    check_everything_guarded(app)
    return app


def open_stores(app: Flask, settings: Settings) -> None:
    from app.core import crypto
    from app.core.blobs import BlobStore
    from app.core.db import Database

    keyring = crypto.Keyring(settings.master_keys)
    crypto.set_field_keyring(keyring)
    app.extensions["settings"] = settings
    app.extensions["database"] = Database(settings.database_url)
    app.extensions["blobs"] = BlobStore(settings.storage_url, keyring)


def install_edge(app: Flask) -> None:
    from flask_wtf import CSRFProtect

    from app.web import access, context, errors, headers, limits, locale, rendering

    CSRFProtect(app)
    context.install_unit_of_work(app)
    locale.install_locale(app)
    headers.install_headers(app)
    errors.install_error_handlers(app)
    limits.install_rate_limits(app)
    access.install_access_guard(app)
    rendering.install_rendering(app)


def install_sign_in(app: Flask) -> None:
    from flask import request
    from flask_login import LoginManager

    from app.core.clock import now
    from app.identity import queries, service
    from app.identity.factors.policy import needs_factor
    from app.identity.sign_in import limits
    from app.web.context import db_session
    from app.web.errors import is_page_request

    manager = LoginManager(app)

    settings: Settings = app.extensions["settings"]

    def load_within_shift(session: Session, sign_in_id: str | None) -> Person | None:
        person = queries.find_signed_in_person(session, sign_in_id)
        is_over = (
            person is not None
            and settings.limits_staff_sessions
            and limits.is_shift_over(person, now())
        )
        return None if is_over else person

    def load_for_socket(session: Session, sign_in_id: str | None) -> Person | None:
        """A lock does not end a call: a socket needs a sign-in and the second step, no more."""
        person = load_within_shift(session, sign_in_id)
        required = settings.is_second_factor_required
        return None if person is None or needs_factor(person, required=required) else person

    app.extensions["load_person"] = load_for_socket

    @manager.user_loader
    def load(sign_in_id: str) -> Person | None:
        person = load_within_shift(db_session(), sign_in_id)
        if person is None:
            return None
        if not settings.limits_staff_sessions:
            service.record_sign_in_seen(db_session(), sign_in_id)
        elif is_activity() and not limits.is_locked(person, now()):
            interval = limits.STAFF_SEEN_WRITE_INTERVAL
            service.record_sign_in_seen(db_session(), sign_in_id, interval)
        return person

    def is_activity() -> bool:
        """What a page asks for by itself is none."""
        return request.method != "GET" or is_page_request()


def install_slices(app: Flask) -> None:
    """Adds the routes, socket events and readiness checks of every slice.

    Raises ``SliceConflict`` when two slices claim the same thing, or when a message or a link leads
    to a page that is not there.
    """
    from app.core.slices import get_slices
    from app.notifications.queries import count_unread_notices
    from app.portal.navigation import list_navigation_links
    from app.web import probes, slices, sockets
    from app.web.context import db_session

    registry = get_slices()
    app.extensions["navigation"] = list_navigation_links
    app.extensions["unread_count"] = lambda person: count_unread_notices(db_session(), person)
    app.extensions["ready_checks"] = registry.readiness_checks
    slices.install_slice_routes(app, registry)
    sockets.install_sockets(app)
    slices.run_web_setup(app, registry)
    probes.install_probes(app)


def install_cli(app: Flask) -> None:
    from app import cli

    cli.install_commands(app)


def check_everything_guarded(app: Flask) -> None:
    from app.web import access, sockets

    access.check_every_route(app)
    sockets.check_every_socket_event()
