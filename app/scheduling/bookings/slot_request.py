"""What is asked for when a time is held, and the rules that it must keep."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.cases import queries as case_queries
from app.cases.models import Case
from app.core.clock import now
from app.core.errors import Conflict, Invalid
from app.core.permissions import Role
from app.core.text import N_
from app.identity.models import Person
from app.scheduling.availability import diaries
from app.scheduling.availability.hours import (
    INTERPRETING_MODES,
)
from app.scheduling.bookings import claims
from app.scheduling.bookings.claims import OutsideHours
from app.scheduling.matching import queries as matching_queries
from app.scheduling.matching.candidates import language_pair_of
from app.scheduling.matching.slots import count_interpreters_needed
from app.scheduling.models import DEFAULT_LENGTH_QUARTERS, Booking
from app.scheduling.time.quarters import QUARTER_MINUTES, is_on_grid, quarter_of

MAX_BOOKING_QUARTERS = 16


@dataclass(frozen=True)
class SlotRequest:
    """A time, and the people to meet then. ``interpreter_id`` is None where none is needed.
    ``length`` in quarters.

    A meeting of more than an hour takes a second interpreter.
    """

    starts_at: datetime
    specialist_id: str
    interpreter_id: str | None = None
    length: int = DEFAULT_LENGTH_QUARTERS
    second_interpreter_id: str | None = None
    mode: str = "consecutive"


def resolve_participants(
    session: Session, case: Case, wish: SlotRequest, *, is_override: bool
) -> tuple[Person, list[Person], str, str]:
    """The specialist, the interpreters that it takes, and their languages. Raises ``Invalid``
    for the wrong ones.
    """
    specialist = case_queries.find_member_of_role(session, case.id, Role.SPECIALIST)
    if specialist is None:
        raise Conflict(N_("The hospital has not chosen a specialist for this case yet."))
    if specialist.id != wish.specialist_id:
        raise Conflict(N_("Another specialist now looks after this case. Choose a time again."))
    source, target, needs_interpreter = language_pair_of(case.language, specialist)
    if not needs_interpreter:
        return specialist, [], source, target
    chosen = list(
        dict.fromkeys(one for one in (wish.interpreter_id, wish.second_interpreter_id) if one)
    )
    if not chosen:
        raise Invalid(N_("This consultation needs an interpreter. Choose one of the times shown."))
    if len(chosen) < count_interpreters_needed(wish.length):
        raise Invalid(
            N_(
                "A consultation of more than an hour needs two interpreters, who take"
                " turns. Choose one of the times shown."
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
    if person is None or not matching_queries.is_qualified(
        session, person, source, target, day, wish.mode
    ):
        raise Invalid(
            N_("This interpreter has no valid credential for the two languages on that day."),
            field="interpreter",
        )
    if not is_override and not matching_queries.has_wanted_gender(
        session, person, matching_queries.interpreter_requirements_for(session, case)
    ):
        raise Invalid(
            N_("The patient has asked for another interpreter. Choose one of the times shown."),
            field="interpreter",
        )
    return person


def check_slot_request(wish: SlotRequest) -> None:
    if wish.starts_at.tzinfo is None or wish.starts_at.utcoffset() is None:
        raise Invalid(
            N_("This time has no time zone. Choose one of the times shown."),
            field="starts_at",
        )
    if not is_on_grid(wish.starts_at):
        raise Invalid(
            N_("Consultations start on a full quarter of an hour. Choose one of the times shown."),
            field="starts_at",
        )
    if wish.mode not in INTERPRETING_MODES:
        raise Invalid(N_("Choose one of the answers shown."), field="mode")
    if not 1 <= wish.length <= MAX_BOOKING_QUARTERS:
        raise Invalid(
            N_("A consultation lasts from 15 minutes to %(most)s hours."),
            field="length",
            most=MAX_BOOKING_QUARTERS * QUARTER_MINUTES // 60,
        )
    if wish.starts_at <= now():
        raise Invalid(N_("This time has already passed. Choose a later one."), field="starts_at")
    if quarter_of(wish.starts_at) + wish.length > diaries.current_horizon().end:
        raise Invalid(
            N_("This is too far ahead. Choose a time within the next three months."),
            field="starts_at",
        )


def check_personal_rules(session: Session, booking: Booking) -> None:
    """The people's own rules: hours, maxima, notice, buffers. Checked under the diaries' lock."""
    for person in booking.people:
        if not matching_queries.is_within_hours(session, person, booking.quarters):
            raise OutsideHours(
                N_("One of the people is not available at this time. These times are available."),
                who=person.name,
            )
        rules = diaries.load_diary_rules(session, person.id)
        if diaries.is_day_or_week_full(session, person.id, person.timezone, booking, rules):
            raise OutsideHours(
                N_(
                    "One of the people cannot take another consultation that day. These"
                    " times are available."
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
                N_("This is too soon for one of the people. These times are available."),
                who=person.name,
            )
