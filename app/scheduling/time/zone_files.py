"""Time zones as calendar programs want them: VTIMEZONE (RFC 5545 section 3.6.5), from the rules of
zoneinfo.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Component, Timezone, TimezoneDaylight, TimezoneStandard, vRecur

from app.scheduling.time.calendar import split_at_clock_changes
from app.scheduling.time.quarters import instant_of, quarter_of

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True)
class ClockChange:
    """The moment at which a clock is put forward or back. ``wall`` is what it showed until then."""

    wall: datetime
    before: timedelta
    after: timedelta
    name: str

    @property
    def is_summer(self) -> bool:
        """Whether the clock goes forward. (zoneinfo's own flag is the other way round in Morocco
        and Ireland.)
        """
        return self.after > self.before


def build_vtimezone(zone: str, at: datetime) -> Timezone:
    """The zone's rules as they hold around an instant: right from a year before it until the end of
    the year after.

    Yearly rules are written as such, because Outlook wants them; anything else change by change.
    """
    changes = _list_clock_changes(zone, at.year - 1, at.year + 1)
    component = Timezone()
    _add_properties(component, {"tzid": zone})
    groups: dict[tuple[timedelta, timedelta], list[ClockChange]] = {}
    for change in changes:
        groups.setdefault((change.before, change.after), []).append(change)
    rules = {key: _yearly_rule(group) for key, group in groups.items()}
    if len(groups) == 2 and all(rules.values()):
        for key, group in groups.items():
            component.add_component(_build_observance(group[0], rules[key]))
        return component
    component.add_component(_build_observance(_initial_offset(zone, at.year - 1), None))
    for change in changes:
        component.add_component(_build_observance(change, None))
    return component


def _list_clock_changes(zone: str, first_year: int, last_year: int) -> list[ClockChange]:
    info = ZoneInfo(zone)
    begin = quarter_of(datetime(first_year, 1, 1, tzinfo=UTC))
    end = quarter_of(datetime(last_year + 1, 1, 1, tzinfo=UTC))
    found: list[ClockChange] = []
    for quarter, _, _ in split_at_clock_changes(zone, begin, end)[1:]:
        at = instant_of(quarter)
        before, after = (at - timedelta(minutes=15)).astimezone(info), at.astimezone(info)
        found.append(_make_clock_change(at, before, after))
    return found


def _make_clock_change(at: datetime, before: datetime, after: datetime) -> ClockChange:
    earlier, later = before.utcoffset(), after.utcoffset()
    assert earlier is not None and later is not None
    wall = (at + earlier).replace(tzinfo=None)
    return ClockChange(wall, earlier, later, after.tzname() or "")


def _initial_offset(zone: str, year: int) -> ClockChange:
    at = datetime(year, 1, 1, tzinfo=UTC)
    local = at.astimezone(ZoneInfo(zone))
    return _make_clock_change(at, local, local)


def _yearly_rule(group: Sequence[ClockChange]) -> str | None:
    """The RRULE that gives these changes, one a year, or None: «the last Sunday», «the second
    Sunday» of a month.
    """
    first = group[0].wall
    if [change.wall.year for change in group] != [first.year, first.year + 1, first.year + 2]:
        return None
    if len({(one.wall.month, one.wall.weekday(), one.wall.time()) for one in group}) > 1:
        return None
    for place in (_weekday_number_from_end, _weekday_number_from_start):
        places = {place(change.wall) for change in group}
        if len(places) == 1:
            day = f"{places.pop()}{_WEEKDAYS[first.weekday()]}"
            return f"FREQ=YEARLY;BYMONTH={first.month};BYDAY={day}"
    return None


def _weekday_number_from_end(wall: datetime) -> int:
    next_month = (wall.replace(day=1) + timedelta(days=32)).replace(day=1)
    last_day = (next_month - timedelta(days=1)).day
    return -((last_day - wall.day) // 7 + 1)


def _weekday_number_from_start(wall: datetime) -> int:
    return (wall.day - 1) // 7 + 1


def _build_observance(change: ClockChange, rule: str | None) -> TimezoneStandard | TimezoneDaylight:
    part = TimezoneDaylight() if change.is_summer else TimezoneStandard()
    properties: dict[str, object] = {
        "dtstart": change.wall,
        "tzoffsetfrom": change.before,
        "tzoffsetto": change.after,
        "tzname": change.name,
    }
    if rule:
        properties["rrule"] = vRecur.from_ical(rule)
    _add_properties(part, properties)
    return part


def _add_properties(component: Component, properties: Mapping[str, object]) -> None:
    for name, value in properties.items():
        # icalendar gives ``value`` no type
        component.add(name, value)  # pyright: ignore[reportUnknownMemberType]
