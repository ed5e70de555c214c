"""How long staff stay signed in: ward computers are shared, and people walk away from them."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.identity.factors.policy import is_staff
from app.identity.models import Person

STAFF_IDLE_LOCK = timedelta(minutes=15)
STAFF_SESSION_MAX = timedelta(hours=12)
STAFF_SEEN_WRITE_INTERVAL = timedelta(minutes=1)


def is_locked(person: Person, moment: datetime) -> bool:
    """Whether a member of staff was away for so long that they must show who they are. What they
    were doing stays.
    """
    return (
        is_staff(person)
        and person.seen_at is not None
        and moment - person.seen_at >= STAFF_IDLE_LOCK
    )


def is_shift_over(person: Person, moment: datetime) -> bool:
    """Whether a member of staff must sign in anew."""
    return (
        is_staff(person)
        and person.signed_in_at is not None
        and moment - person.signed_in_at >= STAFF_SESSION_MAX
    )
