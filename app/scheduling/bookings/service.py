"""The verbs of a booking: hold, confirm, move, cancel. Each changes, records and tells in one
transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.cases import queries as case_queries
from app.cases import service as cases
from app.cases.models import Case
from app.cases.states import CaseStage
from app.cases.visibility import is_office_case
from app.core.clock import now
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.ids import new_id
from app.core.outbox import enqueue_job, withdraw_job
from app.core.text import N_
from app.identity.models import Person
from app.scheduling import policy, queries
from app.scheduling.availability import diaries
from app.scheduling.bookings import claims
from app.scheduling.bookings.reminders import schedule_reminders, snapshot_utc_offsets
from app.scheduling.bookings.slot_request import (
    SlotRequest,
    check_personal_rules,
    check_slot_request,
    resolve_participants,
)
from app.scheduling.interpreters import ladder
from app.scheduling.models import MAX_REASON_CHARACTERS, Booking, BookingState
from app.scheduling.verbs import SchedulingAuditVerb

HOLD_DURATION = timedelta(minutes=10)
LATE_CHANGE_PERIOD = timedelta(hours=24)


def hold_slot(
    session: Session,
    actor: Person,
    case: Case,
    wish: SlotRequest,
    form_token: str,
    *,
    override_reason: str | None = None,
    series_id: str | None = None,
) -> Booking:
    """Keeps a time for ten minutes. The same ``form_token`` again gives the first booking back.

    Raises ``Invalid`` for a time that cannot be, ``SlotTaken`` for one that somebody else has,
    ``Conflict`` for a case that stands elsewhere. An earlier hold of the case is let go.
    ``override_reason``, from the office alone, books outside people's hours; what is taken stays
    taken. A case has one meeting ahead, and besides it those of a series.
    """
    _refuse_unless_bookable(session, actor, case)
    check_slot_request(wish)
    specialist, between, source, target = resolve_participants(
        session, case, wish, is_override=override_reason is not None
    )
    if (override_reason is not None or wish.mode != SlotRequest.mode) and not is_office_case(
        actor, case
    ):
        raise Forbidden()
    people = [case.patient, specialist, *between]

    def act() -> Booking:
        earlier = queries.hold_of_case(session, case.id)
        diaries.lock_diaries(
            session, [person.id for person in [*people, *(earlier.people if earlier else [])]]
        )
        first = queries.booking_by_token(session, form_token)
        if first is not None and first.is_live:
            return first
        if earlier is not None:
            _end_booking(session, earlier, BookingState.EXPIRED)
        if series_id is None:
            _refuse_second_meeting(session, case)
        booking = Booking(
            id=new_id(),
            case_id=case.id,
            case=case,
            patient_id=case.patient_id,
            patient=case.patient,
            specialist_id=specialist.id,
            specialist=specialist,
            needs_interpreter=bool(between),
            source=source,
            target=target,
            mode=wish.mode if between else SlotRequest.mode,
            starts_at=wish.starts_at,
            length=wish.length,
            state=BookingState.HELD,
            created_by=actor.id,
            form_token=form_token if first is None else new_id(),
            hold_expires_at=now() + HOLD_DURATION,
            override_reason=override_reason,
            series_id=series_id,
        )
        for interpreter in between:
            booking.seat(interpreter)
        session.add(booking)
        claims.claim_quarters(
            session, booking, [person.id for person in people], expires_at=booking.hold_expires_at
        )
        if override_reason is None:
            check_personal_rules(session, booking)
        enqueue_job(
            session,
            "expire_hold",
            {"booking_id": booking.id},
            run_at=booking.hold_expires_at,
            key=f"expire_hold:{booking.id}",
        )
        audit.record_audit_entry(
            session,
            actor.id,
            SchedulingAuditVerb.SLOT_HELD,
            "booking",
            booking.id,
            case.id,
            starts_at=booking.starts_at.isoformat(),
            override=override_reason is not None,
        )
        return booking

    return claims.retry_on_deadlock(session, act)


def confirm_booking(session: Session, actor: Person, booking: Booking) -> Booking:
    """Makes a held time a meeting: the case moves on, the interpreter is asked, everyone is told.

    Confirming twice is harmless. A hold that has run out is still good if nobody took the time;
    else ``SlotTaken``.
    """
    _refuse_unless_bookable(session, actor, booking.case)

    def act() -> Booking:
        claims.lock_and_refresh(session, booking)
        if booking.state == BookingState.CONFIRMED:
            return booking
        if booking.state == BookingState.CANCELLED:
            raise Conflict(
                N_("This consultation was cancelled in the meantime. Choose another time.")
            )
        check_slot_request(
            SlotRequest(booking.starts_at, booking.specialist_id, length=booking.length)
        )
        if booking.series_id is None:
            _refuse_second_meeting(session, booking.case)
        claims.make_claims_permanent(session, booking)
        booking.state, booking.hold_expires_at = BookingState.CONFIRMED, None
        booking.changed_at = now()
        snapshot_utc_offsets(booking)
        withdraw_job(session, f"expire_hold:{booking.id}")
        audit.record_audit_entry(
            session,
            actor.id,
            SchedulingAuditVerb.BOOKED,
            "booking",
            booking.id,
            booking.case_id,
            **ladder.build_booking_facts(booking),
        )
        if booking.case.stage == CaseStage.ACCEPTED:
            cases.mark_case_scheduled(session, actor, booking.case)
        ladder.notify_about_booking(
            session, "booking_confirmed", booking, [booking.patient_id, booking.specialist_id]
        )
        for interpreter in booking.interpreters:
            ladder.propose_engagement(session, actor, booking, interpreter)
        schedule_reminders(session, booking)
        return booking

    return claims.retry_on_deadlock(session, act)


def book_slot(
    session: Session,
    actor: Person,
    case: Case,
    wish: SlotRequest,
    form_token: str,
    *,
    override_reason: str | None = None,
    series_id: str | None = None,
) -> Booking:
    """Holds and confirms in one step."""
    held = hold_slot(
        session, actor, case, wish, form_token, override_reason=override_reason, series_id=series_id
    )
    return confirm_booking(session, actor, held)


def release_hold(session: Session, actor: Person, booking: Booking) -> None:
    """Lets a held time go before its ten minutes are over."""
    if not policy.can_change_booking(actor, booking):
        raise Forbidden()
    claims.lock_and_refresh(session, booking)
    if booking.state == BookingState.HELD:
        _end_booking(session, booking, BookingState.EXPIRED)


def expire_hold(session: Session, booking: Booking) -> None:
    """Frees a hold whose time is over; anything else is left as it is."""
    claims.lock_and_refresh(session, booking)
    if (
        booking.state == BookingState.HELD
        and booking.hold_expires_at
        and booking.hold_expires_at <= now()
    ):
        _end_booking(session, booking, BookingState.EXPIRED)


def expire_holds(session: Session, limit: int = 200) -> int:
    """Frees every hold whose time is over, and says how many there were."""
    over = session.scalars(
        select(Booking)
        .where(Booking.state == BookingState.HELD, Booking.hold_expires_at <= now())
        .limit(limit)
    ).all()
    for booking in over:
        expire_hold(session, booking)
    return len(over)


def cancel_booking(session: Session, actor: Person, booking: Booking, reason: str = "") -> None:
    """Calls a meeting off, frees everyone's time and tells them. Within a day of it a reason is
    asked for.
    """
    _refuse_unless_may_change(actor, booking)

    def act() -> None:
        claims.lock_and_refresh(session, booking)
        if booking.state == BookingState.CANCELLED:
            return
        if not booking.is_confirmed:
            raise Conflict(N_("This consultation is not booked, so there is nothing to cancel."))
        if booking.starts_at - now() < LATE_CHANGE_PERIOD and not reason.strip():
            raise Invalid(
                N_(
                    "The consultation is less than a day away. Say briefly why it cannot"
                    " take place."
                ),
                field="reason",
            )
        told = [person.id for person in booking.people if person.id != actor.id]
        booking.cancelled_by, booking.cancel_reason = (
            actor.id,
            reason.strip()[:MAX_REASON_CHARACTERS] or None,
        )
        ladder.dismiss_interpreters(session, actor, booking)
        booking.sequence += 1
        _end_booking(session, booking, BookingState.CANCELLED)
        audit.record_audit_entry(
            session,
            actor.id,
            SchedulingAuditVerb.BOOKING_CANCELLED,
            "booking",
            booking.id,
            booking.case_id,
            starts_at=booking.starts_at.isoformat(),
        )
        if (
            booking.case.stage == CaseStage.SCHEDULED
            and queries.booking_of_case(session, booking.case_id) is None
        ):
            cases.mark_case_unscheduled(session, actor, booking.case)
        ladder.notify_about_booking(session, "booking_cancelled", booking, told)

    claims.retry_on_deadlock(session, act)


def move_booking(
    session: Session,
    actor: Person,
    booking: Booking,
    starts_at: datetime,
    reason: str = "",
    *,
    interpreter_id: str | None = None,
    second_interpreter_id: str | None = None,
    override_reason: str | None = None,
) -> Booking:
    """Takes a meeting to another time, with the same people or with another interpreter who is free
    then.

    It stays the same booking, so that calendars replace the old entry. Raises as ``hold_slot`` and
    ``cancel_booking`` do, and then the old time stands.
    """
    _refuse_unless_may_change(actor, booking)
    if not booking.is_confirmed:
        raise Conflict(N_("Only a booked consultation can be moved."))
    wish = SlotRequest(
        starts_at,
        booking.specialist_id,
        interpreter_id or booking.interpreter_id,
        booking.length,
        second_interpreter_id or booking.second_interpreter_id,
        booking.mode,
    )
    check_slot_request(wish)
    if booking.starts_at - now() < LATE_CHANGE_PERIOD and not reason.strip():
        raise Invalid(
            N_("The consultation is less than a day away. Say briefly why it has to move."),
            field="reason",
        )
    _, between, _, _ = resolve_participants(
        session, booking.case, wish, is_override=override_reason is not None
    )

    def act() -> Booking:
        claims.lock_and_refresh(session, booking, *(one.id for one in between))
        before = booking.interpreters
        if not booking.is_confirmed or booking.starts_at == starts_at:
            return booking
        was = booking.starts_at
        claims.release_claims(session, booking)
        booking.starts_at, booking.sequence = starts_at, booking.sequence + 1
        if between and set(between) != set(before):
            ladder.dismiss_interpreters(session, actor, booking)
            for one in before:
                booking.unseat(one.id)
            for one in between:
                booking.seat(one)
            ladder.notify_about_booking(
                session,
                "engagement_ended",
                booking,
                [one.id for one in before if one not in between],
            )
        claims.claim_quarters(session, booking, [person.id for person in booking.people])
        if override_reason is None:
            check_personal_rules(session, booking)
        booking.changed_at = now()
        snapshot_utc_offsets(booking)
        session.flush()
        _ask_interpreters_again(session, actor, booking)
        audit.record_audit_entry(
            session,
            actor.id,
            SchedulingAuditVerb.BOOKING_MOVED,
            "booking",
            booking.id,
            booking.case_id,
            was=was.isoformat(),
            now=starts_at.isoformat(),
            override=override_reason is not None,
        )
        ladder.notify_about_booking(
            session,
            "booking_moved",
            booking,
            [booking.patient_id, booking.specialist_id],
            was_at=was.isoformat(),
        )
        schedule_reminders(session, booking)
        return booking

    return claims.retry_on_deadlock(session, act)


# --- inside ---


def _end_booking(session: Session, booking: Booking, state: BookingState) -> None:
    claims.release_claims(session, booking)
    booking.state, booking.hold_expires_at, booking.changed_at = state, None, now()
    session.flush()


def _ask_interpreters_again(session: Session, actor: Person, booking: Booking) -> None:
    """After a move the interpreter's yes was for another time: they are asked anew."""
    for interpreter in booking.interpreters:
        engagement = booking.engagement_of(interpreter.id)
        if engagement is not None:
            booking.engagements.remove(engagement)
            session.delete(engagement)
            session.flush()
        ladder.propose_engagement(session, actor, booking, interpreter)
    if booking.interpreters_missing > 0:
        ladder.promote_substitutes(session, actor, booking)


def _refuse_unless_bookable(session: Session, actor: Person, case: Case) -> None:
    if not policy.can_book_meeting(
        actor, case, case_queries.find_membership(session, actor, case.id)
    ):
        raise Forbidden()
    if case.stage not in policy.BOOKABLE_STAGES or case.written_only:
        raise Conflict(N_("You can book a consultation when the hospital has accepted the case."))


def _refuse_unless_may_change(actor: Person, booking: Booking) -> None:
    if not policy.can_change_booking(actor, booking):
        raise Forbidden()
    if booking.starts_at <= now() and booking.is_confirmed:
        raise Conflict(N_("This consultation has already started, so it can no longer be changed."))


def _refuse_second_meeting(session: Session, case: Case) -> None:
    meeting = queries.booking_of_case(session, case.id)
    if meeting is not None and meeting.starts_at > now():
        raise Conflict(
            N_("A consultation is already booked for this case. You can move it to another time.")
        )
