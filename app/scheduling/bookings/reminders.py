"""What follows a confirmed time: reminders, and everyone's offset from UTC as it stands today."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.outbox import enqueue_job
from app.scheduling.models import Booking

REMINDER_LEAD_TIMES = (timedelta(days=7), timedelta(hours=24), timedelta(hours=1))


def schedule_reminders(session: Session, booking: Booking) -> None:
    """Queues the reminders of a booking as it stands; those queued for an earlier state fall
    silent.
    """
    for before in REMINDER_LEAD_TIMES:
        at = booking.starts_at - before
        if at > now():
            hours = int(before.total_seconds() // 3600)
            enqueue_job(
                session,
                "remind_booking",
                {"booking_id": booking.id, "sequence": booking.sequence, "hours": hours},
                run_at=at,
                key=f"remind_booking:{booking.id}:{booking.sequence}:{hours}",
            )


def snapshot_utc_offsets(booking: Booking) -> None:
    """Keeps how far from UTC everyone's clock is at the meeting, as the rules of their zones stand
    today.
    """
    booking.zones = {person.id: person.timezone for person in booking.people}
    booking.offsets = {
        person: minutes_from_utc(zone, booking.starts_at) for person, zone in booking.zones.items()
    }
    booking.clocks_changed = {}


def minutes_from_utc(zone: str, at: datetime) -> int:
    return int(at.astimezone(ZoneInfo(zone)).utcoffset().total_seconds()) // 60  # type: ignore[union-attr]
