"""The verbs of a booking: hold, confirm, move, cancel. Each changes, records and tells in one
transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.cases import queries as case_queries
from app.cases import service as cases
from app.cases.models import Case
from app.cases.states import CaseStage
from app.core.clock import now
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.ids import new_id
from app.core.outbox import enqueue_job, withdraw_job
from app.core.permissions import Role
from app.core.text import N_
from app.identity.models import Person
from app.scheduling import policy, queries
from app.scheduling.availability import diaries
from app.scheduling.availability.hours import (
    INTERPRETING_MODES,
    add_availability_exception,
    add_busy_feed,
    add_opening,
    add_qualification,
    change_availability_exception,
    change_opening,
    create_calendar_key,
    end_qualification,
    forget_calendar_key,
    remove_availability_exception,
    remove_busy_feed,
    remove_opening,
    set_availability,
    set_diary_habits,
)
from app.scheduling.bookings import claims
from app.scheduling.bookings.claims import OutsideHours, SlotTaken
from app.scheduling.interpreters import ladder
from app.scheduling.interpreters.ladder import accept_engagement, decline_engagement
from app.scheduling.matching.slots import count_interpreters_needed
from app.scheduling.models import DEFAULT_LENGTH_QUARTERS, Booking, BookingState
from app.scheduling.time.quarters import QUARTER_MINUTES, is_on_grid, quarter_of
from app.scheduling.verbs import SchedulingAuditVerb

__all__ = [
    "OutsideHours",
    "SlotTaken",
    "SlotRequest",
    "accept_engagement",
    "add_availability_exception",
    "add_busy_feed",
    "add_opening",
    "add_qualification",
    "book_slot",
    "cancel_booking",
    "change_availability_exception",
    "change_opening",
    "confirm_booking",
    "decline_engagement",
    "end_qualification",
    "expire_hold",
    "expire_holds",
    "forget_calendar_key",
    "hold_slot",
    "move_booking",
    "create_calendar_key",
    "release_hold",
    "remove_availability_exception",
    "remove_busy_feed",
    "remove_opening",
    "set_availability",
    "set_diary_habits",
]

HOLD_DURATION = timedelta(minutes=10)
LATE_CHANGE_PERIOD = timedelta(hours=24)
MAX_BOOKING_QUARTERS = 16
REMINDER_LEAD_TIMES = (timedelta(days=7), timedelta(hours=24), timedelta(hours=1))


@dataclass(frozen=True)
class SlotRequest:
    """A time, and the people to meet then. `interpreter_id` is None where none is needed. `length`
    in quarters.

    A meeting of more than an hour takes a second interpreter.
    """

    starts_at: datetime
    specialist_id: str
    interpreter_id: str | None = None
    length: int = DEFAULT_LENGTH_QUARTERS
    second_interpreter_id: str | None = None
    mode: str = "consecutive"


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
    """Keeps a time for ten minutes. The same `form_token` again gives the first booking back.

    Raises `Invalid` for a time that cannot be, `SlotTaken` for one that somebody else has,
    `Conflict` for a case that stands elsewhere. An earlier hold of the case is let go.
    `override_reason`, from the office alone, books outside people's hours; what is taken stays
    taken. A case has one meeting ahead, and besides it those of a series.
    """
    _refuse_unless_bookable(session, actor, case)
    _check_slot_request(wish)
    specialist, between, source, target = _resolve_participants(
        session, case, wish, is_override=override_reason is not None
    )
    if (
        override_reason is not None or wish.mode != SlotRequest.mode
    ) and actor.role != Role.COORDINATOR:
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
            _check_personal_rules(session, booking)
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
    else `SlotTaken`.
    """
    _refuse_unless_bookable(session, actor, booking.case)

    def act() -> Booking:
        claims.lock_and_refresh(session, booking)
        if booking.state == BookingState.CONFIRMED:
            return booking
        if booking.state == BookingState.CANCELLED:
            raise Conflict(
                N_("This meeting was cancelled in the meantime. Please choose another time.")
            )
        _check_slot_request(
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
            raise Conflict(N_("This meeting has not been booked, so there is nothing to cancel."))
        if booking.starts_at - now() < LATE_CHANGE_PERIOD and not reason.strip():
            raise Invalid(
                N_(
                    "The meeting is less than a day away. Please say briefly why it cannot take"
                    " place."
                ),
                field="reason",
            )
        told = [person.id for person in booking.people if person.id != actor.id]
        booking.cancelled_by, booking.cancel_reason = actor.id, reason.strip()[:500] or None
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

    It stays the same booking, so that calendars replace the old entry. Raises as `hold_slot` and
    `cancel_booking` do, and then the old time stands.
    """
    _refuse_unless_may_change(actor, booking)
    if not booking.is_confirmed:
        raise Conflict(N_("Only a meeting that has been booked can be moved."))
    wish = SlotRequest(
        starts_at,
        booking.specialist_id,
        interpreter_id or booking.interpreter_id,
        booking.length,
        second_interpreter_id or booking.second_interpreter_id,
        booking.mode,
    )
    _check_slot_request(wish)
    if booking.starts_at - now() < LATE_CHANGE_PERIOD and not reason.strip():
        raise Invalid(
            N_("The meeting is less than a day away. Please say briefly why it has to move."),
            field="reason",
        )
    _, between, _, _ = _resolve_participants(
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
            _check_personal_rules(session, booking)
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


def schedule_reminders(session: Session, booking: Booking) -> None:
    """Queues the reminders of a booking as it stands; those queued for an earlier state fall
    silent.
    """
    for before in REMINDER_LEAD_TIMES:
        at = booking.starts_at - before
        if at > now():
            hours = int(before.total_seconds() // 3600)
            enqueue_job(
                session,
                "remind_booking",
                {"booking_id": booking.id, "sequence": booking.sequence, "hours": hours},
                run_at=at,
                key=f"remind_booking:{booking.id}:{booking.sequence}:{hours}",
            )


def snapshot_utc_offsets(booking: Booking) -> None:
    """Keeps how far from UTC everyone's clock is at the meeting, as the rules of their zones stand
    today.
    """
    booking.zones = {person.id: person.timezone for person in booking.people}
    booking.offsets = {
        person: minutes_from_utc(zone, booking.starts_at) for person, zone in booking.zones.items()
    }
    booking.clocks_changed = {}


def minutes_from_utc(zone: str, at: datetime) -> int:
    return int(at.astimezone(ZoneInfo(zone)).utcoffset().total_seconds()) // 60  # type: ignore[union-attr]


def _resolve_participants(
    session: Session, case: Case, wish: SlotRequest, *, is_override: bool
) -> tuple[Person, list[Person], str, str]:
    """The specialist, the interpreters that it takes, and their languages. Raises `Invalid` for the
    wrong ones.
    """
    specialist = case_queries.find_member_of_role(session, case.id, Role.SPECIALIST)
    if specialist is None:
        raise Conflict(N_("The hospital has not chosen a specialist for this case yet."))
    if specialist.id != wish.specialist_id:
        raise Conflict(
            N_("Another specialist is responsible for this case now. Please choose a time again.")
        )
    source, target, needs_interpreter = queries.language_pair_of(case.language, specialist)
    if not needs_interpreter:
        return specialist, [], source, target
    chosen = list(
        dict.fromkeys(one for one in (wish.interpreter_id, wish.second_interpreter_id) if one)
    )
    if not chosen:
        raise Invalid(
            N_("This meeting needs an interpreter. Please choose one of the times shown.")
        )
    if len(chosen) < count_interpreters_needed(wish.length):
        raise Invalid(
            N_(
                "A meeting of more than an hour needs two interpreters, who take turns. "
                "Please choose one of the times shown."
            ),
            field="interpreter",
        )
    between = [
        _resolve_interpreter(session, case, one, source, target, wish, is_override=is_override)
        for one in chosen[: count_interpreters_needed(wish.length)]
    ]
    return specialist, between, source, target


def _resolve_interpreter(
    session: Session,
    case: Case,
    person_id: str,
    source: str,
    target: str,
    wish: SlotRequest,
    *,
    is_override: bool,
) -> Person:
    person = session.get(Person, person_id)
    day = wish.starts_at.date()
    if person is None or not queries.is_qualified(session, person, source, target, day, wish.mode):
        raise Invalid(
            N_("This interpreter has no valid credential for the two languages on that day."),
            field="interpreter",
        )
    if not is_override and not queries.has_wanted_gender(
        session, person, queries.interpreter_requirements_for(session, case)
    ):
        raise Invalid(
            N_(
                "The patient has asked for another interpreter. Please choose one of the times"
                " shown."
            ),
            field="interpreter",
        )
    return person


def _check_slot_request(wish: SlotRequest) -> None:
    if wish.starts_at.tzinfo is None or wish.starts_at.utcoffset() is None:
        raise Invalid(
            N_(
                "This time does not say in which time zone it is. Please choose one of the times"
                " shown."
            ),
            field="starts_at",
        )
    if not is_on_grid(wish.starts_at):
        raise Invalid(
            N_(
                "Meetings begin on a full quarter of an hour. Please choose one of the times shown."
            ),
            field="starts_at",
        )
    if wish.mode not in INTERPRETING_MODES:
        raise Invalid(N_("Please choose one of the answers shown."), field="mode")
    if not 1 <= wish.length <= MAX_BOOKING_QUARTERS:
        raise Invalid(
            N_("A meeting lasts from 15 minutes to %(most)s hours."),
            field="length",
            most=MAX_BOOKING_QUARTERS * QUARTER_MINUTES // 60,
        )
    if wish.starts_at <= now():
        raise Invalid(
            N_("This time has already passed. Please choose a later one."), field="starts_at"
        )
    if quarter_of(wish.starts_at) + wish.length > diaries.current_horizon().end:
        raise Invalid(
            N_("This is too far ahead. Please choose a time within the next three months."),
            field="starts_at",
        )


def _check_personal_rules(session: Session, booking: Booking) -> None:
    """The people's own rules: hours, maxima, notice, buffers. Checked under the diaries' lock."""
    for person in booking.people:
        if not queries.is_within_hours(session, person, booking.quarters):
            raise OutsideHours(
                N_("One of the people is not available at this time. These times are free."),
                who=person.name,
            )
        rules = diaries.load_diary_rules(session, person.id)
        if diaries.is_day_or_week_full(session, person.id, person.timezone, booking, rules):
            raise OutsideHours(
                N_(
                    "One of the people has no room for another meeting that day. These times are"
                    " free."
                ),
                who=person.name,
            )
        if rules.buffer and claims.is_near_another_booking(
            session, booking, person.id, rules.buffer
        ):
            raise OutsideHours(who=person.name)
        if person is not booking.patient and booking.starts_at < now() + timedelta(
            hours=rules.notice_hours
        ):
            raise OutsideHours(
                N_("This is too soon for one of the people. These times are free."), who=person.name
            )


def _refuse_unless_bookable(session: Session, actor: Person, case: Case) -> None:
    if not policy.can_book_meeting(
        actor, case, case_queries.find_membership(session, actor, case.id)
    ):
        raise Forbidden()
    if case.stage not in policy.BOOKABLE_STAGES or case.written_only:
        raise Conflict(N_("A meeting can be booked once the hospital has accepted the case."))


def _refuse_unless_may_change(actor: Person, booking: Booking) -> None:
    if not policy.can_change_booking(actor, booking):
        raise Forbidden()
    if booking.starts_at <= now() and booking.is_confirmed:
        raise Conflict(N_("This meeting has already begun, so it can no longer be changed."))


def _refuse_second_meeting(session: Session, case: Case) -> None:
    meeting = queries.booking_of_case(session, case.id)
    if meeting is not None and meeting.starts_at > now():
        raise Conflict(
            N_("A meeting is already booked for this case. You can move it to another time.")
        )
