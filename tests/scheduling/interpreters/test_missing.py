"""The rule which meetings lack an interpreter, in Python and in SQL, says the same."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clock import now
from app.scheduling.bookings import service
from app.scheduling.interpreters.missing import lacks_interpreter, lacks_interpreter_condition
from app.scheduling.models import Booking, BookingState, EngagementState
from app.scheduling.queries import list_cases_without_interpreter, unfilled_bookings
from tests.scheduling.clinic import Clinic, an_interpreter

LONG = 6  # an hour and a half takes two interpreters


@pytest.fixture
def booking(session: Session, clinic: Clinic) -> Booking:
    partner = an_interpreter(session, clinic.coordinator)
    wish = clinic.wish(length=LONG, second_interpreter_id=partner.id)
    return service.book_slot(session, clinic.patient, clinic.case, wish, "t")


def test_both_forms_agree_for_every_state(session: Session, booking: Booking):
    first, second = booking.current_engagements
    answers = set()
    for state, ahead, needed, length, one, other in product(
        BookingState, (True, False), (True, False), (3, LONG), EngagementState, EngagementState
    ):
        booking.state, booking.length, booking.needs_interpreter = state, length, needed
        booking.starts_at = now() + timedelta(hours=1 if ahead else -1)
        first.state, second.state = one, other
        session.flush()
        by_query = session.scalar(
            select(Booking.id).where(Booking.id == booking.id, lacks_interpreter_condition())
        )
        assert lacks_interpreter(booking) == (by_query is not None), (
            state,
            ahead,
            needed,
            length,
            one,
            other,
        )
        answers.add(by_query is not None)
    assert answers == {True, False}


def test_the_office_is_told_until_both_have_agreed(
    session: Session, booking: Booking, clinic: Clinic
):
    office = clinic.coordinator
    for engagement in booking.current_engagements:
        assert lacks_interpreter(booking) and unfilled_bookings(session, office) == [booking]
        assert list_cases_without_interpreter(session, office) == (booking.case_id,)
        engagement.state = EngagementState.ACCEPTED
        session.flush()
    assert not lacks_interpreter(booking) and unfilled_bookings(session, office) == []
    assert list_cases_without_interpreter(session, office) == ()
