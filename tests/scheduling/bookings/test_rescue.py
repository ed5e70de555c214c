"""When something goes wrong: each trouble has its way out, and everyone is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cases import queries as case_queries
from app.core import clock
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.outbox import Job
from app.core.permissions import Role
from app.scheduling.bookings import rescue, service
from app.scheduling.bookings.claims import SlotTaken
from app.scheduling.interpreters import ladder
from app.scheduling.models import Booking, Claim, EngagementState
from tests.scheduling.clinic import Clinic, a_specialist, an_interpreter, another_case, next_noon


def claimed(session: Session, booking: Booking) -> set[tuple[str, int]]:
    rows = session.execute(
        select(Claim.person_id, Claim.quarter).where(Claim.booking_id == booking.id)
    )
    return {(person_id, quarter) for person_id, quarter in rows}


def is_whole(session: Session, booking: Booking) -> bool:
    return claimed(session, booking) == {
        (p.id, q) for p in booking.people for q in booking.quarters
    }


def told(session: Session, kind: str) -> set[str]:
    jobs = session.scalars(select(Job).where(Job.kind == "notify"))
    return {job.payload["person_id"] for job in jobs if job.payload["kind"] == kind}


def test_the_interpreter_does_not_come(session: Session, clinic: Clinic, booking: Booking):
    second = an_interpreter(session, clinic.coordinator)
    first = booking.engagement
    with pytest.raises(Conflict, match="not started"):
        rescue.report_no_show(session, clinic.specialist, booking)
    with clock.freeze_clock(booking.starts_at + timedelta(minutes=3)):
        with pytest.raises(Forbidden):
            rescue.report_no_show(session, clinic.patient, booking)
        assert rescue.report_no_show(session, None, booking) is second
        assert booking.engagement.answer_by == clock.now() + ladder.MIN_TIME_TO_ANSWER
    assert first.state == EngagementState.NO_SHOW and is_whole(session, booking)
    assert {clinic.patient.id, clinic.specialist.id, clinic.coordinator.id} <= told(
        session, "interpreter_replaced"
    )


def test_the_interpreter_cancels_twenty_minutes_before(
    session: Session, clinic: Clinic, booking: Booking
):
    second = an_interpreter(session, clinic.coordinator)
    ladder.accept_engagement(session, clinic.interpreter, booking.engagement)
    with clock.freeze_clock(booking.starts_at - timedelta(minutes=20)):
        ladder.decline_engagement(session, clinic.interpreter, booking.engagement, "ill")
        assert booking.interpreter is second
        assert booking.engagement.answer_by == booking.starts_at - timedelta(minutes=10)


def test_the_specialist_is_ill(session: Session, clinic: Clinic, booking: Booking):
    other = a_specialist(session)
    a_specialist(session, language="fr")  # speaks another language: no substitute
    assert rescue.find_substitute_specialists(session, booking) == [other]
    rescue.change_booking_specialist(session, clinic.coordinator, booking, other)
    assert (
        booking.specialist is other
        and booking.interpreter is clinic.interpreter
        and is_whole(session, booking)
    )
    assert case_queries.find_member_of_role(session, clinic.case.id, Role.SPECIALIST) is other
    assert case_queries.find_membership(session, clinic.specialist, clinic.case.id) is None
    assert clinic.specialist.id in told(session, "booking_cancelled")
    assert {p.id for p in booking.people} <= told(session, "booking_moved")


def test_a_substitute_who_is_taken_meanwhile_changes_nothing(
    session: Session, clinic: Clinic, booking: Booking
):
    other = a_specialist(session)
    session.add_all(
        Claim(person_id=other.id, quarter=q, booking_id=booking.id)
        for q in list(booking.quarters)[:1]
    )
    session.flush()
    with pytest.raises(SlotTaken):
        rescue.change_booking_specialist(session, clinic.coordinator, booking, other)
    session.expire_all()
    assert booking.specialist_id == clinic.specialist.id
    assert (
        case_queries.find_member_of_role(session, clinic.case.id, Role.SPECIALIST).id
        == clinic.specialist.id
    )


def test_the_patient_is_fifteen_minutes_late(session: Session, clinic: Clinic, booking: Booking):
    with clock.freeze_clock(booking.starts_at + timedelta(minutes=5)):
        rescue.postpone_booking(session, clinic.coordinator, booking)
    assert booking.starts_at == next_noon() + timedelta(minutes=15) and is_whole(session, booking)
    member = case_queries.find_membership(session, clinic.interpreter, clinic.case.id)
    assert member is not None and member.until == booking.ends_at + timedelta(hours=1)
    assert {p.id for p in booking.people} <= told(session, "booking_moved")
    with pytest.raises(Invalid):
        rescue.postpone_booking(session, clinic.coordinator, booking, 9)


def test_somebody_has_another_meeting_right_after(
    session: Session, clinic: Clinic, booking: Booking
):
    other = another_case(session, clinic)
    service.book_slot(session, other.patient, other, clinic.wish(booking.ends_at), "u")
    with pytest.raises(SlotTaken):
        rescue.postpone_booking(session, clinic.coordinator, booking)
    session.expire_all()
    assert booking.starts_at == next_noon() and is_whole(session, booking)


def test_the_wrong_language_was_booked(session: Session, clinic: Clinic, booking: Booking):
    persian = an_interpreter(session, clinic.coordinator, source="fa")
    assert rescue.change_booking_language(session, clinic.coordinator, booking, "fa") is persian
    assert (booking.source, booking.interpreter) == ("fa", persian) and is_whole(session, booking)
    assert rescue.change_booking_language(session, clinic.coordinator, booking, "en") is None
    assert (
        booking.interpreter is None and not booking.needs_interpreter and is_whole(session, booking)
    )
    with pytest.raises(Invalid):
        rescue.change_booking_language(session, clinic.coordinator, booking, "??")


def test_only_the_office_rescues(session: Session, clinic: Clinic, booking: Booking):
    for act in (
        lambda: rescue.ask_another_interpreter(session, clinic.patient, booking),
        lambda: rescue.postpone_booking(session, clinic.specialist, booking),
        lambda: rescue.change_booking_specialist(
            session, clinic.patient, booking, clinic.specialist
        ),
        lambda: rescue.change_booking_language(session, clinic.interpreter, booking, "fa"),
    ):
        with pytest.raises(Forbidden):
            act()
