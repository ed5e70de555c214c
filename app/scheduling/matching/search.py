"""Who could meet, and when: the people who fit, their calendars, and the search over them.

People are read as a few columns only; whole persons are loaded for those whom a slot names.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from itertools import chain, islice
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Text, func, or_, select, type_coerce
from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.permissions import Role
from app.identity.models import Person
from app.scheduling.availability import diaries
from app.scheduling.availability.diaries import Calendar
from app.scheduling.matching.languages import closeness, is_pair, primary, shared_language
from app.scheduling.matching.slots import (
    Candidate,
    Reason,
    Slot,
    Team,
    interpreters_for,
    search,
    why_none,
)
from app.scheduling.models import DEFAULT_LENGTH, Diary, InterpreterProfile, Qualification
from app.scheduling.time.quarters import Horizon

MOST_SLOTS = 2_000
LOOK_AHEAD = timedelta(days=28)


class Speaker(Protocol):
    """Anybody with a place on earth and languages: a `Person`, or a `Staff`."""

    id: Any
    timezone: Any
    language: Any

    @property
    def languages(self) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Staff:
    """What the search needs to know of a specialist or an interpreter."""

    id: str
    timezone: str
    language: str
    speaks: Sequence[str]
    version: int = 0  # of their diary

    @property
    def languages(self) -> list[str]:
        return [self.language, *(tag for tag in self.speaks if tag != self.language)]


class Able(NamedTuple):
    """An interpreter for a pair, the days on which a credential of theirs is good, and how near the
    dialect is.
    """

    id: str
    timezone: str
    valid: tuple[tuple[date | None, date | None], ...]
    nearness: int
    is_wished: bool = False
    knows_field: bool = False
    is_chosen: bool = False
    version: int = 0  # of their diary


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of an interpreter beside the languages. With `only`, nobody of another gender
    is proposed.
    """

    gender: str | None = None
    only: bool = False
    specialty: str | None = None
    mode: str = "consecutive"


@dataclass(frozen=True)
class SlotSearch:
    """What a search found: the slots, fairest first, or the reason why there are none."""

    slots: list[Slot]
    reason: Reason | None
    people: dict[str, Person]
    length: int
    source: str
    target: str
    next_at: datetime | None = None
    """With no slot in the period: the first one after it, if there is one at all."""


@dataclass(frozen=True)
class Gathered:
    """Everybody who could take part, with their calendars over one horizon."""

    patient: Candidate
    teams: list[Team]


# --- who ------------------------------------------------------------------------------------------
# ------------


def specialists(session: Session, specialty: str) -> list[Staff]:
    """Active specialists of a specialty."""
    rows = session.execute(
        select(*_STAFF, type_coerce(Person.specialties, Text), Diary.version)
        .outerjoin(Diary, Diary.person_id == Person.id)
        .where(Person.role == Role.SPECIALIST, Person.active)
    )
    return [
        Staff(person_id, zone, language, _list(speaks), version or 0)
        for person_id, zone, language, speaks, held, version in rows
        if specialty == "general" or _lists(held, specialty)
    ]


def interpreters(
    session: Session,
    source: str,
    target: str,
    first: date,
    last: date,
    wanted: Wanted | None = None,
) -> list[Able]:
    """Active interpreters with a credential for the pair that is good on some day from `first` to
    `last`.

    Those of the gender that the patient would rather have, at home in the dialect or in the field,
    are marked.
    """
    Q, I = Qualification, InterpreterProfile  # noqa: E741
    wanted = wanted or Wanted()
    rows = session.execute(
        select(
            Person.id,
            Person.timezone,
            Q.source,
            Q.target,
            Q.both_ways,
            Q.valid_from,
            Q.valid_until,
            I.gender,
            type_coerce(I.dialects, Text),
            type_coerce(I.specialties, Text),
            type_coerce(Q.modes, Text),
            Diary.version,
        )
        .join(Person, Person.id == Q.person_id)
        .outerjoin(I, I.person_id == Person.id)
        .outerjoin(Diary, Diary.person_id == Person.id)
        .where(
            Person.active,
            Person.role == Role.INTERPRETER,
            _language_is(Q.source, source, target),
            _language_is(Q.target, source, target),
            or_(Q.valid_from.is_(None), Q.valid_from <= last),
            or_(Q.valid_until.is_(None), Q.valid_until >= first),
        )
    )
    found: dict[str, Able] = {}
    for (
        person_id,
        zone,
        held_source,
        held_target,
        both_ways,
        valid_from,
        valid_until,
        gender,
        dialects,
        fields,
        modes,
        version,
    ) in rows:
        if not is_pair(held_source, held_target, source, target, both_ways=both_ways) or not _lists(
            modes, wanted.mode
        ):
            continue
        is_wished = wanted.gender is not None and gender == wanted.gender
        if wanted.only and wanted.gender and not is_wished:
            continue
        days, nearness = (
            (valid_from, valid_until),
            max(closeness(held_source, source), closeness(held_target, source)),
        )
        if _lists(dialects, source):
            nearness = 2
        before = found.get(person_id)
        found[person_id] = Able(
            person_id,
            zone,
            (*before.valid, days) if before else (days,),
            max(before.nearness, nearness) if before else nearness,
            is_wished,
            _lists(fields, wanted.specialty),
            version=version or 0,
        )
    return list(found.values())


