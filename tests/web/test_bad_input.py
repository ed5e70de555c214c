"""Never a fault of ours, whatever is sent: each field of each form and each word of each address,
bent one at a time.

The fields come from the pages themselves, filled as a browser would send them, and from what the
routes look for. It is tried on PostgreSQL, which takes less than SQLite does. As in production,
what is accepted is committed and the rate limits are on: so what ends something comes last, and the
limits are reset before each field. The end of the test shows that they were on.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from lxml import html
from sqlalchemy import func, select
from werkzeug.datastructures import ImmutableMultiDict

from app import create_app
from app.audit.models import AuditEntry
from app.core.db import Base
from app.core.permissions import Role
from app.core.slices import get_roles_by_permission
from app.web.access import PUBLIC_ACCESS, get_route_permission
from app.web.limits import limiter
from tests import servers
from tests.conftest import test_settings
from tests.people import Visitor, a_person
from tests.processes import SECRET_KEY
from tests.web.test_access import address
from tests.world import a_circle, furnish

BAD = ("²", "9" * 30, "9999-12-31", "0001-01-01T00:00", "nul \0", "x" * 3000)
LEFT_OUT = {
    "identity.post_sign_out",
    "identity.post_device_sign_out",
    "static",
}  # the first two would sign the visitor out
# What ends or removes something for good, each after everything that needs it.
ENDINGS = (
    "scheduling.post_hold_release",
    "scheduling.post_busy_feed_removal",
    "scheduling.post_exception_days_removal",
    "scheduling.post_opening_removal",
    "scheduling.post_calendar_stop",
    "consults.post_guest_revocation",
    "records.post_record_removal",
    "scheduling.post_ask_another",
    "scheduling.post_engagement_decline",
    "scheduling.post_qualification_removal",
    "scheduling.post_booking_specialist",
    "scheduling.post_series_cancellation",
    "scheduling.post_booking_cancellation",
    "opinions.post_opinion_signature",
    "opinions.post_opinion_release",
    "portal.post_case_closing",
    "portal.post_case_decline",
    "portal.post_case_withdrawal",
)
ANSWERS_503 = {"probes.serve_readiness"}  # neither jobs nor a media node run here
PLAUSIBLE = {
    "date": (date.today() + timedelta(days=30)).isoformat(),
    "time": "10:00",
    "number": "1",
    "email": "somebody@test.example",
    "url": "https://calendar.example/a.ics",
}

asked: set[str] = set()


class Asked(ImmutableMultiDict):  # type: ignore[type-arg]
    """What a request carries; remembers what was looked for in it."""

    def get(self, key: str, *others: Any, **options: Any) -> Any:
        asked.add(key)
        return super().get(key, *others, **options)

    def getlist(self, key: str, *others: Any, **options: Any) -> Any:
        asked.add(key)
        return super().getlist(key, *others, **options)


@dataclass
class House:
    app: Flask
    ids: dict[str, str]
    visitors: dict[Role, Visitor]
    stranger: Visitor
    forms: dict[tuple[Role | None, str, str], dict[str, str]] = field(default_factory=dict)
    """(who, method, path) of a form that a page shows, and what it would send."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[House]:
    with servers.fresh_database(postgres_server, f"t{uuid.uuid4().hex[:12]}") as url:
        app = create_app(test_settings(tmp_path_factory.mktemp("bent"), database_url=url))
        app.extensions["consult_watch"] = True  # its rounds would outlive this database
        database = app.extensions["database"]
        Base.metadata.create_all(database.engine)
        with database.unit_of_work() as session:
            people = {role: a_person(session, role) for role in Role}
            circle = a_circle(session, people[Role.COORDINATOR])
        furnish(app, database, circle)
        people |= {
            Role.PATIENT: circle.patient,
            Role.SPECIALIST: circle.specialist,
            Role.INTERPRETER: circle.interpreter,
        }
        with app.app_context():
            limiter.reset()
        visitors = {role: Visitor(app, person) for role, person in people.items()}
        for visitor in visitors.values():
            visitor.get("/account")
        stranger = Visitor(app)
        stranger.get("/sign-in")
        app.request_class = type(
            "Request", (app.request_class,), {"parameter_storage_class": Asked}
        )
        yield House(app, circle.ids, visitors, stranger)
        database.close()


