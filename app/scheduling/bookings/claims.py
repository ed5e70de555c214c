"""The one place where people's quarters are taken and given back.

Whoever takes a quarter inserts a row; the unique index on person and quarter answers no to the
second. There is no looking first: a look that finds the place free says nothing about a moment
later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.errors import Conflict
from app.core.text import N_
from app.scheduling.availability import diaries
from app.scheduling.models import Booking, Claim

ActResult = TypeVar("ActResult")

_SERIALIZATION_FAILURE, _DEADLOCK = "40001", "40P01"
_MAX_DEADLOCK_ATTEMPTS = 5


class SlotTaken(Conflict):
    """One of the people is no longer free. The edge answers with fresh slots."""

    default = N_("Someone has just booked this time. These times are still available.")


class OutsideHours(SlotTaken):
    """Nobody else has the time, but it does not fit somebody's own rules, which the office may
    overrule with a reason.

    ``who`` is that person's name.
    """

    def __init__(self, sentence: str | None = None, *, who: str = "") -> None:
        super().__init__(sentence)
        self.who = who


def lock_and_refresh(session: Session, booking: Booking, *others: str | None) -> None:
    """Locks the diaries of everyone in the booking, and of ``others``, and reads it anew: nobody
    changes it now.

    This comes before anything is written. Whoever wrote first and locked afterwards would wait for
    somebody who waits for them.
    """
    diaries.lock_diaries(
        session, [one for one in (*(person.id for person in booking.people), *others) if one]
    )
    session.expire(booking)


def claim_quarters(
    session: Session,
    booking: Booking,
    person_ids: Iterable[str],
    expires_at: datetime | None = None,
) -> None:
    """Claims the booking's quarters for these people. Raises ``SlotTaken``, and then has changed
    nothing.

    The people's diaries must be locked. Claims of holds that have run out give way.
    """
    people = sorted(set(person_ids))
    session.flush()
    try:
        with session.begin_nested():
            session.execute(
                delete(Claim).where(
                    Claim.person_id.in_(people),
                    Claim.quarter.in_(booking.quarters),
                    Claim.expires_at <= now(),
                )
            )
            session.execute(
                insert(Claim),
                [
                    {
                        "person_id": person_id,
                        "quarter": quarter,
                        "booking_id": booking.id,
                        "expires_at": expires_at,
                    }
                    for person_id in people
                    for quarter in booking.quarters
                ],
            )
    except IntegrityError as error:
        raise SlotTaken() from error


def release_claims(session: Session, booking: Booking, person_id: str | None = None) -> None:
    """Frees the booking's quarters, of one person or of all. The diaries must be locked."""
    own = delete(Claim).where(Claim.booking_id == booking.id)
    session.execute(own.where(Claim.person_id == person_id) if person_id else own)


def make_claims_permanent(session: Session, booking: Booking) -> None:
    """Makes the claims of a hold last. Raises ``SlotTaken`` when some have meanwhile gone to
    somebody else.
    """
    lasting = session.execute(
        update(Claim).where(Claim.booking_id == booking.id).values(expires_at=None)
    )
    if lasting.rowcount != booking.length * len(booking.people):  # type: ignore[attr-defined]
        session.execute(delete(Claim).where(Claim.booking_id == booking.id))
        claim_quarters(session, booking, [person.id for person in booking.people])


def count_claims(session: Session, booking: Booking) -> int:
    return (
        session.scalar(
            select(func.count()).select_from(Claim).where(Claim.booking_id == booking.id)
        )
        or 0
    )


def is_near_another_booking(
    session: Session, booking: Booking, person_id: str, buffer: int
) -> bool:
    """Whether another meeting of the person lies within ``buffer`` quarters of this booking."""
    near = select(Claim.id).where(
        Claim.person_id == person_id,
        Claim.booking_id != booking.id,
        Claim.quarter >= booking.quarters.start - buffer,
        Claim.quarter < booking.quarters.stop + buffer,
        (Claim.expires_at.is_(None)) | (Claim.expires_at > now()),
    )
    return session.scalar(near.limit(1)) is not None


def retry_on_deadlock(session: Session, act: Callable[[], ActResult]) -> ActResult:
    """Does ``act`` in a savepoint, and again when the database gave it up in favour of another
    (deadlock, serialization failure). What it changes is either all there or not at all.
    """
    for attempt in range(1, _MAX_DEADLOCK_ATTEMPTS + 1):
        try:
            with session.begin_nested():
                return act()
        except OperationalError as error:
            state = getattr(error.orig, "sqlstate", None)
            if (
                state not in (_SERIALIZATION_FAILURE, _DEADLOCK)
                or attempt == _MAX_DEADLOCK_ATTEMPTS
            ):
                raise
    raise AssertionError("unreachable")
