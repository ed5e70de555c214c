"""Inviting people, and passwords that were forgotten."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import now
from app.core.errors import Conflict, Invalid
from app.core.outbox import enqueue_job, enqueue_notice
from app.core.permissions import SIGNED_IN_ROLES, Role
from app.core.text import N_
from app.identity import forms, queries, service
from app.identity.accounts import confirmations, passwords
from app.identity.accounts.links import AccountLink, AccountLinkPurpose, create_account_link
from app.identity.models import Person
from app.identity.verbs import IdentityAuditVerb

NO_PASSWORD_YET = "!"  # is the hash of nothing
PASSWORD_RESET_JOB = "identity.password_reset"
RESET_REQUESTED_NOTICE = "password_reset_requested"
PASSWORD_CHANGED_NOTICE = "password_changed"


def invite_person(
    session: Session, email: str, name: str, role: str, *, language: str = "en"
) -> AccountLink:
    """An account without a password, and the link with which its owner sets one. Somebody who was
    invited before and never came gets a new link. Raises ``Invalid`` and ``Conflict``.
    """
    if role not in SIGNED_IN_ROLES:
        raise Invalid(
            N_("There is no role “%(role)s”. Choose one of these: %(roles)s."),
            field="role",
            role=role,
            roles=", ".join(sorted(SIGNED_IN_ROLES)),
        )
    address, called = forms.read_email(email), forms.read_name(name)
    language = forms.read_language(language)
    person = queries.find_person_by_email(session, address)
    if person is not None and (person.password != NO_PASSWORD_YET or person.home_role != role):
        raise Conflict(N_("There is already an account with this e-mail address."), field="email")
    if person is None:
        person = Person(
            email=address,
            name=called,
            role=Role(role),
            password=NO_PASSWORD_YET,
            language=language,
        )
        session.add(person)
        session.flush()
    audit.record_audit_entry(
        session, None, IdentityAuditVerb.PERSON_INVITED, "person", person.id, role=role
    )
    return create_account_link(session, person, AccountLinkPurpose.SET_UP)


def request_password_reset(session: Session, email: str) -> None:
    """Queues the search for an account with this address. What the caller sees, and how long it
    takes, is the same whether or not there is one.
    """
    enqueue_job(session, PASSWORD_RESET_JOB, {"email": email})


def send_password_reset(session: Session, email: str) -> None:
    """Sends a link to the address if an account has it."""
    person = queries.find_person_by_email(session, email)
    person = person or queries.find_unconfirmed_person(session, email)
    if person is None or not person.active or person.home_role == Role.GUEST:
        return
    link = create_account_link(session, person, AccountLinkPurpose.RESET_PASSWORD)
    audit.record_audit_entry(
        session, None, IdentityAuditVerb.PASSWORD_RESET_REQUESTED, "person", person.id
    )
    enqueue_notice(session, RESET_REQUESTED_NOTICE, person.id, {"link_id": link.id})


def set_password(session: Session, link: AccountLink, password: str) -> Person:
    """Sets the password and ends the link. Every device is signed out, and the owner is told.
    Raises ``Invalid`` for a password that cannot be one.
    """
    person = link.person
    person.password = service.hash_password(
        passwords.read_password(password, (person.name, person.email))
    )
    link.ended_at = now()
    if person.email_confirmed_at is None:  # the link came by mail
        confirmations.mark_address_confirmed(session, person, person.email)
    service.end_every_sign_in(session, person)
    audit.record_audit_entry(
        session, person.id, IdentityAuditVerb.PASSWORD_CHANGED, "person", person.id
    )
    if link.purpose == AccountLinkPurpose.RESET_PASSWORD:
        enqueue_notice(session, PASSWORD_CHANGED_NOTICE, person.id, {})
    return person


def change_password(session: Session, person: Person, present: str, new: str) -> None:
    """Changes the person's own password. Every other device is signed out, and the owner is told.
    Raises ``Invalid`` when the present one is wrong or the new one cannot be one.
    """
    service.check_own_password(person, present, "present_password")
    person.password = service.hash_password(
        passwords.read_password(new, (person.name, person.email))
    )
    service.end_every_sign_in(session, person, keep=person.sign_in_id)
    audit.record_audit_entry(
        session, person.id, IdentityAuditVerb.PASSWORD_CHANGED, "person", person.id
    )
    enqueue_notice(session, PASSWORD_CHANGED_NOTICE, person.id, {})
