"""Who works here, as what, with how much to do: composed from the slices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from app.cases.models import CaseMember
from app.cases.queries import select_open_staff_memberships
from app.core.clock import now
from app.core.permissions import Role
from app.i18n.collation import make_sort_key
from app.identity.models import Person, SignIn
from app.identity.queries import find_person_by_email, list_live_sign_ins
from app.organizations.models import Affiliation
from app.organizations.people.departure import DepartureEffect, list_departure_effects
from app.organizations.queries import affiliation_holds_now, list_all_affiliations
from app.scheduling.models import Booking, BookingState, Qualification

DIRECTORY_PAGE_SIZE = 50


@dataclass(frozen=True)
class DirectoryFilter:
    """What is looked for. ``sought`` is a part of a name, or a whole e-mail address."""

    sought: str = ""
    role: str = ""
    office_id: str = ""
    with_inactive: bool = False


@dataclass(frozen=True)
class DirectoryRow:
    """One person with what they work as now, and what they have to do."""

    person: Person
    affiliations: Sequence[Affiliation]
    pairs: Sequence[Qualification]
    open_cases: int
    consultations: int
    last_seen_at: datetime | None


@dataclass(frozen=True)
class DirectoryPage:
    rows: Sequence[DirectoryRow]
    page: int
    last: int
    total: int


@dataclass(frozen=True)
class PersonPage:
    """One person. ``effects`` are what their leaving would change; only administrators see them,
    and the devices.
    """

    row: DirectoryRow
    history: Sequence[Affiliation]
    devices: Sequence[SignIn]
    effects: Sequence[DepartureEffect]


def load_directory_page(
    session: Session, reader: Person, wanted: DirectoryFilter, page: int, language: str
) -> DirectoryPage:
    """One page of the staff by name. Names are encrypted in the database, so they are compared
    here. Administrators also find the account of a whole e-mail address, whoever it is.
    """
    found = _list_staff(session, wanted)
    exact = find_person_by_email(session, wanted.sought) if "@" in wanted.sought else None
    if exact is not None and reader.role == Role.ADMINISTRATOR and exact.home_role != Role.GUEST:
        found = [exact, *(one for one in found if one.id != exact.id)]
    else:
        found.sort(key=lambda person: make_sort_key(person.name, language))
    last = max(1, -(-len(found) // DIRECTORY_PAGE_SIZE))
    page = min(max(page, 1), last)
    shown = found[(page - 1) * DIRECTORY_PAGE_SIZE : page * DIRECTORY_PAGE_SIZE]
    return DirectoryPage(_build_rows(session, shown), page, last, len(found))


def load_person_page(session: Session, reader: Person, person: Person) -> PersonPage:
    (row,) = _build_rows(session, [person])
    is_administrator = reader.role == Role.ADMINISTRATOR
    return PersonPage(
        row,
        list_all_affiliations(session, person),
        list_live_sign_ins(session, person) if is_administrator else [],
        list_departure_effects(session, person) if is_administrator and person.active else [],
    )


def can_see_person(reader: Person, person: Person, history: Collection[Affiliation]) -> bool:
    """Administrators see every account but a guest's; coordinators those of the staff."""
    if person.home_role == Role.GUEST:
        return False
    return reader.role == Role.ADMINISTRATOR or bool(history)


def _list_staff(session: Session, wanted: DirectoryFilter) -> list[Person]:
    held = select(Affiliation.person_id)
    if not wanted.with_inactive:
        held = held.where(affiliation_holds_now())
    if wanted.role:
        held = held.where(Affiliation.role == wanted.role)
    if wanted.office_id:
        held = held.where(Affiliation.office_id == wanted.office_id)
    staff = select(Person).where(Person.id.in_(held))
    if not wanted.with_inactive:
        staff = staff.where(Person.active)
    sought = wanted.sought.casefold()
    return [
        person
        for person in session.scalars(staff)
        if sought in person.name.casefold() or sought == person.email.casefold()
    ]


def _build_rows(session: Session, people: Sequence[Person]) -> list[DirectoryRow]:
    ids = [person.id for person in people]
    affiliations: dict[str, list[Affiliation]] = defaultdict(list)
    for one in session.scalars(
        select(Affiliation)
        .options(joinedload(Affiliation.office))
        .where(Affiliation.person_id.in_(ids), affiliation_holds_now())
        .order_by(Affiliation.created_at)
    ):
        affiliations[one.person_id].append(one)
    pairs: dict[str, list[Qualification]] = defaultdict(list)
    for held in session.scalars(select(Qualification).where(Qualification.person_id.in_(ids))):
        pairs[held.person_id].append(held)
    cases, bookings = _count_cases(session, ids), _count_bookings(session, ids)
    seen = dict(
        session.execute(
            select(SignIn.person_id, func.max(SignIn.last_seen_at))
            .where(SignIn.person_id.in_(ids))
            .group_by(SignIn.person_id)
        ).all()
    )
    return [
        DirectoryRow(
            person,
            affiliations[person.id],
            pairs[person.id],
            cases.get(person.id, 0),
            bookings.get(person.id, 0),
            seen.get(person.id),
        )
        for person in people
    ]


def _count_cases(session: Session, ids: Sequence[str]) -> dict[str, int]:
    return dict(
        session.execute(
            select_open_staff_memberships()
            .with_only_columns(CaseMember.person_id, func.count(func.distinct(CaseMember.case_id)))
            .where(CaseMember.person_id.in_(ids))
            .group_by(CaseMember.person_id)
        ).all()
    )


def _count_bookings(session: Session, ids: Sequence[str]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for column in (Booking.specialist_id, Booking.interpreter_id, Booking.second_interpreter_id):
        for person_id, count in session.execute(
            select(column, func.count())
            .where(
                column.in_(ids),
                Booking.state == BookingState.CONFIRMED,
                Booking.starts_at > now(),
            )
            .group_by(column)
        ).all():
            counts[str(person_id)] += count
    return counts
