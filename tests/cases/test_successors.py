"""Somebody takes another's place on a case: the one before loses every way to it at once, and the
next one has them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.cases import service as cases
from app.cases.models import Case
from app.consults.room import watch
from app.core.clock import freeze_clock
from app.core.db import Database
from app.core.permissions import Role
from app.identity.models import Person, SignIn
from app.records.models import Record
from app.scheduling.availability import hours
from app.scheduling.interpreters import credentials
from app.scheduling.interpreters.credentials import InterpreterCredential
from app.scheduling.models import Booking, Engagement
from tests.consults.conftest import Chair, Meeting
from tests.consults.meeting import an_open_meeting
from tests.people import Visitor, a_person, an_accepted_case
from tests.world import ALWAYS, Circle, furnish


@dataclass
class Handover:
    circle: Circle
    coordinator: Person
    successor: Person

    @property
    def paths_of_specialist(self) -> list[str]:
        ids = self.circle.ids
        return [
            f"/cases/{ids['case_id']}",
            f"/cases/{ids['case_id']}/records",
            f"/records/{ids['record_id']}",
            f"/records/{ids['record_id']}/content",
            f"/bookings/{ids['booking_id']}",
            f"/bookings/{ids['booking_id']}/meeting.ics",
            f"/consults/{ids['consult_id']}",
            f"/consults/{ids['consult_id']}/guests",
        ]

    @property
    def paths_of_interpreter(self) -> list[str]:
        ids = self.circle.ids
        return [
            f"/cases/{ids['case_id']}",
            f"/bookings/{ids['booking_id']}",
            f"/bookings/{ids['booking_id']}/meeting.ics",
            f"/consults/{ids['consult_id']}",
        ]


@pytest.fixture
def handover(app: Flask, database: Database) -> Handover:
    """A meeting whose waiting room is open, and nobody in the successor's place yet."""
    with database.unit_of_work() as session:
        circle, coordinator = an_open_meeting(session)
        successor = a_person(
            session, Role.SPECIALIST, specialties=["oncology"], timezone="Europe/Berlin"
        )
        hours.set_availability(session, successor, successor, ALWAYS, successor.timezone)
    furnish(app, database, circle)
    with database.unit_of_work() as session:
        record = session.get_one(Record, circle.ids["record_id"])
        record.state, record.media_type = "ready", "application/pdf"
    return Handover(circle, coordinator, successor)


def opens(visitor: Visitor, paths: list[str]) -> dict[str, int]:
    return {path: visitor.get(path, follow_redirects=False).status_code for path in paths}


def not_answered(status: int, answers: dict[str, int]) -> dict[str, int]:
    return {path: given for path, given in answers.items() if given != status}


def test_a_specialist_who_was_replaced_in_a_meeting(
    app: Flask, handover: Handover, visit: Callable[..., Visitor]
):
    before, after = visit(handover.circle.specialist), visit(handover.successor)
    paths = handover.paths_of_specialist
    assert not_answered(200, opens(before, paths)) == {}
    assert not_answered(404, opens(after, paths)) == {}
    office = visit(handover.coordinator)
    answer = office.post(
        f"/bookings/{handover.circle.booking.id}/specialist", specialist=handover.successor.id
    )
    assert answer.status_code == 200
    after.get(
        f"/consults/of/{handover.circle.booking.id}"
    )  # as every link to the consultation does
    assert not_answered(404, opens(before, paths)) == {}
    assert not_answered(200, opens(after, paths)) == {}
    assert handover.circle.case.number not in before.get("/home").text
    assert handover.circle.case.number in after.get("/home").text


def test_an_interpreter_who_was_replaced_in_a_meeting(
    app: Flask, database: Database, handover: Handover, visit: Callable[..., Visitor]
):
    with database.unit_of_work() as session:
        coordinator = session.get_one(Person, handover.coordinator.id)
        partner = a_person(
            session, Role.INTERPRETER, language="ar", speaks=["en"], timezone="Africa/Cairo"
        )
        credentials.add_qualification(
            session, coordinator, partner, InterpreterCredential("ar", "en", "CHI")
        )
        hours.set_availability(session, partner, partner, ALWAYS, partner.timezone)
    before, after = visit(handover.circle.interpreter), visit(partner)
    paths = handover.paths_of_interpreter
    own = handover.circle.ids["engagement_id"]
    assert not_answered(200, opens(before, [*paths, f"/engagements/{own}/brief"])) == {}
    assert not_answered(404, opens(after, [*paths, f"/engagements/{own}/brief"])) == {}
    before.get("/engagements")
    assert before.post(f"/engagements/{own}/decline", reason="ill").status_code == 200
    assert not_answered(404, opens(before, [*paths, f"/engagements/{own}/brief"])) == {}
    after.get(f"/consults/of/{handover.circle.booking.id}")
    with database.sessions() as session:
        booking = session.get_one(Booking, handover.circle.booking.id)
        assert booking.interpreter_id == partner.id
        new = session.scalars(
            select(Engagement.id).where(Engagement.interpreter_id == partner.id)
        ).one()
    assert not_answered(200, opens(after, [*paths, f"/engagements/{new}/brief"])) == {}
    assert before.post(f"/engagements/{own}/accept").status_code == 409, "it is another's now"


