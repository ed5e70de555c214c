"""The grid on which every booking lies.

Every zone on earth stands a multiple of 15 minutes away from UTC, so one grid of UTC quarters is
also a grid of whole quarters on every wall clock. A quarter is named by ``epoch_seconds // 900``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cached_property

QUARTER_SECONDS = 900
QUARTER_MINUTES = 15
DAY_QUARTERS = 24 * 60 // QUARTER_MINUTES
WEEK_QUARTERS = 7 * DAY_QUARTERS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1)


def is_on_grid(at: datetime) -> bool:
    """Whether an aware instant is the first moment of a quarter."""
    seconds = (at - _EPOCH) / timedelta(seconds=1)
    return seconds % QUARTER_SECONDS == 0


def quarter_of(at: datetime) -> int:
    """The quarter that contains an aware instant; a naive one raises ``ValueError``."""
    if at.tzinfo is None or at.utcoffset() is None:
        raise ValueError("a naive time has no quarter")
    return (at - _EPOCH) // timedelta(seconds=QUARTER_SECONDS)


def quarter_after(at: datetime) -> int:
    """The first quarter that starts at or after an aware instant."""
    return quarter_of(at) if is_on_grid(at) else quarter_of(at) + 1


def instant_of(quarter: int) -> datetime:
    """The aware UTC instant at which a quarter starts."""
    return _EPOCH + timedelta(seconds=quarter * QUARTER_SECONDS)


def wall_quarter_of_day(day: date) -> int:
    """The number of wall-clock quarters from midnight of 1 January 1970 to midnight of ``day``."""
    return (day - _EPOCH_DAY).days * DAY_QUARTERS


def wall_time_of(at: datetime, zone: tzinfo) -> datetime:
    """What the wall clock of a zone shows at an aware instant: a naive time."""
    return at.astimezone(zone).replace(tzinfo=None)


@dataclass(frozen=True)
class Horizon:
    """A stretch of time that calendars cover: bit *i* of a calendar is the quarter ``start +
    i``.
    """

    start: int
    length: int

    @classmethod
    def between(cls, first: datetime, last: datetime) -> Horizon:
        """Every whole quarter from ``first`` until ``last``, which is left out."""
        start = quarter_after(first)
        return cls(start, max(0, quarter_of(last) - start))

    @property
    def end(self) -> int:
        """The first quarter after the horizon."""
        return self.start + self.length

    @cached_property
    def full(self) -> int:
        """A calendar that is free throughout."""
        return low_bits(self.length)

    def span(self, begin: int, end: int) -> int:
        """The bits of the quarters from ``begin`` until ``end``, cut to this horizon."""
        begin, end = max(begin, self.start), min(end, self.end)
        return 0 if begin >= end else low_bits(end - begin) << (begin - self.start)

    def days(self, first: date | None, last: date | None) -> int:
        """The bits of the UTC days from ``first`` to ``last``, both included; None leaves that side
        open.
        """
        begin = self.start if first is None else wall_quarter_of_day(first)
        end = self.end if last is None else wall_quarter_of_day(last) + DAY_QUARTERS
        return self.span(begin, end)

    @property
    def first_day(self) -> date:
        """The UTC day on which this begins."""
        return instant_of(self.start).date()

    @property
    def last_day(self) -> date:
        """The UTC day of the last quarter."""
        return instant_of(max(self.start, self.end - 1)).date()

    def cut_from(self, bits: int, other: Horizon) -> int:
        """A calendar over ``other``, seen over this horizon; what ``other`` does not cover is not
        free.
        """
        shift = self.start - other.start
        moved = bits >> shift if shift >= 0 else bits << -shift
        return moved & self.full


def low_bits(count: int) -> int:
    """A number whose lowest ``count`` bits are set."""
    return (1 << count) - 1 if count > 0 else 0
