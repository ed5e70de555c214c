"""Reads of people."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from app.core.clock import now
from app.core.permissions import Role
from app.identity.models import Person, SignIn

LONGEST_SIGN_IN = timedelta(days=14)
LONGEST_SILENCE = timedelta(hours=24)


def person_by_email(session: Session, email: str) -> Person | None:
    return session.scalar(select(Person).where(func.lower(Person.email) == email.strip().lower()))


def people_of_role(session: Session, role: Role) -> list[Person]:
    """Active people of a role, in order of joining."""
    return list(
        session.scalars(
            select(Person).where(Person.role == role, Person.active).order_by(Person.created_at)
        )
    )


def signed_in_person(session: Session, sign_in_id: str | None) -> Person | None:
    """The person behind a live sign-in: not ended, not silent for a day, not older than two
    weeks.
    """
    if not sign_in_id:
        return None
    sign_in = session.scalar(
        select(SignIn).options(joinedload(SignIn.person)).where(SignIn.id == sign_in_id)
    )
    if sign_in is None or not _is_live(sign_in) or not sign_in.person.active:
        return None
    sign_in.person.sign_in_id = sign_in.id
    return sign_in.person


def live_sign_ins(session: Session, person: Person) -> list[SignIn]:
    """The person's devices that are signed in now, latest first."""
    rows = session.scalars(
        select(SignIn)
        .where(SignIn.person_id == person.id, SignIn.ended_at.is_(None))
        .order_by(SignIn.last_seen_at.desc())
    )
    return [sign_in for sign_in in rows if _is_live(sign_in)]


def _is_live(sign_in: SignIn) -> bool:
    moment = now()
    return (
        sign_in.ended_at is None
        and moment - sign_in.created_at < LONGEST_SIGN_IN
        and moment - sign_in.last_seen_at < LONGEST_SILENCE
    )
