"""What recurs: closures and openings by rule, and the busy times of calendars from elsewhere (RFC
5545).

Rules are expanded on the wall, without a zone, and the zone is put on afterwards: so a meeting at
nine stays at nine when clocks change. A wall time that does not exist is read with the offset
before the gap, as RFC 5545 section 3.3.5 has it, and one that comes twice is the first of the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rruleset, rrulestr
from icalendar import Calendar

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
MAX_RECURRENCE_STEPS = 400_000  # through all recurrences of a calendar from elsewhere: some seconds
MAX_BUSY_SPANS = 20_000
_MAX_EVENT_DURATION = timedelta(days=400)


class BadRecurrenceRule(ValueError):
    """A recurrence that cannot be read, or that recurs more often than daily."""


class BadCalendar(ValueError):
    """What came is not a calendar that can be read."""


# --- rules of closures and openings ---


def check_recurrence_rule(rule: str, first: date) -> None:
    """Raises `BadRecurrenceRule` for an RRULE that cannot be used from `first` on."""
    next(_days_of_rule(rule, first, first), None)


def expand_recurrence(hours: DatedHours, rule: str, horizon: Horizon) -> list[DatedHours]:
    """The days of a rule that touch a horizon; each occurrence spans as many days as the first.
    Raises `BadRecurrenceRule`.
    """
    span = hours.last - hours.first
    early = horizon.first_day - span - timedelta(days=2)
    late = horizon.last_day + timedelta(days=2)
    return [
        DatedHours(day, day + span, hours.zone, hours.start, hours.end)
        for day in _days_of_rule(rule, hours.first, late)
        if day >= early
    ]


def _days_of_rule(rule: str, first: date, until: date) -> Iterator[date]:
    parts = dict(
        part.partition("=")[::2] for part in rule.upper().removeprefix("RRULE:").split(";")
    )
    if (
        len(rule) > MAX_RULE_CHARACTERS
        or parts.get("FREQ") not in ALLOWED_FREQUENCIES
        or "\n" in rule
    ):
        raise BadRecurrenceRule(rule)
    if any(name in parts for name in ("BYHOUR", "BYMINUTE", "BYSECOND")):
        raise BadRecurrenceRule(rule)
    if until_text := parts.get("UNTIL"):
        parts["UNTIL"] = until_text[
            :8
        ]  # days recur here, so the time of day and the zone of an end mean nothing
    try:
        days = rrulestr(
            ";".join(f"{k}={v}" for k, v in parts.items()),
            dtstart=datetime.combine(first, time.min),
        )
        for at in islice(days, MAX_RULE_OCCURRENCES):
            if at.date() > until:
                return
            yield at.date()
    except (ValueError, TypeError, OverflowError, KeyError) as error:
        raise BadRecurrenceRule(rule) from error


# --- busy times from elsewhere ---


def read_busy_spans(ics: bytes, zone: str, horizon: Horizon) -> list[QuarterInterval]:
    """When a calendar says that its owner is busy, in quarters, overlapping ones joined.

    `zone` is that of the owner: whole days and times without a zone are theirs. Events that are
    cancelled or shown as free do not count. Raises `BadCalendar`.
    """
    try:
        calendars = Calendar.from_ical(ics, multiple=True)
    except (ValueError, KeyError, IndexError, AttributeError) as error:
        raise BadCalendar("not a calendar") from error
    if not calendars:
        raise BadCalendar("not a calendar")
    home, steps = ZoneInfo(zone), iter(range(MAX_RECURRENCE_STEPS))
    found: list[QuarterInterval] = []
    for calendar in calendars:
        if getattr(calendar, "name", None) != "VCALENDAR":
            raise BadCalendar("not a calendar")
        for begin, end in _busy_periods(calendar, home, horizon, steps):
            span = (max(quarter_of(begin), horizon.start), min(quarter_after(end), horizon.end))
            if span[0] < span[1]:
                found.append(span)
            if len(found) > MAX_BUSY_SPANS:
                raise BadCalendar("more events than a person has")
    return merge_intervals(found)


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
    calendar: Any, home: tzinfo, horizon: Horizon, steps: Iterator[int]
) -> Iterator[tuple[datetime, datetime]]:
    first, last = instant_of(horizon.start), instant_of(horizon.end)
    events = [event for event in calendar.walk("VEVENT") if "DTSTART" in event]
    changed = {
        (str(event.get("UID")), _instant_of_value(event["RECURRENCE-ID"].dt, home))
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
        for at in _occurrences(event, home, first - length, last, steps):
            if (str(event.get("UID")), at) not in changed:
                yield at, at + length
    for free_busy in calendar.walk("VFREEBUSY"):
        for begin, end in _free_busy_periods(free_busy, home):
            if begin < last and end > first:
                yield begin, end


def _is_event_free(event: Any) -> bool:
    return (
        str(event.get("TRANSP", "")).upper() == "TRANSPARENT"
        or str(event.get("STATUS", "")).upper() == "CANCELLED"
        or str(event.get("X-MICROSOFT-CDO-BUSYSTATUS", "")).upper() == "FREE"
    )


def _begin_and_length(event: Any, home: tzinfo) -> tuple[datetime, timedelta]:
    start = event["DTSTART"].dt
    begin = _instant_of_value(start, home)
    if "DTEND" in event:
        length = _instant_of_value(event["DTEND"].dt, home) - begin
    elif "DURATION" in event:
        length = event["DURATION"].dt
    else:
        length = timedelta(days=0 if isinstance(start, datetime) else 1)
    return begin, min(max(length, timedelta(0)), _MAX_EVENT_DURATION)


def _occurrences(
    event: Any, home: tzinfo, first: datetime, last: datetime, steps: Iterator[int]
) -> Iterator[datetime]:
    """The beginnings of a recurring event between two instants."""
    start = event["DTSTART"].dt
    zone = start.tzinfo if isinstance(start, datetime) and start.tzinfo else home
    wall = _wall_time_of_value(start, zone)
    days = rruleset()
    try:
        rules = event.get("RRULE", [])
        for rule in rules if isinstance(rules, list) else [rules]:
            days.rrule(rrulestr(_rule_in_wall_time(rule, zone), dtstart=wall))
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


def _rule_in_wall_time(rule: Any, zone: tzinfo) -> str:
    """An RRULE whose UNTIL is wall time too: RFC 5545 gives it in UTC where the start has a
    zone.
    """
    parts = dict(rule.items())
    if until := parts.get("UNTIL"):
        at = until[0] if isinstance(until, list) else until
        wall = (
            _wall_time_of_value(at, zone)
            if isinstance(at, datetime)
            else datetime.combine(at, time.max)
        )
        parts.pop("UNTIL")
        text = type(rule)(parts).to_ical().decode()
        return f"{text};UNTIL={wall:%Y%m%dT%H%M%S}"
    return rule.to_ical().decode()


def _dates_of_property(event: Any, name: str) -> Iterator[date]:
    held = event.get(name, [])
    for group in held if isinstance(held, list) else [held]:
        for one in group.dts:
            yield one.dt[0] if isinstance(one.dt, tuple) else one.dt


def _free_busy_periods(component: Any, home: tzinfo) -> Iterator[tuple[datetime, datetime]]:
    held = component.get("FREEBUSY", [])
    for period in held if isinstance(held, list) else [held]:
        if str(period.params.get("FBTYPE", "BUSY")).upper() == "FREE":
            continue
        begin, end = period.dt if isinstance(period.dt, tuple) else (None, None)
        if begin is not None:
            begin = _instant_of_value(begin, home)
            yield begin, begin + end if isinstance(end, timedelta) else _instant_of_value(end, home)


def _instant_of_value(at: date, home: tzinfo) -> datetime:
    if not isinstance(at, datetime):
        at = datetime.combine(at, time.min)
    return (at if at.tzinfo else at.replace(tzinfo=home)).astimezone(UTC)


def _wall_time_of_value(at: date, zone: tzinfo) -> datetime:
    if not isinstance(at, datetime):
        return datetime.combine(at, time.min)
    return (at.astimezone(zone) if at.tzinfo else at).replace(tzinfo=None)
