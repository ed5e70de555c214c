"""Who must prove a second step, and when."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.core.permissions import STAFF_ROLES
from app.identity.models import Person

RECENT_PROOF_DURATION = timedelta(minutes=10)


def is_staff(person: Person) -> bool:
    """Whether the person works here, whatever they act as at the moment."""
    return person.role in STAFF_ROLES or person.home_role in STAFF_ROLES


def needs_factor(person: Person, *, required: bool) -> bool:
    """Whether this person may do nothing before their sign-in has a second step."""
    return required and is_staff(person) and person.verified_at is None


def is_factor_recent(person: Person, moment: datetime) -> bool:
    """Whether the person proved their second step a short time ago, on this device."""
    return is_proof_recent(person.verified_at, moment)


def is_proof_recent(proved_at: datetime | None, moment: datetime) -> bool:
    return proved_at is not None and moment - proved_at < RECENT_PROOF_DURATION
