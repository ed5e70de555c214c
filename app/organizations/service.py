"""Offices and affiliations: made, changed, ended. None commits."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import now
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.permissions import STAFF_ROLES, Role
from app.core.text import N_
from app.identity.accounts.links import AccountLink
from app.identity.accounts.service import invite_person
from app.identity.models import Person
from app.organizations import queries
from app.organizations.models import (
    DEFAULT_OFFICE_ID,
    DEFAULT_ORGANISATION_ID,
    UNNAMED_ORGANISATION,
    Affiliation,
    Office,
    Organisation,
)
from app.organizations.verbs import OrganizationAuditVerb


def ensure_default_office(session: Session) -> Office:
    """The first office of the installation, made on first need with its organisation."""
    office = session.get(Office, DEFAULT_OFFICE_ID)
    if office is not None:
        return office
    try:
        with session.begin_nested():
            session.add(Organisation(id=DEFAULT_ORGANISATION_ID, name=UNNAMED_ORGANISATION))
            session.flush()
            session.add(
                Office(
                    id=DEFAULT_OFFICE_ID,
                    organisation_id=DEFAULT_ORGANISATION_ID,
                    name="International office",
                )
            )
            session.flush()
    except IntegrityError:
        pass  # another process has just made them
    return session.get_one(Office, DEFAULT_OFFICE_ID)


def grant_affiliation(
    session: Session,
    actor: Person | None,
    person: Person,
    office: Office,
    role: Role,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Affiliation:
    """Gives the person a role in an office. One that they hold there already is kept, with its end
    moved. Raises ``Invalid`` for dates or roles that make no sense.
    """
    if role not in STAFF_ROLES:
        raise Invalid(N_("This role cannot be given in an office."), field="role")
    if until is not None and until <= (since or now()):
        raise Invalid(N_("The last day must be after the first day."), field="until")
    held = next(
        (
            one
            for one in queries.list_affiliations(session, person)
            if one.office_id == office.id and one.role == role
        ),
        None,
    )
    if held is not None:
        held.until = until
        affiliation = held
    else:
        affiliation = Affiliation(
            person_id=person.id,
            person=person,
            office_id=office.id,
            office=office,
            role=role,
            since=since or now(),
            until=until,
            granted_by=actor.id if actor else None,
        )
        session.add(affiliation)
    session.flush()
    _follow_affiliations(session, person)
    audit.record_audit_entry(
        session,
        actor.id if actor else None,
        OrganizationAuditVerb.AFFILIATION_GRANTED,
        "affiliation",
        affiliation.id,
        person=person.id,
        office=office.id,
        role=str(role),
    )
    return affiliation


def invite_staff(
    session: Session,
    actor: Person | None,
    email: str,
    name: str,
    role: str,
    *,
    office: Office | None = None,
    language: str = "en",
) -> AccountLink:
    """An account with a role in an office (the first one, if none is named), and the link with
    which its owner sets a password. Raises ``Invalid`` and ``Conflict``.
    """
    link = invite_person(session, email, name, role, language=language)
    if role in STAFF_ROLES:
        office = office or ensure_default_office(session)
        grant_affiliation(session, actor, link.person, office, Role(role))
    return link


def end_affiliation(session: Session, actor: Person, affiliation: Affiliation) -> None:
    """Takes the role away, at once. Nobody takes their own administrator's role away: there must be
    one left who can give it back.
    """
    if affiliation.person_id == actor.id and affiliation.role == Role.ADMINISTRATOR:
        raise Conflict(
            N_("You cannot end your own role as administrator. Ask another administrator.")
        )
    if affiliation.until is not None and affiliation.until <= now():
        return
    affiliation.until = now()
    session.flush()
    _follow_affiliations(session, affiliation.person)
    audit.record_audit_entry(
        session,
        actor.id,
        OrganizationAuditVerb.AFFILIATION_ENDED,
        "affiliation",
        affiliation.id,
        person=affiliation.person_id,
        office=affiliation.office_id,
        role=affiliation.role,
    )


def get_own_affiliation(session: Session, actor: Person, affiliation_id: str) -> Affiliation:
    """One of the actor's affiliations that hold now. Raises ``Forbidden``."""
    for one in queries.list_affiliations(session, actor):
        if one.id == affiliation_id:
            return one
    raise Forbidden()


def _follow_affiliations(session: Session, person: Person) -> None:
    """What the person is where nobody chose: their first role, or a patient without one. A role
    that begins later counts too: until then they act as a patient.
    """
    if person.home_role == Role.GUEST:
        return
    to_come = [one for one in queries.list_all_affiliations(session, person) if one.since > now()]
    roles = [one.role for one in [*queries.list_affiliations(session, person), *to_come[::-1]]]
    if person.home_role not in roles:
        person.home_role = roles[0] if roles else Role.PATIENT
    session.flush()
