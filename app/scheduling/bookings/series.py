"""Follow-ups: a meeting again and again, at the same time on one person's wall.

Each is a booking of its own, with three people, claims, mails and a calendar entry; ``series_id``
ties them together. What is done to several of them is done to all or to none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.errors import Conflict, Forbidden, Invalid, Refusal
from app.core.permissions import Role
from app.core.text import N_
from app.identity.models import Person
from app.scheduling.availability import diaries
from app.scheduling.bookings import claims, service
from app.scheduling.bookings.claims import SlotTaken
from app.scheduling.bookings.slot_request import SlotRequest
from app.scheduling.matching.queries import find_slots_for_case, is_within_hours
from app.scheduling.matching.slots import Slot
from app.scheduling.models import LIVE_BOOKING_STATES, Booking, BookingState, Claim
from app.scheduling.time.quarters import Horizon, quarter_of, wall_time_of

MAX_FOLLOW_UPS = 12
FOLLOW_UP_INTERVALS_WEEKS = (1, 2, 3, 4, 6, 8, 12)
_ALTERNATIVES_WITHIN = timedelta(days=4)
_MAX_ALTERNATIVES = 4

PERSON_BUSY_MESSAGE = N_("%(name)s already has a consultation at that time.")
PERSON_OUTSIDE_HOURS_MESSAGE = N_("This is outside the availability of %(name)s.")
NO_INTERPRETER_FREE_MESSAGE = N_("No interpreter for these languages is available at that time.")
SOMEBODY_NOT_FREE_MESSAGE = N_("Someone is not available at that time.")
BEYOND_HORIZON_MESSAGE = N_("Consultations cannot be booked that far ahead.")


@dataclass(frozen=True)
class SeriesPlan:
    """How often, and whose wall clock keeps the time. ``first`` is the first follow-up."""

    first: datetime
    every: int
    count: int
    zone: str


@dataclass(frozen=True)
class ClockShift:
    """Somebody's clock shows another time of day than at the meeting that the series began with."""

    person: Person
    was: datetime
    now: datetime


@dataclass(frozen=True)
class ProposedDate:
    """One date. ``slot`` is what is free at that very moment; without one ``why`` says so, and
    ``others`` are near it.
    """

    number: int
    starts_at: datetime
    slot: Slot | None
    why: Refusal | None
    others: tuple[Slot, ...]
    people: dict[str, Person]
    shifts: tuple[ClockShift, ...]


class DateTaken(SlotTaken):
    """One date of several could not be had, and so none was booked. ``starts_at`` says which,
    ``cause`` why.
    """

    default = N_(
        "One of these dates is no longer available, so nothing was changed. Check the dates again."
    )

    def __init__(self, starts_at: datetime, cause: Refusal) -> None:
        super().__init__()
        self.starts_at, self.cause = starts_at, cause


def check_series_plan(plan: SeriesPlan) -> None:
    """Raises ``Invalid`` for a plan that cannot be."""
    if not 1 <= plan.count <= MAX_FOLLOW_UPS:
        raise Invalid(
            N_("Enter from 1 to %(most)s follow-ups."), field="count", most=MAX_FOLLOW_UPS
        )
    if plan.every not in FOLLOW_UP_INTERVALS_WEEKS:
        raise Invalid(
            N_("Choose how many weeks there are between two consultations."), field="every"
        )
    if plan.first <= now():
        raise Invalid(N_("This time has already passed. Choose a later one."), field="first")


def compute_series_instants(plan: SeriesPlan) -> list[datetime]:
    """When the meetings begin: the same local time in the plan's zone. Where that
    night has no such time, it is read with the offset before the gap (RFC 5545, 3.3.5).
    """
    zone = ZoneInfo(plan.zone)
    wall = wall_time_of(plan.first, zone)
    weeks = (timedelta(weeks=plan.every * step) for step in range(plan.count))
    return [(wall + later).replace(tzinfo=zone).astimezone(UTC) for later in weeks]


