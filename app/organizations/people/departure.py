"""Somebody leaves: what they still have is shown first, then handed on.

What a person has lies in other slices. Each adds a ``DeparturePart`` to the extensions of its
manifest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.errors import Conflict
from app.core.slices import get_slices
from app.core.text import N_
from app.identity.models import Person
from app.identity.service import end_every_sign_in
from app.organizations.verbs import OrganizationAuditVerb


@dataclass(frozen=True)
class DeparturePart:
    """One thing that a person may still have, and what becomes of it.

    ``label`` and ``consequence`` are msgids. ``hand_on`` is called after the account was closed.
    """

    label: str
    consequence: str
    count: Callable[[Session, Person], int]
    hand_on: Callable[[Session, Person, Person], None]


@dataclass(frozen=True)
class DepartureEffect:
    """How many of one thing the person still has."""

    label: str
    consequence: str
    count: int


def list_departure_effects(session: Session, person: Person) -> Sequence[DepartureEffect]:
    """What would change if the person left now. What they have none of is left out."""
    return [
        DepartureEffect(part.label, part.consequence, count)
        for part in get_slices().list_extensions(DeparturePart)
        if (count := part.count(session, person))
    ]


def deactivate_person(session: Session, actor: Person, person: Person) -> None:
    """Closes the account: all devices are signed out, and what the person has is handed on.
    Raises ``Conflict`` for one's own account.
    """
    if person.id == actor.id:
        raise Conflict(N_("You cannot deactivate your own account. Ask another administrator."))
    if not person.active:
        return
    person.active = False
    end_all_sign_ins(session, actor, person)
    for part in get_slices().list_extensions(DeparturePart):
        part.hand_on(session, actor, person)
    audit.record_audit_entry(
        session, actor.id, OrganizationAuditVerb.PERSON_DEACTIVATED, "person", person.id
    )


def reactivate_person(session: Session, actor: Person, person: Person) -> None:
    """Opens the account again. What was handed on does not come back."""
    if person.active:
        return
    person.active = True
    session.flush()
    audit.record_audit_entry(
        session, actor.id, OrganizationAuditVerb.PERSON_REACTIVATED, "person", person.id
    )


def end_all_sign_ins(session: Session, actor: Person, person: Person) -> int:
    """Signs the person out everywhere. Returns on how many devices they were signed in."""
    count = end_every_sign_in(session, person)
    if count:
        audit.record_audit_entry(
            session,
            actor.id,
            OrganizationAuditVerb.SIGN_INS_ENDED,
            "person",
            person.id,
            devices=count,
        )
    return count
