"""Reads: who could meet, when they could, and what has been booked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.cases import queries as cases
from app.cases.models import Case
from app.core.clock import now
from app.core.errors import Forbidden, NotFound
from app.core.permissions import Role
from app.identity.models import Person
from app.scheduling import diaries, policy
from app.scheduling.diaries import Calendar
from app.scheduling.languages import closeness, is_pair, primary, shared_language
from app.scheduling.models import (
    DEFAULT_LENGTH,
    LIVE_ENGAGEMENTS,
    AvailabilityException,
    AvailabilityWindow,
    Booking,
    BookingState,
    Claim,
    Engagement,
    EngagementState,
    Qualification,
)
from app.scheduling.quarters import Horizon
from app.scheduling.slots import Candidate, Reason, Slot, Team, search, why_none

MOST_SLOTS = 2_000
LOOK_AHEAD = timedelta(days=28)


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


# --- who could ------------------------------------------------------------------------------------------------


def specialists_for(session: Session, specialty: str) -> list[Person]:
    """Active specialists of a specialty, those with the fewest meetings ahead first."""
    people = session.scalars(select(Person).where(Person.role == Role.SPECIALIST, Person.active))
    able = [one for one in people if specialty == "general" or specialty in one.specialties]
    return _by_load(session, able, Booking.specialist_id)


def qualified_interpreters(session: Session, source: str, target: str, on: date) -> list[Person]:
    """Active interpreters whose credential for this pair of languages is good on that day, nearest dialect first."""
    return [person for person, _ in qualifications_for(session, source, target, on, on)]


def qualifications_for(
    session: Session, source: str, target: str, first: date, last: date
) -> list[tuple[Person, list[Qualification]]]:
    """Interpreters with a credential for the pair that is good on some day of the period, and those credentials.

    In order: the nearest dialect, then the fewest meetings ahead.
    """
    Q = Qualification
    rows = session.scalars(
        select(Q)
        .join(Q.person)
        .options(joinedload(Q.person))
        .where(
            Person.active,
            Person.role == Role.INTERPRETER,
            _language_is(Q.source, source, target),
            _language_is(Q.target, source, target),
            or_(Q.valid_from.is_(None), Q.valid_from <= last),
            or_(Q.valid_until.is_(None), Q.valid_until >= first),
        )
    )
    held: dict[str, list[Qualification]] = {}
    for one in rows:
        if is_pair(one.source, one.target, source, target, both_ways=one.both_ways):
            held.setdefault(one.person_id, []).append(one)
    people = _by_load(session, [found[0].person for found in held.values()], Booking.interpreter_id)
    people.sort(key=lambda person: -max(_nearness(one, source) for one in held[person.id]))
    return [(person, held[person.id]) for person in people]


def pair_of(patient_language: str, specialist: Person) -> tuple[str, str, bool]:
    """The languages of a meeting, patient's and specialist's, and whether an interpreter stands between them."""
    shared = shared_language(specialist.languages, patient_language)
    return (patient_language, shared, False) if shared else (patient_language, specialist.language, True)


# --- when they could ------------------------------------------------------------------------------------------


def slots_for_case(
    session: Session, case: Case, *, first: datetime | None = None, last: datetime | None = None,
    length: int = DEFAULT_LENGTH, any_interpreter: bool = False, limit: int = MOST_SLOTS,
) -> SlotSearch:
    """Times for the case's patient, its specialist (else any of its specialty) and a qualified interpreter.

    Where the office has put a qualified interpreter on the case it is that one, unless `any_interpreter`.
    """
    specialist = cases.member_of_role(session, case.id, Role.SPECIALIST)
    specialists = [specialist] if specialist else specialists_for(session, case.specialty)
    interpreter = None if any_interpreter else cases.member_of_role(session, case.id, Role.INTERPRETER)
    return find_slots(
        session, patient=case.patient, language=case.language, specialists=specialists, interpreter=interpreter,
        first=first, last=last, length=length, limit=limit)


def find_slots(
    session: Session, *, patient: Person, language: str, specialists: Sequence[Person],
    interpreter: Person | None = None, first: datetime | None = None, last: datetime | None = None,
    length: int = DEFAULT_LENGTH, limit: int = MOST_SLOTS,
) -> SlotSearch:
    """Every fair time between `first` (now) and `last` (in four weeks) at which all who are needed are free."""
    first = max(first or now(), now())
    last = last or first + LOOK_AHEAD
    horizon = Horizon.between(first, last)
    gathered = gather(session, patient, language, specialists, interpreter, horizon)
    slots = list(islice(search(horizon, length, gathered.patient, gathered.teams), limit))
    reason, next_at = None, None
    if not slots:
        reason = why_none(length, gathered.patient, gathered.teams)
        next_at = _first_after(session, patient, language, specialists, interpreter, last, length)
    target = pair_of(language, specialists[0])[1] if specialists else language
    return SlotSearch(slots, reason, gathered.people, length, language, target, next_at)


@dataclass(frozen=True)
class Gathered:
    """Everybody who could take part, with their calendars over one horizon."""

    patient: Candidate
    teams: list[Team]
    people: dict[str, Person]


def gather(
    session: Session, patient: Person, language: str, specialists: Sequence[Person], interpreter: Person | None,
    horizon: Horizon,
) -> Gathered:
    """The patient, and the specialists in teams by the language that they and the patient need between them."""
    people = {patient.id: patient} | {one.id: one for one in specialists}
    by_language: dict[str | None, list[Person]] = {}
    for one in specialists:
        _, target, needs_interpreter = pair_of(language, one)
        by_language.setdefault(primary(target) if needs_interpreter else None, []).append(one)
    own = _candidates(session, [patient], horizon, open_unless_said=True)[0]
    teams: list[Team] = []
    for target, group in by_language.items():
        candidates = _candidates(session, group, horizon)
        if target is None:
            teams.append(Team(candidates, None))
            continue
        able = _able_interpreters(session, language, target, interpreter, horizon)
        people |= {person.id: person for person, _ in able}
        teams.append(Team(candidates, _qualified_candidates(session, able, horizon)))
    return Gathered(own, teams, people)


def is_free(session: Session, person: Person, quarters: range, *, ignoring: str | None = None) -> bool:
    """Whether the person's hours and what is already booked leave these quarters free; `ignoring` one booking."""
    horizon = Horizon(quarters.start, len(quarters))
    calendar = _calendars(session, [person], open_unless_said=person.role == Role.PATIENT)[person.id]
    free = horizon.cut_from(calendar.free, calendar.horizon)
    if ignoring:
        own = session.scalars(select(Claim.quarter).where(
            Claim.booking_id == ignoring, Claim.person_id == person.id, Claim.quarter.in_(quarters)))
        free |= sum(1 << quarter - quarters.start for quarter in own)
    return free == horizon.full


