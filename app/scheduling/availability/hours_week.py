"""A stretch of days as a calendar draws it: openings, closures, and what is taken, in the local
time of one zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import Person
from app.scheduling import queries
from app.scheduling.availability.queries import availability_exceptions_of, availability_windows_of
from app.scheduling.models import AvailabilityException, AvailabilityWindow, BusySpan
from app.scheduling.time.calendar import MINUTES_IN_DAY, DatedHours
from app.scheduling.time.quarters import Horizon, instant_of, quarter_of, wall_time_of
from app.scheduling.time.recurrence import expand_saved_recurrence

MAX_CALENDAR_DAYS = 14


class CalendarSpanKind(StrEnum):
    """What a stretch on the calendar is."""

    WEEKLY = "weekly"
    OPEN = "open"
    CLOSED = "closed"
    BUSY = "busy"  # another calendar says so
    MEETING = "meeting"


@dataclass(frozen=True)
class CalendarSpan:
    """One stretch. ``starts`` and ``ends`` are what the wall clock shows; ``row_id`` names what
    a change would change.
    """

    kind: CalendarSpanKind
    starts: datetime
    ends: datetime
    row_id: str = ""
    weekday: int | None = None
    start_minute: int = 0
    end_minute: int = 0
    first: date | None = None
    last: date | None = None
    rule: str | None = None
    is_movable: bool = False


def zone_of_hours(session: Session, owner: Person) -> str:
    """The zone on whose wall the weekly hours stand; without any, the one in which the person
    lives.
    """
    rows = availability_windows_of(session, owner)
    return rows[0].zone if rows else owner.timezone


def week_of_hours(
    session: Session, owner: Person, zone: str, first: date, days: int = 7
) -> list[CalendarSpan]:
    """Everything that a calendar shows of ``days`` days from ``first``. Raises nothing: an empty
    week is a week too.
    """
    days = max(1, min(days, MAX_CALENDAR_DAYS))
    found = [
        *_weekly_spans(availability_windows_of(session, owner), zone, first, days),
        *_exception_spans(availability_exceptions_of(session, owner), zone, first, days),
        *_taken_spans(session, owner, zone, first, days),
    ]
    return sorted(found, key=lambda one: (one.starts, one.kind, one.row_id))


def _weekly_spans(
    rows: Iterable[AvailabilityWindow], zone: str, first: date, days: int
) -> Iterator[CalendarSpan]:
    for row in rows:
        for step in range(-1, days):
            day = first + timedelta(days=step)
            if (
                day.weekday() != row.weekday
                or (row.valid_from and day < row.valid_from)
                or (row.valid_until and day > row.valid_until)
            ):
                continue
            over = 0 if row.end_minute > row.start_minute else 1
            starts = _wall_time_in_zone(day, row.start_minute, row.zone, zone)
            ends = _wall_time_in_zone(day + timedelta(days=over), row.end_minute, row.zone, zone)
            yield CalendarSpan(
                CalendarSpanKind.WEEKLY,
                starts,
                ends,
                row.id,
                row.weekday,
                row.start_minute,
                row.end_minute,
                row.valid_from,
                row.valid_until,
                is_movable=row.zone == zone,
            )


def _exception_spans(
    rows: Iterable[AvailabilityException], zone: str, first: date, days: int
) -> Iterator[CalendarSpan]:
    last = first + timedelta(days=days)
    around = Horizon.between(_midnight_in_zone(first, zone), _midnight_in_zone(last, zone))
    for row in rows:
        hours = DatedHours(row.first_day, row.last_day, row.zone, row.start_minute, row.end_minute)
        for span in expand_saved_recurrence(hours, row.rule, around) if row.rule else [hours]:
            for step in range((span.last - span.first).days + 1):
                day = span.first + timedelta(days=step)
                if not first - timedelta(days=1) <= day < last:
                    continue
                yield CalendarSpan(
                    CalendarSpanKind.OPEN if row.opens else CalendarSpanKind.CLOSED,
                    _wall_time_in_zone(day, row.start_minute, row.zone, zone),
                    _wall_time_in_zone(day, row.end_minute, row.zone, zone),
                    row.id,
                    None,
                    row.start_minute,
                    row.end_minute,
                    row.first_day,
                    row.last_day,
                    row.rule,
                    is_movable=row.zone == zone
                    and row.rule is None
                    and row.first_day == row.last_day,
                )


def _taken_spans(
    session: Session, owner: Person, zone: str, first: date, days: int
) -> Iterator[CalendarSpan]:
    begin, end = (
        quarter_of(_midnight_in_zone(first + timedelta(days=step), zone)) for step in (0, days)
    )
    wall = ZoneInfo(zone)
    spans = session.execute(
        select(BusySpan.start_quarter, BusySpan.end_quarter).where(
            BusySpan.person_id == owner.id,
            BusySpan.end_quarter > begin,
            BusySpan.start_quarter < end,
        )
    )
    for start, stop in spans:
        yield CalendarSpan(
            CalendarSpanKind.BUSY,
            wall_time_of(instant_of(start), wall),
            wall_time_of(instant_of(stop), wall),
        )
    for booking in queries.bookings_of_person(session, owner, instant_of(begin), instant_of(end)):
        yield CalendarSpan(
            CalendarSpanKind.MEETING,
            wall_time_of(booking.starts_at, wall),
            wall_time_of(booking.ends_at, wall),
            booking.id,
        )


def _wall_time_in_zone(day: date, minute: int, of: str, zone: str) -> datetime:
    """A local time of one zone as the local time of another; within one zone it stays as it is,
    whatever clocks do.
    """
    at = datetime.combine(day, time.min) + timedelta(minutes=min(minute, MINUTES_IN_DAY))
    return at if of == zone else wall_time_of(at.replace(tzinfo=ZoneInfo(of)), ZoneInfo(zone))


def _midnight_in_zone(day: date, zone: str) -> datetime:
    return datetime.combine(day, time.min, ZoneInfo(zone))
