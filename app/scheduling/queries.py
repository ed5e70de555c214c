"""Reads: who could meet, when they could, and what has been booked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.cases import queries as cases
from app.cases.models import Case
from app.core.clock import now
from app.core.errors import Forbidden, NotFound
from app.core.permissions import Role
from app.identity.models import Person
from app.scheduling import policy
from app.scheduling.availability import diaries
from app.scheduling.matching import search as matching
from app.scheduling.matching.languages import is_pair_covered, primary_language_of
from app.scheduling.matching.search import (
    MAX_SLOTS,
    InterpreterRequirements,
    LanguageSpeaker,
    SlotSearchPeople,
    SlotSearchResult,
    find_slots,
    language_pair_of,
)
from app.scheduling.matching.slots import SINGLE_INTERPRETER_MAX_QUARTERS
from app.scheduling.models import (
    DEFAULT_LENGTH_QUARTERS,
    LIVE_BOOKING_STATES,
    LIVE_ENGAGEMENT_STATES,
    AvailabilityException,
    AvailabilityWindow,
    Booking,
    BookingState,
    BriefPreference,
    BusyFeed,
    Claim,
    Diary,
    Engagement,
    EngagementState,
    InterpreterProfile,
    Qualification,
)
from app.scheduling.time.quarters import Horizon

__all__ = ["SlotSearchResult", "find_slots", "language_pair_of"]

# --- who could, and when they could ---


def list_specialists_for(session: Session, specialty: str) -> list[Person]:
    """Active specialists of a specialty, those with the fewest meetings ahead first."""
    return _load_people_in_order(
        session,
        [
            one.id
            for one in matching.sort_by_load(session, matching.load_specialists(session, specialty))
        ],
    )


def qualified_interpreters(session: Session, source: str, target: str, on: date) -> list[Person]:
    """Active interpreters whose credential for this pair of languages is good on that day.

    The nearest dialect first, then those with the fewest meetings ahead.
    """
    able = matching.rank_interpreters(
        session, matching.load_qualified_interpreters(session, source, target, on, on)
    )
    return _load_people_in_order(session, [one.id for one in able])


def is_qualified(
    session: Session, person: Person, source: str, target: str, on: date, mode: str = "consecutive"
) -> bool:
    """Whether this interpreter may be proposed for the pair, in this mode, on that day."""
    return (
        person.active
        and person.role == Role.INTERPRETER
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
    `any_interpreter`.
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
    """As `find_slots_for_case`, but only the people and their calendars."""
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
    able = matching.load_qualified_interpreters(
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


# --- what has been booked ---


def load_booking(session: Session, person: Person, booking_id: str) -> Booking:
    """The booking, if the person may see it. Raises `NotFound` or `Forbidden`."""
    booking = session.get(Booking, booking_id, options=_people_options())
    if booking is None:
        raise NotFound()
    if not policy.can_see_booking(person, booking):
        raise Forbidden()
    return booking


def booking_of_case(session: Session, case_id: str) -> Booking | None:
    """The case's confirmed meeting that is next, else the last one that was; None when none was
    confirmed.
    """
    confirmed = (
        select(Booking)
        .options(*_people_options())
        .where(Booking.case_id == case_id, Booking.state == BookingState.CONFIRMED)
    )
    upcoming = session.scalars(
        confirmed.where(Booking.starts_at > now() - timedelta(hours=4)).order_by(Booking.starts_at)
    ).first()
    return upcoming or session.scalars(confirmed.order_by(Booking.starts_at.desc())).first()


def hold_of_case(session: Session, case_id: str) -> Booking | None:
    """The time that is being held for the case, if its ten minutes have not run out."""
    return session.scalars(
        select(Booking)
        .options(*_people_options())
        .where(
            Booking.case_id == case_id,
            Booking.state == BookingState.HELD,
            Booking.hold_expires_at > now(),
        )
    ).first()


def booking_by_token(session: Session, form_token: str) -> Booking | None:
    return session.scalars(
        select(Booking).options(*_people_options()).where(Booking.form_token == form_token)
    ).first()


def upcoming_bookings(session: Session, person: Person, limit: int = 20) -> list[Booking]:
    """The confirmed meetings that the person takes part in and that are not over, soonest first."""
    return list(
        session.scalars(
            select(Booking)
            .options(*_people_options(), joinedload(Booking.case))
            .where(
                Booking.state == BookingState.CONFIRMED,
                Booking.takes_part(person.id),
                Booking.starts_at > now() - timedelta(hours=4),
            )
            .order_by(Booking.starts_at)
            .limit(limit)
        )
    )


def load_engagement(session: Session, person: Person, engagement_id: str) -> Engagement:
    """The engagement, if the person may answer it. Raises `NotFound` or `Forbidden`."""
    engagement = session.get(
        Engagement,
        engagement_id,
        options=[
            joinedload(Engagement.booking).options(*_people_options()),
            joinedload(Engagement.interpreter),
        ],
    )
    if engagement is None:
        raise NotFound()
    if not policy.can_answer_engagement(person, engagement):
        raise Forbidden()
    return engagement


def engagements_of(session: Session, person: Person, limit: int = 50) -> list[Engagement]:
    """What an interpreter is asked for or has agreed to, and is not over, soonest first."""
    return list(
        session.scalars(
            select(Engagement)
            .join(Engagement.booking)
            .options(joinedload(Engagement.booking).options(*_people_options()))
            .where(
                Engagement.interpreter_id == person.id,
                Engagement.state.in_(LIVE_ENGAGEMENT_STATES),
                Booking.state == BookingState.CONFIRMED,
                Booking.starts_at > now() - timedelta(hours=4),
            )
            .order_by(Booking.starts_at)
            .limit(limit)
        )
    )


def open_proposals(session: Session, person: Person) -> list[Engagement]:
    """The engagements that wait for this interpreter's answer."""
    return [one for one in engagements_of(session, person) if one.state == EngagementState.PROPOSED]


