"""The verbs of hours and qualifications: when people can be asked, and for which languages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import available_timezones

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import now
from app.core.db import count_rows
from app.core.errors import Forbidden, Invalid
from app.core.text import N_
from app.identity.models import Person
from app.scheduling import policy
from app.scheduling.availability import diaries
from app.scheduling.models import (
    AvailabilityException,
    AvailabilityWindow,
    Diary,
)
from app.scheduling.time.calendar import MINUTES_IN_DAY
from app.scheduling.time.quarters import QUARTER_MINUTES
from app.scheduling.time.recurrence import BadRecurrenceRule, check_recurrence_rule
from app.scheduling.verbs import SchedulingAuditVerb

MAX_WEEKLY_OPENINGS = 50
MAX_AVAILABILITY_EXCEPTIONS = 400
MAX_BUSY_FEEDS = 5
INTERPRETING_MODES = ("consecutive", "simultaneous")
CREDENTIAL_KINDS = ("CHI", "CMI", "CoreCHI", "court", "state", "other")


@dataclass(frozen=True)
class WeeklyHours:
    """Open from ``start`` until ``end`` (minutes after midnight, local time) on a weekday; 0 is
    Monday.
    """

    weekday: int
    start: int
    end: int
    valid_from: date | None = None
    valid_until: date | None = None


@dataclass(frozen=True)
class DatedAvailability:
    """A closure, or with ``opens`` extra hours, on each day from ``first`` to ``last``."""

    first: date
    last: date
    opens: bool = False
    start: int = 0
    end: int = MINUTES_IN_DAY
    rule: str | None = None


@dataclass(frozen=True)
class DiaryHabits:
    """What a person asks beside the hours; None means no limit."""

    buffer: int = 0
    notice_hours: int = 0
    daily_most: int | None = None
    weekly_most: int | None = None


def set_availability(
    session: Session, actor: Person, owner: Person, hours: Sequence[WeeklyHours], zone: str
) -> None:
    """Replaces the weekly hours of ``owner``. Meetings already booked stay. Raises ``Forbidden``,
    ``Invalid``.
    """
    refuse_unless_may_set_hours(actor, owner)
    _check_zone(zone)
    if len(hours) > MAX_WEEKLY_OPENINGS:
        raise Invalid(N_("Enter at most %(most)s openings per week."), most=MAX_WEEKLY_OPENINGS)
    for one in hours:
        _check_opening(one)
    diaries.lock_diaries(session, [owner.id])
    session.execute(delete(AvailabilityWindow).where(AvailabilityWindow.person_id == owner.id))
    session.add_all(
        AvailabilityWindow(
            person_id=owner.id,
            weekday=one.weekday,
            start_minute=one.start,
            end_minute=one.end,
            zone=zone,
            valid_from=one.valid_from,
            valid_until=one.valid_until,
        )
        for one in sorted(set(hours), key=lambda one: (one.weekday, one.start))
    )
    session.flush()
    record_availability_change(session, actor, owner, windows=len(hours), zone=zone)


def add_opening(
    session: Session, actor: Person, owner: Person, one: WeeklyHours, zone: str
) -> AvailabilityWindow:
    """One more opening of every week, beside those that are there."""
    refuse_unless_may_set_hours(actor, owner)
    _check_zone(zone)
    _check_opening(one)
    held = count_rows(session, AvailabilityWindow.person_id == owner.id)
    if held >= MAX_WEEKLY_OPENINGS:
        raise Invalid(
            N_("Enter at most %(most)s openings per week."),
            field="start",
            most=MAX_WEEKLY_OPENINGS,
        )
    diaries.lock_diaries(session, [owner.id])
    row = AvailabilityWindow(
        person_id=owner.id,
        weekday=one.weekday,
        start_minute=one.start,
        end_minute=one.end,
        zone=zone,
        valid_from=one.valid_from,
        valid_until=one.valid_until,
    )
    session.add(row)
    session.flush()
    record_availability_change(
        session, actor, owner, opening=row.id, weekday=one.weekday, start=one.start, end=one.end
    )
    return row


def change_opening(
    session: Session, actor: Person, owner: Person, row: AvailabilityWindow, one: WeeklyHours
) -> None:
    """Another day, other times or another period for an opening of every week; its zone stays."""
    refuse_unless_may_set_hours(actor, owner)
    _refuse_other_owner(row.person_id, owner)
    _check_opening(one)
    diaries.lock_diaries(session, [owner.id])
    row.weekday, row.start_minute, row.end_minute = one.weekday, one.start, one.end
    row.valid_from, row.valid_until = one.valid_from, one.valid_until
    session.flush()
    record_availability_change(
        session, actor, owner, opening=row.id, weekday=one.weekday, start=one.start, end=one.end
    )


def remove_opening(session: Session, actor: Person, owner: Person, row: AvailabilityWindow) -> None:
    refuse_unless_may_set_hours(actor, owner)
    _refuse_other_owner(row.person_id, owner)
    diaries.lock_diaries(session, [owner.id])
    session.delete(row)
    session.flush()
    record_availability_change(session, actor, owner, opening_removed=row.id, weekday=row.weekday)


def add_availability_exception(
    session: Session, actor: Person, owner: Person, days: DatedAvailability, zone: str
) -> AvailabilityException:
    """A closure or extra hours on certain days. Meetings already booked stay."""
    refuse_unless_may_set_hours(actor, owner)
    _check_zone(zone)
    _check_dated_availability(days)
    if (
        count_rows(session, AvailabilityException.person_id == owner.id)
        >= MAX_AVAILABILITY_EXCEPTIONS
    ):
        raise Invalid(N_("There are too many entries. Remove old ones first."), field="first")
    diaries.lock_diaries(session, [owner.id])
    row = AvailabilityException(
        person_id=owner.id,
        opens=days.opens,
        first_day=days.first,
        last_day=days.last,
        start_minute=days.start,
        end_minute=days.end,
        zone=zone,
        rule=days.rule,
    )
    session.add(row)
    session.flush()
    record_availability_change(
        session,
        actor,
        owner,
        opens=days.opens,
        first=days.first.isoformat(),
        last=days.last.isoformat(),
    )
    return row


def change_availability_exception(
    session: Session,
    actor: Person,
    owner: Person,
    row: AvailabilityException,
    days: DatedAvailability,
) -> None:
    """Other days or times for a closure or for extra hours; their zone stays."""
    refuse_unless_may_set_hours(actor, owner)
    _refuse_other_owner(row.person_id, owner)
    _check_dated_availability(days)
    diaries.lock_diaries(session, [owner.id])
    row.opens, row.first_day, row.last_day = days.opens, days.first, days.last
    row.start_minute, row.end_minute, row.rule = days.start, days.end, days.rule
    session.flush()
    record_availability_change(
        session,
        actor,
        owner,
        opens=days.opens,
        first=days.first.isoformat(),
        last=days.last.isoformat(),
    )


def remove_availability_exception(
    session: Session, actor: Person, owner: Person, row: AvailabilityException
) -> None:
    refuse_unless_may_set_hours(actor, owner)
    _refuse_other_owner(row.person_id, owner)
    diaries.lock_diaries(session, [owner.id])
    session.delete(row)
    session.flush()
    record_availability_change(session, actor, owner, removed=row.first_day.isoformat())


def set_diary_habits(session: Session, actor: Person, owner: Person, habits: DiaryHabits) -> None:
    """Buffers, notice and the most meetings a day and a week."""
    refuse_unless_may_set_hours(actor, owner)
    if not 0 <= habits.buffer <= 8:
        raise Invalid(
            N_(
                "The pause between two consultations is in steps of 15 minutes, and at most two"
                " hours."
            ),
            field="buffer",
        )
    if not 0 <= habits.notice_hours <= 24 * 14:
        raise Invalid(N_("The notice period can be at most two weeks."), field="notice_hours")
    for name, most in (("daily_most", habits.daily_most), ("weekly_most", habits.weekly_most)):
        if most is not None and not 1 <= most <= 100:
            raise Invalid(
                N_("Enter a number of consultations from 1 to 100, or leave it empty."),
                field=name,
            )
    if habits.daily_most and habits.weekly_most and habits.daily_most > habits.weekly_most:
        raise Invalid(
            N_("The maximum per day cannot be more than the maximum per week."), field="daily_most"
        )
    diaries.lock_diaries(session, [owner.id])
    diary = session.get_one(Diary, owner.id, populate_existing=True)
    diary.buffer, diary.notice_hours = habits.buffer, habits.notice_hours
    diary.daily_most, diary.weekly_most = habits.daily_most, habits.weekly_most
    session.flush()
    record_availability_change(
        session, actor, owner, buffer=habits.buffer, notice_hours=habits.notice_hours
    )


def _check_opening(one: WeeklyHours) -> None:
    _check_minutes_of_day(one.start, one.end, wraps=True)
    if not 0 <= one.weekday <= 6:
        raise Invalid(N_("Choose a day of the week."), field="weekday")
    check_period(one.valid_from, one.valid_until)


def _check_dated_availability(days: DatedAvailability) -> None:
    _check_minutes_of_day(days.start, days.end, wraps=False)
    check_period(days.first, days.last)
    if (days.last - days.first).days > 366:
        raise Invalid(N_("Enter at most one year at a time."), field="last")
    if days.rule is None and days.last < now().date() - timedelta(days=1):
        raise Invalid(N_("These days have already passed."), field="last")
    _check_recurrence(days)


def _check_recurrence(days: DatedAvailability) -> None:
    if days.rule is not None:
        try:
            check_recurrence_rule(days.rule, days.first)
        except BadRecurrenceRule:
            raise Invalid(
                N_("We could not read how these days repeat. Nothing was saved."), field="repeat"
            ) from None


def refuse_unless_may_set_hours(actor: Person, owner: Person) -> None:
    if not policy.can_set_hours(actor, owner):
        raise Forbidden()


def _refuse_other_owner(person_id: str, owner: Person) -> None:
    if person_id != owner.id:
        raise Forbidden()


def _check_zone(zone: str) -> None:
    if zone not in available_timezones():
        raise Invalid(N_("We do not know the time zone “%(zone)s”."), field="zone", zone=zone)


def _check_minutes_of_day(start: int, end: int, *, wraps: bool) -> None:
    if (
        not (0 <= start < MINUTES_IN_DAY and 0 <= end <= MINUTES_IN_DAY)
        or start % QUARTER_MINUTES
        or end % QUARTER_MINUTES
    ):
        raise Invalid(N_("Openings start and end on a full quarter of an hour."), field="start")
    if start == end or (end < start and not wraps):
        raise Invalid(N_("The end must be after the start."), field="end")


def check_period(first: date | None, last: date | None) -> None:
    if first is not None and last is not None and last < first:
        raise Invalid(N_("The last day must not be before the first day."), field="last")


def record_availability_change(
    session: Session, actor: Person, owner: Person, **facts: object
) -> None:
    audit.record_audit_entry(
        session,
        actor.id,
        SchedulingAuditVerb.AVAILABILITY_CHANGED,
        "person",
        owner.id,
        case_id=None,
        **facts,
    )
