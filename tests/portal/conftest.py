"""A small hospital: one of each role, and cases where the tests need them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.cases.models import Case
from app.core.clock import now
from app.core.db import Database
from app.core.permissions import Role
from app.identity.models import Person
from app.scheduling.bookings import service as bookings
from app.scheduling.bookings.slot_request import SlotRequest
from app.scheduling.interpreters import credentials
from app.scheduling.interpreters.credentials import InterpreterCredential
from app.scheduling.models import Booking
from app.scheduling.time.quarters import instant_of, quarter_of
from tests.people import a_case, a_person, an_accepted_case


@dataclass(frozen=True)
class Hospital:
    patient: Person
    coordinator: Person
    specialist: Person
    interpreter: Person


@pytest.fixture
def hospital(database: Database) -> Hospital:
    with database.unit_of_work() as session:
        made = Hospital(
            a_person(
                session,
                Role.PATIENT,
                name="Layla Harbi",
                language="ar",
                timezone="Asia/Riyadh",
                country="SA",
            ),
            a_person(session, Role.COORDINATOR, name="Maria Ortega"),
            a_person(
                session,
                Role.SPECIALIST,
                name="Anna Bergmann",
                specialties=["oncology"],
                timezone="Europe/Berlin",
            ),
            a_person(
                session,
                Role.INTERPRETER,
                name="Omar Haddad",
                language="ar",
                speaks=["en"],
                timezone="Africa/Cairo",
            ),
        )
        credentials.add_qualification(
            session,
            made.coordinator,
            made.interpreter,
            InterpreterCredential("ar", "en", valid_until=date.max.replace(year=now().year + 1)),
        )
    return made


@pytest.fixture
def sent(hospital: Hospital, look: Callable[..., Any]) -> Case:
    """A case that has just arrived."""
    return look(lambda session: a_case(session, session.get_one(Person, hospital.patient.id)))


@pytest.fixture
def accepted(hospital: Hospital, look: Callable[..., Any]) -> Case:
    """A case with specialist, whose patient now chooses a time."""
    return look(
        lambda session: an_accepted_case(
            session,
            *(
                session.get_one(Person, one.id)
                for one in (hospital.patient, hospital.coordinator, hospital.specialist)
            ),
        )
    )


@pytest.fixture
def booked(hospital: Hospital, accepted: Case, look: Callable[..., Any]) -> Booking:
    """A meeting of the accepted case in three days, to which the interpreter has not yet
    answered.
    """

    def book(session: Session) -> Booking:
        at = instant_of(quarter_of(now() + timedelta(days=3)))
        return bookings.book_slot(
            session,
            session.get_one(Person, hospital.coordinator.id),
            session.get_one(Case, accepted.id),
            SlotRequest(at, hospital.specialist.id, hospital.interpreter.id),
            "token",
            override_reason="test",
        )

    return look(book)