def pair_of(patient_language: str, specialist: Speaker) -> tuple[str, str, bool]:
    """The languages of a meeting, patient's and specialist's, and whether an interpreter stands
    between them.
    """
    shared = shared_language(specialist.languages, patient_language)
    return (
        (patient_language, shared, False)
        if shared
        else (patient_language, specialist.language, True)
    )


# --- when -----------------------------------------------------------------------------------------
# ------------


def find_slots(
    session: Session,
    *,
    patient: Person,
    language: str,
    specialists: Sequence[Speaker],
    interpreter: Person | None = None,
    first: datetime | None = None,
    last: datetime | None = None,
    length: int = DEFAULT_LENGTH,
    limit: int = MOST_SLOTS,
    wanted: Wanted | None = None,
) -> SlotSearch:
    """Every fair time between `first` (now) and `last` (in four weeks) at which all who are needed
    are free.
    """
    first = max(first or now(), now() + timedelta(minutes=1))
    last = last or first + LOOK_AHEAD
    horizon = Horizon.between(first, last)
    gathered = gather(session, patient, language, specialists, interpreter, horizon, wanted, length)
    slots = list(islice(search(horizon, length, gathered.patient, gathered.teams), limit))
    reason, next_at = None, None
    if not slots:
        reason = why_none(length, gathered.patient, gathered.teams)
        next_at = _first_after(
            session, patient, language, specialists, interpreter, last, length, wanted
        )
    target = pair_of(language, specialists[0])[1] if specialists else language
    return SlotSearch(
        slots, reason, _people_of(session, patient, slots), length, language, target, next_at
    )


def gather(
    session: Session,
    patient: Person,
    language: str,
    specialists: Sequence[Speaker],
    interpreter: Person | None,
    horizon: Horizon,
    wanted: Wanted | None = None,
    length: int = DEFAULT_LENGTH,
) -> Gathered:
    """The patient, and the specialists in teams by the language that they and the patient need
    between them.

    In each team those with the fewest meetings ahead stand first; of interpreters, first the
    nearest dialect.
    """
    by_language: dict[str | None, list[Speaker]] = {}
    for one in specialists:
        _, target, needs_interpreter = pair_of(language, one)
        by_language.setdefault(primary(target) if needs_interpreter else None, []).append(one)
    able = {
        target: _able(session, language, target, interpreter, horizon, wanted, length)
        for target in by_language
        if target
    }
    everyone = {one.id: one.timezone for one in specialists}
    everyone |= {one.id: one.timezone for group in able.values() for one in group}
    known = diaries.calendars(
        session, everyone, versions=_versions([*specialists, *chain(*able.values())])
    )
    good_days = lru_cache(partial(_good_days, horizon))  # many credentials end on the same day
    teams: list[Team] = []
    for target, group in by_language.items():
        group = sorted(group, key=lambda one: (known[one.id].taken, one.id))
        between = (
            None
            if target is None
            else [
                _candidate(one, known[one.id], horizon, good_days(one.valid))
                for one in _ranked(able[target], known)
            ]
        )
        teams.append(Team([_candidate(one, known[one.id], horizon) for one in group], between))
    own = diaries.calendars(session, {patient.id: patient.timezone}, open_unless_said=True)[
        patient.id
    ]
    return Gathered(_candidate(patient, own, horizon), teams)