def unfilled_bookings(session: Session, limit: int = 50) -> list[Booking]:
    """Confirmed meetings that lack an interpreter who said yes, soonest first: the office's
    worry.
    """
    return list(
        session.scalars(
            select(Booking)
            .options(*_people_options(), joinedload(Booking.case))
            .where(
                Booking.state == BookingState.CONFIRMED,
                Booking.starts_at > now(),
                interpreter_missing_condition(),
            )
            .order_by(Booking.starts_at)
            .limit(limit)
        )
    )


def interpreter_missing_condition() -> ColumnElement[bool]:
    """The condition that fewer interpreters have said yes to a meeting than it takes."""

    def has_said_yes(place: Any) -> ColumnElement[bool]:
        return (
            select(Engagement.booking_id)
            .where(
                Engagement.booking_id == Booking.id,
                Engagement.interpreter_id == place,
                Engagement.state.in_((EngagementState.ACCEPTED, EngagementState.CONFIRMED)),
            )
            .exists()
        )

    one, other = has_said_yes(Booking.interpreter_id), has_said_yes(Booking.second_interpreter_id)
    return and_(
        Booking.needs_interpreter,
        or_(~one, and_(Booking.length > SINGLE_INTERPRETER_MAX_QUARTERS, ~other)),
    )


def bookings_between(session: Session, first: datetime, last: datetime) -> list[Booking]:
    """The office's week: confirmed meetings that begin in a period, in order of time."""
    return list(
        session.scalars(
            select(Booking)
            .options(*_people_options(), joinedload(Booking.case))
            .where(
                Booking.state == BookingState.CONFIRMED,
                Booking.starts_at >= first,
                Booking.starts_at < last,
            )
            .order_by(Booking.starts_at, Booking.id)
        )
    )


def bookings_with_changed_clocks(session: Session) -> list[Booking]:
    """Meetings ahead for which a country has changed its clocks since they were agreed, soonest
    first.
    """
    return list(
        session.scalars(
            select(Booking)
            .options(*_people_options(), joinedload(Booking.case))
            .where(
                Booking.state == BookingState.CONFIRMED,
                Booking.starts_at > now(),
                Booking.clocks_changed != {},
            )
            .order_by(Booking.starts_at)
        )
    )


