"""A consult of more than an hour takes two interpreters: both free, both asked, both told, each
with a substitute.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.cases import queries as cases
from app.cases.policy import is_current_member
from app.consults.room.service import ensure_consult
from app.core import clock
from app.core.errors import Conflict, Invalid
from app.core.outbox import Job
from app.core.permissions import Role
from app.identity.models import Person
from app.portal import case_page
from app.scheduling import queries
from app.scheduling.bookings import claims, rescue, service, slot_request
from app.scheduling.bookings.calendar_file import build_meeting_calendar
from app.scheduling.interpreters import briefs, ladder, statements
from app.scheduling.matching import candidates
from app.scheduling.matching import search as matching
from app.scheduling.matching.queries import find_slots_for_case
from app.scheduling.matching.slots import NoSlotCause
from app.scheduling.models import (
    Booking,
    BriefPreference,
    Claim,
    Engagement,
    EngagementState,
    InterpreterProfile,
)
from tests.scheduling.bookings.test_calendar_file import event_of
from tests.scheduling.clinic import Clinic, a_clinic, a_person, an_interpreter, next_noon

LONG = 6  # an hour and a half


@pytest.fixture
def partner(session: Session, clinic: Clinic) -> Person:
    return an_interpreter(session, clinic.coordinator)


@pytest.fixture
def booking(session: Session, clinic: Clinic, partner: Person) -> Booking:
    wish = clinic.wish(length=LONG, second_interpreter_id=partner.id)
    return service.book_slot(session, clinic.patient, clinic.case, wish, "t")


def told(session: Session, kind: str) -> list[str]:
    return [
        job.payload["person_id"]
        for job in session.scalars(select(Job).where(Job.kind == "notify"))
        if job.payload["kind"] == kind
    ]


def claims_by_person(session: Session) -> Counter[str]:
    return Counter(
        dict(session.execute(select(Claim.person_id, func.count()).group_by(Claim.person_id)).all())
    )


def test_both_are_claimed_asked_and_let_in(
    session: Session, clinic: Clinic, partner: Person, booking: Booking
):
    assert (
        booking.interpreters == [clinic.interpreter, partner] and booking.interpreters_missing == 0
    )
    assert set(claims_by_person(session).values()) == {LONG} and len(claims_by_person(session)) == 4
    assert sorted(told(session, "engagement_proposed")) == sorted(
        [clinic.interpreter.id, partner.id]
    )
    for interpreter in booking.interpreters:
        assert is_current_member(cases.find_membership(session, interpreter, clinic.case.id))
        ladder.accept_engagement(session, interpreter, booking.engagement_of(interpreter.id))
        brief = briefs.load_interpreter_brief(
            session, interpreter, booking.engagement_of(interpreter.id)
        )
        assert brief.engagement.booking is booking
    assert [one.booking for one in queries.engagements_of(session, partner)] == [booking]
    assert queries.upcoming_bookings(session, partner) == [booking]


def test_both_stand_among_the_people_of_the_case(
    session: Session, clinic: Clinic, partner: Person, booking: Booking
):
    people = case_page.build_case_page(session, partner, clinic.case).people
    assert [one for role, one in people if role == Role.INTERPRETER] == [
        clinic.interpreter,
        partner,
    ]
    assert len(people) == len({one.id for _, one in people})


def test_the_consult_has_a_seat_for_each_and_the_calendar_names_both(
    session: Session, clinic: Clinic, partner: Person, booking: Booking
):
    consult = ensure_consult(session, booking)
    assert {seat.person_id for seat in consult.present_seats if seat.pair} == {
        clinic.interpreter.id,
        partner.id,
    }
    event = event_of(build_meeting_calendar(booking, partner, site="https://c.example"))
    assert event["STATUS"] == "TENTATIVE" and event["DESCRIPTION"].count("المترجم الشفوي:") == 2


def test_a_long_meeting_with_one_interpreter_is_refused_and_an_hour_is_not(
    session: Session, clinic: Clinic
):
    with pytest.raises(Invalid, match="two interpreters"):
        service.book_slot(session, clinic.patient, clinic.case, clinic.wish(length=5), "t")
    assert (
        service.book_slot(
            session, clinic.patient, clinic.case, clinic.wish(length=4), "t"
        ).second_interpreter
        is None
    )


@pytest.mark.parametrize("place", [0, 1])
def test_either_has_a_substitute(
    session: Session, clinic: Clinic, partner: Person, booking: Booking, place: int
):
    third = an_interpreter(session, clinic.coordinator)
    gone, stays = booking.interpreters[place], booking.interpreters[1 - place]
    ladder.decline_engagement(session, gone, booking.engagement_of(gone.id))
    assert (
        set(booking.interpreters) == {stays, third}
        and booking.engagement_of(third.id).state == "proposed"
    )
    assert gone.id not in claims_by_person(session) and claims_by_person(session)[third.id] == LONG
    assert stays.id in told(
        session, "interpreter_replaced"
    )  # they learn with whom they will take turns
    assert not is_current_member(cases.find_membership(session, gone, clinic.case.id))


def test_with_nobody_left_the_office_sees_the_empty_place(
    session: Session, clinic: Clinic, partner: Person, booking: Booking
):
    for one in booking.interpreters:
        ladder.accept_engagement(session, one, booking.engagement_of(one.id))
    assert queries.unfilled_bookings(session, clinic.coordinator) == []
    ladder.decline_engagement(session, partner, booking.engagement_of(partner.id))
    assert booking.interpreters == [clinic.interpreter] and booking.interpreters_missing == 1
    assert told(session, "interpreter_missing") == [clinic.coordinator.id]
    assert queries.unfilled_bookings(session, clinic.coordinator) == [booking]
    third = an_interpreter(session, clinic.coordinator)
    assert rescue.ask_another_interpreter(session, clinic.coordinator, booking) is third
    assert booking.interpreters == [
        clinic.interpreter,
        third,
    ]  # nobody was sent away to fill the empty place


def test_one_of_the_two_does_not_come(
    session: Session, clinic: Clinic, partner: Person, booking: Booking
):
    third = an_interpreter(session, clinic.coordinator)
    with clock.freeze_clock(booking.starts_at + timedelta(minutes=3)):
        rescue.report_no_show(session, clinic.specialist, booking, partner)
    assert set(booking.interpreters) == {clinic.interpreter, third}
    assert booking.engagement_of(partner.id).state == EngagementState.NO_SHOW


def test_silence_of_one_passes_only_their_request_on(
    session: Session, clinic: Clinic, partner: Person, booking: Booking
):
    third = an_interpreter(session, clinic.coordinator)
    ladder.accept_engagement(session, clinic.interpreter, booking.engagement)
    with clock.freeze_clock(booking.starts_at - timedelta(hours=24)):
        for engagement in list(booking.current_engagements):
            ladder.check_engagement_answer(session, engagement)
    assert set(booking.interpreters) == {clinic.interpreter, third}
    assert booking.engagement_of(clinic.interpreter.id).state == EngagementState.CONFIRMED


def test_move_cancel_and_put_off_take_both_along(
    session: Session, clinic: Clinic, partner: Person, booking: Booking
):
    service.move_booking(session, clinic.patient, booking, next_noon(4))
    assert set(claims_by_person(session).values()) == {LONG} and len(claims_by_person(session)) == 4
    assert [one.state for one in booking.current_engagements] == ["proposed", "proposed"]
    rescue.postpone_booking(session, clinic.coordinator, booking)
    assert claims.count_claims(session, booking) == 4 * LONG
    service.cancel_booking(session, clinic.patient, booking)
    assert not claims_by_person(session)
    assert {clinic.interpreter.id, partner.id} <= set(told(session, "booking_cancelled"))


def test_times_are_found_where_both_are_free(session: Session, clinic: Clinic, partner: Person):
    day = next_noon().replace(hour=0)
    found = find_slots_for_case(
        session, clinic.case, first=day, last=day + timedelta(days=1), length=LONG
    )
    assert found.slots and all(
        {slot.interpreter_id, slot.second_id} == {clinic.interpreter.id, partner.id}
        for slot in found.slots
    )
    slot = found.slots[0]
    wish = slot_request.SlotRequest(
        slot.starts_at, slot.specialist_id, slot.interpreter_id, LONG, slot.second_id
    )
    assert service.book_slot(session, clinic.patient, clinic.case, wish, "t").is_confirmed


def test_with_one_interpreter_the_reason_is_told_and_what_would_fit(
    session: Session, clinic: Clinic
):
    found = find_slots_for_case(session, clinic.case, length=LONG)
    assert not found.slots and found.next_at is None
    assert (found.reason.lack, found.reason.longest) == (NoSlotCause.SECOND_INTERPRETER, 4)


def test_nobody_is_their_own_partner(session: Session, clinic: Clinic):
    with pytest.raises(Invalid, match="two interpreters"):
        service.book_slot(
            session,
            clinic.patient,
            clinic.case,
            clinic.wish(length=LONG, second_interpreter_id=clinic.interpreter.id),
            "t",
        )


def test_the_partner_cannot_be_booked_elsewhere_meanwhile(
    session: Session, clinic: Clinic, partner: Person, booking: Booking
):
    other = a_clinic(session)
    wish = slot_request.SlotRequest(booking.starts_at, other.specialist.id, partner.id)
    with pytest.raises(Conflict):
        service.book_slot(session, other.patient, other.case, wish, "u")


class TestPreference:
    def said(self, session: Session, clinic: Clinic, *, only: bool) -> None:
        session.add(
            BriefPreference(
                case_id=clinic.case.id, tell="me", interpreter_gender="female", gender_only=only
            )
        )
        session.flush()

    def woman(self, session: Session, clinic: Clinic) -> Person:
        person = an_interpreter(session, clinic.coordinator)
        session.add(InterpreterProfile(person_id=person.id, gender="female"))
        session.flush()
        return person

    def test_rather_goes_first_and_nobody_is_left_out(self, session: Session, clinic: Clinic):
        self.said(session, clinic, only=False)
        woman = self.woman(session, clinic)
        found = find_slots_for_case(session, clinic.case)
        assert {slot.interpreter_id for slot in found.slots} == {
            woman.id
        }  # free whenever the other is
        service.book_slot(
            session, clinic.patient, clinic.case, clinic.wish(), "t"
        )  # but the other may be chosen

    def test_only_leaves_the_others_out_everywhere(self, session: Session, clinic: Clinic):
        self.said(session, clinic, only=True)
        assert find_slots_for_case(session, clinic.case).reason.lack == NoSlotCause.INTERPRETER
        with pytest.raises(Invalid, match="asked for another interpreter"):
            service.book_slot(session, clinic.patient, clinic.case, clinic.wish(), "t")
        woman = self.woman(session, clinic)
        wish = slot_request.SlotRequest(next_noon(), clinic.specialist.id, woman.id)
        booking = service.book_slot(session, clinic.patient, clinic.case, wish, "u")
        ladder.decline_engagement(session, woman, booking.engagement)
        assert booking.interpreter is None  # the ladder holds nobody else

    def test_the_office_may_override_with_a_reason(self, session: Session, clinic: Clinic):
        self.said(session, clinic, only=True)
        booking = service.book_slot(
            session, clinic.coordinator, clinic.case, clinic.wish(), "t", override_reason="agreed"
        )
        assert booking.interpreter is clinic.interpreter

    def test_dialect_and_field_count_before_the_load(self, session: Session, clinic: Clinic):
        plain, field, dialect = (an_interpreter(session, clinic.coordinator) for _ in range(3))
        session.add(InterpreterProfile(person_id=field.id, specialties=["oncology"]))
        session.add(InterpreterProfile(person_id=dialect.id, dialects=["ar-EG"]))
        session.flush()
        day = next_noon().date()
        able = matching.rank_interpreters(
            session,
            candidates.load_qualified_interpreters(
                session,
                "ar-EG",
                "en",
                day,
                day,
                candidates.InterpreterRequirements(specialty="oncology"),
            ),
        )
        assert [one.id for one in able][:2] == [dialect.id, field.id] and plain.id in {
            one.id for one in able
        }
        assert a_person(session, Role.PATIENT).id not in {one.id for one in able}


def test_every_engagement_has_its_own_minutes(
    session: Session, clinic: Clinic, partner: Person, booking: Booking
):
    for person, minutes in zip(booking.interpreters, (50, 40), strict=True):
        statements.record_minutes_worked(session, None, booking, person.id, minutes)
    assert sorted(session.scalars(select(Engagement.minutes_worked))) == [40, 50]
