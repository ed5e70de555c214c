"""How slots and people stand on a page: days in the reader's zone, kind hours first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from app.core.permissions import Role
from app.core.text import N_
from app.i18n.collation import sort_by_name
from app.i18n.locales import get_language_name, list_dialects, list_language_names
from app.identity.models import Person
from app.scheduling.matching.slots import Slot
from app.scheduling.models import Booking

ROLE_NAMES: dict[str, str] = {
    Role.PATIENT: N_("Patient"),
    Role.SPECIALIST: N_("Specialist"),
    Role.INTERPRETER: N_("Interpreter"),
}
WEEKDAY_NAMES = (
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
class DayColumn:
    """One column: the kind slots, and those that are unkind to somebody, both in order of time."""

    day: date
    kind: list[ShownSlot] = field(default_factory=list)
    other: list[ShownSlot] = field(default_factory=list)


def group_slots_by_day(
    slots: Iterable[Slot], people: dict[str, Person], patient: Person, reader: Person
) -> list[DayColumn]:
    """The slots by day of the reader's wall, thinned to half hours where a day has enough of
    them.
    """
    zone = ZoneInfo(reader.timezone)
    by_day: dict[date, list[Slot]] = {}
    for slot in sorted(slots, key=lambda slot: slot.quarter):
        by_day.setdefault(slot.starts_at.astimezone(zone).date(), []).append(slot)
    days: list[DayColumn] = []
    for day, found in sorted(by_day.items()):
        column = DayColumn(day)
        for slot in _thin_to_half_hours(found, zone):
            (column.kind if slot.is_kind else column.other).append(
                _make_shown_slot(slot, people, patient, reader)
            )
        days.append(column)
    return days


LanguageGroups = list[tuple[str, list[tuple[str, str]]]]


def list_language_choices(used: Collection[str], reader: str, *kept: str) -> LanguageGroups:
    """Every language by its name for the reader, with its tag: first those that are used here, then
    all others. What is ``kept`` can be chosen again, whatever it is.
    """
    ours = {tag: name for tag, name in list_language_names(reader) if tag in used} | {
        tag: get_language_name(tag, reader) for tag in kept if tag
    }
    others = [(tag, name) for tag, name in list_language_names(reader) if tag not in ours]
    return [
        (N_("Languages that are spoken or interpreted here"), sort_by_name(ours.items(), reader)),
        (N_("Other languages"), others),
    ]


def list_language_tag_choices(used: Collection[str], reader: str, *kept: str) -> LanguageGroups:
    """As ``list_language_choices``, with the dialects of the languages that are used between the
    two.
    """
    (here, ours), *rest = list_language_choices(used, reader, *kept)
    known = dict(ours)
    regional = [
        (tag, get_language_name(tag, reader))
        for one in used
        for tag, _name in list_dialects(one, reader)
        if tag not in known and len(list_dialects(one, reader)) > 1
    ]
    return [(here, ours), (N_("Dialects"), sort_by_name(regional, reader)), *rest]


def list_companions(booking: Booking, reader: Person) -> list[tuple[str, Person]]:
    """The others in a meeting, as the reader sees it: role and person."""
    return [
        (ROLE_NAMES[booking.role_of(one.id)], one) for one in booking.people if one.id != reader.id
    ]


def list_people_with_clock_change(booking: Booking, reference: datetime) -> list[Person]:
    """The people whose clock changes between an instant and the meeting."""
    return [
        one
        for one in booking.people
        if booking.starts_at.astimezone(ZoneInfo(one.timezone)).utcoffset()
        != reference.astimezone(ZoneInfo(one.timezone)).utcoffset()
    ]


def group_bookings_by_day(
    bookings: Iterable[Booking], monday: date, zone: ZoneInfo
) -> list[tuple[date, list[Booking]]]:
    """The seven days from a Monday, each with the meetings that begin on it."""
    by_day: dict[date, list[Booking]] = {monday + timedelta(days=day): [] for day in range(7)}
    for one in bookings:
        by_day[one.starts_at.astimezone(zone).date()].append(one)
    return list(by_day.items())


def format_slot_value(slot: Slot) -> str:
    """What the button of a slot sends."""
    return " ".join(
        [
            slot.starts_at.isoformat(),
            slot.specialist_id,
            slot.interpreter_id or "",
            slot.second_id or "",
        ]
    ).strip()


def _make_shown_slot(
    slot: Slot, people: dict[str, Person], patient: Person, reader: Person
) -> ShownSlot:
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
    return ShownSlot(slot.starts_at, format_slot_value(slot), others)


def _thin_to_half_hours(slots: Sequence[Slot], zone: ZoneInfo) -> Sequence[Slot]:
    half_hours = [slot for slot in slots if slot.starts_at.astimezone(zone).minute % 30 == 0]
    return half_hours if len(half_hours) >= 3 else slots
