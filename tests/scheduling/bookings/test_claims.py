"""Claims at their edges: a hold that lost some quarters, and what a database gave up."""

from __future__ import annotations

import pytest
from sqlalchemy import delete
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.core.clock import now
from app.scheduling.bookings import claims, service
from app.scheduling.bookings.claims import OutsideHours, SlotTaken
from app.scheduling.models import Booking, BookingState, Claim
from tests.scheduling.clinic import Clinic

DEADLOCK, SERIALIZATION_FAILURE, DISK_FULL = "40P01", "40001", "53100"


class GivenUp(Exception):
    """What a driver raises: the database's error code is its ``sqlstate``."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


def fail_times(times: int, sqlstate: str):
    """A function that is given up ``times`` times and then answers; and how often it was called."""
    calls: list[int] = []

    def act() -> str:
        calls.append(len(calls))
        if len(calls) <= times:
            raise OperationalError("INSERT", {}, GivenUp(sqlstate))
        return "done"

    return act, calls


def test_a_hold_that_lost_some_quarters_is_confirmed_when_they_are_free_again(
    session: Session, clinic: Clinic
):
    held = service.hold_slot(session, clinic.patient, clinic.case, clinic.wish(), "t")
    first = held.quarters.start
    session.execute(delete(Claim).where(Claim.booking_id == held.id, Claim.quarter == first))
    assert service.confirm_booking(session, clinic.patient, held).state == BookingState.CONFIRMED
    assert claims.count_claims(session, held) == held.length * len(held.people) == 9


@pytest.mark.parametrize("sqlstate", [DEADLOCK, SERIALIZATION_FAILURE])
def test_what_the_database_gave_up_for_another_is_tried_again(session: Session, sqlstate: str):
    act, calls = fail_times(4, sqlstate)
    assert claims.retry_on_deadlock(session, act) == "done"
    assert len(calls) == 5


def test_after_five_tries_the_failure_is_told(session: Session):
    act, calls = fail_times(5, DEADLOCK)
    with pytest.raises(OperationalError):
        claims.retry_on_deadlock(session, act)
    assert len(calls) == 5


def test_any_other_failure_is_told_at_once(session: Session):
    act, calls = fail_times(1, DISK_FULL)
    with pytest.raises(OperationalError):
        claims.retry_on_deadlock(session, act)
    assert len(calls) == 1


def test_a_refusal_says_whose_rules_and_why():
    refusal = OutsideHours("The specialist is away.", who="Dr. Chen")
    assert (refusal.sentence, refusal.who) == ("The specialist is away.", "Dr. Chen")
    assert OutsideHours().sentence == SlotTaken.default


@pytest.mark.parametrize("quarters_apart, is_near", [(1, True), (2, True), (3, False)])
def test_the_buffer_ends_exactly_where_it_ends(
    session: Session, clinic: Clinic, booking: Booking, quarters_apart: int, is_near: bool
):
    """A claim ``quarters_apart`` quarters before the booking, with a buffer of two quarters."""
    other = Booking(
        case_id=clinic.case.id,
        patient_id=clinic.patient.id,
        specialist_id=clinic.specialist.id,
        starts_at=booking.starts_at,
        length=1,
        source="ar",
        target="en",
        state=BookingState.CONFIRMED,
        created_by=clinic.patient.id,
        form_token="other",
    )
    session.add(other)
    session.flush()
    quarter = booking.quarters.start - quarters_apart
    session.add(Claim(person_id=clinic.specialist.id, quarter=quarter, booking_id=other.id))
    session.flush()
    near = claims.is_near_another_booking(session, booking, clinic.specialist.id, 2)
    assert near is is_near
    assert now() < booking.starts_at