def doors(house: House) -> Iterator[tuple[Role | None, Visitor, str, str, str]]:
    """(role, visitor, method, path, endpoint) of every address, for the first of those who may open
    it.
    """
    for rule in house.app.url_map.iter_rules():
        permission = get_route_permission(house.app, rule.endpoint)
        methods = sorted(set(rule.methods or ()) & {"GET", "POST"})
        if (
            rule.endpoint in LEFT_OUT
            or not methods
            or "key" in rule.arguments
            or ("token" in rule.arguments and f"{rule.endpoint}:token" not in house.ids)
        ):
            continue
        roles = (
            [None]
            if permission == PUBLIC_ACCESS
            else [role for role in Role if role in get_roles_by_permission()[permission]]
        )
        path = address(house.app, rule, house.ids)
        for role in roles:
            for method in methods:
                yield (
                    role,
                    house.visitors[role] if role else house.stranger,
                    method,
                    path,
                    rule.endpoint,
                )


def note_forms(house: House, role: Role | None, page: str) -> None:
    for form in html.fromstring(page).forms:
        path = urlsplit(form.action or "").path
        sent = {
            name: value or plausible(form, name) for name, value in dict(form.form_values()).items()
        }
        for name in {one.name for one in form.inputs if one.name} - set(sent):
            sent[name] = plausible(form, name)
        house.forms.setdefault((role, form.method, path), sent)


def plausible(form: Any, name: str) -> str:
    one = form.inputs[name]
    options = getattr(one, "value_options", None)
    if options:
        return str(next((option for option in options if option), ""))
    return PLAUSIBLE.get(getattr(one, "type", ""), "Plain words")


def ask(visitor: Visitor, method: str, path: str, sent: dict[str, str]) -> int:
    if method == "GET":
        return visitor.client.get(path, query_string=sent).status_code
    answer = visitor.client.post(path, data={**sent, "csrf_token": visitor.token})
    if visitor.person is None and answer.status_code == 302:  # signed up, or let in as a guest
        visitor.client = visitor.client.application.test_client()
        visitor.get("/sign-in")
    return answer.status_code


def has_a_good_token(visitor: Visitor) -> bool:
    """Otherwise every form would be refused as stale, before anything of it was read."""
    with visitor.client.session_transaction() as cookie:
        signed = URLSafeTimedSerializer(SECRET_KEY, salt="wtf-csrf-token").loads(visitor.token)
        return bool(cookie["csrf_token"] == signed)


def start_limits_anew(house: House) -> None:
    with house.app.app_context():
        limiter.reset()


def count_entries(house: House) -> int:
    with house.app.extensions["database"].sessions() as session:
        return session.scalar(select(func.count()).select_from(AuditEntry)) or 0


def test_nothing_that_is_sent_is_a_fault_of_ours(house):
    every = list(doors(house))
    for role, visitor, method, path, _endpoint in every:
        if method == "GET":
            page = visitor.client.get(path)
            if page.mimetype == "text/html" and page.status_code == 200:
                note_forms(house, role, page.text)
    faults, tried, met, before = [], 0, set(), count_entries(house)
    # Whoever has the form sends it first, and what ends something comes last.
    every.sort(
        key=lambda door: (
            ENDINGS.index(door[4]) + 1 if door[4] in ENDINGS else 0,
            (door[0], door[2], door[3]) not in house.forms,
        )
    )
    for role, visitor, method, path, endpoint in every:
        sent = house.forms.get((role, method, path), {})
        assert has_a_good_token(visitor), f"before {method} {path}"
        asked.clear()
        start_limits_anew(house)
        ask(visitor, method, path, sent)
        for name in sorted((asked | set(sent)) - {"csrf_token"}):
            kind = (
                "" if name == "lang" else f"{method} {endpoint}",
                re.sub(r"\d+|[0-9a-f]{32}", "", name),
            )
            if kind in met:
                continue
            met.add(kind)
            start_limits_anew(house)
            for bad in BAD:
                tried += 1
                status = ask(visitor, method, path, {**sent, name: bad})
                assert status != 429, f"{endpoint}: the limit answered, and not the route"
                if status >= 500 and not (status == 503 and endpoint in ANSWERS_503):
                    faults.append(f"{method} {path} ({endpoint}), {name}={bad[:20]!r}: {status}")
    assert not faults, "\n".join(faults)
    assert tried > 700 and len(house.forms) > 50, (tried, len(house.forms))
    guesses = [ask(house.stranger, "POST", "/sign-in", {"email": "nobody"}) for _ in range(12)]
    assert 429 in guesses, "the limits were on all the time"
    assert count_entries(house) > before + 50, "what was taken was committed"
    signed_out = [
        role
        for role, visitor in house.visitors.items()
        if role != Role.GUEST and visitor.client.get("/account").status_code != 200
    ]
    assert not signed_out, "what they sent proves nothing"
