"""An interpreter who does not come is reported by the consult itself, and whoever steps in finds a
seat.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.consults.interpreting import no_show
from app.consults.models import Seat
from app.consults.room import service, watch
from app.consults.room.timeline import record_consult_event
from app.core.clock import now, shift_clock
from app.core.db import Database
from app.core.outbox import Job, JobContext
from app.core.permissions import Role
from app.identity.models import Person
from app.scheduling.availability import hours
from app.scheduling.interpreters import credentials
from app.scheduling.interpreters.credentials import InterpreterCredential
from app.scheduling.models import Booking, Engagement, EngagementState
from app.scheduling.time.quarters import quarter_of
from tests.consults.conftest import Chair, Meeting, Sit, let_in
from tests.people import a_person
from tests.world import ALWAYS


@pytest.fixture
def second(database: Database, meeting: Meeting) -> Person:
    """Another interpreter of the pair, who is free. The meeting has begun more than three minutes
    ago.
    """
    with database.unit_of_work() as session:
        booking = session.get_one(Booking, meeting.circle.booking.id)
        earlier = now() - timedelta(minutes=4)
        booking.starts_at = earlier - timedelta(seconds=earlier.timestamp() % 900)
        assert quarter_of(booking.starts_at)
        booking.engagements[0].proposed_at = booking.starts_at - timedelta(days=1)
        person = a_person(
            session, Role.INTERPRETER, language="ar", speaks=["en"], timezone="Africa/Cairo"
        )
        office = session.get_one(Person, meeting.coordinator.id)
        credentials.add_qualification(
            session, office, person, InterpreterCredential("ar", "en", "CHI")
        )
        hours.set_availability(session, person, person, ALWAYS, person.timezone)
        return person


def a_round(app: Flask, database: Database) -> None:
    with app.app_context(), database.unit_of_work() as session:
        watch.watch_consults_once(session)


def the_job(database: Database, app: Flask) -> int:
    """Runs what was queued; how often it was."""
    with app.app_context(), database.unit_of_work() as session:
        jobs = session.scalars(select(Job).where(Job.kind == no_show.NO_SHOW_JOB)).all()
        for job in jobs:
            no_show.run_no_show_report(session, job.payload, JobContext(None, None, database))
        return len(jobs)


def test_the_next_one_is_asked_and_has_a_seat(
    app: Flask,
    database: Database,
    meeting: Meeting,
    second: Person,
    doctor: Chair,
    patient: Chair,
    chair: Sit,
) -> None:
    a_round(app, database)
    a_round(app, database)
    assert patient.heard("state")[-1]["interpreterSought"] is True
    assert the_job(database, app) == 1, "once, however often one looks"
    a_round(app, database)
    state = patient.heard("state")[-1]
    assert state["interpreterSought"] is True
    assert [seat["name"] for seat in state["seats"] if seat["pair"]] == [second.name]
    with database.sessions() as session:
        states = dict(
            tuple(row)
            for row in session.execute(select(Engagement.interpreter_id, Engagement.state))
        )
    assert states == {
        meeting.circle.interpreter.id: EngagementState.NO_SHOW,
        second.id: EngagementState.PROPOSED,
    }
    assert (
        chair(meeting.circle.interpreter).visitor.get(f"/consults/{meeting.consult_id}").status_code
        == 404
    )
    stepped_in = let_in(chair, doctor, second)
    assert stepped_in.seat().is_in_room
    assert patient.heard("state")[-1]["interpreterSought"] is False


def test_with_nobody_left_to_ask_the_late_one_still_finds_the_place(
    app: Flask,
    database: Database,
    meeting: Meeting,
    second: Person,
    doctor: Chair,
    patient: Chair,
    chair: Sit,
) -> None:
    with database.unit_of_work() as session:
        session.get_one(Person, second.id).active = False
    a_round(app, database)
    assert the_job(database, app) == 1
    a_round(app, database)
    assert patient.heard("state")[-1]["interpreterSought"] is True
    with database.sessions() as session:
        told = [
            one.payload["person_id"]
            for one in session.scalars(select(Job).where(Job.kind == "notify"))
            if one.payload["kind"] == "interpreter_missing"
        ]
    assert told == [meeting.coordinator.id]
    late = let_in(chair, doctor, meeting.circle.interpreter)
    assert late.seat().is_in_room and patient.heard("state")[-1]["interpreterSought"] is False


def test_of_a_team_the_one_who_did_not_come_is_replaced_while_the_meeting_goes_on(
    app: Flask,
    database: Database,
    meeting: Meeting,
    second: Person,
    doctor: Chair,
    patient: Chair,
    interpreter: Chair,
    chair: Sit,
) -> None:
    with database.unit_of_work() as session:
        booking = session.get_one(Booking, meeting.circle.booking.id)
        absent = a_person(session, Role.INTERPRETER, language="ar", speaks=["en"])
        booking.length = 6  # an hour and a half takes two
        booking.seat(absent)
        booking.engagements.append(
            Engagement(
                booking_id=booking.id,
                interpreter_id=absent.id,
                state=EngagementState.ACCEPTED,
                proposed_at=booking.starts_at - timedelta(days=1),
            )
        )
    a_round(app, database)
    a_round(app, database)
    assert the_job(database, app) == 1, "of the one who is missing"
    a_round(app, database)
    state = patient.heard("state")[-1]
    assert state["interpreterSought"] is False, "one of them interprets"
    assert {seat["name"] for seat in state["seats"] if seat["pair"]} == {
        meeting.circle.interpreter.name,
        second.name,
    }
    with database.sessions() as session:
        states = dict(
            tuple(row)
            for row in session.execute(select(Engagement.interpreter_id, Engagement.state))
        )
        booking = session.get_one(Booking, meeting.circle.booking.id)
        assert {one.id for one in booking.interpreters} == {
            meeting.circle.interpreter.id,
            second.id,
        }
    assert (
        states[absent.id] == EngagementState.NO_SHOW
        and states[second.id] == EngagementState.PROPOSED
    )
    assert states[meeting.circle.interpreter.id] != EngagementState.NO_SHOW
    assert let_in(chair, doctor, second).seat().is_in_room
    assert interpreter.seat().is_in_room


def test_one_who_waits_at_the_door_or_comes_just_in_time_is_not_missing(
    app: Flask, database: Database, meeting: Meeting, second: Person, doctor: Chair, chair: Sit
) -> None:
    a_round(app, database)
    chair(meeting.circle.interpreter).sits()
    the_job(database, app)
    with database.sessions() as session:
        assert (
            session.get_one(Booking, meeting.circle.booking.id).interpreter_id
            == meeting.circle.interpreter.id
        )


def test_nobody_is_missing_before_the_time_or_while_nobody_waits(
    app: Flask, database: Database, meeting: Meeting, second: Person, doctor: Chair
) -> None:
    with database.unit_of_work() as session:
        session.get_one(Booking, meeting.circle.booking.id).engagements[
            0
        ].proposed_at = now()  # asked just now
    a_round(app, database)
    assert the_job(database, app) == 0
    doctor.says("seat.leave")
    with shift_clock(timedelta(minutes=4)):
        a_round(app, database)
    assert the_job(database, app) == 0


def test_the_minutes_worked_are_noted_at_the_end(
    database: Database, meeting: Meeting, doctor: Chair, interpreter: Chair
) -> None:
    with database.unit_of_work() as session:
        seat = session.get_one(Seat, interpreter.seat_id)
        with shift_clock(timedelta(minutes=12, seconds=5)):
            record_consult_event(session, seat.consult, "left", seat)
            service.close_consult(session, meeting.circle.specialist, seat.consult)
    with database.sessions() as session:
        assert session.scalars(select(Engagement.minutes_worked)).one() == 13
