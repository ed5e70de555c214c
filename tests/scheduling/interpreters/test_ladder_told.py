"""Refusal, silence and no-show: the next interpreter is asked by itself, and each person reads it
in their language.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.core import clock
from app.core.db import Database
from app.core.permissions import Role
from app.identity.models import Person
from app.notifications.models import Mail, Notice
from app.scheduling.availability import hours
from app.scheduling.bookings import rescue, service
from app.scheduling.interpreters import credentials, ladder
from app.scheduling.interpreters.credentials import InterpreterCredential
from app.scheduling.models import Booking, EngagementState
from tests.people import an_accepted_case
from tests.scheduling import clinic as c
from tests.work import run_jobs

SCRIPT = {
    "ar": re.compile("[\u0600-\u06ff]{3}"),
    "es": re.compile(r"\b(videoconsulta|caso)\b", re.I),
    "en": re.compile(r"\bconsultation\b"),
}


def an_interpreter_who_reads(session, coordinator: Person, language: str) -> Person:
    person = c.a_person(session, Role.INTERPRETER, language=language, timezone="Europe/Lisbon")
    credentials.add_qualification(
        session, coordinator, person, InterpreterCredential("ar", "en", "CHI")
    )
    hours.set_availability(session, person, person, c.NINE_TO_FIVE, "Europe/Lisbon")
    return person


@pytest.fixture
def clinic(database: Database) -> c.Clinic:
    with database.unit_of_work() as session:
        coordinator = c.a_person(session, Role.COORDINATOR, language="es")
        patient = c.a_person(session, Role.PATIENT, language="ar", timezone="Africa/Cairo")
        specialist = c.a_specialist(session)
        interpreter = an_interpreter_who_reads(session, coordinator, "es")
        case = an_accepted_case(session, patient, coordinator, specialist)
        made = c.Clinic(coordinator, patient, specialist, interpreter, case)
        service.book_slot(session, patient, case, made.wish(), "t")
        return made


def mails(database: Database) -> dict[str, dict[str, Mail]]:
    """By person and kind."""
    found: dict[str, dict[str, Mail]] = defaultdict(dict)
    with database.sessions() as session:
        for mail, notice in session.execute(
            select(Mail, Notice).join(Notice, Notice.id == Mail.notice_id)
        ):
            found[notice.person_id][notice.kind] = mail
    return found


def reads(mail: Mail, language: str) -> bool:
    """Written in that language: subject and first paragraph hold its words or letters."""
    first = mail.body.split("\n\n")[0]
    return mail.language == language and bool(SCRIPT[language].search(mail.subject + " " + first))


@pytest.mark.parametrize(
    "trouble, state",
    [
        ("refusal", EngagementState.DECLINED),
        ("silence", EngagementState.REPLACED),
        ("no-show", EngagementState.NO_SHOW),
    ],
)
def test_the_next_one_is_asked_and_everyone_is_told_in_their_language(
    app: Flask, clinic: c.Clinic, database: Database, trouble: str, state: str
):
    with database.unit_of_work() as session:
        second = an_interpreter_who_reads(session, clinic.coordinator, "ar")
        booking = session.scalars(select(Booking)).one()
        starts_at = booking.starts_at
        if trouble == "refusal":
            ladder.decline_engagement(session, clinic.interpreter, booking.engagement)
    if trouble == "silence":
        with clock.freeze_clock(starts_at - timedelta(hours=24, minutes=-1)):
            run_jobs(app)  # nobody has to do anything
    if trouble == "no-show":
        with clock.freeze_clock(starts_at + timedelta(minutes=3)):
            with database.unit_of_work() as session:
                rescue.report_no_show(session, None, session.scalars(select(Booking)).one())
            run_jobs(app)
    run_jobs(app)
    with database.sessions() as session:
        booking = session.scalars(select(Booking)).one()
        assert booking.interpreter_id == second.id
        assert booking.engagement_of(clinic.interpreter.id).state == state
    told = mails(database)
    assert reads(told[clinic.patient.id]["interpreter_replaced"], "ar")
    assert reads(told[clinic.specialist.id]["interpreter_replaced"], "en")
    assert reads(told[clinic.coordinator.id]["interpreter_replaced"], "es")
    assert reads(told[clinic.interpreter.id]["engagement_ended"], "es")
    proposed = told[second.id]["engagement_proposed"]
    assert reads(proposed, "ar") and proposed.body.count("/answers/") == 2


def test_nobody_is_left_and_only_the_office_is_told_so(
    app: Flask, clinic: c.Clinic, database: Database
):
    with database.unit_of_work() as session:
        booking = session.scalars(select(Booking)).one()
        ladder.decline_engagement(session, clinic.interpreter, booking.engagement)
    run_jobs(app)
    told = mails(database)
    assert reads(told[clinic.coordinator.id]["interpreter_missing"], "es")
    assert all(
        "interpreter_missing" not in kinds
        for person, kinds in told.items()
        if person != clinic.coordinator.id
    )


def test_the_ways_out_tell_everyone_in_their_language(
    app: Flask, clinic: c.Clinic, database: Database
):
    """The specialist is ill, then somebody is late: each change reaches each person in their own
    words.
    """
    with database.unit_of_work() as session:
        other = c.a_specialist(session, timezone="Asia/Tokyo")
        hours.set_availability(
            session, other, other, [hours.WeeklyHours(d, 0, 24 * 60) for d in range(7)], "UTC"
        )
        booking = session.scalars(select(Booking)).one()
        rescue.change_booking_specialist(
            session, clinic.coordinator, booking, session.get_one(Person, other.id)
        )
        rescue.postpone_booking(session, clinic.coordinator, booking)
    run_jobs(app)
    told = mails(database)
    assert reads(told[clinic.specialist.id]["booking_cancelled"], "en")
    for person, language in ((clinic.patient, "ar"), (other, "en"), (clinic.interpreter, "es")):
        assert reads(told[person.id]["booking_moved"], language)
