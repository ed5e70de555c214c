"""Whose e-mail address is it? Signing up, confirming an address, and changing it.

Nothing that a visitor sees depends on whether an address is known (ADR 0057): the mail tells its
owner, and nobody else.
"""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import now
from app.core.errors import Invalid
from app.core.outbox import enqueue_job
from app.core.text import N_
from app.identity import forms, queries, service
from app.identity.accounts.links import (
    AccountLink,
    AccountLinkClosed,
    AccountLinkPurpose,
    create_account_link,
)
from app.identity.forms import Registration
from app.identity.models import Person
from app.identity.verbs import IdentityAuditVerb

CONFIRM_EMAIL_NOTICE = "confirm_email"
ADDRESS_KNOWN_NOTICE = "address_known"
EMAIL_CHANGED_NOTICE = "email_changed"


def sign_up(session: Session, entry: Registration) -> Person:
    """A new account, and a mail to its address. Both the same for every address that is entered."""
    person = service.register_person(session, entry)
    send_confirmation(session, person, person.email)
    return person


def send_confirmation(session: Session, person: Person, address: str) -> None:
    """A mail with the link that makes this address the person's. Where it is another's already,
    that other person is told so instead. Costs the same either way.
    """
    link = create_account_link(session, person, AccountLinkPurpose.CONFIRM_EMAIL, address)
    owner = queries.find_person_by_email(session, address)
    kind = CONFIRM_EMAIL_NOTICE if owner is None or owner is person else ADDRESS_KNOWN_NOTICE
    _write_mail(session, kind, owner or person, address, {"link_id": link.id})


def confirm_address(session: Session, link: AccountLink) -> Person:
    """Makes the link's address the person's, and ends the link. After a change of address every
    other device is signed out, and both addresses are told. Raises ``AccountLinkClosed`` when
    another person was first.
    """
    person, address = link.person, link.address or link.person.email
    before = person.email
    link.ended_at = now()
    mark_address_confirmed(session, person, address)
    if before != address:
        service.end_every_sign_in(session, person, keep=person.sign_in_id)
        audit.record_audit_entry(
            session, person.id, IdentityAuditVerb.EMAIL_CHANGED, "person", person.id
        )
        for told in (before, address):
            _write_mail(session, EMAIL_CHANGED_NOTICE, person, told, {})
    return person


def mark_address_confirmed(session: Session, person: Person, address: str) -> None:
    """The unique index decides when two people confirm one address at once; the second gets
    ``AccountLinkClosed``.
    """
    try:
        with session.begin_nested():
            person.email, person.email_confirmed_at = address, now()
            session.flush()
    except IntegrityError:
        raise AccountLinkClosed from None
    audit.record_audit_entry(
        session, person.id, IdentityAuditVerb.EMAIL_CONFIRMED, "person", person.id
    )


def request_email_change(session: Session, person: Person, address: str, password: str) -> str:
    """Sends a link to the new address, which becomes the person's when the link is used. Returns
    the address as it was understood. Raises ``Invalid``.
    """
    address = forms.read_email(address)
    service.check_own_password(person, password)
    if address == person.email and person.email_confirmed_at is not None:
        raise Invalid(N_("This is your address already."), field="email")
    send_confirmation(session, person, address)
    audit.record_audit_entry(
        session, person.id, IdentityAuditVerb.EMAIL_CHANGE_REQUESTED, "person", person.id
    )
    return address


def _write_mail(
    session: Session, kind: str, reader: Person, address: str, facts: dict[str, object]
) -> None:
    payload = {"kind": kind, "person_id": reader.id, "to": address, "facts": facts}
    enqueue_job(session, "mail.write", payload)
