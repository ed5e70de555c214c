"""The hours, credentials and bookings of the demo."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.cases.demo import find_demo_case
from app.cases.models import Case
from app.core import clock
from app.core.demo import DemoDiary
from app.core.ids import new_id
from app.identity.demo import DEMO_PEOPLE, load_demo_people
from app.identity.models import Person
from app.scheduling.availability import hours
from app.scheduling.availability.hours import WeeklyHours
from app.scheduling.bookings import service as bookings
from app.scheduling.bookings.slot_request import SlotRequest
from app.scheduling.interpreters import credentials, ladder
from app.scheduling.interpreters.credentials import InterpreterCredential
from app.scheduling.matching.queries import find_slots_for_case
from app.scheduling.models import Booking
from app.scheduling.time.quarters import QUARTER_MINUTES, instant_of, quarter_of


def seed_demo_bookings(diary: DemoDiary) -> None:
    """Opens everyone's hours now, and plans the bookings."""
    session, people = diary.session, load_demo_people(diary.session)
    _open_hours(session, people)
    diary.on(4, lambda: _book_past_consult(session, find_demo_case(session, people["patient7"])))
    diary.on(0.4, lambda: _choose_a_fair_time(session, find_demo_case(session, people["patient4"])))


def _open_hours(session: Session, people: dict[str, Person]) -> None:
    for one in DEMO_PEOPLE:
        owner = people[one.key]
        if one.hours:
            start, end = one.hours
            week = [WeeklyHours(day, start * 60, end * 60) for day in range(5)]
            hours.set_availability(session, owner, owner, week, one.timezone)
        for source, target in one.pairs:
            credentials.add_qualification(
                session,
                people["coordinator"],
                owner,
                InterpreterCredential(
                    source,
                    target,
                    credential="CHI",
                    number=f"CHI-{one.key.upper()}",
                    issuer="CCHI",
                    valid_until=(clock.now() + timedelta(days=900)).date(),
                ),
            )


def _choose_a_fair_time(session: Session, case: Case) -> Booking:
    """The patient takes the fairest time from two days on."""
    search = find_slots_for_case(session, case, first=clock.now() + timedelta(days=2))
    slot = search.slots[0]
    wish = SlotRequest(instant_of(slot.quarter), slot.specialist_id, slot.interpreter_id)
    return bookings.book_slot(session, case.patient, case, wish, new_id())


def _book_past_consult(session: Session, case: Case) -> None:
    """A meeting a day later, which the interpreter has accepted."""
    book_demo_consult(session, case, next_quarter(clock.now() + timedelta(days=1)))


def book_demo_consult(session: Session, case: Case, at: datetime) -> Booking:
    """The office books the case's meeting with the demo's specialist and interpreter, who says
    yes. Raises a ``Refusal`` where one of them cannot come.
    """
    people = load_demo_people(session)
    wish = SlotRequest(at, people["specialist"].id, people["interpreter"].id)
    booking = bookings.book_slot(
        session, people["coordinator"], case, wish, new_id(), override_reason="Demonstration"
    )
    if booking.engagement is not None and booking.interpreter is not None:
        ladder.accept_engagement(session, booking.interpreter, booking.engagement)
    return booking


def next_quarter(at: datetime) -> datetime:
    """The first full quarter of an hour after ``at``."""
    return instant_of(quarter_of(at + timedelta(minutes=QUARTER_MINUTES)))
