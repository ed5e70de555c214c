"""Signing up, in and out."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import null, select
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.audit.verbs import AuditVerb
from app.core.clock import now
from app.core.errors import Forbidden, Invalid
from app.core.outbox import enqueue_notice
from app.core.permissions import Role
from app.core.text import N_
from app.identity import policy, queries
from app.identity.accounts.passwords import normalize_password
from app.identity.forms import PersonProfile, Registration
from app.identity.models import Person, SignIn
from app.identity.sign_in.devices import parse_device_names
from app.identity.verbs import IdentityAuditVerb

WRONG_CREDENTIALS = N_("The e-mail address or the password is wrong. Check both and try again.")
NEW_DEVICE_NOTICE = "new_device"
_SEEN_WRITE_INTERVAL = timedelta(minutes=5)
_password_hasher = (
    PasswordHasher()
)  # argon2id with the library's parameters (RFC 9106, low-memory choice)


def register_person(session: Session, entry: Registration, role: Role = Role.PATIENT) -> Person:
    """A new account whose address is not confirmed yet. It is made whether or not another account
    has the address, so that nothing tells which addresses are known (ADR 0057).
    """
    person = Person(
        name=entry.name,
        email=entry.email,
        email_confirmed_at=null(),  # a plain None would bring the default
        password=hash_password(entry.password),
        role=role,
        language=entry.language,
        timezone=entry.timezone,
        country=entry.country,
    )
    session.add(person)
    session.flush()
    audit.record_audit_entry(
        session, person.id, IdentityAuditVerb.PERSON_REGISTERED, "person", person.id
    )
    return person


def check_own_password(person: Person, password: str, field: str = "password") -> None:
    """Raises ``Invalid`` when this is not the person's password."""
    if not _is_password_right(password, person.password):
        raise Invalid(N_("The password is wrong. Try again."), field=field)


def check_password(session: Session, email: str, password: str) -> Person:
    """The person whose address and password these are: who has confirmed the address, else who
    signed up with it last. Raises ``Invalid``, the same for every kind of wrong.
    """
    # An unknown address costs as long as a wrong password, so that time tells nothing.
    for find in (queries.find_person_by_email, queries.find_unconfirmed_person):
        person = find(session, email)
        kept = person.password if person else _decoy_password_hash()
        if _is_password_right(password, kept) and person is not None and person.active:
            return person
    raise Invalid(WRONG_CREDENTIALS, field="password")


def begin_sign_in(session: Session, person: Person, agent: str) -> SignIn:
    """A row for this device; the session cookie names it, and ending the row ends the session."""
    sign_in = SignIn(person_id=person.id, origin=session.info.get("origin", ""), agent=agent[:200])
    session.add(sign_in)
    session.flush()
    person.sign_in_id = sign_in.id
    person.verified_at, person.confirmed_at = None, sign_in.confirmed_at
    _tell_about_new_device(session, person, sign_in)
    audit.record_audit_entry(session, person.id, IdentityAuditVerb.SIGNED_IN, "sign_in", sign_in.id)
    return sign_in


def _tell_about_new_device(session: Session, person: Person, sign_in: SignIn) -> None:
    """Tells the person when this kind of browser and system was not seen before. The first device
    of an account is not news.
    """
    if person.home_role == Role.GUEST:
        return
    device = parse_device_names(sign_in.agent)
    earlier = session.scalars(
        select(SignIn.agent).where(SignIn.person_id == person.id, SignIn.id != sign_in.id)
    )
    known = {parse_device_names(agent) for agent in earlier} - {(None, None)}
    if not known or device in known or device == (None, None):
        return
    facts = {
        "device_name": ", ".join(name for name in device if name),
        "signed_in_at": sign_in.created_at.isoformat(),
    }
    enqueue_notice(session, NEW_DEVICE_NOTICE, person.id, facts)


def record_sign_in_seen(
    session: Session, sign_in_id: str, interval: timedelta = _SEEN_WRITE_INTERVAL
) -> None:
    """Keeps a live sign-in alive, writing at most once in ``interval``: five minutes."""
    sign_in = session.get(SignIn, sign_in_id)
    if sign_in is not None and now() - sign_in.last_seen_at > interval:
        sign_in.last_seen_at = now()


def end_sign_in(
    session: Session, actor: Person, sign_in_id: str, verb: AuditVerb = IdentityAuditVerb.SIGNED_OUT
) -> None:
    """Ends one of the actor's own sign-ins, here or elsewhere. Doing it twice is harmless."""
    sign_in = session.get(SignIn, sign_in_id)
    if sign_in is None or not policy.can_end_sign_in(actor, sign_in):
        raise Forbidden()
    if sign_in.ended_at is None:
        sign_in.ended_at = now()
        session.flush()
        audit.record_audit_entry(session, actor.id, verb, "sign_in", sign_in.id)


def sign_out_elsewhere(session: Session, actor: Person) -> None:
    """Ends every sign-in of the actor but this one."""
    ended = end_every_sign_in(session, actor, keep=actor.sign_in_id)
    audit.record_audit_entry(
        session,
        actor.id,
        IdentityAuditVerb.SIGNED_OUT_EVERYWHERE,
        "person",
        actor.id,
        devices=ended,
    )


def end_every_sign_in(session: Session, person: Person, keep: str | None = None) -> int:
    """Signs the person out on every device but the one of the sign-in ``keep``. How many there
    were. The caller records why.
    """
    live = session.scalars(
        select(SignIn).where(
            SignIn.person_id == person.id, SignIn.ended_at.is_(None), SignIn.id != (keep or "")
        )
    ).all()
    for sign_in in live:
        sign_in.ended_at = now()
    session.flush()
    return len(live)


def change_person_profile(session: Session, actor: Person, profile: PersonProfile) -> None:
    actor.name, actor.language = profile.name, profile.language
    actor.timezone, actor.country = profile.timezone, profile.country
    session.flush()
    audit.record_audit_entry(
        session, actor.id, IdentityAuditVerb.PERSON_CHANGED, "person", actor.id
    )


def hash_password(password: str) -> str:
    return _password_hasher.hash(normalize_password(password))


def _is_password_right(password: str, kept: str) -> bool:
    try:
        return _password_hasher.verify(kept, normalize_password(password))
    except (VerificationError, InvalidHashError):
        return False


@lru_cache
def _decoy_password_hash() -> str:
    return _password_hasher.hash("nobody's password")
