"""A small clinic for the tests: an accepted case of a patient in Cairo, a specialist in Berlin,
interpreters, hours.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.cases.models import Case
from app.core.clock import now
from app.core.permissions import Role
from app.identity.models import Person
from app.scheduling.availability import hours
from app.scheduling.availability.hours import WeeklyHours
from app.scheduling.bookings.slot_request import SlotRequest
from app.scheduling.interpreters import credentials
from app.scheduling.interpreters.credentials import InterpreterCredential
from tests.people import an_accepted_case, give_role

_count = itertools.count(1)
NINE_TO_FIVE = [WeeklyHours(weekday, 9 * 60, 17 * 60) for weekday in range(7)]


@dataclass
class Clinic:
    coordinator: Person
    patient: Person
    specialist: Person
    interpreter: Person
    case: Case

    def wish(self, at: datetime | None = None, **facts: object) -> SlotRequest:
        return SlotRequest(at or next_noon(), self.specialist.id, self.interpreter.id, **facts)  # type: ignore[arg-type]


def a_person(session: Session, role: Role = Role.PATIENT, **facts: Any) -> Person:
    """Somebody who never signs in: no password is hashed, which is most of the time that
    registering takes.
    """
    number = next(_count)
    facts = {
        "name": f"{role.capitalize()} {number}",
        "email": f"{role}{number}@clinic.example",
    } | facts
    person = Person(role=role, password="-", country="DE", **facts)
    session.add(person)
    session.flush()
    give_role(session, person)
    return person


def next_noon(days: int = 3) -> datetime:
    """Noon, UTC, some days ahead: office hours for everyone in the clinic."""
    day = (now() + timedelta(days=days)).astimezone(UTC)
    return day.replace(hour=12, minute=0, second=0, microsecond=0)


def an_interpreter(
    session: Session,
    coordinator: Person,
    *,
    timezone: str = "Europe/Lisbon",
    source: str = "ar",
    target: str = "en",
    **credential: object,
) -> Person:
    """An interpreter with a credential and office hours."""
    person = a_person(
        session, Role.INTERPRETER, language=source, speaks=[target], timezone=timezone
    )
    credentials.add_qualification(
        session, coordinator, person, InterpreterCredential(source, target, "CHI", **credential)
    )  # type: ignore[arg-type]
    hours.set_availability(session, person, person, NINE_TO_FIVE, timezone)
    return person


def a_specialist(
    session: Session, *, timezone: str = "Europe/Berlin", language: str = "en"
) -> Person:
    person = a_person(
        session, Role.SPECIALIST, language=language, timezone=timezone, specialties=["oncology"]
    )
    hours.set_availability(session, person, person, NINE_TO_FIVE, timezone)
    return person


def a_clinic(session: Session) -> Clinic:
    coordinator = a_person(session, Role.COORDINATOR)
    patient = a_person(session, Role.PATIENT, language="ar", timezone="Africa/Cairo")
    specialist = a_specialist(session)
    interpreter = an_interpreter(session, coordinator)
    case = an_accepted_case(session, patient, coordinator, specialist)
    return Clinic(coordinator, patient, specialist, interpreter, case)


def another_case(session: Session, clinic: Clinic) -> Case:
    """Another patient who wants the same specialist."""
    patient = a_person(session, Role.PATIENT, language="ar", timezone="Africa/Cairo")
    return an_accepted_case(session, patient, clinic.coordinator, clinic.specialist)
