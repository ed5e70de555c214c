"""Booking as it is lived: held, confirmed, moved, cancelled, refused, and an interpreter always
being asked.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.service import list_unsealed_entries
from app.cases import queries as case_queries
from app.cases.states import CaseStage
from app.core import clock
from app.core.clock import now
from app.core.db import Database
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.outbox import Job
from app.core.permissions import Role
from app.scheduling import jobs, queries
from app.scheduling.availability import hours
from app.scheduling.availability.queries import qualifications_of
from app.scheduling.bookings import service
from app.scheduling.bookings.claims import SlotTaken
from app.scheduling.bookings.slot_request import SlotRequest
from app.scheduling.interpreters import ladder
from app.scheduling.matching.queries import find_slots_for_case
from app.scheduling.matching.slots import NoSlotCause
from app.scheduling.models import Booking, BookingState, Claim, EngagementState
from app.scheduling.verbs import SchedulingAuditVerb
from tests.people import an_accepted_case
from tests.scheduling.clinic import Clinic, a_person, an_interpreter, another_case, next_noon


@pytest.fixture
def book(session: Session, clinic: Clinic) -> Callable[..., Booking]:
    def make(at: datetime | None = None, token: str = "t") -> Booking:
        return service.book_slot(session, clinic.patient, clinic.case, clinic.wish(at), token)

    return make


def claims_of(session: Session, booking: Booking) -> set[tuple[str, int]]:
    rows = session.execute(
        select(Claim.person_id, Claim.quarter).where(Claim.booking_id == booking.id)
    )
    return {(person_id, quarter) for person_id, quarter in rows}


def notices(session: Session) -> list[tuple[str, str]]:
    """Kind and reader of every message queued so far."""
    jobs_ = session.scalars(select(Job).where(Job.kind == "notify").order_by(Job.id))
    return [(job.payload["kind"], job.payload["person_id"]) for job in jobs_]


class TestBooking:
    def test_all_three_are_claimed_and_the_case_moves_on(
        self, session: Session, clinic: Clinic, book
    ):
        booking = book()
        assert booking.state == BookingState.CONFIRMED
        assert len(claims_of(session, booking)) == 9
        assert {person for person, _ in claims_of(session, booking)} == {
            clinic.patient.id,
            clinic.specialist.id,
            clinic.interpreter.id,
        }
        assert clinic.case.stage == CaseStage.SCHEDULED
        assert SchedulingAuditVerb.BOOKED in {
            entry.verb for entry in list_unsealed_entries(session)
        }

    def test_everyone_is_told_and_the_interpreter_is_asked(
        self, session: Session, clinic: Clinic, book
    ):
        book()
        told = notices(session)
        assert ("booking_confirmed", clinic.patient.id) in told
        assert ("booking_confirmed", clinic.specialist.id) in told
        assert ("engagement_proposed", clinic.interpreter.id) in told

    def test_the_interpreter_reaches_the_case_until_an_hour_after(
        self, session: Session, clinic: Clinic, book
    ):
        booking = book()
        member = case_queries.find_membership(session, clinic.interpreter, clinic.case.id)
        assert member is not None and member.until == booking.ends_at + timedelta(hours=1)
        with clock.freeze_clock(booking.ends_at + timedelta(hours=1)):
            assert case_queries.find_membership(session, clinic.interpreter, clinic.case.id) is None

    def test_a_double_click_gives_the_first_booking_back(self, session: Session, book):
        assert book(token="same") is book(token="same")
        assert len(notices(session)) == len(set(notices(session)))

    def test_no_interpreter_where_a_language_is_shared(self, session: Session, clinic: Clinic):
        clinic.specialist.speaks = ["ar-EG"]
        booking = service.book_slot(
            session,
            clinic.patient,
            clinic.case,
            SlotRequest(next_noon(), clinic.specialist.id),
            "t",
        )
        assert booking.interpreter is None and not booking.needs_interpreter
        assert len(claims_of(session, booking)) == 6

    def test_a_hold_keeps_the_time_and_lets_it_go_after_ten_minutes(
        self, session: Session, clinic: Clinic
    ):
        held = service.hold_slot(session, clinic.patient, clinic.case, clinic.wish(), "t")
        other = another_case(session, clinic)
        with pytest.raises(SlotTaken):
            service.hold_slot(session, other.patient, other, clinic.wish(), "u")
        with clock.freeze_clock(now() + timedelta(minutes=10)):
            jobs.expire_hold_job(session, {"booking_id": held.id}, None)  # type: ignore[arg-type]
            assert held.state == BookingState.EXPIRED and not claims_of(session, held)
            assert (
                service.hold_slot(session, other.patient, other, clinic.wish(), "v").state
                == BookingState.HELD
            )

    def test_a_hold_that_ran_out_gives_way_before_any_job_comes(
        self, session: Session, clinic: Clinic
    ):
        held = service.hold_slot(session, clinic.patient, clinic.case, clinic.wish(), "t")
        other = another_case(session, clinic)
        with clock.freeze_clock(now() + timedelta(minutes=10, seconds=1)):
            booking = service.book_slot(session, other.patient, other, clinic.wish(), "u")
            with pytest.raises(SlotTaken):
                service.confirm_booking(session, clinic.patient, held)
        assert len(claims_of(session, booking)) == 9

    def test_a_late_confirmation_is_good_if_nobody_took_the_time(
        self, session: Session, clinic: Clinic
    ):
        held = service.hold_slot(session, clinic.patient, clinic.case, clinic.wish(), "t")
        with clock.freeze_clock(now() + timedelta(minutes=11)):
            service.expire_holds(session)
            assert (
                service.confirm_booking(session, clinic.patient, held).state
                == BookingState.CONFIRMED
            )
        assert len(claims_of(session, held)) == 9

    def test_choosing_another_time_lets_the_first_hold_go(self, session: Session, clinic: Clinic):
        first = service.hold_slot(session, clinic.patient, clinic.case, clinic.wish(), "t")
        second = service.hold_slot(
            session,
            clinic.patient,
            clinic.case,
            clinic.wish(next_noon() + timedelta(minutes=15)),
            "u",
        )
        assert first.state == BookingState.EXPIRED and not claims_of(session, first)
        assert second.state == BookingState.HELD


class TestRefusals:
    @pytest.mark.parametrize(
        "at, words",
        [
            (next_noon().replace(tzinfo=None), "no time zone"),
            (next_noon() + timedelta(minutes=7), "full quarter"),
            (next_noon() - timedelta(days=30), "already passed"),
            (next_noon() + timedelta(days=300), "too far ahead"),
        ],
    )
    def test_a_time_that_cannot_be(self, session: Session, clinic: Clinic, at, words):
        with pytest.raises(Invalid, match=words):
            service.hold_slot(session, clinic.patient, clinic.case, clinic.wish(at), "t")

    def test_an_overlap_for_any_of_the_three(self, session: Session, clinic: Clinic, book):
        book()
        other = another_case(session, clinic)
        for quarters in (-2, -1, 0, 1, 2):
            at = next_noon() + timedelta(minutes=15 * quarters)
            with pytest.raises(SlotTaken):
                service.book_slot(session, other.patient, other, clinic.wish(at), f"u{quarters}")
        assert service.book_slot(
            session, other.patient, other, clinic.wish(next_noon() + timedelta(minutes=45)), "v"
        )

    def test_outside_somebodys_hours(self, session: Session, clinic: Clinic):
        night = clinic.wish(next_noon().replace(hour=2))
        with pytest.raises(SlotTaken, match="not available"):
            service.book_slot(session, clinic.patient, clinic.case, night, "t")
        with pytest.raises(Forbidden):
            service.hold_slot(
                session, clinic.patient, clinic.case, night, "u", override_reason="urgent"
            )
        booking = service.hold_slot(
            session, clinic.coordinator, clinic.case, night, "v", override_reason="agreed by phone"
        )
        assert booking.override_reason == "agreed by phone"

    def test_an_interpreter_without_a_valid_credential(self, session: Session, clinic: Clinic):
        expired = an_interpreter(
            session, clinic.coordinator, valid_until=next_noon().date() - timedelta(days=1)
        )
        wish = SlotRequest(next_noon(), clinic.specialist.id, expired.id)
        with pytest.raises(Invalid, match="no valid credential"):
            service.hold_slot(session, clinic.patient, clinic.case, wish, "t")

    def test_an_interpreter_of_another_pair(self, session: Session, clinic: Clinic):
        spanish = an_interpreter(session, clinic.coordinator, source="es")
        with pytest.raises(Invalid, match="no valid credential"):
            service.hold_slot(
                session,
                clinic.patient,
                clinic.case,
                SlotRequest(next_noon(), clinic.specialist.id, spanish.id),
                "t",
            )

    def test_a_stranger(self, session: Session, clinic: Clinic):
        with pytest.raises(Forbidden):
            service.hold_slot(session, a_person(session), clinic.case, clinic.wish(), "t")

    def test_a_second_meeting_while_the_first_is_ahead(
        self, session: Session, clinic: Clinic, book
    ):
        book()
        with pytest.raises(Conflict, match="already booked"):
            book(next_noon() + timedelta(days=1), token="u")

    def test_too_close_to_another_for_one_who_needs_a_pause(
        self, session: Session, clinic: Clinic, book
    ):
        hours.set_diary_habits(
            session, clinic.specialist, clinic.specialist, service_habits(buffer=2)
        )
        book()
        other = another_case(session, clinic)
        with pytest.raises(SlotTaken):
            service.book_slot(
                session, other.patient, other, clinic.wish(next_noon() + timedelta(minutes=60)), "u"
            )
        assert service.book_slot(
            session, other.patient, other, clinic.wish(next_noon() + timedelta(minutes=75)), "v"
        )

    @pytest.mark.parametrize("minutes, fits", [(-105, True), (-60, False), (60, False), (75, True)])
    def test_the_pause_is_kept_before_and_after_a_meeting_at_the_hold_itself(
        self, session: Session, clinic: Clinic, book, minutes: int, fits: bool
    ):
        """A meeting takes 45 minutes, and half an hour is kept free on either side of noon's. Held
        directly, as by somebody whose list of times is old.
        """
        hours.set_diary_habits(
            session, clinic.specialist, clinic.specialist, service_habits(buffer=2)
        )
        book()
        other = another_case(session, clinic)
        wish = clinic.wish(next_noon() + timedelta(minutes=minutes))
        if fits:
            held = service.hold_slot(session, other.patient, other, wish, "u")
            assert held.state == BookingState.HELD
            return
        with pytest.raises(SlotTaken):
            service.hold_slot(session, other.patient, other, wish, "u")

    def test_more_than_a_day_may_hold(self, session: Session, clinic: Clinic, book):
        hours.set_diary_habits(
            session, clinic.specialist, clinic.specialist, service_habits(daily_most=1)
        )
        book()
        other = another_case(session, clinic)
        with pytest.raises(SlotTaken):
            service.book_slot(
                session, other.patient, other, clinic.wish(next_noon() + timedelta(hours=1)), "u"
            )
        assert service.book_slot(
            session, other.patient, other, clinic.wish(next_noon() + timedelta(days=1)), "v"
        )


def service_habits(**facts: int):
    from app.scheduling.availability.hours import DiaryHabits

    return DiaryHabits(**facts)


class TestCancelling:
    def test_the_time_is_free_again_and_everyone_is_told(
        self, session: Session, clinic: Clinic, book
    ):
        booking = book()
        service.cancel_booking(session, clinic.patient, booking)
        assert booking.state == BookingState.CANCELLED and booking.sequence == 1
        assert not claims_of(session, booking)
        assert clinic.case.stage == CaseStage.ACCEPTED
        assert case_queries.find_membership(session, clinic.interpreter, clinic.case.id) is None
        assert ("booking_cancelled", clinic.interpreter.id) in notices(session)
        other = another_case(session, clinic)
        assert service.book_slot(session, other.patient, other, clinic.wish(), "u")

    def test_within_a_day_a_reason_is_asked_for(self, session: Session, clinic: Clinic, book):
        booking = book()
        with clock.freeze_clock(booking.starts_at - timedelta(hours=5)):
            with pytest.raises(Invalid, match="less than a day"):
                service.cancel_booking(session, clinic.patient, booking)
            service.cancel_booking(session, clinic.patient, booking, "in hospital")

    def test_only_the_patient_and_the_office_cancel(self, session: Session, clinic: Clinic, book):
        with pytest.raises(Forbidden):
            service.cancel_booking(session, clinic.specialist, book(), "ill")


class TestMoving:
    def test_it_stays_the_same_booking(self, session: Session, clinic: Clinic, book):
        booking = book()
        later = next_noon() + timedelta(minutes=15)  # overlaps its own old time
        service.move_booking(session, clinic.patient, booking, later)
        assert (booking.starts_at, booking.sequence, booking.state) == (
            later,
            1,
            BookingState.CONFIRMED,
        )
        assert claims_of(session, booking) == {
            (p.id, q) for p in booking.people for q in booking.quarters
        }
        assert (
            booking.engagement is not None and booking.engagement.state == EngagementState.PROPOSED
        )
        assert ("booking_moved", clinic.specialist.id) in notices(session)

    def test_the_old_time_stands_when_the_new_one_is_taken(
        self, session: Session, clinic: Clinic, book
    ):
        booking = book()
        other = another_case(session, clinic)
        taken = next_noon(days=4)
        service.book_slot(session, other.patient, other, clinic.wish(taken), "u")
        with pytest.raises(SlotTaken):
            service.move_booking(session, clinic.patient, booking, taken)
        session.refresh(booking)
        assert booking.starts_at == next_noon() and len(claims_of(session, booking)) == 9


class TestLadder:
    def test_yes(self, session: Session, clinic: Clinic, book):
        engagement = book().engagement
        ladder.accept_engagement(session, clinic.interpreter, engagement)
        ladder.accept_engagement(session, clinic.interpreter, engagement)
        assert engagement.state == EngagementState.ACCEPTED

    def test_no_passes_the_request_on(self, session: Session, clinic: Clinic, book):
        second = an_interpreter(session, clinic.coordinator)
        booking = book()
        ladder.decline_engagement(session, clinic.interpreter, booking.engagement, "ill")
        assert booking.interpreter is second
        assert booking.engagement.state == EngagementState.PROPOSED and booking.engagement.rank == 1
        assert {p for p, _ in claims_of(session, booking)} == {
            clinic.patient.id,
            clinic.specialist.id,
            second.id,
        }
        assert case_queries.find_membership(session, clinic.interpreter, clinic.case.id) is None
        assert case_queries.find_membership(session, second, clinic.case.id) is not None
        assert ("interpreter_replaced", clinic.patient.id) in notices(session)

    def test_no_and_nobody_else_tells_the_office(self, session: Session, clinic: Clinic, book):
        booking = book()
        ladder.decline_engagement(session, clinic.interpreter, booking.engagement)
        assert booking.interpreter is None and booking.needs_interpreter
        assert ("interpreter_missing", clinic.coordinator.id) in notices(session)
        assert queries.unfilled_bookings(session, clinic.coordinator) == [booking]

    def test_silence_passes_the_request_on_and_a_yes_becomes_firm(
        self, session: Session, clinic: Clinic, book
    ):
        second = an_interpreter(session, clinic.coordinator)
        booking = book()
        first = booking.engagement
        assert first.answer_by == booking.starts_at - timedelta(hours=24)
        with clock.freeze_clock(first.answer_by):
            ladder.check_engagement_answer(session, first)
            assert first.state == EngagementState.REPLACED and booking.interpreter is second
            ladder.accept_engagement(session, second, booking.engagement)
            ladder.check_engagement_answer(session, booking.engagement)
            assert booking.engagement.state == EngagementState.CONFIRMED

    def test_an_answer_that_comes_too_late(self, session: Session, clinic: Clinic, book):
        an_interpreter(session, clinic.coordinator)
        first = book().engagement
        ladder.replace_interpreter(session, None, first, EngagementState.REPLACED)
        with pytest.raises(Conflict, match="no longer open"):
            ladder.accept_engagement(session, clinic.interpreter, first)

    def test_only_the_one_who_was_asked_answers(self, session: Session, clinic: Clinic, book):
        with pytest.raises(Forbidden):
            ladder.accept_engagement(session, clinic.coordinator, book().engagement)


class TestFindingSlots:
    def test_times_that_suit_all_three_and_disappear_once_booked(
        self, session: Session, clinic: Clinic, book
    ):
        found = find_slots_for_case(session, clinic.case)
        assert found.slots and found.slots == sorted(found.slots)
        assert all(slot.interpreter_id == clinic.interpreter.id for slot in found.slots)
        assert any(slot.starts_at == next_noon() for slot in found.slots)
        book()
        session.commit()
        again = find_slots_for_case(session, clinic.case).slots
        assert not any(abs(slot.starts_at - next_noon()) < timedelta(minutes=45) for slot in again)

    def test_every_slot_that_is_shown_can_be_booked(self, session: Session, clinic: Clinic):
        shown = find_slots_for_case(session, clinic.case).slots[::40]
        assert len(shown) > 5
        for number, slot in enumerate(shown):
            wish = SlotRequest(slot.starts_at, slot.specialist_id, slot.interpreter_id)
            held = service.hold_slot(session, clinic.patient, clinic.case, wish, f"t{number}")
            assert (held.state, held.starts_at) == (BookingState.HELD, slot.starts_at)

    def test_no_day_after_a_credential_has_expired(self, session: Session, clinic: Clinic):
        for held in qualifications_of(session, clinic.interpreter):
            held.valid_until = next_noon().date()
        slots = find_slots_for_case(session, clinic.case).slots
        assert slots and max(slot.starts_at.date() for slot in slots) == next_noon().date()

    def test_why_there_is_none(self, session: Session, clinic: Clinic):
        for held in qualifications_of(session, clinic.interpreter):
            session.delete(held)
        found = find_slots_for_case(session, clinic.case)
        assert (
            found.slots == []
            and found.reason is not None
            and found.reason.lack == NoSlotCause.INTERPRETER
        )

    def test_the_interpreter_whom_the_office_chose(self, session: Session, clinic: Clinic):
        chosen = an_interpreter(session, clinic.coordinator)
        case = an_accepted_case(
            session,
            a_person(session, Role.PATIENT, language="ar"),
            clinic.coordinator,
            clinic.specialist,
            chosen,
        )
        assert {slot.interpreter_id for slot in find_slots_for_case(session, case).slots} == {
            chosen.id
        }

    def test_a_rolled_back_booking_leaves_no_trace_in_anybodys_calendar(
        self, any_database: Database, session: Session, clinic: Clinic
    ):
        session.commit()
        before = find_slots_for_case(session, clinic.case).slots
        session.commit()
        with any_database.sessions() as other:
            case = other.merge(clinic.case)
            service.book_slot(other, other.merge(clinic.patient), case, clinic.wish(), "t")
            assert len(find_slots_for_case(other, case).slots) < len(before)
            other.rollback()
        assert find_slots_for_case(session, clinic.case).slots == before

    def test_what_was_never_booked_is_remembered_by_nobody(self, session: Session, clinic: Clinic):
        assert queries.booking_of_case(session, clinic.case.id) is None
        assert queries.upcoming_bookings(session, clinic.patient) == []


class TestReminders:
    def test_one_to_each_unless_the_meeting_moved(self, session: Session, clinic: Clinic, book):
        booking = book()
        due = session.scalars(select(Job).where(Job.kind == "remind_booking")).all()
        assert sorted(job.payload["hours"] for job in due) == [
            1,
            24,
        ]  # seven days ahead has passed already
        stale = dict(due[0].payload)
        service.move_booking(session, clinic.patient, booking, next_noon(days=4))
        jobs.remind_booking(session, stale, None)  # type: ignore[arg-type]
        assert not [kind for kind, _ in notices(session) if kind == "reminder"]
        jobs.remind_booking(session, stale | {"sequence": 1}, None)  # type: ignore[arg-type]
        assert len([kind for kind, _ in notices(session) if kind == "reminder"]) == 3
