"""Reads of factors."""

from __future__ import annotations

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.identity.factors.models import Factor, Passkey, RecoveryCode, TotpFactor
from app.identity.models import Person


def has_factor(session: Session, person: Person) -> bool:
    """Whether the person has an authenticator app or a passkey. Recovery codes alone are none."""
    app = exists().where(TotpFactor.person_id == person.id, TotpFactor.confirmed_at.is_not(None))
    return bool(session.scalar(select(or_(app, exists().where(Passkey.person_id == person.id)))))


def list_totp_factors(session: Session, person: Person) -> list[TotpFactor]:
    return list(
        session.scalars(
            select(TotpFactor)
            .where(TotpFactor.person_id == person.id, TotpFactor.confirmed_at.is_not(None))
            .order_by(TotpFactor.created_at)
        )
    )


def list_passkeys(session: Session, person: Person) -> list[Passkey]:
    return list(
        session.scalars(
            select(Passkey).where(Passkey.person_id == person.id).order_by(Passkey.created_at)
        )
    )


def list_factors(session: Session, person: Person) -> list[Factor]:
    """The person's apps and passkeys, oldest first."""
    both = [*list_totp_factors(session, person), *list_passkeys(session, person)]
    return sorted(both, key=lambda factor: factor.created_at)


def get_own_factor(session: Session, person: Person, factor_id: str) -> Factor:
    """Raises ``NotFound`` for a factor that is not the person's."""
    for factor in list_factors(session, person):
        if factor.id == factor_id:
            return factor
    raise NotFound()


def list_unused_recovery_codes(session: Session, person: Person) -> list[RecoveryCode]:
    return list(
        session.scalars(
            select(RecoveryCode).where(
                RecoveryCode.person_id == person.id, RecoveryCode.used_at.is_(None)
            )
        )
    )


def count_unused_recovery_codes(session: Session, person: Person) -> int:
    return (
        session.scalar(
            select(func.count())
            .select_from(RecoveryCode)
            .where(RecoveryCode.person_id == person.id, RecoveryCode.used_at.is_(None))
        )
        or 0
    )