@pytest.mark.parametrize("role", [Role.SPECIALIST, Role.INTERPRETER])
def test_somebody_who_was_replaced_before_any_meeting(
    database: Database, visit: Callable[..., Visitor], role: Role
):
    with database.unit_of_work() as session:
        coordinator, patient = a_person(session, Role.COORDINATOR), a_person(session, language="ar")
        first, second = (
            a_person(session, role, specialties=["oncology"], language="ar", speaks=["en"])
            for _ in range(2)
        )
        doctor = a_person(session, Role.SPECIALIST, specialties=["oncology"])
        case = an_accepted_case(
            session, patient, coordinator, first if role == Role.SPECIALIST else doctor
        )
        if role == Role.INTERPRETER:
            for one in (first, second):
                credential = InterpreterCredential("ar", "en", "CHI")
                credentials.add_qualification(session, coordinator, one, credential)
            cases.assign_person_to_case(session, coordinator, case, first)
    before, after, office = visit(first), visit(second), visit(coordinator)
    page = f"/cases/{case.id}"
    assert (before.get(page).status_code, after.get(page).status_code) == (200, 404)
    assert office.post(f"{page}/assign", person=second.id).status_code == 200
    assert (before.get(page).status_code, after.get(page).status_code) == (404, 200)


# In the room: a socket is open for as long as its person likes


@pytest.mark.parametrize("place", ["in the waiting room", "in the consultation"])
def test_a_replaced_specialist_does_nothing_more_through_the_open_socket(
    app: Flask, database: Database, handover: Handover, visit: Callable[..., Visitor], place: str
):
    app.extensions["consult_watch"] = True  # the rounds that would empty the seat: not yet
    meeting = Meeting(handover.circle, handover.coordinator)
    doctor = Chair(app, database, handover.circle.specialist, meeting.consult_id)
    patient = Chair(app, database, handover.circle.patient, meeting.consult_id)
    for chair in (doctor, patient):
        assert "state" in chair.sits()
    patient.goes_in()
    if place == "in the consultation":
        assert doctor.goes_in()["state"]["you"]["place"] == "in"
    answer = visit(handover.coordinator).post(
        f"/bookings/{handover.circle.booking.id}/specialist", specialist=handover.successor.id
    )
    assert answer.status_code == 200
    for event, message in (
        ("seat.enter", {"mic": True, "camera": True}),
        ("seat.admit", {"seat": patient.seat_id}),
        ("chat.say", {"client_id": "client-1", "text": "one more thing"}),
        ("chat.since", {}),
        ("teach.list", {}),
        ("consult.end", {}),
        ("seat.here", {}),
    ):
        assert doctor.says(event, **message).get("status") == 404, event
    assert patient.seat().admitted is False
    for chair in (doctor, patient):
        chair.socket.disconnect("/consult")


@pytest.mark.parametrize("needs_interpreter", [True, False])
def test_in_a_consultation_that_is_under_way_the_successor_finds_the_seat(
    app: Flask,
    database: Database,
    handover: Handover,
    visit: Callable[..., Visitor],
    needs_interpreter: bool,
):
    app.extensions["consult_watch"] = True  # the round is made by hand below
    with database.unit_of_work() as session:
        booking = session.get_one(Booking, handover.circle.booking.id)
        booking.needs_interpreter = needs_interpreter
    doctor, successor = (
        Chair(app, database, person, handover.circle.consult.id)
        for person in (handover.circle.specialist, handover.successor)
    )
    doctor.sits()
    assert doctor.goes_in()["state"]["you"]["place"] == "in"
    visit(handover.coordinator).post(
        f"/bookings/{handover.circle.booking.id}/specialist", specialist=handover.successor.id
    )
    with app.app_context(), database.unit_of_work() as session:
        watch.watch_consults_once(session)
    assert doctor.heard("seat.removed") == [{}]
    assert "state" in successor.sits()
    assert successor.goes_in()["state"]["you"]["place"] == "in"
    for chair in (doctor, successor):
        chair.socket.disconnect("/consult")


def test_an_interpreter_whose_time_is_over_does_nothing_more_through_the_open_socket(
    app: Flask, database: Database, handover: Handover
):
    app.extensions["consult_watch"] = True
    interpreter = Chair(app, database, handover.circle.interpreter, handover.circle.consult.id)
    with database.sessions() as session:
        case = session.get_one(Case, handover.circle.case.id)
        until = next(one.until for one in case.members if one.role == Role.INTERPRETER)
    assert until is not None
    assert "state" in interpreter.sits()
    with database.unit_of_work() as session:
        session.execute(update(SignIn).values(created_at=until, last_seen_at=until))
    with freeze_clock(until):
        assert interpreter.says("chat.since").get("status") == 404
        assert interpreter.says("seat.enter", mic=True).get("status") == 404
    interpreter.socket.disconnect("/consult")
