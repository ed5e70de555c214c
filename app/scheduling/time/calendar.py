"""A person's free time as one integer, a bit for each quarter of a horizon.

Opening hours are wall time in a named zone. A quarter is open when the wall clock, read at that
very instant, stands inside a window. This one sentence settles the nights when clocks change: an
hour that does not exist opens nothing, an hour that comes twice is open twice.

Between two changes of the clock a zone is a plain shift of UTC, so the weekly pattern is laid down
by one multiplication and one shift per stretch, whatever the number of weeks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

from app.scheduling.time.quarters import (
    DAY_QUARTERS,
    QUARTER_MINUTES,
    QUARTER_SECONDS,
    WEEK_QUARTERS,
    Horizon,
    instant_of,
    low_bits,
    wall_quarter_of_day,
)

MINUTES_IN_DAY = 24 * 60
# Wall quarter 0 is midnight of a Thursday (1 January 1970); weekly patterns begin on Monday.
_THURSDAY_QUARTERS = 3 * DAY_QUARTERS

QuarterInterval = tuple[int, int]
"""Quarters from the first until the second, which is left out."""


@dataclass(frozen=True, slots=True)
class WeeklyWindow:
    """Open hours on one weekday (0 is Monday), from ``start`` until ``end`` minutes after midnight
    on the wall.

    An ``end`` at or before ``start`` lies on the next day: 22:00 to 06:00 is one window. The
    validity dates are those of the day on which the window starts, both included.
    """

    weekday: int
    start: int
    end: int
    zone: str
    valid_from: date | None = None
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class DatedHours:
    """Hours on each day from ``first`` to ``last``, both included, in the local time of a zone; by
    default all day.
    """

    first: date
    last: date
    zone: str
    start: int = 0
    end: int = MINUTES_IN_DAY


def window_bits(windows: Iterable[WeeklyWindow], horizon: Horizon) -> int:
    """The quarters in which at least one of the windows is open throughout."""
    patterns: dict[tuple[str, int | None, int | None], int] = {}
    for window in windows:
        for weekday, start, end, later in _split_at_midnight(window):
            first = _validity_quarter(window.valid_from, later)
            last = _validity_quarter(window.valid_until, later)
            key = (window.zone, first, last)
            patterns[key] = patterns.get(key, 0) | day_pattern(start, end) << weekday * DAY_QUARTERS
    bits = 0
    for (zone, first, last), pattern in patterns.items():
        bits |= wall_bits(
            pattern, zone, horizon, first, None if last is None else last + DAY_QUARTERS
        )
    return bits


def dated_bits(hours: Iterable[DatedHours], horizon: Horizon, *, outward: bool) -> int:
    """The quarters of dated hours: those touched at all when ``outward`` (closures), else those
    filled.
    """
    bits = 0
    for one in hours:
        day = day_pattern(one.start, one.end, outward=outward)
        every_day = sum(day << weekday * DAY_QUARTERS for weekday in range(7))
        first, last = wall_quarter_of_day(one.first), wall_quarter_of_day(one.last) + DAY_QUARTERS
        bits |= wall_bits(every_day, one.zone, horizon, first, last)
    return bits


def quarter_bits(quarters: Iterable[int], horizon: Horizon) -> int:
    """Single quarters, in any order, as bits."""
    octets = bytearray(horizon.length // 8 + 1)
    for quarter in quarters:
        index = quarter - horizon.start
        if 0 <= index < horizon.length:
            octets[index >> 3] |= 1 << (index & 7)
    return int.from_bytes(octets, "little")


def free_bits(
    horizon: Horizon, *, opened: int, closed: int = 0, busy: int = 0, buffer: int = 0
) -> int:
    """Open time minus closures, minus what is taken together with ``buffer`` quarters on either
    side of it.
    """
    return opened & ~closed & ~widen_bits(busy, buffer) & horizon.full


def widen_bits(bits: int, by: int) -> int:
    """Every set bit, and ``by`` more on both of its sides. May reach past the horizon's end."""
    grown = 0
    while grown < by:
        step = min(by - grown, grown + 1)
        bits |= bits << step | bits >> step
        grown += step
    return bits


