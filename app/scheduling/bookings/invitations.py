"""The calendar file that goes with a message about a meeting, so that people's own calendars follow
by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from app.identity.models import Person
from app.scheduling.bookings.calendar_file import CalendarMethod, build_meeting_calendar
from app.scheduling.models import Booking

INVITATION_NOTICE_KINDS = frozenset(
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


def build_invitation(
    session: Session,
    kind: str,
    facts: Mapping[str, object],
    reader: Person,
    *,
    site: str,
    organizer: str,
) -> tuple[CalendarMethod, bytes] | None:
    """What the reader's calendar should hold now, whatever has happened since the message was
    written.

    None for messages that bring none. Whoever is no longer in the meeting is told to take it out.
    """
    booking = (
        session.get(Booking, facts.get("booking_id", ""))
        if kind in INVITATION_NOTICE_KINDS
        else None
    )
    if booking is None:
        return None
    is_in = booking.is_confirmed and any(one.id == reader.id for one in booking.people)
    if not is_in and kind not in ("booking_cancelled", "engagement_ended"):
        return None  # the office, say, which is told and does not come
    method = CalendarMethod.REQUEST if is_in else CalendarMethod.CANCEL
    return method, build_meeting_calendar(
        booking, reader, site=site, method=method, organizer=organizer
    )
