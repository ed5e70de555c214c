"""From a right password to a session: at once, or after a second step."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from flask import redirect, request, session, url_for
from flask_login import login_user
from werkzeug.wrappers import Response

from app.core.clock import now
from app.identity import service
from app.identity.factors import queries as factors
from app.identity.models import Person
from app.web.context import db_session

PENDING_SIGN_IN_LIFETIME = timedelta(minutes=10)
_PENDING_KEY = "pending_sign_in"


def continue_sign_in(person: Person, onward: str | None = None) -> Response:
    """After the right password: starts the session, or leads to the second step."""
    if factors.has_factor(db_session(), person):
        _renew_cookie()
        session[_PENDING_KEY] = {
            "person_id": person.id,
            "at": now().isoformat(),
            "password": _describe_password(person),
            "next": onward,
        }
        return redirect(url_for("identity.show_factor_proof"))
    start_session(person)
    return redirect(onward or url_for("portal.show_home"))


def start_session(person: Person) -> None:
    """Signs the person in on this device."""
    _renew_cookie()
    service.begin_sign_in(db_session(), person, request.user_agent.string)
    login_user(person)
    session.permanent = True


def find_pending_person() -> Person | None:
    """Who gave the right password on this device a short time ago and owes the second step."""
    pending = session.get(_PENDING_KEY)
    if not pending:
        return None
    if now() - datetime.fromisoformat(pending["at"]) > PENDING_SIGN_IN_LIFETIME:
        return None
    person = db_session().get(Person, pending["person_id"])
    if person is None or not person.active or _describe_password(person) != pending["password"]:
        return None
    return person


def get_pending_onward() -> str:
    """Where the person wanted to go before the second step."""
    return (session.get(_PENDING_KEY) or {}).get("next") or url_for("portal.show_home")


def _renew_cookie() -> None:
    """A new identity, a new cookie: nothing planted before sign-in survives, but the language and
    what is to be said on the next page.
    """
    kept = {key: session[key] for key in ("language", "_flashes") if session.get(key)}
    session.clear()
    session.update(kept)


def _describe_password(person: Person) -> str:
    """Changes with the password, so that a cookie of before is worth nothing."""
    return hashlib.sha256(person.password.encode()).hexdigest()[:16]