def is_open(session: Session, person: Person, quarters: range) -> bool:
    """Whether the person's hours allow these quarters, whatever has been booked."""
    horizon = Horizon(quarters.start, len(quarters))
    calendar = _calendars(session, [person], open_unless_said=person.role == Role.PATIENT)[person.id]
    return horizon.cut_from(calendar.opened, calendar.horizon) == horizon.full


def free_interpreters(
    session: Session, booking: Booking, *, leaving_out: Iterable[str] = ()
) -> list[Person]:
    """The ladder: qualified interpreters who are free for the whole booking, best first."""
    out = set(leaving_out)
    day = booking.starts_at.date()
    return [
        person
        for person in qualified_interpreters(session, booking.source, booking.target, day)
        if person.id not in out and is_free(session, person, booking.quarters)
    ]


# --- what has been booked -------------------------------------------------------------------------------------


def booking_for(session: Session, person: Person, booking_id: str) -> Booking:
    """The booking, if the person may see it. Raises `NotFound` or `Forbidden`."""
    booking = session.get(Booking, booking_id, options=_with_people())
    if booking is None:
        raise NotFound()
    if not policy.can_see_booking(person, booking):
        raise Forbidden()
    return booking


def booking_of_case(session: Session, case_id: str) -> Booking | None:
    """The case's confirmed meeting that is next, else the last one that was; None when none was confirmed."""
    confirmed = select(Booking).options(*_with_people()).where(
        Booking.case_id == case_id, Booking.state == BookingState.CONFIRMED)
    upcoming = session.scalars(confirmed.where(Booking.starts_at > now() - timedelta(hours=4))
                               .order_by(Booking.starts_at)).first()
    return upcoming or session.scalars(confirmed.order_by(Booking.starts_at.desc())).first()


