"""Reads of offices and affiliations."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session, joinedload, object_session

from app.core.clock import now
from app.core.errors import Invalid, NotFound
from app.core.permissions import Role
from app.core.text import N_
from app.identity.models import Person
from app.organizations.models import DEFAULT_OFFICE_ID, Affiliation, Office, Organisation


def affiliation_holds_now() -> ColumnElement[bool]:
    moment = now()
    return (Affiliation.since <= moment) & or_(
        Affiliation.until.is_(None), Affiliation.until > moment
    )


def holds_role(role: Role) -> ColumnElement[bool]:
    """The condition on ``Person`` that they work as ``role`` in some office now."""
    return Person.id.in_(
        select(Affiliation.person_id).where(Affiliation.role == role, affiliation_holds_now())
    )


def has_role(person: Person, role: Role) -> bool:
    """Whether the person works as ``role`` now, whatever they are acting as."""
    session = object_session(person)
    if session is None:
        return person.role == role
    return any(one.role == role for one in list_affiliations(session, person))


def list_affiliations(session: Session, person: Person) -> list[Affiliation]:
    """The person's affiliations that hold now, the first granted one first, with their offices."""
    return list(
        session.scalars(
            select(Affiliation)
            .join(Affiliation.office)
            .options(joinedload(Affiliation.office))
            .where(Affiliation.person_id == person.id, affiliation_holds_now(), Office.active)
            .order_by(Affiliation.created_at, Affiliation.id)
        )
    )


def list_all_affiliations(session: Session, person: Person) -> list[Affiliation]:
    """Also those that ended or begin later, the latest first."""
    return list(
        session.scalars(
            select(Affiliation)
            .options(joinedload(Affiliation.office))
            .where(Affiliation.person_id == person.id)
            .order_by(Affiliation.since.desc(), Affiliation.id)
        )
    )


def get_affiliation(session: Session, person: Person, affiliation_id: str) -> Affiliation:
    """One of the person's affiliations. Raises ``NotFound``."""
    found = session.get(Affiliation, affiliation_id)
    if found is None or found.person_id != person.id:
        raise NotFound()
    return found


def list_people_of_role(
    session: Session, role: Role, office_ids: frozenset[str] | None = None
) -> list[Person]:
    """Active people who work as ``role``, in order of joining; of any office unless some are
    named.
    """
    held = select(Affiliation.person_id).where(Affiliation.role == role, affiliation_holds_now())
    if office_ids is not None:
        held = held.where(Affiliation.office_id.in_(office_ids))
    return list(
        session.scalars(
            select(Person).where(Person.id.in_(held), Person.active).order_by(Person.created_at)
        )
    )


def select_office_ids(person: Person) -> Select[str]:
    """The offices for which the person acts: the one chosen for this sign-in, else every one in
    which they hold their role. None for patients.
    """
    held = (
        select(Affiliation.office_id)
        .join(Affiliation.office)
        .where(
            Affiliation.person_id == person.id,
            Affiliation.role == person.role,
            affiliation_holds_now(),
            Office.active,
        )
    )
    if person.acting_role is not None:
        held = held.where(Affiliation.office_id == person.acting_office_id)
    return held


def get_office_ids(person: Person, session: Session | None) -> frozenset[str]:
    """As ``select_office_ids``; within a request without a query."""
    if person.acting_role is not None:
        return frozenset([person.acting_office_id] if person.acting_office_id else [])
    return frozenset(session.scalars(select_office_ids(person))) if session else frozenset()


def list_offices(session: Session, *, with_closed: bool = False) -> list[Office]:
    found = select(Office).options(joinedload(Office.organisation))
    if not with_closed:
        found = found.where(Office.active)
    return list(session.scalars(found.order_by(Office.created_at, Office.id)))


def get_open_office(session: Session, office_id: str) -> Office:
    """Raises ``Invalid`` for what is no office, or a closed one."""
    office = session.get(Office, office_id)
    if office is None or not office.active:
        raise Invalid(N_("Choose an office from the list."), field="office")
    return office


def get_account(session: Session, person_id: str) -> Person:
    """Anybody's account but a guest's, for administrators. Raises ``NotFound``."""
    person = session.get(Person, person_id)
    if person is None or person.home_role == Role.GUEST:
        raise NotFound()
    return person


def find_office_for_country(session: Session, country: str) -> Office | None:
    """The office that takes patients of this country; else the first one."""
    offices = list_offices(session)
    fitting = [one for one in offices if country and country in one.countries]
    general = [one for one in offices if one.id == DEFAULT_OFFICE_ID or not one.countries]
    return next(iter([*fitting, *general, *offices]), None)


def get_organisation(session: Session) -> Organisation | None:
    """The first organisation of this installation."""
    return session.scalars(select(Organisation).order_by(Organisation.created_at)).first()
