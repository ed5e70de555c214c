"""Who could meet, and when: the people who fit, their calendars, and the search over them.

People are read as a few columns only; whole persons are loaded for those whom a slot names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from itertools import chain, islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clock import now
from app.identity.models import Person
from app.scheduling.availability import diaries
from app.scheduling.availability.diaries import AvailabilityCalendar
from app.scheduling.matching.candidates import (
    InterpreterRequirements,
    LanguageSpeaker,
    QualifiedInterpreter,
    StaffMember,
    language_pair_of,
    load_qualified_interpreters,
)
from app.scheduling.matching.languages import (
    primary_language_of,
)
from app.scheduling.matching.slots import (
    CandidateTeam,
    NoSlotReason,
    Slot,
    SlotCandidate,
    count_interpreters_needed,
    explain_no_slots,
    find_common_slots,
)
from app.scheduling.models import DEFAULT_LENGTH_QUARTERS
from app.scheduling.time.quarters import Horizon

MAX_SLOTS = 2_000
DEFAULT_SEARCH_PERIOD = timedelta(days=28)


@dataclass(frozen=True)
class SlotSearchResult:
    """What a search found: the slots, fairest first, or the reason why there are none."""

    slots: list[Slot]
    reason: NoSlotReason | None
    people: dict[str, Person]
    length: int
    source: str
    target: str
    next_at: datetime | None = None
    """With no slot in the period: the first one after it, if there is one at all."""


@dataclass(frozen=True)
class SlotSearchPeople:
    """Everybody who could take part, with their calendars over one horizon."""

    patient: SlotCandidate
    teams: list[CandidateTeam]


# --- who ---


# --- when ---


def find_slots(
    session: Session,
    *,
    patient: Person,
    language: str,
    specialists: Sequence[LanguageSpeaker],
    interpreter: Person | None = None,
    first: datetime | None = None,
    last: datetime | None = None,
    length: int = DEFAULT_LENGTH_QUARTERS,
    limit: int = MAX_SLOTS,
    wanted: InterpreterRequirements | None = None,
) -> SlotSearchResult:
    """The times between ``first`` (now) and ``last`` (four weeks later) at which everybody who is
    needed is free, the fairest first, at most ``limit``.

    ``language`` is the patient's tag, ``length`` is in quarters. With ``interpreter``, the
    office has chosen that one. Without any time in the period, the result says why, and when the
    next one is.
    """
    first = max(first or now(), now() + timedelta(minutes=1))
    last = last or first + DEFAULT_SEARCH_PERIOD
    horizon = Horizon.between(first, last)
    gathered = gather_search_people(
        session, patient, language, specialists, interpreter, horizon, wanted, length
    )
    slots = list(
        islice(find_common_slots(horizon, length, gathered.patient, gathered.teams), limit)
    )
    reason, next_at = None, None
    if not slots:
        reason = explain_no_slots(length, gathered.patient, gathered.teams)
        next_at = _first_slot_after(
            session, patient, language, specialists, interpreter, last, length, wanted
        )
    target = language_pair_of(language, specialists[0])[1] if specialists else language
    return SlotSearchResult(
        slots, reason, _load_slot_people(session, patient, slots), length, language, target, next_at
    )


def gather_search_people(
    session: Session,
    patient: Person,
    language: str,
    specialists: Sequence[LanguageSpeaker],
    interpreter: Person | None,
    horizon: Horizon,
    wanted: InterpreterRequirements | None = None,
    length: int = DEFAULT_LENGTH_QUARTERS,
) -> SlotSearchPeople:
    """The patient, and the specialists in teams by the language that they and the patient need
    between them.

    In each team those with the fewest meetings ahead stand first; of interpreters, first the
    nearest dialect.
    """
    by_language: dict[str | None, list[LanguageSpeaker]] = {}
    for one in specialists:
        _, target, needs_interpreter = language_pair_of(language, one)
        by_language.setdefault(
            primary_language_of(target) if needs_interpreter else None, []
        ).append(one)
    able = {
        target: _proposable_interpreters(
            session, language, target, interpreter, horizon, wanted, length
        )
        for target in by_language
        if target
    }
    everyone = {one.id: one.timezone for one in specialists}
    everyone |= {one.id: one.timezone for group in able.values() for one in group}
    known = diaries.load_calendars(
        session, everyone, versions=_known_diary_versions([*specialists, *chain(*able.values())])
    )
    good_days = lru_cache(partial(_valid_day_bits, horizon))  # many credentials end on the same day
    teams: list[CandidateTeam] = []
    for target, group in by_language.items():
        group = sorted(group, key=lambda one: (known[one.id].taken, one.id))
        between = (
            None
            if target is None
            else [
                _make_candidate(one, known[one.id], horizon, good_days(one.valid))
                for one in _rank_by_calendar(able[target], known)
            ]
        )
        teams.append(
            CandidateTeam([_make_candidate(one, known[one.id], horizon) for one in group], between)
        )
    own = diaries.load_calendars(session, {patient.id: patient.timezone}, open_unless_said=True)[
        patient.id
    ]
    return SlotSearchPeople(_make_candidate(patient, own, horizon), teams)


def filter_free_interpreters(
    session: Session, able: Iterable[QualifiedInterpreter], quarters: range
) -> list[QualifiedInterpreter]:
    """Those of the interpreters who are free throughout, in the order in which they would be
    asked.
    """
    able = list(able)
    known = diaries.load_calendars(session, {one.id: one.timezone for one in able})
    horizon = Horizon(quarters.start, len(quarters))
    free = [
        one
        for one in able
        if horizon.cut_from(known[one.id].free, known[one.id].horizon) == horizon.full
    ]
    return _rank_by_calendar(free, known)


def rank_interpreters(
    session: Session, able: Sequence[QualifiedInterpreter]
) -> list[QualifiedInterpreter]:
    """In the order in which they would be asked: the nearest dialect, the field, then the fewest
    meetings ahead.
    """
    return _rank_by_calendar(
        able, diaries.load_calendars(session, {one.id: one.timezone for one in able})
    )


def _rank_by_calendar(
    able: Iterable[QualifiedInterpreter], known: dict[str, AvailabilityCalendar]
) -> list[QualifiedInterpreter]:
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


def _proposable_interpreters(
    session: Session,
    source: str,
    target: str,
    interpreter: Person | None,
    horizon: Horizon,
    wanted: InterpreterRequirements | None,
    length: int,
) -> list[QualifiedInterpreter]:
    """Who may be proposed: where the office has chosen an able one it is that one, in a team the
    first of the two.
    """
    found = load_qualified_interpreters(
        session, source, target, horizon.first_day, horizon.last_day, wanted
    )
    chosen = [
        one._replace(is_chosen=True)
        for one in found
        if interpreter is not None and one.id == interpreter.id
    ]
    if chosen and count_interpreters_needed(length) > 1:
        return [*chosen, *(one for one in found if one.id != chosen[0].id)]
    return chosen or found


def _make_candidate(
    one: LanguageSpeaker | QualifiedInterpreter,
    calendar: AvailabilityCalendar,
    horizon: Horizon,
    good: int | None = None,
) -> SlotCandidate:
    free = horizon.cut_from(calendar.free, calendar.horizon)
    if calendar.notice_hours:
        free &= diaries.bits_after_notice(horizon, calendar.notice_hours)
    return SlotCandidate(one.id, one.timezone, free if good is None else free & good)


def _known_diary_versions(
    staff: Sequence[LanguageSpeaker | QualifiedInterpreter],
) -> dict[str, int] | None:
    """The versions of the diaries, where they were read together with the people."""
    read = [one for one in staff if isinstance(one, (StaffMember, QualifiedInterpreter))]
    return {one.id: one.version for one in read} if len(read) == len(staff) else None


def _valid_day_bits(horizon: Horizon, valid: tuple[tuple[date | None, date | None], ...]) -> int:
    good = 0
    for first, last in valid:
        good |= horizon.days(first, last)
    return good


def _first_slot_after(
    session: Session,
    patient: Person,
    language: str,
    specialists: Sequence[LanguageSpeaker],
    interpreter: Person | None,
    after: datetime,
    length: int,
    wanted: InterpreterRequirements | None,
) -> datetime | None:
    rest = Horizon.between(after, now() + timedelta(days=diaries.HORIZON_DAYS - 1))
    if rest.length <= 0:
        return None
    gathered = gather_search_people(
        session, patient, language, specialists, interpreter, rest, wanted, length
    )
    return min(
        (
            slot.starts_at
            for slot in find_common_slots(rest, length, gathered.patient, gathered.teams)
        ),
        default=None,
    )


def _load_slot_people(
    session: Session, patient: Person, slots: Iterable[Slot]
) -> dict[str, Person]:
    ids = {
        one
        for slot in slots
        for one in (slot.specialist_id, slot.interpreter_id, slot.second_id)
        if one
    }
    return {patient.id: patient} | {
        one.id: one
        for one in session.scalars(
            select(Person).where(diaries.column_in_ids(session, Person.id, ids))
        )
    }
