"""Each rule that ends a session, shown alone: silence, age, deactivation, revocation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.core.clock import freeze_clock, now, shift_clock
from app.core.db import Database
from app.core.permissions import Role
from app.identity import queries, service
from app.identity.models import Person, SignIn
from app.web.sockets import socketio
from tests.people import PASSWORD, Visitor

SILENCE, AGE = timedelta(hours=24), timedelta(days=14)
SECOND = timedelta(seconds=1)


def is_in(visitor: Visitor) -> bool:
    """Whether the browser is still signed in. Asking counts as being there."""
    return visitor.get("/account", follow_redirects=False).status_code == 200


@pytest.mark.parametrize("silent, still_in", [(SILENCE - SECOND, True), (SILENCE, False)])
def test_a_day_without_a_request_ends_the_session(
    app: Flask, person: Callable[..., Person], silent: timedelta, still_in: bool
):
    start = now()
    with freeze_clock(start):
        visitor = Visitor(app, person())
    with freeze_clock(start + silent):
        assert is_in(visitor) is still_in


def test_every_request_starts_the_day_of_silence_anew(app: Flask, person: Callable[..., Person]):
    visitor = Visitor(app, person())
    for hours in range(20, 200, 20):
        with shift_clock(timedelta(hours=hours)):
            assert is_in(visitor), hours


@pytest.mark.parametrize("age, still_in", [(AGE - SECOND, True), (AGE, False)])
def test_after_two_weeks_a_session_ends_although_it_was_used_all_the_time(
    app: Flask, person: Callable[..., Person], age: timedelta, still_in: bool
):
    start = now()
    with freeze_clock(start):
        visitor = Visitor(app, person())
    for hours in range(20, 336, 20):
        with freeze_clock(start + timedelta(hours=hours)):
            assert is_in(visitor), hours
    with freeze_clock(start + age):
        assert is_in(visitor) is still_in


def test_the_last_request_is_written_down_at_most_every_five_minutes(
    database: Database, person: Callable[..., Person]
):
    start = now()
    with freeze_clock(start), database.unit_of_work() as session:
        sign_in_id = service.begin_sign_in(session, session.merge(person()), "").id

    def seen_at(minutes: float) -> timedelta:
        moment = start + timedelta(minutes=minutes)
        with freeze_clock(moment), database.unit_of_work() as session:
            service.record_sign_in_seen(session, sign_in_id)
            return session.get_one(SignIn, sign_in_id).last_seen_at - start

    assert [seen_at(minutes) for minutes in (1, 5, 5.1, 10, 10.2)] == [
        timedelta(0),
        timedelta(0),
        timedelta(minutes=5.1),
        timedelta(minutes=5.1),
        timedelta(minutes=10.2),
    ]


# Deactivated


def deactivate(database: Database, someone: Person) -> None:
    with database.unit_of_work() as session:
        session.execute(update(Person).where(Person.id == someone.id).values(active=False))


def test_a_deactivated_person_is_out_at_the_next_request(
    app: Flask, database: Database, person: Callable[..., Person]
):
    someone = person()
    visitor = Visitor(app, someone)
    assert is_in(visitor)
    deactivate(database, someone)
    assert not is_in(visitor)
    with database.sessions() as session:
        sign_in = session.scalars(select(SignIn)).one()
        assert sign_in.ended_at is None, "nothing but the deactivation keeps them out"
        assert queries.find_signed_in_person(session, sign_in.id) is None


def test_a_deactivated_person_cannot_sign_in_and_learns_nothing_from_the_answer(
    app: Flask, database: Database, person: Callable[..., Person]
):
    someone = person()
    deactivate(database, someone)
    right = Visitor(app).post("/sign-in", email=someone.email, password=PASSWORD)
    wrong = Visitor(app).post("/sign-in", email=someone.email, password="wrong wrong wrong")
    assert right.status_code == wrong.status_code == 422
    said = "The e-mail address or the password is wrong."
    assert said in right.text and said in wrong.text
    with database.sessions() as session:
        assert session.scalars(select(SignIn)).all() == []


def test_a_deactivated_person_loses_the_open_socket_and_gets_no_new_one(
    app: Flask, database: Database, person: Callable[..., Person]
):
    someone = person(Role.SPECIALIST)
    visitor = Visitor(app, someone)
    client = socketio.test_client(app, namespace="/consult", flask_test_client=visitor.client)
    assert client.is_connected("/consult")
    deactivate(database, someone)
    answer = client.emit(
        "seat.take", {"ticket": "any", "tab": "tab"}, namespace="/consult", callback=True
    )
    assert answer["status"] == 404 and "no longer signed in" in answer["error"]
    again = socketio.test_client(app, namespace="/consult", flask_test_client=visitor.client)
    assert not again.is_connected("/consult")


# Ended elsewhere


def test_only_the_device_that_was_signed_out_is_out(
    app: Flask, database: Database, person: Callable[..., Person]
):
    someone = person()
    phone, laptop = Visitor(app, someone), Visitor(app, someone)
    with database.unit_of_work() as session:
        mine = session.scalars(select(SignIn).order_by(SignIn.created_at)).all()
        service.end_sign_in(session, session.get_one(Person, someone.id), mine[0].id)
    assert not is_in(phone)
    assert is_in(laptop)


def test_the_list_of_devices_names_those_that_are_signed_in_now(
    database: Database, person: Callable[..., Person]
):
    someone, start = person(), now()
    facts = {
        "in use": {},
        "silent": {"last_seen_at": start - SILENCE},
        "too old": {"created_at": start - AGE},
        "signed out": {"ended_at": start},
        "just in time": {
            "created_at": start - AGE + SECOND,
            "last_seen_at": start - SILENCE + SECOND,
        },
    }
    with freeze_clock(start), database.unit_of_work() as session:
        for agent, times in facts.items():
            session.add(SignIn(person_id=someone.id, agent=agent, **times))
        session.add(SignIn(person_id=person().id, agent="somebody else's"))
        session.flush()
        listed = queries.list_live_sign_ins(session, session.get_one(Person, someone.id))
        assert [sign_in.agent for sign_in in listed] == ["in use", "just in time"]
        assert {
            sign_in.agent
            for sign_in in session.scalars(select(SignIn).where(SignIn.person_id == someone.id))
            if queries.find_signed_in_person(session, sign_in.id)
        } == {"in use", "just in time"}


@pytest.mark.parametrize("sign_in_id", [None, "", "made up"])
def test_no_sign_in_is_nobody(database: Database, sign_in_id: str | None):
    with database.sessions() as session:
        assert queries.find_signed_in_person(session, sign_in_id) is None


def test_signing_in_begins_a_session_that_is_the_visitors_own(
    app: Flask, person: Callable[..., Person]
):
    """Whatever was in the cookie before is gone: nobody can plant a session (fixation)."""
    visitor = Visitor(app)
    visitor.get("/sign-in?lang=es")
    with visitor.client.session_transaction() as cookie:
        cookie["planted"] = "by someone else"
        token = cookie["csrf_token"]
    visitor.post("/sign-in", email=person().email, password=PASSWORD)
    with visitor.client.session_transaction() as cookie:
        assert "planted" not in cookie
        assert cookie["language"] == "es"
        assert cookie["csrf_token"] != token
        assert cookie.permanent
