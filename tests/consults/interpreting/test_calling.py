"""The office calls a further interpreter into a consult, for a partner or for a relay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.consults.models import Consult, ConsultState, Seat
from app.core.clock import now
from app.core.db import Database
from app.core.outbox import Job
from app.core.permissions import Role
from app.core.slices import get_slices
from app.identity.models import Person
from app.scheduling.interpreters import credentials
from app.scheduling.interpreters.credentials import InterpreterCredential
from app.scheduling.models import Booking, Claim, Qualification
from tests.consults.conftest import Chair, Meeting, Sit, let_in
from tests.people import Visitor, a_person


@pytest.fixture
def held(meeting: Meeting, database: Database) -> Callable[..., Qualification]:
    """``held("fa", "en")``: a credential of an interpreter who is not at the consult."""

    def make(source: str, target: str, **more: object) -> Qualification:
        with database.unit_of_work() as session:
            person = a_person(session, Role.INTERPRETER, language=source, speaks=[target])
            credentials.add_qualification(
                session,
                meeting.coordinator,
                person,
                InterpreterCredential(source, target, "CHI", **more),
            )
            return session.scalars(
                select(Qualification)
                .where(Qualification.person_id == person.id)
                .options(joinedload(Qualification.person))
            ).one()

    return make


@pytest.fixture
def office(app: Flask, meeting: Meeting) -> Visitor:
    return Visitor(app, meeting.coordinator)


def at(meeting: Meeting) -> str:
    return f"/consults/{meeting.consult_id}/interpreters"


def test_who_is_called_has_a_seat_is_told_and_comes_in(
    app: Flask,
    database: Database,
    meeting: Meeting,
    office: Visitor,
    held: Callable[..., Qualification],
    chair: Sit,
) -> None:
    doctor = chair(meeting.circle.specialist)
    doctor.sits()
    called = held("fa", "ar")
    page = office.get(at(meeting)).text
    assert called.person.name in page and "Persian and Arabic" in page
    done = office.post(at(meeting), credential=called.id)
    assert (
        done.status_code == 200
        and "now has a place" in done.text
        and called.person.name in done.text
    )
    with database.sessions() as session:
        seat = session.scalars(select(Seat).where(Seat.person_id == called.person_id)).one()
        assert (seat.role, seat.pair, seat.booked, seat.admitted) == (
            Role.INTERPRETER,
            ["fa", "ar"],
            False,
            False,
        )
        [job] = [
            one
            for one in session.scalars(select(Job).where(Job.kind == "notify"))
            if one.payload["kind"] == "interpreter_called"
        ]
    assert job.payload["person_id"] == called.person_id
    [state] = doctor.heard("state")[-1:]
    assert called.person.name in [one["name"] for one in state["seats"]]
    slices = get_slices()
    kind = slices.notice_kinds["interpreter_called"]
    path = slices.build_path(kind.endpoint, job.payload["facts"])
    assert Visitor(app, called.person).get(path).status_code == 200


def test_a_relay_stands_once_the_other_half_has_come(
    meeting: Meeting,
    database: Database,
    office: Visitor,
    held: Callable[..., Qualification],
    chair: Sit,
) -> None:
    """The patient speaks Arabic, the doctor listens in Persian: nobody links the two, until
    somebody links one of them with the other interpreter's English.
    """
    doctor = chair(meeting.circle.specialist)
    doctor.sits()
    doctor.goes_in()
    patient, first = (
        let_in(chair, doctor, one) for one in (meeting.circle.patient, meeting.circle.interpreter)
    )
    called = held("fa", "en")
    office.post(at(meeting), credential=called.id)
    second = let_in(chair, doctor, called.person)
    assert (
        doctor.says("mode.set", mode="simultaneous")
        == {}
        == doctor.says("listen.set", listens="fa")
    )
    assert (
        first.says("channel.take", language="en")
        == {}
        == second.says("channel.take", language="fa")
    )
    assert heard_by(doctor)[called.person_id] == 1.0
    assert heard_by(second)[meeting.circle.interpreter.id] == 1.0
    assert patient.seat().listens == "ar"


def heard_by(chair: Chair) -> dict[str, float]:
    from app.consults.room import views

    with chair._database.sessions() as session:  # noqa: SLF001
        seat = session.get_one(Seat, chair.seat_id)
        people = {one.id: one.person_id for one in seat.consult.seats}
        return {
            people[one["id"]]: one["gain"]
            for one in views.build_seat_state(seat)["seats"]
            if one["gain"]
        }


def test_only_those_are_offered_who_can_come(
    database: Database, meeting: Meeting, office: Visitor, held: Callable[..., Qualification]
) -> None:
    yesterday = now().date() - timedelta(days=1)
    fits, over = held("ar", "en"), held("es", "en", valid_until=yesterday)
    busy, gone = held("ar", "de"), held("ar", "fr")
    with database.unit_of_work() as session:
        booking = session.get_one(Booking, meeting.circle.booking.id)
        other = Booking(
            case_id=booking.case_id,
            patient_id=booking.patient_id,
            specialist_id=booking.specialist_id,
            starts_at=booking.starts_at,
            source="ar",
            target="en",
            form_token="other",
            created_by=booking.patient_id,
        )
        session.add(other)
        session.flush()
        session.add(
            Claim(person_id=busy.person_id, quarter=booking.quarters.start, booking_id=other.id)
        )
        session.get_one(Person, gone.person_id).active = False
    page = office.get(at(meeting)).text
    assert fits.person.name in page
    for one in (over, busy, gone):
        assert one.id not in page
        refused = office.post(at(meeting), credential=one.id)
        assert (
            refused.status_code == 422
            and "Choose one of the interpreters in the list." in refused.text
        )
    again = [office.post(at(meeting), credential=fits.id).status_code for _ in range(2)]
    assert again == [200, 422]
    assert office.post(at(meeting), credential="nobody").status_code == 422
    assert office.post(at(meeting)).status_code == 422


def test_only_the_office_calls_and_only_before_the_end(
    app: Flask,
    database: Database,
    meeting: Meeting,
    office: Visitor,
    held: Callable[..., Qualification],
) -> None:
    called = held("fa", "ar")
    for one in (meeting.circle.patient, meeting.circle.specialist, meeting.circle.interpreter):
        visitor = Visitor(app, one)
        assert visitor.get(at(meeting)).status_code == 404
        assert visitor.post(at(meeting), credential=called.id).status_code == 404
    with database.unit_of_work() as session:
        session.get_one(Consult, meeting.consult_id).state = ConsultState.ENDED
    assert office.get(at(meeting)).status_code == 409
    assert office.post(at(meeting), credential=called.id).status_code == 409
    with database.sessions() as session:
        assert (
            session.scalars(select(Seat).where(Seat.person_id == called.person_id)).first() is None
        )
