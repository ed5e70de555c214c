"""Adding, naming and removing factors."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import now
from app.core.errors import Conflict, Invalid
from app.core.outbox import enqueue_notice
from app.core.text import N_, UNSEEN_CHARACTERS, has_unseen_characters
from app.identity import service as identity
from app.identity.factors import codes, passkeys, policy, proofs, queries
from app.identity.factors.models import (
    FACTOR_NAME_CHARACTERS,
    Factor,
    FactorAttempts,
    Passkey,
    PasskeyChallenge,
    RecoveryCode,
    TotpFactor,
)
from app.identity.factors.passkeys import PasskeySite
from app.identity.factors.proofs import FactorKind
from app.identity.models import Person
from app.identity.verbs import IdentityAuditVerb

FACTORS_CHANGED_NOTICE = "factors_changed"
MAX_FACTORS = 10


def begin_totp_setup(session: Session, person: Person) -> TotpFactor:
    """The app that the person is setting up, the same until its first code was right."""
    waiting = session.scalar(
        select(TotpFactor).where(
            TotpFactor.person_id == person.id, TotpFactor.confirmed_at.is_(None)
        )
    )
    if waiting is None:
        waiting = TotpFactor(person_id=person.id, secret=codes.new_totp_secret())
        session.add(waiting)
        session.flush()
    return waiting


def confirm_totp(session: Session, person: Person, name: str, code: str) -> list[str]:
    """Adds the app whose code is right. Returns new recovery codes where it is the first factor,
    else nothing. Raises ``Invalid`` and ``Conflict``.
    """
    name = read_factor_name(name)
    _check_factor_count(session, person)
    factor = begin_totp_setup(session, person)
    if not proofs.accept_totp_code(session, factor, code):
        raise Invalid(
            N_(
                "This code is not right. Check that the time of your phone is set automatically,"
                " and enter the code that the app shows now."
            ),
            field="code",
        )
    is_first = not queries.has_factor(session, person)
    factor.name, factor.confirmed_at = name, now()
    session.flush()
    return _finish_addition(session, person, factor.id, FactorKind.TOTP, is_first)


def add_passkey(
    session: Session, person: Person, name: str, answer: str, challenge_id: str, site: PasskeySite
) -> list[str]:
    """Adds the passkey that the browser made; returns and raises as ``confirm_totp``."""
    name = read_factor_name(name)
    _check_factor_count(session, person)
    challenge = proofs.take_passkey_challenge(session, person, challenge_id)
    made = passkeys.read_registration(site, challenge, answer) if challenge else None
    if made is None:
        raise Invalid(N_("The passkey could not be added. Try again."), field="name")
    is_first = not queries.has_factor(session, person)
    passkey = Passkey(
        person_id=person.id,
        name=name,
        credential_id=made.credential_id,
        public_key=made.public_key,
        sign_count=made.sign_count,
        transports=list(made.transports),
    )
    try:
        with session.begin_nested():
            session.add(passkey)
    except IntegrityError:
        raise Conflict(N_("This passkey is already in use."), field="name") from None
    return _finish_addition(session, person, passkey.id, FactorKind.PASSKEY, is_first)


def rename_factor(session: Session, person: Person, factor: Factor, name: str) -> None:
    factor.name = read_factor_name(name)
    session.flush()
    audit.record_audit_entry(
        session, person.id, IdentityAuditVerb.FACTOR_RENAMED, "factor", factor.id
    )


def remove_factor(session: Session, person: Person, factor: Factor, *, required: bool) -> None:
    """Removes an app or a passkey; with the last one go the recovery codes. Raises ``Conflict``
    where the person's role needs one and this is the last.
    """
    is_last = len(queries.list_factors(session, person)) == 1
    if is_last and required and policy.is_staff(person):
        raise Conflict(
            N_("Your role needs a second step at sign-in. Add another one before you remove this.")
        )
    session.delete(factor)
    if is_last:
        session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person.id))
    session.flush()
    audit.record_audit_entry(
        session, person.id, IdentityAuditVerb.FACTOR_REMOVED, "factor", factor.id
    )
    enqueue_notice(session, FACTORS_CHANGED_NOTICE, person.id, {})


def make_recovery_codes(session: Session, person: Person) -> list[str]:
    """Ten new codes, to be shown once. Earlier ones no longer work."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person.id))
    made = codes.new_recovery_codes()
    session.add_all(
        RecoveryCode(person_id=person.id, code_hash=codes.hash_recovery_code(code)) for code in made
    )
    session.flush()
    audit.record_audit_entry(
        session, person.id, IdentityAuditVerb.RECOVERY_CODES_MADE, "person", person.id
    )
    return made


def reset_factors_of_another(session: Session, actor: Person, person: Person) -> None:
    """For a person who lost every factor: all are removed and every device is signed out. The
    caller has judged whether ``actor`` may. The person is told. Raises ``Conflict`` for one's own,
    which are changed in one's account.
    """
    if person.id == actor.id:
        raise Conflict(N_("Change your own second step in your account."))
    for model in (TotpFactor, Passkey, RecoveryCode, PasskeyChallenge, FactorAttempts):
        session.execute(delete(model).where(model.person_id == person.id))
    identity.end_every_sign_in(session, person)
    audit.record_audit_entry(
        session, actor.id, IdentityAuditVerb.FACTORS_RESET, "person", person.id
    )
    enqueue_notice(session, FACTORS_CHANGED_NOTICE, person.id, {})


def read_factor_name(name: str) -> str:
    """Raises ``Invalid`` for a name that cannot be one. An empty one is allowed."""
    name = " ".join(name.split())
    if len(name) > FACTOR_NAME_CHARACTERS:
        raise Invalid(
            N_("Keep this under %(most)s characters."), field="name", most=FACTOR_NAME_CHARACTERS
        )
    if has_unseen_characters(name):
        raise Invalid(UNSEEN_CHARACTERS, field="name")
    return name


def _check_factor_count(session: Session, person: Person) -> None:
    if len(queries.list_factors(session, person)) >= MAX_FACTORS:
        raise Conflict(N_("You have %(most)s already. Remove one first."), most=MAX_FACTORS)


def _finish_addition(
    session: Session, person: Person, factor_id: str, kind: FactorKind, is_first: bool
) -> list[str]:
    audit.record_audit_entry(
        session,
        person.id,
        IdentityAuditVerb.FACTOR_ADDED,
        "factor",
        factor_id,
        factor=str(kind),
    )
    proofs.record_factor_proof(session, person, kind)
    enqueue_notice(session, FACTORS_CHANGED_NOTICE, person.id, {})
    return make_recovery_codes(session, person) if is_first else []
