"""What happens by itself: holds run out, interpreters' silence is noticed, people are reminded."""
from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.outbox import JobContext
from app.scheduling import ladder, service
from app.scheduling.models import Booking, Engagement

Payload = dict[str, Any]


def expire_hold(session: Session, payload: Payload, context: JobContext) -> None:
    booking = session.get(Booking, payload["booking_id"])
    if booking is not None:
        service.expire_hold(session, booking)


def expire_holds(session: Session, payload: Payload, context: JobContext) -> None:
    """Whatever the single jobs may have missed."""
    service.expire_holds(session)


def check_engagement(session: Session, payload: Payload, context: JobContext) -> None:
    engagement = session.get(Engagement, payload["engagement_id"])
    if engagement is not None:
        ladder.check_answer(session, engagement)


def remind_booking(session: Session, payload: Payload, context: JobContext) -> None:
    """One reminder to each person, unless the meeting was moved or called off since."""
    booking = session.get(Booking, payload["booking_id"])
    if booking is None or not booking.is_confirmed or booking.sequence != payload["sequence"]:
        return
    if booking.starts_at <= now():
        return
    ladder.tell(session, "reminder", booking, [person.id for person in booking.people], hours=payload["hours"])


HANDLERS: dict[str, Callable[[Session, Payload, JobContext], None]] = {
    "expire_hold": expire_hold,
    "expire_holds": expire_holds,
    "check_engagement": check_engagement,
    "remind_booking": remind_booking,
}
PERIODIC = [("expire_holds", timedelta(minutes=5))]
