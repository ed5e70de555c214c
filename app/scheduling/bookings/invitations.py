"""The calendar file that goes with a message about a meeting, so that people's own calendars follow
by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.identity.models import Person
from app.scheduling.bookings.calendar_file import Method, meeting_file
from app.scheduling.models import Booking

CARRIED_BY = frozenset(
    {
        "booking_confirmed",
        "booking_moved",
        "booking_cancelled",
        "clock_rules_changed",
        "engagement_proposed",
        "engagement_agreed",
        "engagement_ended",
        "interpreter_replaced",
    }
)


def invitation(
    session: Session,
    kind: str,
    facts: Mapping[str, Any],
    reader: Person,
    *,
    site: str,
    organizer: str,
) -> tuple[Method, bytes] | None:
    """What the reader's calendar should hold now, whatever has happened since the message was
    written.

    None for messages that bring none. Whoever is no longer in the meeting is told to take it out.
    """
    booking = session.get(Booking, facts.get("booking_id", "")) if kind in CARRIED_BY else None
    if booking is None:
        return None
    is_in = booking.is_confirmed and any(one.id == reader.id for one in booking.people)
    if not is_in and kind not in ("booking_cancelled", "engagement_ended"):
        return None  # the office, say, which is told and does not come
    method = Method.REQUEST if is_in else Method.CANCEL
    return method, meeting_file(booking, reader, site=site, method=method, organizer=organizer)
