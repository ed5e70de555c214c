"""How a socket event finds its seat, and how a refusal that matters is written down."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.consults import policy, queries
from app.consults.models import Consult, Seat
from app.consults.room import announcing, service
from app.consults.verbs import ConsultAuditVerb
from app.core.errors import Forbidden, NotFound, Refusal
from app.core.permissions import Permission
from app.core.text import N_
from app.identity.models import Person
from app.web.sockets import SocketEventHandler, on_socket_event

SEAT_NOT_HELD = N_(
    "You opened this consultation in another window, or your place was closed. Reload the"
    " page to come back."
)


def on_consult_event(
    name: str,
    permission: Permission,
    model: type[BaseModel] | None = None,
    *,
    recorded: bool = False,
) -> Callable[[SocketEventHandler], SocketEventHandler]:
    """Registers an event that browsers may send. With ``recorded``, the audit keeps what was
    refused, and to whom.
    """

    def register(handler: SocketEventHandler) -> SocketEventHandler:
        on_socket_event(announcing.BROWSER_NAMESPACE, name, permission, model)(
            _audit_refusals(name, handler) if recorded else handler
        )
        return handler

    return register


def get_own_seat(session: Session, person: Person, sid: str, *, change: bool = True) -> Seat:
    """The seat that this socket holds, for somebody who may still be here: a socket stays open when
    its person is replaced. With ``change`` the consult is locked against everybody else.
    """
    seat = queries.find_seat_of_socket(session, sid)
    if seat is None or seat.person_id != person.id:
        raise NotFound(SEAT_NOT_HELD)
    if change:
        seat = lock_seat(session, seat.id)
    service.require_consult_open(seat.consult)
    if not queries.can_stay_in_consult(session, person, seat.consult):
        raise NotFound(SEAT_NOT_HELD)
    return seat


def lock_seat(session: Session, seat_id: str) -> Seat:
    seat = session.get(Seat, seat_id)
    if seat is None:
        raise NotFound(SEAT_NOT_HELD)
    consult: Consult = queries.lock_consult(session, seat.consult_id)
    return next(one for one in consult.seats if one.id == seat_id)


def get_other_seat(by: Seat, seat_id: str) -> Seat:
    """Somebody else's seat, for who opens the door."""
    if not policy.can_admit_people(by):
        raise Forbidden(N_("Only the specialist or the international office can let people in."))
    seat = next((one for one in by.consult.present_seats if one.id == seat_id), None)
    if seat is None:
        raise NotFound(N_("This person is not in this consultation."))
    return seat


def _audit_refusals(name: str, handler: SocketEventHandler) -> SocketEventHandler:
    @wraps(handler)
    def attempt(session: Session, person: Person, sid: str, message: object) -> object:
        person_id = person.id
        try:
            return handler(session, person, sid, message)
        except Refusal as refusal:
            session.rollback()
            seat = queries.find_seat_of_socket(session, sid)
            audit.record_audit_entry(
                session,
                person_id,
                ConsultAuditVerb.CONSULT_REFUSED,
                "seat",
                seat.id if seat else "none",
                seat.consult.case_id if seat else None,
                event=name,
                status=refusal.status,
                sentence=refusal.sentence,
            )
            session.commit()
            raise

    return attempt