def hold_of_case(session: Session, case_id: str) -> Booking | None:
    """The time that is being held for the case, if its ten minutes have not run out."""
    return session.scalars(
        select(Booking).options(*_with_people()).where(
            Booking.case_id == case_id, Booking.state == BookingState.HELD, Booking.hold_expires_at > now())
    ).first()


def booking_by_token(session: Session, form_token: str) -> Booking | None:
    return session.scalars(
        select(Booking).options(*_with_people()).where(Booking.form_token == form_token)
    ).first()


def upcoming_bookings(session: Session, person: Person, limit: int = 20) -> list[Booking]:
    """The confirmed meetings that the person takes part in and that are not over, soonest first."""
    return list(session.scalars(
        select(Booking).options(*_with_people(), joinedload(Booking.case)).where(
            Booking.state == BookingState.CONFIRMED,
            or_(Booking.patient_id == person.id, Booking.specialist_id == person.id,
                Booking.interpreter_id == person.id),
            Booking.starts_at > now() - timedelta(hours=4),
        ).order_by(Booking.starts_at).limit(limit)))


def engagement_for(session: Session, person: Person, engagement_id: str) -> Engagement:
    """The engagement, if the person may answer it. Raises `NotFound` or `Forbidden`."""
    engagement = session.get(Engagement, engagement_id, options=[
        joinedload(Engagement.booking).options(*_with_people()), joinedload(Engagement.interpreter)])
    if engagement is None:
        raise NotFound()
    if not policy.can_answer(person, engagement):
        raise Forbidden()
    return engagement


def engagements_of(session: Session, person: Person, limit: int = 50) -> list[Engagement]:
    """What an interpreter is asked for or has agreed to, and is not over, soonest first."""
    return list(session.scalars(
        select(Engagement).join(Engagement.booking).options(
            joinedload(Engagement.booking).options(*_with_people())
        ).where(
            Engagement.interpreter_id == person.id,
            Engagement.state.in_(LIVE_ENGAGEMENTS),
            Booking.state == BookingState.CONFIRMED,
            Booking.starts_at > now() - timedelta(hours=4),
        ).order_by(Booking.starts_at).limit(limit)))


def open_proposals(session: Session, person: Person) -> list[Engagement]:
    """The engagements that wait for this interpreter's answer."""
    return [one for one in engagements_of(session, person) if one.state == EngagementState.PROPOSED]


def unfilled_bookings(session: Session, limit: int = 50) -> list[Booking]:
    """Confirmed meetings that need an interpreter and have none who said yes, soonest first: the office's worry."""
    answered = select(Engagement.booking_id).where(
        Engagement.booking_id == Booking.id, Engagement.interpreter_id == Booking.interpreter_id,
        Engagement.state.in_((EngagementState.ACCEPTED, EngagementState.CONFIRMED)))
    return list(session.scalars(
        select(Booking).options(*_with_people(), joinedload(Booking.case)).where(
            Booking.state == BookingState.CONFIRMED, Booking.needs_interpreter, Booking.starts_at > now(),
            ~answered.exists(),
        ).order_by(Booking.starts_at).limit(limit)))


def bookings_between(session: Session, first: datetime, last: datetime) -> list[Booking]:
    """The office's week: confirmed meetings that begin in a period, in order of time."""
    return list(session.scalars(
        select(Booking).options(*_with_people(), joinedload(Booking.case)).where(
            Booking.state == BookingState.CONFIRMED, Booking.starts_at >= first, Booking.starts_at < last
        ).order_by(Booking.starts_at, Booking.id)))


# --- hours ----------------------------------------------------------------------------------------------------


def windows_of(session: Session, person: Person) -> list[AvailabilityWindow]:
    return list(session.scalars(
        select(AvailabilityWindow).where(AvailabilityWindow.person_id == person.id)
        .order_by(AvailabilityWindow.weekday, AvailabilityWindow.start_minute)))


