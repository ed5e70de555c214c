"""Background work: the consult of a booking stands ready before anybody comes."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.consults.interpreting import no_show
from app.consults.recording import closing as recording_closing
from app.consults.room import service
from app.core.outbox import JobContext, JobHandler, JobPayload
from app.scheduling.models import Booking


def run_ensure_consult(session: Session, payload: JobPayload, _context: JobContext) -> None:
    booking = session.get(Booking, payload["booking_id"])
    if booking is not None and booking.is_confirmed:
        service.ensure_consult(session, booking)


HANDLERS: dict[str, JobHandler] = {
    "consult.ensure": run_ensure_consult,
    no_show.NO_SHOW_JOB: no_show.run_no_show_report,
    **recording_closing.RECORDING_JOB_HANDLERS,
}
