"""The house-keeping of live consults, every two seconds in each web process: lines that stay lost,
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

from app.cases import queries as cases
from app.consults import queries
from app.consults.connection_check import checks
from app.consults.interpreting import no_show
from app.consults.interpreting import service as interpreting
from app.consults.models import Consult, ConsultState, Seat
from app.consults.room import announcing, service
from app.core.clock import now
from app.core.permissions import Permission, Role
from app.scheduling.models import Booking
from app.web.context import database
from app.web.sockets import socketio

EVERY_SECONDS = 2
SILENT = timedelta(seconds=40)  # a browser gives a sign of life every ten seconds
GIVEN_UP = timedelta(seconds=45)  # how long a lost seat counts as "coming back"
_begun = threading.Lock()


def begin(app: Flask) -> None:
    """Starts the rounds of this process; a second call does nothing."""
    with _begun:
        if "consult_watch" in app.extensions:
            return
        app.extensions["consult_watch"] = True
    socketio.start_background_task(_rounds, weakref.ref(app))


def _rounds(reference: weakref.ref[Flask]) -> None:
    while (app := reference()) is not None:
        try:
            with app.app_context(), database().unit_of_work() as session:
                session.info["origin"] = "watch"
                make_round(session)
        except Exception:
            app.logger.exception("the round through the consults failed")
        del app
        socketio.sleep(EVERY_SECONDS)


def make_round(session: Session) -> None:
    for consult_id in session.scalars(_under_way()).all():
        _look_out_for_the_interpreter(session, queries.locked(session, consult_id))
    live = list(session.scalars(select(Consult.id).where(Consult.state == ConsultState.LIVE)))
    for consult_id in live:
        consult = queries.locked(session, consult_id)
        if consult.state == ConsultState.LIVE:
            _look_after(session, consult)
    if live:
        announcing.leave_lost_nodes(session)
    for check in checks.abandoned(session):
        announcing.close_loop(session, check)


def _under_way() -> Select[tuple[str]]:
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


def _look_out_for_the_interpreter(session: Session, consult: Consult) -> None:
    """One who does not come is reported; whoever steps in finds a seat, and everybody sees who that
    is.
    """
    is_missed = no_show.notice(session, consult)
    gone = service.follow_booking(session, consult)
    if gone is None:
        if is_missed:
            announcing.state(session, consult)
        return
    for seat in gone:
        announcing.tell(session, announcing.place(seat.id), "seat.removed")
        announcing.seat_is_out(session, seat)
    if not gone:
        announcing.routes(session, consult)


def _look_after(session: Session, consult: Consult) -> None:
    changed = False
    settled = interpreting.settle(session, consult)
    for seat in consult.present_seats:
        if seat.sid and not _may_stay(session, seat):
            announcing.tell(session, announcing.place(seat.id), "seat.removed")
            service.put_out(session, seat)
            announcing.seat_is_out(session, seat)
        elif seat.sid and seat.seen_at and now() - seat.seen_at > SILENT:
            service.lose_line(session, seat.sid)
            changed = True
        elif not seat.sid and seat.is_in_room and seat.seen_at and now() - seat.seen_at > GIVEN_UP:
            service.leave(session, seat)
            announcing.seat_is_out(session, seat)
    if settled:
        announcing.routes(session, consult)
    elif changed:
        announcing.state(session, consult)
    if now() >= consult.closes_at and not any(seat.is_in_room for seat in consult.present_seats):
        service.close(session, consult.booking.specialist, consult)
        announcing.ended(session, consult)


def _may_stay(session: Session, seat: Seat) -> bool:
    """Whether the person is still signed in, active, and a member of the case."""
    person = current_app.extensions["load_person"](session, seat.sign_in_id)
    if person is None or person.id != seat.person_id or not person.may(Permission.CONSULT_JOIN):
        return False
    return (
        seat.role == Role.COORDINATOR
        or cases.membership(session, person, seat.consult.case_id) is not None
    )
