"""Reads for matching: who is qualified, who is free, and which times a case can have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from app.cases import queries as cases
from app.cases.models import Case
from app.core.clock import now
from app.core.permissions import Role
from app.identity.models import Person
from app.organizations.queries import has_role, holds_role
from app.scheduling.availability import diaries
from app.scheduling.availability.queries import qualifications_of
from app.scheduling.matching import candidates
from app.scheduling.matching import search as matching
from app.scheduling.matching.candidates import (
    InterpreterRequirements,
    LanguageSpeaker,
)
from app.scheduling.matching.languages import is_pair_covered, primary_language_of
from app.scheduling.matching.search import MAX_SLOTS, SlotSearchPeople, SlotSearchResult, find_slots
from app.scheduling.models import (
    DEFAULT_LENGTH_QUARTERS,
    Booking,
    BriefPreference,
    Claim,
    InterpreterProfile,
    Qualification,
)
from app.scheduling.time.quarters import Horizon


def list_specialists_for(session: Session, specialty: str) -> list[Person]:
    """Active specialists of a specialty, those with the fewest meetings ahead first."""
    return _load_people_in_order(
        session,
        [
            one.id
            for one in candidates.sort_by_load(
                session, candidates.load_specialists(session, specialty)
            )
        ],
    )


def qualified_interpreters(session: Session, source: str, target: str, on: date) -> list[Person]:
    """Active interpreters whose credential for this pair of languages is good on that day.

    The nearest dialect first, then those with the fewest meetings ahead.
    """
    able = matching.rank_interpreters(
        session, candidates.load_qualified_interpreters(session, source, target, on, on)
    )
    return _load_people_in_order(session, [one.id for one in able])


def is_qualified(
    session: Session, person: Person, source: str, target: str, on: date, mode: str = "consecutive"
) -> bool:
    """Whether this interpreter may be proposed for the pair, in this mode, on that day."""
    return (
        person.active
        and has_role(person, Role.INTERPRETER)
        and any(
            is_pair_covered(one.source, one.target, source, target, both_ways=one.both_ways)
            and mode in one.modes
            and (one.valid_from is None or one.valid_from <= on)
            and (one.valid_until is None or on <= one.valid_until)
            for one in qualifications_of(session, person)
        )
    )


def find_slots_for_case(
    session: Session,
    case: Case,
    *,
    first: datetime | None = None,
    last: datetime | None = None,
    length: int = DEFAULT_LENGTH_QUARTERS,
    any_interpreter: bool = False,
    limit: int = MAX_SLOTS,
    mode: str = "consecutive",
) -> SlotSearchResult:
    """Times for the case's patient, its specialist (else any of its specialty) and a qualified
    interpreter.

    Where the office has put a qualified interpreter on the case it is that one, unless
    ``any_interpreter``.
    """
    specialists, interpreter = _staff_of_case(session, case, any_interpreter)
    return find_slots(
        session,
        patient=case.patient,
        language=case.language,
        specialists=specialists,
        interpreter=interpreter,
        first=first,
        last=last,
        length=length,
        limit=limit,
        wanted=interpreter_requirements_for(session, case, mode),
    )


def interpreter_requirements_for(
    session: Session, case: Case, mode: str = "consecutive"
) -> InterpreterRequirements:
    """Whom the patient would rather have interpret, if they said, the field that it is about, and
    the mode.
    """
    said = session.execute(
        select(BriefPreference.interpreter_gender, BriefPreference.gender_only).where(
            BriefPreference.case_id == case.id
        )
    ).first()
    gender, only = said or (None, False)
    return InterpreterRequirements(gender, bool(only), case.specialty, mode)


def has_wanted_gender(session: Session, person: Person, wanted: InterpreterRequirements) -> bool:
    """Whether somebody may interpret for a patient who wants nobody of another gender."""
    if not wanted.only or not wanted.gender:
        return True
    return (
        session.scalar(
            select(InterpreterProfile.gender).where(InterpreterProfile.person_id == person.id)
        )
        == wanted.gender
    )


def gather_people_for_case(session: Session, case: Case, horizon: Horizon) -> SlotSearchPeople:
    """As ``find_slots_for_case``, but only the people and their calendars."""
    specialists, interpreter = _staff_of_case(session, case, any_interpreter=False)
    return matching.gather_search_people(
        session, case.patient, case.language, specialists, interpreter, horizon
    )


def is_within_hours(session: Session, person: Person, quarters: range) -> bool:
    """Whether the person's hours allow these quarters, whatever has been booked."""
    horizon = Horizon(quarters.start, len(quarters))
    calendar = diaries.load_calendars(
        session, {person.id: person.timezone}, open_unless_said=person.role == Role.PATIENT
    )[person.id]
    return horizon.cut_from(calendar.opened, calendar.horizon) == horizon.full