def run_starts(bits: int, length: int) -> int:
    """Where ``length`` set bits in a row begin, found by doubling: log2(length) shifts and ANDs."""
    have = 1
    while have < length:
        step = min(have, length - have)
        bits &= bits >> step
        have += step
    return bits


@lru_cache(maxsize=4096)
def day_pattern(start: int, end: int, *, outward: bool = False) -> int:
    """The quarters of a day between two minutes: touched at all when ``outward``, else filled
    throughout.
    """
    if end <= start:
        return 0
    if outward:
        first, last = start // QUARTER_MINUTES, -(-end // QUARTER_MINUTES)
    else:
        first, last = -(-start // QUARTER_MINUTES), end // QUARTER_MINUTES
    return low_bits(last - first) << first if last > first else 0


def wall_bits(
    pattern: int, zone: str, horizon: Horizon, first: int | None = None, last: int | None = None
) -> int:
    """A weekly pattern (672 bits from Monday's midnight) in the local time of a zone, over a
    horizon.

    ``first`` and ``last`` are wall quarters: nothing is open before the one or from the other on.
    """
    bits = 0
    for begin, end, offset in split_at_clock_changes(zone, horizon.start, horizon.end):
        low = begin + offset if first is None else max(begin + offset, first)
        high = end + offset if last is None else min(end + offset, last)
        if low >= high or not pattern:
            continue
        phase = (low + _THURSDAY_QUARTERS) % WEEK_QUARTERS
        weeks = -(-(phase + high - low) // WEEK_QUARTERS)
        run = (pattern * _weekly_repeat_bits(weeks) >> phase) & low_bits(high - low)
        bits |= run << (low - offset - horizon.start)
    return bits


@lru_cache(maxsize=1024)
def split_at_clock_changes(zone: str, start: int, end: int) -> tuple[tuple[int, int, int], ...]:
    """Quarters from ``start`` until ``end``, cut where the zone changes its clock: (begin, end,
    offset).

    The offset is in quarters, to be added to UTC. A zone changes its clock at most once a day.
    """
    info = ZoneInfo(zone)
    cut: list[tuple[int, int, int]] = []
    begin, offset = start, _offset_quarters(info, start)
    here = start
    while here < end:
        ahead = min(here + DAY_QUARTERS, end)
        if _offset_quarters(info, ahead) != offset:
            change = _clock_change_between(info, here, ahead)
            cut.append((begin, change, offset))
            begin, offset = change, _offset_quarters(info, change)
        here = ahead
    if begin < end:
        cut.append((begin, end, offset))
    return tuple(cut)


def _clock_change_between(info: ZoneInfo, low: int, high: int) -> int:
    """The first quarter after ``low``, at most ``high``, whose offset is no longer that of
    ``low``.
    """
    before = _offset_quarters(info, low)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset_quarters(info, middle) == before:
            low = middle
        else:
            high = middle
    return high


def _offset_quarters(info: ZoneInfo, quarter: int) -> int:
    shift = instant_of(quarter).astimezone(info).utcoffset()
    assert shift is not None
    return int(shift.total_seconds()) // QUARTER_SECONDS


def _split_at_midnight(window: WeeklyWindow) -> Iterable[tuple[int, int, int, int]]:
    """A window as pieces that end by midnight: weekday, start, end, days after the window's own
    day.
    """
    if window.end > window.start:
        return ((window.weekday, window.start, window.end, 0),)
    return (
        (window.weekday, window.start, MINUTES_IN_DAY, 0),
        ((window.weekday + 1) % 7, 0, window.end, 1),
    )


def _validity_quarter(day: date | None, later: int) -> int | None:
    return None if day is None else wall_quarter_of_day(day) + later * DAY_QUARTERS


@lru_cache(maxsize=256)
def _weekly_repeat_bits(weeks: int) -> int:
    return sum(1 << week * WEEK_QUARTERS for week in range(weeks))
