"""Who could be asked: specialists and interpreters as a few columns, and what is asked of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import ColumnElement, Text, func, or_, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.core.permissions import Role
from app.identity.models import Person
from app.organizations.queries import holds_role
from app.scheduling.availability import diaries
from app.scheduling.matching.languages import (
    is_pair_covered,
    language_closeness,
    primary_language_of,
    shared_language,
)
from app.scheduling.models import Diary, InterpreterProfile, Qualification

STAFF_COLUMNS = (Person.id, Person.timezone, Person.language, type_coerce(Person.speaks, Text))


@dataclass(frozen=True, slots=True)
class StaffMember:
    """What the search needs to know of a specialist or an interpreter."""

    id: str
    timezone: str
    language: str
    speaks: Sequence[str]
    version: int = 0  # of their diary

    @property
    def languages(self) -> list[str]:
        """Their own language first, then the others that they speak; BCP 47 tags."""
        return [self.language, *(tag for tag in self.speaks if tag != self.language)]


LanguageSpeaker = Person | StaffMember
"""Anybody with a zone and languages: a whole row, or the few columns that the search needs."""


class QualifiedInterpreter(NamedTuple):
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
class InterpreterRequirements:
    """What is asked of an interpreter beside the languages. With ``only``, nobody of another gender
    is proposed.
    """

    gender: str | None = None
    only: bool = False
    specialty: str | None = None
    mode: str = "consecutive"


def load_specialists(session: Session, specialty: str) -> list[StaffMember]:
    """Active specialists of a specialty."""
    rows = session.execute(
        select(*STAFF_COLUMNS, type_coerce(Person.specialties, Text), Diary.version)
        .outerjoin(Diary, Diary.person_id == Person.id)
        .where(holds_role(Role.SPECIALIST), Person.active)
    )
    return [
        StaffMember(person_id, zone, language, _parse_json_list(speaks), version or 0)
        for person_id, zone, language, speaks, held, version in rows
        if specialty == "general" or _json_list_contains(held, specialty)
    ]


def load_qualified_interpreters(
    session: Session,
    source: str,
    target: str,
    first: date,
    last: date,
    wanted: InterpreterRequirements | None = None,
) -> list[QualifiedInterpreter]:
    """Active interpreters with a credential for the pair that is good on some day from ``first`` to
    ``last``.

    Those of the gender that the patient would rather have, at home in the dialect or in the field,
    are marked.
    """
    Q, I = Qualification, InterpreterProfile  # noqa: E741
    wanted = wanted or InterpreterRequirements()
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
            holds_role(Role.INTERPRETER),
            _language_condition(Q.source, source, target),
            _language_condition(Q.target, source, target),
            or_(Q.valid_from.is_(None), Q.valid_from <= last),
            or_(Q.valid_until.is_(None), Q.valid_until >= first),
        )
    )
    found: dict[str, QualifiedInterpreter] = {}
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
        if not is_pair_covered(
            held_source, held_target, source, target, both_ways=both_ways
        ) or not _json_list_contains(modes, wanted.mode):
            continue
        is_wished = wanted.gender is not None and gender == wanted.gender
        if wanted.only and wanted.gender and not is_wished:
            continue
        days, nearness = (
            (valid_from, valid_until),
            max(language_closeness(held_source, source), language_closeness(held_target, source)),
        )
        if _json_list_contains(dialects, source):
            nearness = 2
        before = found.get(person_id)
        found[person_id] = QualifiedInterpreter(
            person_id,
            zone,
            (*before.valid, days) if before else (days,),
            max(before.nearness, nearness) if before else nearness,
            is_wished,
            _json_list_contains(fields, wanted.specialty),
            version=version or 0,
        )
    return list(found.values())


def language_pair_of(patient_language: str, specialist: LanguageSpeaker) -> tuple[str, str, bool]:
    """The languages of a meeting, patient's and specialist's, and whether an interpreter stands
    between them.
    """
    shared = shared_language(specialist.languages, patient_language)
    return (
        (patient_language, shared, False)
        if shared
        else (patient_language, specialist.language, True)
    )


def sort_by_load(session: Session, staff: Sequence[StaffMember]) -> list[StaffMember]:
    """Those with the fewest meetings ahead first."""
    known = diaries.load_calendars(session, {one.id: one.timezone for one in staff})
    return sorted(staff, key=lambda one: (known[one.id].taken, one.id))


def _json_list_contains(text: str | None, word: str | None) -> bool:
    """Whether a list, as it lies in the database, holds a word. Quicker than to read the JSON of a
    thousand rows.
    """
    return bool(text and word) and f'"{word}"' in (text or "")


def _language_condition(column: InstrumentedAttribute[str], *wanted: str) -> ColumnElement[bool]:
    languages = {primary_language_of(tag) for tag in wanted}
    return or_(
        *(func.lower(column) == one for one in languages),
        *(func.lower(column).startswith(f"{one}-") for one in languages),
    )


@lru_cache(maxsize=4096)
def _parse_json_list(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))
