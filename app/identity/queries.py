"""Reads of people."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.core.clock import now
from app.core.slices import get_slices
from app.identity.acting import ActingRoleResolver
from app.identity.models import Person, SignIn

SESSION_ABSOLUTE_TIMEOUT = timedelta(days=14)
SESSION_INACTIVITY_TIMEOUT = timedelta(hours=24)


def find_person_by_email(session: Session, email: str) -> Person | None:
    """Who has confirmed that this address is theirs."""
    return session.scalar(
        select(Person).where(
            Person.email == email.strip().lower(), Person.email_confirmed_at.is_not(None)
        )
    )


def find_unconfirmed_person(session: Session, email: str) -> Person | None:
    """Who signed up with this address last and has not confirmed it."""
    return session.scalar(
        select(Person)
        .where(
            Person.email == email.strip().lower(),
            Person.email_confirmed_at.is_(None),
            Person.active,
        )
        .order_by(Person.created_at.desc())
        .limit(1)
    )


def find_signed_in_person(session: Session, sign_in_id: str | None) -> Person | None:
    """The person behind a live sign-in: not ended, not silent for a day, not older than two
    weeks.
    """
    if not sign_in_id:
        return None
    sign_in = session.scalar(
        select(SignIn).options(joinedload(SignIn.person)).where(SignIn.id == sign_in_id)
    )
    if sign_in is None or not _is_live_sign_in(sign_in) or not sign_in.person.active:
        return None
    person = sign_in.person
    person.sign_in_id = sign_in.id
    person.verified_at, person.confirmed_at = sign_in.verified_at, sign_in.confirmed_at
    person.seen_at, person.signed_in_at = sign_in.last_seen_at, sign_in.created_at
    for resolver in get_slices().list_extensions(ActingRoleResolver):
        resolver.resolve(session, person, sign_in)
    return person


def list_live_sign_ins(session: Session, person: Person) -> list[SignIn]:
    """The person's devices that are signed in now, latest first."""
    rows = session.scalars(
        select(SignIn)
        .where(SignIn.person_id == person.id, SignIn.ended_at.is_(None))
        .order_by(SignIn.last_seen_at.desc())
    )
    return [sign_in for sign_in in rows if _is_live_sign_in(sign_in)]


def _is_live_sign_in(sign_in: SignIn) -> bool:
    moment = now()
    return (
        sign_in.ended_at is None
        and moment - sign_in.created_at < SESSION_ABSOLUTE_TIMEOUT
        and moment - sign_in.last_seen_at < SESSION_INACTIVITY_TIMEOUT
    )
