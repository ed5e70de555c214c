"""An interpreter who does not come: noticed by the consult itself, three minutes after the
beginning.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from app.cases.visibility import list_case_coordinator_ids
from app.consults import queries
from app.consults.models import Consult, Seat
from app.core.clock import now
from app.core.errors import Conflict
from app.core.outbox import JobContext, JobPayload, enqueue_job
from app.core.permissions import Role
from app.identity.models import Person
from app.scheduling.bookings import rescue
from app.scheduling.interpreters import ladder
from app.scheduling.models import Booking, EngagementState

NO_SHOW_GRACE_PERIOD = timedelta(minutes=3)  # T+3 min of the ladder (DESIGN 5)
NO_SHOW_JOB = "consult.no_show"


def queue_no_show_reports(session: Session, consult: Consult) -> bool:
    """Queues one report for each interpreter for whom somebody has waited for
    ``NO_SHOW_GRACE_PERIOD``. Returns whether a report is new.
    """
    queued = [
        enqueue_job(
            session,
            NO_SHOW_JOB,
            {"booking_id": consult.booking_id, "interpreter_id": person.id},
            key=f"no_show:{consult.booking_id}:{person.id}",
        )
        for person in list_missing_interpreters(consult)
    ]
    return any(queued)


def list_missing_interpreters(consult: Consult) -> list[Person]:
    """The interpreters who were to come and have not, while people wait for them and have waited
    long enough.

    Of a team it is each by themselves. A further interpreter, to whom the office has given a seat,
    stands in for one.
    """
    booking = consult.booking
    if not booking.is_confirmed or not booking.needs_interpreter or now() >= booking.ends_at:
        return []
    if not _is_anyone_waiting(consult):
        return []
    here = {seat.person_id for seat in consult.present_seats if seat.pair and _has_come(seat)}
    awaited = [
        one.interpreter
        for one in booking.current_engagements
        if one.interpreter_id not in here
        and now() >= max(booking.starts_at, one.proposed_at) + NO_SHOW_GRACE_PERIOD
    ]
    return awaited[len(here - {one.id for one in booking.interpreters}) :]


def run_no_show_report(session: Session, payload: JobPayload, _context: JobContext) -> None:
    """The job: asks the next interpreter, unless the first has come meanwhile or somebody was
    quicker.

    With nobody left to ask the first keeps the place, for one who comes late is better than none;
    the office is told.
    """
    booking = session.get(Booking, payload["booking_id"])
    consult = queries.find_consult_of_booking(session, booking.id) if booking is not None else None
    if booking is None or consult is None:
        return
    person = next(
        (one for one in list_missing_interpreters(consult) if one.id == payload["interpreter_id"]),
        None,
    )
    if person is None:
        return
    if not ladder.list_remaining_substitutes(session, booking):
        ladder.notify_about_booking(
            session, "interpreter_missing", booking, list_case_coordinator_ids(booking.case)
        )
        return
    try:
        rescue.report_no_show(session, None, booking, person)
    except Conflict:
        return  # the meeting was cancelled, or needs nobody any more


def is_interpreter_sought(consult: Consult) -> bool:
    """Whether the first one did not come, and another is asked or looked for. Everybody in the
    consult is told.
    """
    missed = any(
        one.state == EngagementState.NO_SHOW for one in consult.booking.engagements
    ) or bool(list_missing_interpreters(consult))
    return missed and not consult.is_over and not _has_an_interpreter_come(consult)


def _is_anyone_waiting(consult: Consult) -> bool:
    return any(
        seat.sid and seat.role in (Role.PATIENT, Role.SPECIALIST) for seat in consult.present_seats
    )


def _has_an_interpreter_come(consult: Consult) -> bool:
    return any(_has_come(seat) for seat in consult.present_seats if seat.pair)


def _has_come(seat: Seat) -> bool:
    """Is here, if only at the door, or was in the room: who has lost the line is waited for in
    another way.
    """
    return seat.sid is not None or seat.joined_at is not None
