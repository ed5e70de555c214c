"""Background work: the consult of a booking stands ready before anybody comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from app.consults.interpreting import no_show
from app.consults.recording import closing as recording_closing
from app.consults.room import service
from app.core.outbox import JobContext
from app.scheduling.models import Booking


def ensure(session: Session, payload: dict[str, Any], _context: JobContext) -> None:
    booking = session.get(Booking, payload["booking_id"])
    if booking is not None and booking.is_confirmed:
        service.ensure_consult(session, booking)


HANDLERS: dict[str, Callable[[Session, dict[str, Any], JobContext], None]] = {
    "consult.ensure": ensure,
    no_show.JOB: no_show.report,
    **recording_closing.HANDLERS,
}
