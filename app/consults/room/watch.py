"""Looks after live consults every two seconds, in each web process: connections that stay lost,
rooms on nodes that are gone, people whose right to be there has ended, consults that everybody has
left.

Every step asks the database again and may be done by any process, or by two.
"""

from __future__ import annotations

import threading
import weakref
from datetime import timedelta

from flask import Flask, current_app
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.consults import queries
from app.consults.connection_check import checks
from app.consults.interpreting import no_show
from app.consults.interpreting import service as interpreting
from app.consults.models import Consult, ConsultState, Seat
from app.consults.permissions import ConsultPermission
from app.consults.room import announcing, service
from app.core.clock import now
from app.scheduling.models import Booking
from app.web.context import get_database
from app.web.sockets import socketio

WATCH_INTERVAL_SECONDS = 2
BROWSER_SILENCE_TIMEOUT = timedelta(seconds=40)  # a browser gives a sign of life every ten seconds
LOST_SEAT_TIMEOUT = timedelta(seconds=45)  # how long a lost seat counts as "coming back"
_watch_start_lock = threading.Lock()


def start_consult_watch(app: Flask) -> None:
    """Starts the rounds of this process; a second call does nothing."""
    with _watch_start_lock:
        if "consult_watch" in app.extensions:
            return
        app.extensions["consult_watch"] = True
    socketio.start_background_task(_run_consult_watch, weakref.ref(app))


def _run_consult_watch(reference: weakref.ref[Flask]) -> None:
    while (app := reference()) is not None:
        try:
            with app.app_context(), get_database().unit_of_work() as session:
                session.info["origin"] = "watch"
                watch_consults_once(session)
        except Exception:
            app.logger.exception("the periodic check of consultations failed")
        del app
        socketio.sleep(WATCH_INTERVAL_SECONDS)


def watch_consults_once(session: Session) -> None:
    for consult_id in session.scalars(_select_consults_with_interpreter_due()).all():
        _check_interpreter(session, queries.lock_consult(session, consult_id))
    live = list(session.scalars(select(Consult.id).where(Consult.state == ConsultState.LIVE)))
    for consult_id in live:
        consult = queries.lock_consult(session, consult_id)
        if consult.state == ConsultState.LIVE:
            _check_live_consult(session, consult)
    if live:
        announcing.move_rooms_off_lost_nodes(session)
    for check in checks.list_abandoned_checks(session):
        announcing.close_check_room(session, check)


def _select_consults_with_interpreter_due() -> Select[str]:
    """Consults whose time has come and whose door somebody has opened, with an interpreter to wait
    for.
    """
    return (
        select(Consult.id)
        .join(Consult.booking)
        .where(
            Consult.state.in_([ConsultState.WAITING, ConsultState.LIVE]),
            Consult.closes_at > now(),
            Booking.needs_interpreter,
            Booking.starts_at <= now(),
            Consult.seats.any(Seat.sid.is_not(None)),
        )
    )


def _check_interpreter(session: Session, consult: Consult) -> None:
    """One who does not come is reported; whoever steps in finds a seat, and everybody sees who that
    is.
    """
    is_missed = no_show.queue_no_show_reports(session, consult)
    if not _seat_booked_people(session, consult) and is_missed:
        announcing.announce_consult_state(session, consult)


def _seat_booked_people(session: Session, consult: Consult) -> bool:
    """Whoever was booked in the meantime finds a seat, and whoever was replaced leaves theirs. True
    when somebody did.
    """
    gone = service.follow_booking(session, consult)
    if gone is None:
        return False
    for seat in gone:
        announcing.tell_browsers(session, announcing.name_seat_audience(seat.id), "seat.removed")
        announcing.close_seat_media(session, seat)
    if not gone:
        announcing.announce_media_routes(session, consult)
    return True


def _check_live_consult(session: Session, consult: Consult) -> None:
    changed = False
    _seat_booked_people(session, consult)
    settled = interpreting.pause_or_resume_consult(session, consult)
    for seat in consult.present_seats:
        if seat.sid and not _may_keep_seat(session, seat):
            announcing.tell_browsers(
                session, announcing.name_seat_audience(seat.id), "seat.removed"
            )
            service.evict_seat(session, seat)
            announcing.close_seat_media(session, seat)
        elif seat.sid and seat.seen_at and now() - seat.seen_at > BROWSER_SILENCE_TIMEOUT:
            service.note_socket_lost(session, seat.sid)
            changed = True
        elif (
            not seat.sid
            and seat.is_in_room
            and seat.seen_at
            and now() - seat.seen_at > LOST_SEAT_TIMEOUT
        ):
            service.leave_consult(session, seat)
            announcing.close_seat_media(session, seat)
    if settled:
        announcing.announce_media_routes(session, consult)
    elif changed:
        announcing.announce_consult_state(session, consult)
    if now() >= consult.closes_at and not any(seat.is_in_room for seat in consult.present_seats):
        service.close_consult(session, consult.booking.specialist, consult)
        announcing.announce_consult_end(session, consult)


def _may_keep_seat(session: Session, seat: Seat) -> bool:
    """Whether the person is still signed in, active, and a member of the case."""
    person = current_app.extensions["load_person"](session, seat.sign_in_id)
    return (
        person is not None
        and person.id == seat.person_id
        and person.may(ConsultPermission.CONSULT_JOIN)
        and queries.can_stay_in_consult(session, person, seat.consult)
    )