def find_free_people(
    session: Session, staff: Sequence[LanguageSpeaker], quarters: range
) -> list[Person]:
    """Those who are free throughout, the least busy first."""
    known = diaries.load_calendars(session, {one.id: one.timezone for one in staff})
    horizon = Horizon(quarters.start, len(quarters))
    free = [
        one.id
        for one in staff
        if horizon.cut_from(known[one.id].free, known[one.id].horizon) == horizon.full
    ]
    return _load_people_in_order(session, sorted(free, key=lambda one: (known[one].taken, one)))


def find_free_interpreters(
    session: Session, booking: Booking, *, leaving_out: Iterable[str] = ()
) -> list[Person]:
    """The ladder: qualified interpreters who are free for the whole booking, best first."""
    out, day = set(leaving_out), booking.starts_at.date()
    able = candidates.load_qualified_interpreters(
        session,
        booking.source,
        booking.target,
        day,
        day,
        interpreter_requirements_for(session, booking.case, booking.mode),
    )
    free = matching.filter_free_interpreters(
        session, [one for one in able if one.id not in out], booking.quarters
    )
    return _load_people_in_order(session, [one.id for one in free])


def list_credentials_free_during(
    session: Session, booking: Booking, *, leaving_out: Iterable[str] = ()
) -> list[Qualification]:
    """Credentials in any languages that are good on the day of a meeting, of interpreters with no
    other one then.

    Those that know the patient's language or the doctor's come first.
    """
    day, quarters = booking.starts_at.date(), booking.quarters
    busy = select(Claim.person_id).where(
        Claim.quarter >= quarters.start,
        Claim.quarter < quarters.stop,
        Claim.booking_id != booking.id,
        or_(Claim.expires_at.is_(None), Claim.expires_at > now()),
    )
    found = session.scalars(
        select(Qualification)
        .join(Qualification.person)
        .options(joinedload(Qualification.person))
        .where(
            Person.active,
            holds_role(Role.INTERPRETER),
            Person.id.not_in([*leaving_out]),
            Person.id.not_in(busy),
            or_(Qualification.valid_from.is_(None), Qualification.valid_from <= day),
            or_(Qualification.valid_until.is_(None), Qualification.valid_until >= day),
        )
    )
    spoken = {primary_language_of(booking.source), primary_language_of(booking.target)}
    return sorted(
        found,
        key=lambda one: (
            -len({primary_language_of(one.source), primary_language_of(one.target)} & spoken),
            one.person.name,
            one.source,
            one.target,
        ),
    )


def list_interpreted_languages(session: Session) -> set[str]:
    """The languages from or into which anybody active interprets, without their regions."""
    pairs = session.execute(
        select(Qualification.source, Qualification.target)
        .distinct()
        .join(Qualification.person)
        .where(Person.active)
    )
    return {primary_language_of(tag) for pair in pairs for tag in pair}


def _staff_of_case(
    session: Session, case: Case, any_interpreter: bool
) -> tuple[Sequence[LanguageSpeaker], Person | None]:
    specialist = cases.find_member_of_role(session, case.id, Role.SPECIALIST)
    specialists = (
        [specialist] if specialist else candidates.load_specialists(session, case.specialty)
    )
    return specialists, (
        None if any_interpreter else cases.find_member_of_role(session, case.id, Role.INTERPRETER)
    )


def _load_people_in_order(session: Session, ids: Sequence[str]) -> list[Person]:
    """The persons with these ids, in this order."""
    found = {
        one.id: one
        for one in session.scalars(
            select(Person).where(diaries.column_in_ids(session, Person.id, ids))
        )
    }
    return [found[one] for one in ids]
