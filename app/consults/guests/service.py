"""Guests: a relative, a home doctor. Each comes by a link of their own, under a name, once."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.audit import service as audit
from app.consults import policy
from app.consults.models import Consult, GuestInvitation
from app.consults.room import service
from app.consults.room.timeline import record_consult_event
from app.consults.verbs import ConsultAuditVerb
from app.core.clock import now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.ids import new_id
from app.core.permissions import Role
from app.core.text import N_, UNSEEN_CHARACTERS, has_unseen_characters
from app.i18n.locales import is_language_tag
from app.identity.models import Person

INVITATION_LIFETIME = timedelta(days=14)
MAX_GUEST_NAME_CHARACTERS = 100
UNUSABLE_PASSWORD = "!"  # is the hash of nothing: a guest comes by the link alone
INVITATION_USED = N_(
    "This invitation has already been used. If that was not you, ask the person who invited"
    " you for a new one."
)
INVITATION_EXPIRED = N_(
    "This invitation is no longer valid. Ask the person who invited you for a new one."
)


class GuestKind(StrEnum):
    RELATIVE = "relative"
    DOCTOR = "doctor"
    OTHER = "other"


def invite_guest(
    session: Session, actor: Person, consult: Consult, name: str, kind: str, language: str
) -> tuple[GuestInvitation, str]:
    """A new invitation, and the secret part of its link, which is shown once and never kept."""
    if not policy.can_invite_guest(actor, consult):
        raise Forbidden()
    service.require_consult_not_over(consult)
    name = name.strip()
    if not name or len(name) > MAX_GUEST_NAME_CHARACTERS:
        raise Invalid(
            N_("Enter the guest’s name, under %(most)s characters."),
            field="name",
            most=MAX_GUEST_NAME_CHARACTERS,
        )
    if has_unseen_characters(name):
        raise Invalid(UNSEEN_CHARACTERS, field="name")
    if kind not in set(GuestKind):
        raise Invalid(N_("Say who this person is."), field="kind")
    if not is_language_tag(language):
        raise Invalid(N_("Choose a language from the list."), field="language")
    token = secrets.token_urlsafe(24)
    invitation = GuestInvitation(
        consult=consult,
        token_hash=_hash_invitation_token(token),
        name=name,
        kind=kind,
        language=language,
        invited_by=actor.id,
        expires_at=min(now() + INVITATION_LIFETIME, consult.closes_at),
    )
    session.add(invitation)
    session.flush()
    audit.record_audit_entry(
        session,
        actor.id,
        ConsultAuditVerb.GUEST_INVITED,
        "invitation",
        invitation.id,
        consult.case_id,
        relation=kind,
    )
    return invitation, token


def revoke_guest_invitation(
    session: Session, actor: Person, consult: Consult, invitation_id: str
) -> None:
    """Takes an invitation back. Raises ``NotFound`` for one of another consult, ``Conflict``
    once it was used.
    """
    invitation = session.get(GuestInvitation, invitation_id)
    if (
        invitation is None
        or invitation.consult_id != consult.id
        or not policy.can_invite_guest(actor, consult)
    ):
        raise NotFound()
    if invitation.used_at is not None:
        raise Conflict(N_("This guest is already here. You can ask the specialist to remove them."))
    invitation.revoked_at = invitation.revoked_at or now()
    audit.record_audit_entry(
        session,
        actor.id,
        ConsultAuditVerb.GUEST_REVOKED,
        "invitation",
        invitation.id,
        consult.case_id,
    )


def find_guest_invitation(session: Session, token: str) -> GuestInvitation:
    """The invitation of a link. Raises ``NotFound`` where there is none."""
    invitation = session.scalars(
        select(GuestInvitation)
        .options(joinedload(GuestInvitation.consult), joinedload(GuestInvitation.inviter))
        .where(GuestInvitation.token_hash == _hash_invitation_token(token))
    ).first()
    if invitation is None:
        raise NotFound()
    return invitation


def require_open_invitation(invitation: GuestInvitation) -> None:
    """Raises ``Conflict``, in words for the guest, when the link opens nothing any more."""
    if invitation.used_at is not None:
        raise Conflict(INVITATION_USED)
    if not invitation.is_open:
        raise Conflict(INVITATION_EXPIRED)
    service.require_consult_not_over(invitation.consult)


def accept_guest_invitation(session: Session, token: str, timezone: str) -> Person:
    """The guest comes: a person under the invited name, with a seat in this consult and nothing
    else.
    """
    invitation = session.scalars(
        select(GuestInvitation)
        .where(GuestInvitation.token_hash == _hash_invitation_token(token))
        .with_for_update()
    ).first()
    if invitation is None:
        raise NotFound()
    require_open_invitation(invitation)
    person = Person(
        name=invitation.name,
        email=f"{new_id()}@guest.invalid",
        password=UNUSABLE_PASSWORD,
        role=Role.GUEST,
        language=invitation.language,
        timezone=timezone,
    )
    session.add(person)
    session.flush()
    seat = service.add_guest_seat(session, invitation.consult, person, invitation.kind)
    invitation.used_at, invitation.person_id = now(), person.id
    audit.record_audit_entry(
        session,
        person.id,
        ConsultAuditVerb.GUEST_ACCEPTED,
        "invitation",
        invitation.id,
        invitation.consult.case_id,
    )
    record_consult_event(session, invitation.consult, "guest", seat, relation=invitation.kind)
    return person


def list_guest_invitations(session: Session, consult: Consult) -> list[GuestInvitation]:
    return list(
        session.scalars(
            select(GuestInvitation)
            .where(GuestInvitation.consult_id == consult.id)
            .order_by(GuestInvitation.created_at)
        )
    )


def _hash_invitation_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
