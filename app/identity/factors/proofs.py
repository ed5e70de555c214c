"""Checking a second step. Each answer is good once, and guessing is slowed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from secrets import token_bytes

from sqlalchemy import CursorResult, delete, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import now
from app.core.errors import Invalid, TooMany
from app.core.outbox import enqueue_notice
from app.core.text import N_
from app.identity.factors import codes, passkeys, queries
from app.identity.factors.models import (
    FactorAttempts,
    Passkey,
    PasskeyChallenge,
    RecoveryCode,
    TotpFactor,
)
from app.identity.factors.passkeys import PasskeySite
from app.identity.models import Person, SignIn
from app.identity.verbs import IdentityAuditVerb

FACTOR_GUESSED_NOTICE = "factor_guessed"
RECOVERY_CODE_USED_NOTICE = "recovery_code_used"
FAILURES_BEFORE_NOTICE = 5
CHALLENGE_LIFETIME = timedelta(milliseconds=passkeys.CHALLENGE_MILLISECONDS)


class FactorKind(StrEnum):
    """How a second step was proved. Stored in the audit trail: a value never changes."""

    TOTP = "totp"
    PASSKEY = "passkey"
    RECOVERY_CODE = "recovery_code"


@dataclass(frozen=True)
class FactorAnswer:
    """What a person answered with: a code, or a passkey's answer to the challenge of this id."""

    code: str = ""
    passkey: str = ""
    challenge_id: str = ""


class FactorRefused(Invalid):
    """The answer was wrong. The edge commits, so that it counts."""


class FactorGuessedTooOften(TooMany):
    """Too many wrong answers. Nobody is asked again before ``minutes`` are over."""


def check_factor(
    session: Session, person: Person, answer: FactorAnswer, site: PasskeySite | None
) -> FactorKind:
    """How the person proved their second step. Raises ``FactorRefused`` and
    ``FactorGuessedTooOften``.
    """
    attempts = _begin_attempt(session, person)
    kind = _find_proof(session, person, answer, site)
    if kind is None:
        audit.record_audit_entry(
            session, None, IdentityAuditVerb.FACTOR_REFUSED, "person", person.id
        )
        if attempts.failures == FAILURES_BEFORE_NOTICE:
            enqueue_notice(session, FACTOR_GUESSED_NOTICE, person.id, {})
        session.flush()
        raise FactorRefused(
            N_("The passkey was not accepted. Try again, or use another way.")
            if answer.passkey
            else N_("This code is wrong, or it was used already. Wait for a new one and enter it."),
            field="factor_code",
        )
    attempts.failures = 0
    if kind == FactorKind.RECOVERY_CODE:
        enqueue_notice(session, RECOVERY_CODE_USED_NOTICE, person.id, {})
    session.flush()
    return kind


def record_factor_proof(session: Session, person: Person, kind: FactorKind) -> None:
    """From now on this sign-in has a second step, and for ten minutes a recent one."""
    sign_in = session.get_one(SignIn, person.sign_in_id)
    sign_in.verified_at = sign_in.confirmed_at = person.verified_at = now()
    sign_in.last_seen_at = person.seen_at = now()
    session.flush()
    audit.record_audit_entry(
        session,
        person.id,
        IdentityAuditVerb.FACTOR_PROVED,
        "sign_in",
        sign_in.id,
        factor=str(kind),
    )


def create_passkey_challenge(session: Session, person: Person) -> PasskeyChallenge:
    """A challenge that can be answered once, within five minutes."""
    session.execute(
        delete(PasskeyChallenge).where(
            PasskeyChallenge.person_id == person.id, PasskeyChallenge.expires_at <= now()
        )
    )
    challenge = PasskeyChallenge(
        person_id=person.id, challenge=token_bytes(32), expires_at=now() + CHALLENGE_LIFETIME
    )
    session.add(challenge)
    session.flush()
    return challenge


