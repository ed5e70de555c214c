"""An interpreter who does not come: noticed by the consult itself, three minutes after the beginning."""
from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.consults import queries
from app.consults.models import Consult, Seat
from app.core.clock import now
from app.core.errors import Conflict
from app.core.outbox import JobContext, enqueue
from app.core.permissions import Role
from app.scheduling import rescue
from app.scheduling.models import Booking, EngagementState

PATIENCE = timedelta(minutes=3)
JOB = "consult.no_show"


def notice(session: Session, consult: Consult) -> None:
    """Queues the report when somebody has waited for the interpreter for three minutes. Once for each interpreter."""
    booking = consult.booking
    if is_missing(consult):
        enqueue(session, JOB, {"booking_id": booking.id, "interpreter_id": booking.interpreter_id},
                key=f"no_show:{booking.id}:{booking.interpreter_id}")


def is_missing(consult: Consult) -> bool:
    """Whether people wait, and have waited long enough, for an interpreter who was to come and has not."""
    booking = consult.booking
    asked = booking.engagement
    if not booking.is_confirmed or not booking.needs_interpreter or asked is None or now() >= booking.ends_at:
        return False
    has_waited = now() >= max(booking.starts_at, asked.proposed_at) + PATIENCE
    return has_waited and _somebody_waits(consult) and not _an_interpreter_came(consult)


def report(session: Session, payload: dict[str, Any], _context: JobContext) -> None:
    """The job: asks the next interpreter, unless the first has come meanwhile or somebody was quicker."""
    booking = session.get(Booking, payload["booking_id"])
    if booking is None or booking.interpreter_id != payload["interpreter_id"]:
        return
    consult = queries.consult_of_booking(session, booking.id)
    if consult is None or not is_missing(consult):
        return
    try:
        rescue.report_no_show(session, None, booking)
    except Conflict:
        return  # the meeting was cancelled, or needs nobody any more


def is_sought(consult: Consult) -> bool:
    """Whether the first one did not come, and another is asked or looked for. Everybody in the consult is told."""
    missed = any(one.state == EngagementState.NO_SHOW for one in consult.booking.engagements)
    return missed and not consult.is_over and not _an_interpreter_came(consult)


def _somebody_waits(consult: Consult) -> bool:
    return any(seat.sid and seat.role in (Role.PATIENT, Role.SPECIALIST) for seat in consult.present_seats)


def _an_interpreter_came(consult: Consult) -> bool:
    return any(_came(seat) for seat in consult.present_seats if seat.pair)


def _came(seat: Seat) -> bool:
    """Is here, if only at the door, or was in the room: who has lost the line is waited for in another way."""
    return seat.sid is not None or seat.joined_at is not None
