"""How slots and people stand on a page: days in the reader's zone, kind hours first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from app.core.permissions import Role
from app.core.text import N_
from app.i18n.locales import by_name, dialects, language_name, languages
from app.identity.models import Person
from app.scheduling.matching.slots import Slot
from app.scheduling.models import Booking

ROLE_NAMES: dict[str, str] = {
    Role.PATIENT: N_("Patient"),
    Role.SPECIALIST: N_("Specialist"),
    Role.INTERPRETER: N_("Interpreter"),
}
WEEKDAYS = (
    N_("Monday"),
    N_("Tuesday"),
    N_("Wednesday"),
    N_("Thursday"),
    N_("Friday"),
    N_("Saturday"),
    N_("Sunday"),
)


@dataclass(frozen=True)
class ShownSlot:
    """A pill: the instant, what its button sends, and the other people's zones by their role."""

    at: datetime
    value: str
    others: list[tuple[str, str]]


@dataclass
class Day:
    """One column: the kind slots, and those that are unkind to somebody, both in order of time."""

    day: date
    kind: list[ShownSlot] = field(default_factory=list)
    other: list[ShownSlot] = field(default_factory=list)


def days_of(
    slots: Iterable[Slot], people: dict[str, Person], patient: Person, reader: Person
) -> list[Day]:
    """The slots by day of the reader's wall, thinned to half hours where a day has enough of
    them.
    """
    zone = ZoneInfo(reader.timezone)
    by_day: dict[date, list[Slot]] = {}
    for slot in sorted(slots, key=lambda slot: slot.quarter):
        by_day.setdefault(slot.starts_at.astimezone(zone).date(), []).append(slot)
    days: list[Day] = []
    for day, found in sorted(by_day.items()):
        column = Day(day)
        for slot in _thinned(found, zone):
            (column.kind if slot.is_kind else column.other).append(
                _shown(slot, people, patient, reader)
            )
        days.append(column)
    return days


Groups = list[tuple[str, list[tuple[str, str]]]]


def languages_to_choose(used: Collection[str], reader: str, *kept: str) -> Groups:
    """Every language by its name for the reader, with its tag: first those that are used here, then
    all others. What is `kept` can be chosen again, whatever it is.
    """
    ours = {tag: name for tag, name in languages(reader) if tag in used} | {
        tag: language_name(tag, reader) for tag in kept if tag
    }
    others = [(tag, name) for tag, name in languages(reader) if tag not in ours]
    return [
        (N_("Languages that are spoken or interpreted here"), by_name(ours.items())),
        (N_("Other languages"), others),
    ]


def tags_to_choose(used: Collection[str], reader: str, *kept: str) -> Groups:
    """As `languages_to_choose`, with the dialects of the languages that are used between the
    two.
    """
    (here, ours), *rest = languages_to_choose(used, reader, *kept)
    known = dict(ours)
    regional = [
        (tag, language_name(tag, reader))
        for one in used
        for tag, _name in dialects(one, reader)
        if tag not in known and len(dialects(one, reader)) > 1
    ]
    return [(here, ours), (N_("Dialects"), by_name(regional)), *rest]


def companions(booking: Booking, reader: Person) -> list[tuple[str, Person]]:
    """The others in a meeting, as the reader sees it: role and person."""
    return [
        (ROLE_NAMES[booking.role_of(one.id)], one) for one in booking.people if one.id != reader.id
    ]


def clock_changes(booking: Booking, reference: datetime) -> list[Person]:
    """The people whose clock changes between an instant and the meeting."""
    return [
        one
        for one in booking.people
        if booking.starts_at.astimezone(ZoneInfo(one.timezone)).utcoffset()
        != reference.astimezone(ZoneInfo(one.timezone)).utcoffset()
    ]


def week_of(
    bookings: Iterable[Booking], monday: date, zone: ZoneInfo
) -> list[tuple[date, list[Booking]]]:
    """The seven days from a Monday, each with the meetings that begin on it."""
    by_day: dict[date, list[Booking]] = {monday + timedelta(days=day): [] for day in range(7)}
    for one in bookings:
        by_day[one.starts_at.astimezone(zone).date()].append(one)
    return list(by_day.items())


def value_of(slot: Slot) -> str:
    """What the button of a slot sends."""
    return " ".join(
        [
            slot.starts_at.isoformat(),
            slot.specialist_id,
            slot.interpreter_id or "",
            slot.second_id or "",
        ]
    ).strip()


def _shown(slot: Slot, people: dict[str, Person], patient: Person, reader: Person) -> ShownSlot:
    specialist, interpreter = people[slot.specialist_id], people.get(slot.interpreter_id or "")
    everyone = (
        (Role.PATIENT, patient),
        (Role.SPECIALIST, specialist),
        (Role.INTERPRETER, interpreter),
        (Role.INTERPRETER, people.get(slot.second_id or "")),
    )
    others = [
        (ROLE_NAMES[role], one.timezone)
        for role, one in everyone
        if one is not None and one.id != reader.id
    ]
    return ShownSlot(slot.starts_at, value_of(slot), others)


def _thinned(slots: Sequence[Slot], zone: ZoneInfo) -> Sequence[Slot]:
    half_hours = [slot for slot in slots if slot.starts_at.astimezone(zone).minute % 30 == 0]
    return half_hours if len(half_hours) >= 3 else slots
