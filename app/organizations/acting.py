"""In which of their roles, and for which office, a signed-in person acts."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.permissions import Role
from app.identity.acting import ActingRoleResolver
from app.identity.models import Person, SignIn
from app.organizations.models import Affiliation
from app.organizations.queries import list_affiliations
from app.organizations.service import get_own_affiliation
from app.organizations.verbs import OrganizationAuditVerb

ACTING_AS_PATIENT = "patient"


def resolve_acting_role(session: Session, person: Person, sign_in: SignIn) -> None:
    """Sets what the person acts as in this request. An affiliation that ended no longer counts:
    then it is the next one, and without any the person acts as a patient.
    """
    if person.home_role in (Role.PATIENT, Role.GUEST) and sign_in.acting_as is None:
        return
    if sign_in.acting_as == ACTING_AS_PATIENT:
        person.acting_role, person.acting_office_id = Role.PATIENT, None
        return
    held = list_affiliations(session, person)
    chosen = _choose_affiliation(held, person, sign_in)
    if chosen is None:
        person.acting_role, person.acting_office_id = Role.PATIENT, None
    else:
        person.acting_role, person.acting_office_id = chosen.role, chosen.office_id
    person.acting_as = chosen.id if chosen else None


def switch_acting_role(session: Session, actor: Person, chosen: str) -> None:
    """From the next request on, this sign-in acts as the affiliation with that id, or as a patient.
    Raises ``Forbidden`` for an affiliation that is not the actor's.
    """
    if chosen != ACTING_AS_PATIENT:
        get_own_affiliation(session, actor, chosen)
    sign_in = session.get_one(SignIn, actor.get_id())
    sign_in.acting_as = chosen
    audit.record_audit_entry(
        session, actor.id, OrganizationAuditVerb.ROLE_SWITCHED, "sign_in", sign_in.id, chosen=chosen
    )


def _choose_affiliation(
    held: list[Affiliation], person: Person, sign_in: SignIn
) -> Affiliation | None:
    by_choice = [one for one in held if one.id == sign_in.acting_as]
    by_home = [one for one in held if one.role == person.home_role]
    return next(iter([*by_choice, *by_home, *held]), None)


ACTING_ROLE_RESOLVER = ActingRoleResolver(resolve_acting_role)