def propose_series(session: Session, booking: Booking, plan: SeriesPlan) -> list[ProposedDate]:
    """Each date of a plan that follows a booking: the slot, or why there is none and what is
    near.
    """
    check_series_plan(plan)
    return [
        _propose_date(session, booking, number, at)
        for number, at in enumerate(compute_series_instants(plan), 1)
    ]


def book_series(
    session: Session, actor: Person, booking: Booking, wishes: Sequence[SlotRequest], token: str
) -> list[Booking]:
    """Books every wish as a follow-up of ``booking``, or none of them. The same ``token`` again
    gives the first ones back.

    Raises ``DateTaken`` for a date that cannot be had, ``Invalid`` where nothing or too much is
    asked for.
    """
    _refuse_unless_coordinator(actor)
    if not wishes:
        raise Invalid(N_("Choose at least one date."), field="dates")
    if len(wishes) > MAX_FOLLOW_UPS:
        raise Invalid(
            N_("Enter from 1 to %(most)s follow-ups."), field="count", most=MAX_FOLLOW_UPS
        )
    if not booking.is_confirmed:
        raise Conflict(N_("You can book follow-ups only for a consultation that is booked."))
    everyone = {booking.patient_id, *(wish.specialist_id for wish in wishes)} | {
        one for wish in wishes for one in (wish.interpreter_id, wish.second_interpreter_id) if one
    }

    def act() -> list[Booking]:
        diaries.lock_diaries(session, [*everyone, *(person.id for person in booking.people)])
        booking.series_id = booking.series_id or booking.id
        made = []
        for number, wish in enumerate(sorted(wishes, key=lambda one: one.starts_at)):
            try:
                made.append(
                    service.book_slot(
                        session,
                        actor,
                        booking.case,
                        wish,
                        f"{token[:50]}.{number}",
                        series_id=booking.series_id,
                    )
                )
            except (SlotTaken, Invalid) as refusal:
                raise DateTaken(wish.starts_at, refusal) from refusal
        return made

    return claims.retry_on_deadlock(session, act)


def list_following_bookings(session: Session, booking: Booking) -> list[Booking]:
    """The meetings of the same series that come after this one and are still to be, soonest
    first.
    """
    if booking.series_id is None:
        return []
    return list(
        session.scalars(
            select(Booking)
            .where(
                Booking.series_id == booking.series_id,
                Booking.state == BookingState.CONFIRMED,
                Booking.id != booking.id,
                Booking.starts_at > booking.starts_at,
                Booking.starts_at > now(),
            )
            .order_by(Booking.starts_at)
        )
    )


def cancel_series(
    session: Session, actor: Person, booking: Booking, reason: str = ""
) -> list[Booking]:
    """Calls off a meeting and all that follow it in its series."""

    def act() -> list[Booking]:
        whole = [booking, *list_following_bookings(session, booking)]
        _lock_everyone(session, whole)
        for one in whole:
            service.cancel_booking(session, actor, one, reason)
        return whole

    return claims.retry_on_deadlock(session, act)


def move_series(
    session: Session,
    actor: Person,
    booking: Booking,
    starts_at: datetime,
    reason: str = "",
    *,
    override_reason: str | None = None,
) -> list[Booking]:
    """Takes a meeting to another time, and all that follow as far on the patient's wall. Raises
    ``DateTaken``.
    """

    def act() -> list[Booking]:
        whole = [booking, *list_following_bookings(session, booking)]
        _lock_everyone(session, whole)
        zone = ZoneInfo(booking.patient.timezone)
        by = wall_time_of(starts_at, zone) - wall_time_of(booking.starts_at, zone)
        goals = [
            (one, (wall_time_of(one.starts_at, zone) + by).replace(tzinfo=zone).astimezone(UTC))
            for one in whole
        ]
        for one, goal in (
            goals if by < timedelta(0) else reversed(goals)
        ):  # nobody steps on the one before
            try:
                service.move_booking(
                    session, actor, one, goal, reason, override_reason=override_reason
                )
            except (SlotTaken, Invalid) as refusal:
                if isinstance(refusal, Invalid) and refusal.field == "reason":
                    raise
                raise DateTaken(goal, refusal) from refusal
        return whole

    return claims.retry_on_deadlock(session, act)


