"""An interpreter answers from the mail, by a link that names what is asked, lets nobody in, and
works once, in time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.core import clock
from app.core.db import Database
from app.core.permissions import Role
from app.identity.models import Person
from app.notifications.models import Mail
from app.scheduling.availability import hours
from app.scheduling.bookings import service
from app.scheduling.interpreters import credentials
from app.scheduling.interpreters.credentials import InterpreterCredential
from app.scheduling.models import Booking, Engagement, EngagementState
from tests.people import PASSWORD, Visitor, a_person
from tests.scheduling import clinic as c
from tests.scheduling.clinic import NINE_TO_FIVE
from tests.work import run_jobs


@pytest.fixture
def clinic(database: Database) -> c.Clinic:
    """A booked meeting, whose interpreter reads English and can sign in."""
    with database.unit_of_work() as session:
        made = c.a_clinic(session)
        made.interpreter = a_person(
            session, Role.INTERPRETER, language="en", speaks=["ar"], timezone="Europe/Lisbon"
        )
        credentials.add_qualification(
            session, made.coordinator, made.interpreter, InterpreterCredential("ar", "en", "CHI")
        )
        hours.set_availability(
            session, made.interpreter, made.interpreter, NINE_TO_FIVE, "Europe/Lisbon"
        )
        service.book_slot(session, made.patient, made.case, made.wish(), "t")
        return made


@pytest.fixture
def links(app: Flask, clinic: c.Clinic, database: Database) -> dict[str, str]:
    """The two paths that stand in the mail."""
    run_jobs(app)
    with database.sessions() as session:
        body = session.scalars(select(Mail).where(Mail.to == clinic.interpreter.email)).one().body
    return dict(re.findall(r"(Accept|Decline):\nhttps?://[^/]+(/answers/\S+)", body))


def state(database: Database, clinic: c.Clinic) -> str:
    with database.sessions() as session:
        return (
            session.scalars(
                select(Engagement).where(Engagement.interpreter_id == clinic.interpreter.id)
            )
            .one()
            .state
        )


def test_looking_changes_nothing_and_one_click_accepts(
    clinic: c.Clinic, links: dict[str, str], database: Database, visit: Callable[..., Visitor]
):
    interpreter = visit(clinic.interpreter)
    page = interpreter.get(links["Accept"])
    assert page.status_code == 200 and "Accept this consultation?" in page.text
    assert interpreter.client.head(links["Accept"]).status_code == 200
    assert state(database, clinic) == EngagementState.PROPOSED
    assert "The consultation is in your list" in interpreter.post(links["Accept"]).text
    assert state(database, clinic) == EngagementState.ACCEPTED


def test_declining_passes_it_on(
    clinic: c.Clinic, links: dict[str, str], database: Database, visit: Callable[..., Visitor]
):
    assert (
        "We are asking someone else"
        in visit(clinic.interpreter).post(links["Decline"], reason="ill").text
    )
    assert state(database, clinic) == EngagementState.DECLINED
    with database.sessions() as session:
        booking = session.scalars(select(Booking)).one()
        assert booking.interpreter_id not in (None, clinic.interpreter.id)
        assert (
            booking.engagement is not None and booking.engagement.state == EngagementState.PROPOSED
        )


def test_the_link_lets_nobody_in_but_waits_behind_the_sign_in(
    app: Flask, clinic: c.Clinic, links: dict[str, str], database: Database
):
    stranger = Visitor(app)
    asked = stranger.get(links["Accept"])
    assert (
        asked.status_code == 200
        and asked.request.path == "/sign-in"
        and "Accept this consultation?" not in asked.text
    )
    stranger.client.post(links["Accept"], data={"csrf_token": stranger.token})
    assert state(database, clinic) == EngagementState.PROPOSED
    kept = re.search(r'name="next" value="([^"]+)"', asked.text)
    arrived = stranger.post(
        "/sign-in", email=clinic.interpreter.email, password=PASSWORD, next=kept[1]
    )
    assert arrived.request.path == links["Accept"] and "Accept this consultation?" in arrived.text


@pytest.mark.parametrize(
    "first, second, sentence",
    [
        ("Accept", "Accept", "You have already accepted this consultation"),
        ("Accept", "Decline", "You have already accepted this consultation"),
        ("Decline", "Accept", "You have already declined this consultation"),
    ],
)
def test_once_in_effect(
    clinic: c.Clinic,
    links: dict[str, str],
    database: Database,
    visit: Callable[..., Visitor],
    first: str,
    second: str,
    sentence: str,
):
    interpreter = visit(clinic.interpreter)
    interpreter.post(links[first])
    before = state(database, clinic)
    for answer in (interpreter.get(links[second]), interpreter.post(links[second])):
        assert answer.status_code == 409 and sentence in answer.text
    assert state(database, clinic) == before


def test_after_its_time(
    clinic: c.Clinic, links: dict[str, str], database: Database, visit: Callable[..., Visitor]
):
    with clock.shift_clock(timedelta(days=2, hours=13)):
        interpreter = visit(clinic.interpreter)
        for answer in (interpreter.get(links["Accept"]), interpreter.post(links["Accept"])):
            assert answer.status_code == 410 and "The time to answer is over" in answer.text
    assert state(database, clinic) == EngagementState.PROPOSED


def test_a_link_that_somebody_changed(
    clinic: c.Clinic, links: dict[str, str], database: Database, visit: Callable[..., Visitor]
):
    interpreter = visit(clinic.interpreter)
    token = links["Accept"].rpartition("/")[2]
    other = "A" if token[-6] != "A" else "B"
    for wrong in (token[:-4], token[:-6] + other + token[-5:], "x", token.replace(".", "", 1)):
        answer = interpreter.post(f"/answers/{wrong}")
        assert answer.status_code == 404 and "This link is not complete" in answer.text
    assert state(database, clinic) == EngagementState.PROPOSED


def test_somebody_elses_link(
    clinic: c.Clinic, links: dict[str, str], database: Database, visit: Callable[..., Visitor]
):
    with database.unit_of_work() as session:
        others = [a_person(session, Role.INTERPRETER), a_person(session, Role.PATIENT)]
    for person in others:
        visitor = visit(person)
        for answer in (visitor.get(links["Accept"]), visitor.post(links["Accept"])):
            assert answer.status_code == 404 and "sent to someone else" in answer.text
            assert clinic.case.number not in answer.text
    assert state(database, clinic) == EngagementState.PROPOSED


def test_after_a_move_the_old_links_are_closed(
    clinic: c.Clinic, links: dict[str, str], database: Database, visit: Callable[..., Visitor]
):
    with database.unit_of_work() as session:
        booking = session.scalars(select(Booking)).one()
        service.move_booking(
            session, session.get_one(Person, clinic.patient.id), booking, c.next_noon(4)
        )
    answer = visit(clinic.interpreter).get(links["Accept"])
    assert answer.status_code == 409 and "no longer open" in answer.text


def test_in_the_messages_one_click_answers_too(
    clinic: c.Clinic, links: dict[str, str], database: Database, visit: Callable[..., Visitor]
):
    interpreter = visit(clinic.interpreter)
    page = interpreter.get("/messages").text
    action = re.search(r'action="(/engagements/[0-9a-f]{32}/accept)"', page)
    assert action and action[1].replace("accept", "decline") in page
    interpreter.post(action[1])
    assert state(database, clinic) == EngagementState.ACCEPTED
    assert action[1] not in interpreter.get("/messages").text
