"""Somebody lives by another clock now: whether their hours move with them, and what that does to
what is booked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.errors import Invalid
from app.core.text import N_
from app.identity.models import Person
from app.scheduling import queries
from app.scheduling.availability import hours
from app.scheduling.availability.hours import WeeklyHours
from app.scheduling.availability.queries import availability_windows_of
from app.scheduling.models import AvailabilityWindow, Booking
from app.scheduling.time.calendar import MINUTES_IN_DAY, WeeklyWindow, window_bits
from app.scheduling.time.quarters import Horizon


class ZoneMoveWay(StrEnum):
    """What may happen to weekly hours when their owner's clock is another."""

    WALL = "wall"  # nine o'clock stays nine o'clock, there
    MOMENTS = "moments"  # the same moments as until now, written on the new wall
    LEAVE = "leave"  # they stay the wall time of the old zone


@dataclass(frozen=True)
class OpeningMove:
    """One opening as it stands, on its own wall, and what each way makes of it on the new one."""

    row: AvailabilityWindow
    wall: WeeklyHours
    moments: WeeklyHours


@dataclass(frozen=True)
class ZoneMoveMeeting:
    """A meeting ahead. It keeps its moment; ``outside`` names the ways that leave it outside the
    hours.
    """

    booking: Booking
    outside: tuple[ZoneMoveWay, ...]


def list_opening_moves(session: Session, owner: Person, zone: str) -> list[OpeningMove]:
    """The openings that stand on another wall than that of ``zone``, each as both ways would have
    it.
    """
    return [
        OpeningMove(row, _current_weekly_hours(row), _hours_at_same_moments(row, zone))
        for row in availability_windows_of(session, owner)
        if row.zone != zone
    ]


def list_zone_move_meetings(session: Session, owner: Person, zone: str) -> list[ZoneMoveMeeting]:
    """The owner's meetings ahead, soonest first."""
    rows = availability_windows_of(session, owner)
    made = {
        way: [
            _window_of_hours(
                one, zone if way is not ZoneMoveWay.LEAVE and row.zone != zone else row.zone
            )
            for row in rows
            for one in [_hours_by_way(row, zone, way)]
        ]
        for way in ZoneMoveWay
    }
    return [
        ZoneMoveMeeting(
            booking, tuple(way for way in ZoneMoveWay if not _is_within_windows(made[way], booking))
        )
        for booking in queries.upcoming_bookings(session, owner)
    ]


def has_varying_zone_offset(zone: str, other: str) -> bool:
    """Whether the two zones are not always equally far apart in the year to come: then moments
    cannot stay the same.
    """
    today = now().replace(minute=0, second=0, microsecond=0)
    apart = {
        _utc_offset_at(zone, at) - _utc_offset_at(other, at)
        for at in (today + timedelta(days=day) for day in range(366))
    }
    return len(apart) > 1


def move_hours_to_zone(session: Session, actor: Person, owner: Person, zone: str, way: str) -> None:
    """Makes one choice true for every opening on another wall. Meetings keep their moments. Raises
    ``Invalid``.
    """
    if way not in list(ZoneMoveWay):
        raise Invalid(N_("Choose what happens to your availability."), field="way")
    if way == ZoneMoveWay.LEAVE:
        return
    rows = availability_windows_of(session, owner)
    hours.set_availability(
        session, actor, owner, [_hours_by_way(row, zone, ZoneMoveWay(way)) for row in rows], zone
    )


def _hours_by_way(row: AvailabilityWindow, zone: str, way: ZoneMoveWay) -> WeeklyHours:
    return (
        _hours_at_same_moments(row, zone)
        if way is ZoneMoveWay.MOMENTS and row.zone != zone
        else _current_weekly_hours(row)
    )


def _current_weekly_hours(row: AvailabilityWindow) -> WeeklyHours:
    return WeeklyHours(
        row.weekday, row.start_minute, row.end_minute, row.valid_from, row.valid_until
    )


def _hours_at_same_moments(row: AvailabilityWindow, zone: str) -> WeeklyHours:
    """The opening on the new wall, as far apart as the two walls are on the next day on which it is
    open.
    """
    day = max(now().astimezone(ZoneInfo(row.zone)).date(), row.valid_from or date.min)
    day += timedelta(days=(row.weekday - day.weekday()) % 7)
    begins = datetime.combine(day, time.min, ZoneInfo(row.zone)) + timedelta(
        minutes=row.start_minute
    )
    wall = begins.astimezone(UTC).astimezone(ZoneInfo(zone))
    length = (row.end_minute - row.start_minute) % MINUTES_IN_DAY or MINUTES_IN_DAY
    start = wall.hour * 60 + wall.minute
    end = (start + length) % MINUTES_IN_DAY or MINUTES_IN_DAY
    by = (wall.date() - day).days
    return WeeklyHours(
        wall.weekday(), start, end, _shift_day(row.valid_from, by), _shift_day(row.valid_until, by)
    )


def _shift_day(day: date | None, by: int) -> date | None:
    return None if day is None else day + timedelta(days=by)


def _window_of_hours(one: WeeklyHours, zone: str) -> WeeklyWindow:
    return WeeklyWindow(one.weekday, one.start, one.end, zone, one.valid_from, one.valid_until)


def _is_within_windows(windows: Sequence[WeeklyWindow], booking: Booking) -> bool:
    around = Horizon(booking.quarters.start, booking.length)
    return window_bits(windows, around) == around.full


def _utc_offset_at(zone: str, at: datetime) -> timedelta:
    apart = at.astimezone(ZoneInfo(zone)).utcoffset()
    assert apart is not None
    return apart