# --- inside ---


def _propose_date(session: Session, booking: Booking, number: int, at: datetime) -> ProposedDate:
    last_quarter = diaries.current_horizon().end
    if quarter_of(at) + booking.length > last_quarter:
        return ProposedDate(number, at, None, Conflict(BEYOND_HORIZON_MESSAGE), (), {}, ())
    for any_interpreter in (False, True):
        found = find_slots_for_case(
            session,
            booking.case,
            first=at - _ALTERNATIVES_WITHIN,
            last=at + _ALTERNATIVES_WITHIN,
            length=booking.length,
            any_interpreter=any_interpreter,
            mode=booking.mode,
        )
        there = next((slot for slot in found.slots if slot.starts_at == at), None)
        if there is not None:
            shifts = _clock_shifts(
                booking,
                at,
                [
                    found.people[one]
                    for one in _slot_person_ids(booking, there)
                    if one in found.people
                ],
            )
            return ProposedDate(number, at, there, None, (), found.people, shifts)
    near = sorted(found.slots, key=lambda slot: (not slot.is_kind, abs(slot.starts_at - at)))[
        :_MAX_ALTERNATIVES
    ]
    near.sort(key=lambda slot: slot.quarter)
    return ProposedDate(
        number,
        at,
        None,
        _explain_unavailable(session, booking, at),
        tuple(near),
        found.people,
        _clock_shifts(booking, at, booking.people),
    )


def _slot_person_ids(booking: Booking, slot: Slot) -> list[str]:
    return [
        booking.patient_id,
        *(one for one in (slot.specialist_id, slot.interpreter_id, slot.second_id) if one),
    ]


def _clock_shifts(
    booking: Booking, at: datetime, people: Sequence[Person]
) -> tuple[ClockShift, ...]:
    """Whose wall shows another time of day than at the meeting that the series follows."""
    seen = []
    for person in people:
        zone = ZoneInfo(person.timezone)
        if wall_time_of(at, zone).time() != wall_time_of(booking.starts_at, zone).time():
            seen.append(ClockShift(person, booking.starts_at, at))
    return tuple(seen)


def _explain_unavailable(session: Session, booking: Booking, at: datetime) -> Refusal:
    quarters = range(quarter_of(at), quarter_of(at) + booking.length)
    for person in (booking.patient, booking.specialist):
        if session.scalar(
            select(Claim.id)
            .join(Booking, Booking.id == Claim.booking_id)
            .where(
                Claim.person_id == person.id,
                Claim.quarter.in_(quarters),
                Booking.state.in_(LIVE_BOOKING_STATES),
            )
            .limit(1)
        ):
            return Conflict(PERSON_BUSY_MESSAGE, name=person.name)
        if not is_within_hours(session, person, quarters):
            return Conflict(PERSON_OUTSIDE_HOURS_MESSAGE, name=person.name)
    known = diaries.load_calendars(session, {booking.specialist_id: booking.specialist.timezone})[
        booking.specialist_id
    ]
    horizon = Horizon(quarters.start, len(quarters))
    is_free = horizon.cut_from(known.free, known.horizon) == horizon.full
    return Conflict(
        NO_INTERPRETER_FREE_MESSAGE
        if booking.needs_interpreter and is_free
        else SOMEBODY_NOT_FREE_MESSAGE
    )


def _lock_everyone(session: Session, bookings: Sequence[Booking]) -> None:
    diaries.lock_diaries(session, {person.id for one in bookings for person in one.people})


def _refuse_unless_coordinator(actor: Person) -> None:
    if actor.role != Role.COORDINATOR:
        raise Forbidden()
