"""Recurrence: closures and openings by rule, and the busy times of calendars from elsewhere (RFC
5545).

Rules are expanded in wall time, without a zone, and the zone is added afterwards. So a meeting at
nine stays at nine when clocks change. A wall time that does not exist is read with the offset
before the gap, as RFC 5545 section 3.3.5 has it, and one that comes twice is the first of the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import islice
from typing import BinaryIO, Protocol, cast
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rruleset, rrulestr
from icalendar import Calendar, vRecur

from app.scheduling.time.calendar import DatedHours, QuarterInterval
from app.scheduling.time.quarters import (
    Horizon,
    instant_of,
    quarter_after,
    quarter_of,
    wall_time_of,
)

ALLOWED_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
MAX_RULE_CHARACTERS = 300
MAX_RULE_OCCURRENCES = 20_000  # of one rule of ours: a daily one of fifty years
# Days that are looked at, whether they match or not: a yearly rule of a hundred years is 36,525.
MAX_RULE_DAYS_EXAMINED = 150_000
# The same through all recurrences of a calendar from elsewhere: some ten seconds of work.
MAX_CALENDAR_DAYS_EXAMINED = 20_000_000
MAX_RECURRENCE_STEPS = 400_000  # occurrences of a calendar from elsewhere
MAX_BUSY_SPANS = 20_000  # intervals of one calendar from elsewhere
_MAX_EVENT_DURATION = timedelta(days=400)


class _CalendarComponent(Protocol):
    """What is read of a component of an iCalendar file; ``icalendar`` gives its methods no
    types.
    """

    def get(self, key: str, default: object = None) -> object: ...
    def __getitem__(self, key: str) -> object: ...
    def __contains__(self, key: str) -> bool: ...
    def walk(self, name: str) -> Sequence[_CalendarComponent]: ...


class BadRecurrenceRule(ValueError):
    """A recurrence that cannot be read, or that recurs more often than daily."""


class BadCalendar(ValueError):
    """What came is not a calendar that can be read."""


class _WorkLimit:
    """Counts the days that rules look at. dateutil goes on to the year 9999 for a rule that never
    matches, and for ever for one that does not advance.
    """

    def __init__(self, days: int) -> None:
        self._left = days

    def limit_rule(self, rule: rrule) -> rrule:
        """Has every day that the rule looks at counted; too many raise ``ValueError``.

        dateutil asks of each day first whether its month is wanted, in ``_bymonth``: that is where
        the days can be counted without another copy of its loop.
        """
        if getattr(rule, "_interval", 0) < 1:
            raise ValueError("a rule that does not advance")
        months = getattr(rule, "_bymonth", None) or range(1, 13)
        rule._bymonth = _CountedMonths(frozenset(months), self)  # pyright: ignore
        return rule

    def count_day(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise ValueError("a rule that takes too much work")


class _CountedMonths:
    """The months of a rule. It is asked once for each day."""

    def __init__(self, months: frozenset[int], limit: _WorkLimit) -> None:
        self._months, self._limit = months, limit

    def __bool__(self) -> bool:
        return True

    def __contains__(self, month: int) -> bool:
        self._limit.count_day()
        return month in self._months


# --- rules of closures and openings ---


def check_recurrence_rule(rule: str, first: date) -> None:
    """Raises ``BadRecurrenceRule`` for an RRULE that cannot be used from ``first`` on."""
    next(_days_of_rule(rule, first, first), None)


def expand_recurrence(hours: DatedHours, rule: str, horizon: Horizon) -> list[DatedHours]:
    """The days of a rule that touch a horizon; each occurrence spans as many days as the first.
    Raises ``BadRecurrenceRule``.
    """
    span = hours.last - hours.first
    early = horizon.first_day - span - timedelta(days=2)
    late = horizon.last_day + timedelta(days=2)
    return [
        DatedHours(day, day + span, hours.zone, hours.start, hours.end)
        for day in _days_of_rule(rule, hours.first, late)
        if day >= early
    ]


def expand_saved_recurrence(hours: DatedHours, rule: str, horizon: Horizon) -> list[DatedHours]:
    """As ``expand_recurrence``. Of a rule saved before it was checked, the first day only."""
    try:
        return expand_recurrence(hours, rule, horizon)
    except BadRecurrenceRule:
        return [hours]


def _days_of_rule(rule: str, first: date, until: date) -> Iterator[date]:
    parts = {
        name: value
        for name, _, value in (
            part.partition("=") for part in rule.upper().removeprefix("RRULE:").split(";")
        )
    }
    if (
        len(rule) > MAX_RULE_CHARACTERS
        or parts.get("FREQ") not in ALLOWED_FREQUENCIES
        or "\n" in rule
    ):
        raise BadRecurrenceRule(rule)
    if any(name in parts for name in ("BYHOUR", "BYMINUTE", "BYSECOND")):
        raise BadRecurrenceRule(rule)
    if until_text := parts.get("UNTIL"):
        # only days recur here, so the time of day and the zone of the end mean nothing
        parts["UNTIL"] = until_text[:8]
    try:
        days = rrulestr(
            ";".join(f"{k}={v}" for k, v in parts.items()),
            dtstart=datetime.combine(first, time.min),
        )
        if not isinstance(days, rrule):
            raise ValueError("a rule that is a set of rules")
        days = _WorkLimit(MAX_RULE_DAYS_EXAMINED).limit_rule(days)
        for at in islice(days, MAX_RULE_OCCURRENCES):
            if at.date() > until:
                return
            yield at.date()
    except (ValueError, TypeError, OverflowError, KeyError) as error:
        raise BadRecurrenceRule(rule) from error


# --- busy times from elsewhere ---


def read_busy_spans(ics: bytes, zone: str, horizon: Horizon) -> list[QuarterInterval]:
    """When a calendar says that its owner is busy, in quarters, overlapping ones joined.

    ``zone`` is that of the owner: whole days and times without a zone are theirs. Events that are
    cancelled or shown as free do not count. Raises ``BadCalendar``.
    """
    try:
        calendars = Calendar.from_ical(ics, multiple=True)
    except (ValueError, KeyError, IndexError, AttributeError) as error:
        raise BadCalendar("not a calendar") from error
    if not calendars:
        raise BadCalendar("not a calendar")
    home, steps = ZoneInfo(zone), iter(range(MAX_RECURRENCE_STEPS))
    limit = _WorkLimit(MAX_CALENDAR_DAYS_EXAMINED)
    found: list[QuarterInterval] = []
    for calendar in calendars:
        if getattr(calendar, "name", None) != "VCALENDAR":
            raise BadCalendar("not a calendar")
        component = cast(_CalendarComponent, calendar)
        for begin, end in _busy_periods(component, home, horizon, steps, limit):
            span = (max(quarter_of(begin), horizon.start), min(quarter_after(end), horizon.end))
            if span[0] < span[1]:
                found.append(span)
            if len(found) > MAX_BUSY_SPANS:
                raise BadCalendar("more events than a person has")
    return merge_intervals(found)


def read_busy_spans_of_file(
    file: BinaryIO, zone: str, horizon: tuple[int, int]
) -> list[QuarterInterval] | None:
    """As ``read_busy_spans``, as a parser for ``parse_in_child``: None for a bad calendar.
    ``horizon`` is start and length.
    """
    try:
        return read_busy_spans(file.read(), zone, Horizon(*horizon))
    except BadCalendar:
        return None


def merge_intervals(spans: Iterable[QuarterInterval]) -> list[QuarterInterval]:
    """The same time in as few intervals as possible, in order."""
    result: list[QuarterInterval] = []
    for begin, end in sorted(spans):
        if result and begin <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((begin, end))
    return result


def _busy_periods(
    calendar: _CalendarComponent,
    home: tzinfo,
    horizon: Horizon,
    steps: Iterator[int],
    limit: _WorkLimit,
) -> Iterator[tuple[datetime, datetime]]:
    first, last = instant_of(horizon.start), instant_of(horizon.end)
    events = [event for event in calendar.walk("VEVENT") if "DTSTART" in event]
    changed = {
        (str(event.get("UID")), _instant_of_value(_read_date(event, "RECURRENCE-ID"), home))
        for event in events
        if "RECURRENCE-ID" in event
    }
    for event in events:
        if _is_event_free(event):
            continue
        begin, length = _begin_and_length(event, home)
        if "RECURRENCE-ID" in event or not any(name in event for name in ("RRULE", "RDATE")):
            if begin < last and begin + length > first:
                yield begin, begin + length
            continue
        for at in _occurrences(event, home, first - length, last, steps, limit):
            if (str(event.get("UID")), at) not in changed:
                yield at, at + length
    for free_busy in calendar.walk("VFREEBUSY"):
        for begin, end in _free_busy_periods(free_busy, home):
            if begin < last and end > first:
                yield begin, end


def _is_event_free(event: _CalendarComponent) -> bool:
    return (
        str(event.get("TRANSP", "")).upper() == "TRANSPARENT"
        or str(event.get("STATUS", "")).upper() == "CANCELLED"
        or str(event.get("X-MICROSOFT-CDO-BUSYSTATUS", "")).upper() == "FREE"
    )


def _begin_and_length(event: _CalendarComponent, home: tzinfo) -> tuple[datetime, timedelta]:
    start = _read_date(event, "DTSTART")
    begin = _instant_of_value(start, home)
    if "DTEND" in event:
        length = _instant_of_value(_read_date(event, "DTEND"), home) - begin
    elif "DURATION" in event:
        length = getattr(event["DURATION"], "dt", None)
        if not isinstance(length, timedelta):
            raise BadCalendar("DURATION is no duration")
    else:
        length = timedelta(days=0 if isinstance(start, datetime) else 1)
    return begin, min(max(length, timedelta(0)), _MAX_EVENT_DURATION)


def _occurrences(
    event: _CalendarComponent,
    home: tzinfo,
    first: datetime,
    last: datetime,
    steps: Iterator[int],
    limit: _WorkLimit,
) -> Iterator[datetime]:
    """The beginnings of a recurring event between two instants."""
    start = _read_date(event, "DTSTART")
    zone = start.tzinfo if isinstance(start, datetime) and start.tzinfo else home
    wall = _wall_time_of_value(start, zone)
    days = rruleset()
    try:
        for value in _list_values(event, "RRULE"):
            rule = rrulestr(_rule_in_wall_time(value, zone), dtstart=wall)
            if not isinstance(rule, rrule):
                raise ValueError("a rule that is a set of rules")
            days.rrule(limit.limit_rule(rule))
        for at in _dates_of_property(event, "RDATE"):
            days.rdate(_wall_time_of_value(at, zone))
        for at in _dates_of_property(event, "EXDATE"):
            days.exdate(_wall_time_of_value(at, zone))
        if "RRULE" not in event:
            days.rdate(wall)
        early, late = (wall_time_of(at, zone) for at in (first, last))
        margin = timedelta(days=1)
        for at in days:
            if next(steps, None) is None:
                raise BadCalendar("recurs without end")
            if at > late + margin:
                return
            if at >= early - margin:
                instant = at.replace(tzinfo=zone).astimezone(UTC)
                if first <= instant < last:
                    yield instant
    except (ValueError, TypeError, OverflowError, KeyError) as error:
        raise BadCalendar("a recurrence that cannot be read") from error


def _rule_in_wall_time(rule: object, zone: tzinfo) -> str:
    """An RRULE whose UNTIL is wall time too: RFC 5545 gives it in UTC where the start has a zone.
    Raises ``ValueError`` for what is not a rule.
    """
    if not isinstance(rule, vRecur):
        raise ValueError("not a rule")
    parts = dict(cast("Mapping[str, object]", rule))
    until = parts.pop("UNTIL", None)
    text = vRecur(parts).to_ical().decode()
    at = until
    if isinstance(until, list) and until:
        at = cast("list[object]", until)[0]
    if at is None:
        return text
    if not isinstance(at, date):
        raise ValueError("UNTIL is not a date")
    is_instant = isinstance(at, datetime)
    wall = _wall_time_of_value(at, zone) if is_instant else datetime.combine(at, time.max)
    return f"{text};UNTIL={wall:%Y%m%dT%H%M%S}"


def _dates_of_property(event: _CalendarComponent, name: str) -> Iterator[date]:
    """The dates of RDATE or EXDATE; of a period, its beginning. Raises ``ValueError`` for
    others.
    """
    for group in _list_values(event, name):
        for one in cast("Iterable[object]", getattr(group, "dts", ())):
            value: object = getattr(one, "dt", None)
            first = cast("tuple[object, ...]", value)[0] if isinstance(value, tuple) else value
            if not isinstance(first, date):
                raise ValueError(f"{name} has no date")
            yield first


def _free_busy_periods(
    component: _CalendarComponent, home: tzinfo
) -> Iterator[tuple[datetime, datetime]]:
    for period in _list_values(component, "FREEBUSY"):
        parameters = cast("Mapping[str, object]", getattr(period, "params", {}))
        if str(parameters.get("FBTYPE", "BUSY")).upper() == "FREE":
            continue
        value: object = getattr(period, "dt", None)
        if not isinstance(value, tuple):
            continue
        start, end = cast("tuple[object, object]", value)
        if not isinstance(start, date) or not isinstance(end, (date, timedelta)):
            continue
        begin = _instant_of_value(start, home)
        yield begin, begin + end if isinstance(end, timedelta) else _instant_of_value(end, home)


def _list_values(component: _CalendarComponent, name: str) -> list[object]:
    """The values of a property that may be missing, stand once, or stand several times."""
    held = component.get(name, [])
    return cast("list[object]", held) if isinstance(held, list) else [held]


def _read_date(component: _CalendarComponent, name: str) -> date:
    """The date or the time of a property. Raises ``BadCalendar`` where it has neither."""
    value: object = getattr(component[name], "dt", None)
    if not isinstance(value, date):
        raise BadCalendar(f"{name} is no date")
    return value


def _instant_of_value(at: date, home: tzinfo) -> datetime:
    if not isinstance(at, datetime):
        at = datetime.combine(at, time.min)
    return (at if at.tzinfo else at.replace(tzinfo=home)).astimezone(UTC)


def _wall_time_of_value(at: date, zone: tzinfo) -> datetime:
    if not isinstance(at, datetime):
        return datetime.combine(at, time.min)
    return (at.astimezone(zone) if at.tzinfo else at).replace(tzinfo=None)