def bookings_of_person(
    session: Session, person: Person, first: datetime, last: datetime
) -> list[Booking]:
    """The live meetings of one person that touch a period, in order of time."""
    return list(
        session.scalars(
            select(Booking)
            .options(*_people_options(), joinedload(Booking.case))
            .where(
                Booking.state.in_(LIVE_BOOKING_STATES),
                Booking.starts_at > first - timedelta(hours=6),
                Booking.starts_at < last,
                Booking.takes_part(person.id),
            )
            .order_by(Booking.starts_at)
        )
    )


def has_calendar_key(session: Session, person: Person) -> bool:
    return session.scalar(select(Diary.feed_key).where(Diary.person_id == person.id)) is not None


def person_by_calendar_key(session: Session, key: str) -> Person | None:
    """Whose private calendar address this is; only the hash of a key is kept."""
    return session.scalars(
        select(Person)
        .join(Diary, Diary.person_id == Person.id)
        .where(Diary.feed_key == hash_calendar_key(key), Person.active)
    ).first()


def bookings_for_calendar(session: Session, person: Person) -> list[Booking]:
    """A person's meetings from a month ago on, the cancelled ones too, so that calendars drop
    them.
    """
    return list(
        session.scalars(
            select(Booking)
            .options(*_people_options(), joinedload(Booking.case))
            .where(
                Booking.state.in_((BookingState.CONFIRMED, BookingState.CANCELLED)),
                Booking.takes_part(person.id),
                Booking.starts_at > now() - timedelta(days=30),
            )
            .order_by(Booking.starts_at)
            .limit(500)
        )
    )


def hash_calendar_key(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


# --- hours ---


def availability_windows_of(session: Session, person: Person) -> list[AvailabilityWindow]:
    return list(
        session.scalars(
            select(AvailabilityWindow)
            .where(AvailabilityWindow.person_id == person.id)
            .order_by(AvailabilityWindow.weekday, AvailabilityWindow.start_minute)
        )
    )


def availability_exceptions_of(session: Session, person: Person) -> list[AvailabilityException]:
    """Closures and extra hours that are not over yet, and every recurring one."""
    yesterday = now().date() - timedelta(days=1)
    return list(
        session.scalars(
            select(AvailabilityException)
            .where(
                AvailabilityException.person_id == person.id,
                or_(
                    AvailabilityException.last_day >= yesterday,
                    AvailabilityException.rule.is_not(None),
                ),
            )
            .order_by(AvailabilityException.first_day)
        )
    )


def busy_feeds_of(session: Session, person: Person) -> list[BusyFeed]:
    return list(
        session.scalars(
            select(BusyFeed).where(BusyFeed.person_id == person.id).order_by(BusyFeed.id)
        )
    )


def diary_habits_of(session: Session, person: Person) -> diaries.DiaryRules:
    return diaries.load_diary_rules(session, person.id)


def qualifications_of(session: Session, person: Person) -> list[Qualification]:
    return list(
        session.scalars(
            select(Qualification)
            .where(Qualification.person_id == person.id)
            .order_by(Qualification.source, Qualification.target)
        )
    )


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
            Person.role == Role.INTERPRETER,
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


# --- inside ---


def _staff_of_case(
    session: Session, case: Case, any_interpreter: bool
) -> tuple[Sequence[LanguageSpeaker], Person | None]:
    specialist = cases.find_member_of_role(session, case.id, Role.SPECIALIST)
    specialists = [specialist] if specialist else matching.load_specialists(session, case.specialty)
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


def _people_options():  # type: ignore[no-untyped-def]
    return (
        joinedload(Booking.patient),
        joinedload(Booking.specialist),
        joinedload(Booking.interpreter),
        joinedload(Booking.second_interpreter),
        selectinload(Booking.engagements).joinedload(Engagement.interpreter),
    )