def exceptions_of(session: Session, person: Person) -> list[AvailabilityException]:
    """Closures and extra hours that are not over yet, and every recurring one."""
    yesterday = now().date() - timedelta(days=1)
    return list(session.scalars(
        select(AvailabilityException).where(
            AvailabilityException.person_id == person.id,
            or_(AvailabilityException.last_day >= yesterday, AvailabilityException.rule.is_not(None)),
        ).order_by(AvailabilityException.first_day)))


def habits_of(session: Session, person: Person) -> diaries.Rules:
    return diaries.rules_of(session, person.id)


def qualifications_of(session: Session, person: Person) -> list[Qualification]:
    return list(session.scalars(
        select(Qualification).where(Qualification.person_id == person.id)
        .order_by(Qualification.source, Qualification.target)))


# --- inside ---------------------------------------------------------------------------------------------------


def _candidates(
    session: Session, people: Sequence[Person], horizon: Horizon, *, open_unless_said: bool = False
) -> list[Candidate]:
    found = _calendars(session, people, open_unless_said=open_unless_said)
    return [
        Candidate(one.id, one.timezone, horizon.cut_from(found[one.id].free, found[one.id].horizon)
                  & diaries.from_notice(horizon, found[one.id].notice_hours))
        for one in people
    ]


def _calendars(session: Session, people: Sequence[Person], *, open_unless_said: bool = False) -> dict[str, Calendar]:
    return diaries.calendars(
        session, {one.id: one.timezone for one in people}, open_unless_said=open_unless_said)


def _able_interpreters(
    session: Session, source: str, target: str, interpreter: Person | None, horizon: Horizon
) -> list[tuple[Person, list[Qualification]]]:
    first, last = horizon.first_day, horizon.last_day
    able = qualifications_for(session, source, target, first, last)
    if interpreter is not None and any(person.id == interpreter.id for person, _ in able):
        return [(person, held) for person, held in able if person.id == interpreter.id]
    return able


def _qualified_candidates(
    session: Session, able: Sequence[tuple[Person, list[Qualification]]], horizon: Horizon
) -> list[Candidate]:
    """Interpreters as candidates, free only on days on which a credential of theirs is good."""
    candidates = _candidates(session, [person for person, _ in able], horizon)
    limited: list[Candidate] = []
    for candidate, (_, held) in zip(candidates, able, strict=True):
        good = 0
        for one in held:
            good |= horizon.days(one.valid_from, one.valid_until)
        limited.append(replace(candidate, free=candidate.free & good))
    return limited


def _first_after(
    session: Session, patient: Person, language: str, specialists: Sequence[Person], interpreter: Person | None,
    after: datetime, length: int,
) -> datetime | None:
    rest = Horizon.between(after, now() + timedelta(days=diaries.HORIZON_DAYS - 1))
    if rest.length <= 0:
        return None
    gathered = gather(session, patient, language, specialists, interpreter, rest)
    return min((slot.starts_at for slot in search(rest, length, gathered.patient, gathered.teams)), default=None)


def _by_load(session: Session, people: Sequence[Person], column) -> list[Person]:  # type: ignore[no-untyped-def]
    """People with the fewest confirmed meetings ahead first; among equals the id decides."""
    counted = session.execute(
        select(column, func.count()).where(Booking.state == BookingState.CONFIRMED, Booking.starts_at > now())
        .group_by(column))
    ahead = {row[0]: row[1] for row in counted}
    return sorted(people, key=lambda one: (ahead.get(one.id, 0), one.id))


def _language_is(column, *wanted: str):  # type: ignore[no-untyped-def]
    languages = {primary(tag) for tag in wanted}
    return or_(*(func.lower(column) == one for one in languages),
               *(func.lower(column).startswith(f"{one}-") for one in languages))


def _nearness(held: Qualification, wanted: str) -> int:
    return max(closeness(held.source, wanted), closeness(held.target, wanted))


def _with_people():  # type: ignore[no-untyped-def]
    return (joinedload(Booking.patient), joinedload(Booking.specialist), joinedload(Booking.interpreter),
            selectinload(Booking.engagements).joinedload(Engagement.interpreter))