def free_among(session: Session, able: Iterable[Able], quarters: range) -> list[Able]:
    """Those of the interpreters who are free throughout, in the order in which they would be
    asked.
    """
    able = list(able)
    known = diaries.calendars(session, {one.id: one.timezone for one in able})
    horizon = Horizon(quarters.start, len(quarters))
    free = [
        one
        for one in able
        if horizon.cut_from(known[one.id].free, known[one.id].horizon) == horizon.full
    ]
    return _ranked(free, known)


def by_load(session: Session, staff: Sequence[Staff]) -> list[Staff]:
    """Those with the fewest meetings ahead first."""
    known = diaries.calendars(session, {one.id: one.timezone for one in staff})
    return sorted(staff, key=lambda one: (known[one.id].taken, one.id))


def in_order(session: Session, able: Sequence[Able]) -> list[Able]:
    """In the order in which they would be asked: the nearest dialect, the field, then the fewest
    meetings ahead.
    """
    return _ranked(able, diaries.calendars(session, {one.id: one.timezone for one in able}))


def _ranked(able: Iterable[Able], known: dict[str, Calendar]) -> list[Able]:
    return sorted(
        able,
        key=lambda one: (
            not one.is_chosen,
            not one.is_wished,
            -one.nearness,
            not one.knows_field,
            known[one.id].taken,
            one.id,
        ),
    )


def _able(
    session: Session,
    source: str,
    target: str,
    interpreter: Person | None,
    horizon: Horizon,
    wanted: Wanted | None,
    length: int,
) -> list[Able]:
    """Who may be proposed: where the office has chosen an able one it is that one, in a team the
    first of the two.
    """
    found = interpreters(session, source, target, horizon.first_day, horizon.last_day, wanted)
    chosen = [
        one._replace(is_chosen=True)
        for one in found
        if interpreter is not None and one.id == interpreter.id
    ]
    if chosen and interpreters_for(length) > 1:
        return [*chosen, *(one for one in found if one.id != chosen[0].id)]
    return chosen or found


def _candidate(
    one: Speaker | Able, calendar: Calendar, horizon: Horizon, good: int | None = None
) -> Candidate:
    free = horizon.cut_from(calendar.free, calendar.horizon)
    if calendar.notice_hours:
        free &= diaries.from_notice(horizon, calendar.notice_hours)
    return Candidate(one.id, one.timezone, free if good is None else free & good)


def _versions(staff: Sequence[Speaker | Able]) -> dict[str, int] | None:
    """The versions of the diaries, where they were read together with the people."""
    if not all(isinstance(one, (Staff, Able)) for one in staff):
        return None
    return {one.id: one.version for one in staff}  # type: ignore[union-attr]


def _good_days(horizon: Horizon, valid: tuple[tuple[date | None, date | None], ...]) -> int:
    good = 0
    for first, last in valid:
        good |= horizon.days(first, last)
    return good


def _first_after(
    session: Session,
    patient: Person,
    language: str,
    specialists: Sequence[Speaker],
    interpreter: Person | None,
    after: datetime,
    length: int,
    wanted: Wanted | None,
) -> datetime | None:
    rest = Horizon.between(after, now() + timedelta(days=diaries.HORIZON_DAYS - 1))
    if rest.length <= 0:
        return None
    gathered = gather(session, patient, language, specialists, interpreter, rest, wanted, length)
    return min(
        (slot.starts_at for slot in search(rest, length, gathered.patient, gathered.teams)),
        default=None,
    )


def _people_of(session: Session, patient: Person, slots: Iterable[Slot]) -> dict[str, Person]:
    ids = {
        one
        for slot in slots
        for one in (slot.specialist_id, slot.interpreter_id, slot.second_id)
        if one
    }
    return {patient.id: patient} | {
        one.id: one
        for one in session.scalars(select(Person).where(diaries.among(session, Person.id, ids)))
    }


def _lists(text: str | None, word: str | None) -> bool:
    """Whether a list, as it lies in the database, holds a word. Quicker than to read the JSON of a
    thousand rows.
    """
    return bool(text and word) and f'"{word}"' in (text or "")


def _language_is(column: Any, *wanted: str) -> Any:
    languages = {primary(tag) for tag in wanted}
    return or_(
        *(func.lower(column) == one for one in languages),
        *(func.lower(column).startswith(f"{one}-") for one in languages),
    )


@lru_cache(maxsize=4096)
def _list(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


_STAFF = (Person.id, Person.timezone, Person.language, type_coerce(Person.speaks, Text))