def take_passkey_challenge(session: Session, person: Person, challenge_id: str) -> bytes | None:
    """The open challenge of this id, which is now used up."""
    row = session.get(PasskeyChallenge, challenge_id)
    if row is None or row.person_id != person.id:
        return None
    challenge, is_open = row.challenge, row.expires_at > now()
    taken = session.execute(delete(PasskeyChallenge).where(PasskeyChallenge.id == challenge_id))
    return challenge if is_open and _changed_one(taken) else None


def accept_totp_code(session: Session, factor: TotpFactor, code: str) -> bool:
    """Whether the code is right; it is used up then, in two requests at once too."""
    step = codes.find_totp_step(factor.secret, codes.clean_code(code), now(), factor.last_step)
    if step is None:
        return False
    used = session.execute(
        update(TotpFactor)
        .where(TotpFactor.id == factor.id, TotpFactor.last_step < step)
        .values(last_step=step, last_used_at=now())
    )
    return _changed_one(used)


def _begin_attempt(session: Session, person: Person) -> FactorAttempts:
    """Counts this attempt as a failure until it turns out right. Locks the row, so that guesses at
    once are counted one by one.
    """
    attempts = _lock_attempts(session, person)
    wait = codes.compute_guess_wait(attempts.failures)
    if attempts.last_failed_at is not None and now() < attempts.last_failed_at + wait:
        left = attempts.last_failed_at + wait - now()
        raise FactorGuessedTooOften(
            N_("Too many wrong codes. Try again in %(minutes)s min."),
            field="factor_code",
            minutes=int(left.total_seconds() // 60) + 1,
        )
    attempts.failures += 1
    attempts.last_failed_at = now()
    session.flush()
    return attempts


def _lock_attempts(session: Session, person: Person) -> FactorAttempts:
    attempts = session.get(FactorAttempts, person.id, with_for_update=True)
    if attempts is not None:
        return attempts
    try:
        with session.begin_nested():
            session.add(FactorAttempts(person_id=person.id, failures=0))
    except IntegrityError:
        pass  # another request was first
    return session.get_one(FactorAttempts, person.id, with_for_update=True)


def _find_proof(
    session: Session, person: Person, answer: FactorAnswer, site: PasskeySite | None
) -> FactorKind | None:
    if answer.passkey:
        return FactorKind.PASSKEY if _accept_passkey(session, person, answer, site) else None
    apps = queries.list_totp_factors(session, person)
    if any(accept_totp_code(session, factor, answer.code) for factor in apps):
        return FactorKind.TOTP
    if _accept_recovery_code(session, person, answer.code):
        return FactorKind.RECOVERY_CODE
    return None


def _accept_passkey(
    session: Session, person: Person, answer: FactorAnswer, site: PasskeySite | None
) -> bool:
    challenge = take_passkey_challenge(session, person, answer.challenge_id)
    claimed = passkeys.read_credential_id(answer.passkey)
    known = {key.credential_id: key for key in queries.list_passkeys(session, person)}
    passkey = known.get(claimed or "")
    if site is None or challenge is None or passkey is None:
        return False
    count = passkeys.check_authentication(
        site, challenge, answer.passkey, passkey.public_key, passkey.sign_count
    )
    if count is None:
        return False
    used = session.execute(
        update(Passkey)
        .where(Passkey.id == passkey.id, Passkey.sign_count == passkey.sign_count)
        .values(sign_count=count, last_used_at=now())
    )
    return _changed_one(used)


def _accept_recovery_code(session: Session, person: Person, code: str) -> bool:
    if not codes.could_be_recovery_code(code):
        return False
    for row in queries.list_unused_recovery_codes(session, person):
        if codes.is_recovery_code_right(code, row.code_hash):
            used = session.execute(
                update(RecoveryCode)
                .where(RecoveryCode.id == row.id, RecoveryCode.used_at.is_(None))
                .values(used_at=now())
            )
            return _changed_one(used)
    return False


def _changed_one(result: object) -> bool:
    return isinstance(result, CursorResult) and result.rowcount == 1
