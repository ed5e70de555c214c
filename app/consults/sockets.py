"""What a browser in a consult may say. Every event finds its seat through the socket it came by."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_socketio import join_room, leave_room
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from app.consults import announcing, commands, offers, policy, queries, registry, service, tickets, views
from app.consults.models import Consult, Seat
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.permissions import Permission
from app.core.text import N_
from app.identity.models import Person
from app.media import messages
from app.media.messages import Command
from app.web.context import database, settings
from app.web.sockets import on_event

SPACE = announcing.BROWSERS
NO_SEAT = N_("Your seat in this consultation is open in another window, or was closed. Reload the page to return.")
LINK_TRIES = 3


class TakeSeat(BaseModel):
    ticket: str = Field(max_length=400)
    tab: str = Field(min_length=1, max_length=64)
    chat_after: int = Field(default=0, ge=0)


class Devices(BaseModel):
    mic: bool = False
    camera: bool = False
    sharing: bool = False


class ChosenSeat(BaseModel):
    seat: str = Field(max_length=32)


class ChatSay(BaseModel):
    client_id: str = Field(min_length=8, max_length=64)
    text: str = Field(max_length=service.LONGEST_LINE)


class ChatSince(BaseModel):
    after: int = Field(default=0, ge=0)


# ---------------------------------------------------------------- coming and going


@on_event(SPACE, "connect", Permission.CONSULT_JOIN)
def connect(session: Session, person: Person, sid: str, _auth: Any) -> None:
    """Signed in is enough to connect; the seat comes with its ticket."""


@on_event(SPACE, "seat.take", Permission.CONSULT_JOIN, TakeSeat)
def take(session: Session, person: Person, sid: str, message: TakeSeat) -> Callable[[], dict[str, Any]]:
    seat_id = tickets.redeem(settings().secret_key, message.ticket, person.id)
    seat = _locked_seat(session, seat_id)
    other = service.take_seat(session, person, seat, sid, message.tab)
    if other:
        announcing.tell(session, other, "seat.taken")
    announcing.state(session, seat.consult)
    answer = {
        "state": views.state_for(seat),
        "chat": _chat(session, seat, message.chat_after),
    }

    def seated() -> dict[str, Any]:
        join_room(announcing.room(seat.consult_id))
        join_room(announcing.place(seat.id))
        if other:
            for name in (announcing.room(seat.consult_id), announcing.place(seat.id)):
                leave_room(name, sid=other)
        return answer

    return seated


@on_event(SPACE, "seat.enter", Permission.CONSULT_JOIN, Devices)
def enter(session: Session, person: Person, sid: str, message: Devices) -> dict[str, Any]:
    seat = _my_seat(session, person, sid)
    service.enter(session, seat, mic=message.mic, camera=message.camera)
    announcing.routes(session, seat.consult)
    return {"state": views.state_for(seat), "chat": _chat(session, seat, 0)}


@on_event(SPACE, "seat.here", Permission.CONSULT_JOIN)
def here(session: Session, person: Person, sid: str, _message: Any) -> dict[str, Any]:
    """A sign of life. The answer lets a page that missed a message see that it did."""
    seat = _my_seat(session, person, sid, change=False)
    service.touch(seat)
    return {"version": seat.consult.routes_version, "chatCount": seat.consult.chat_count}


@on_event(SPACE, "seat.leave", Permission.CONSULT_JOIN)
def leave(session: Session, person: Person, sid: str, _message: Any) -> dict[str, Any]:
    seat = _my_seat(session, person, sid)
    service.leave(session, seat)
    announcing.seat_is_out(session, seat)
    return {}


@on_event(SPACE, "disconnect", Permission.CONSULT_JOIN)
def disconnect(session: Session, person: Person, sid: str, _message: Any) -> None:
    seat = service.lose_line(session, sid)
    if seat is not None:
        announcing.state(session, seat.consult)


# ---------------------------------------------------------------- the door


@on_event(SPACE, "seat.admit", Permission.CONSULT_ADMIT, ChosenSeat)
def admit(session: Session, person: Person, sid: str, message: ChosenSeat) -> dict[str, Any]:
    by = _my_seat(session, person, sid)
    service.admit(session, person, by, _other_seat(by, message.seat))
    announcing.routes(session, by.consult)
    return {}


@on_event(SPACE, "seat.send_back", Permission.CONSULT_ADMIT, ChosenSeat)
def send_back(session: Session, person: Person, sid: str, message: ChosenSeat) -> dict[str, Any]:
    by = _my_seat(session, person, sid)
    seat = _other_seat(by, message.seat)
    service.send_back(session, person, by, seat)
    announcing.tell(session, announcing.place(seat.id), "seat.sent_back")
    announcing.seat_is_out(session, seat)
    return {}


@on_event(SPACE, "seat.remove", Permission.CONSULT_ADMIT, ChosenSeat)
def remove(session: Session, person: Person, sid: str, message: ChosenSeat) -> dict[str, Any]:
    by = _my_seat(session, person, sid)
    seat = _other_seat(by, message.seat)
    service.remove(session, person, by, seat)
    announcing.tell(session, announcing.place(seat.id), "seat.removed")
    announcing.seat_is_out(session, seat)
    return {}


@on_event(SPACE, "consult.end", Permission.CONSULT_END)
def end(session: Session, person: Person, sid: str, _message: Any) -> dict[str, Any]:
    seat = _my_seat(session, person, sid)
    service.end(session, person, seat)
    announcing.ended(session, seat.consult)
    return {}


# ---------------------------------------------------------------- sound and picture


@on_event(SPACE, "media.offer", Permission.CONSULT_SIGNAL, offers.Offer)
def offer(session: Session, person: Person, sid: str, message: offers.Offer) -> Callable[[], dict[str, Any]]:
    """Passes the browser's offer to the room's node. The node is asked after the commit: it may take its time."""
    seat = _my_seat(session, person, sid)
    offers.check(message)
    if not seat.is_in_room:
        raise Conflict(N_("You have not been let into the consultation yet. Please wait; you need to do nothing."))
    consult = seat.consult
    before = consult.node_id
    node = registry.place(session, consult)
    if node.id != before and before is not None:
        announcing.moved(session, consult, but=sid)
    seat.connection = message.connection
    command = messages.SeatOffer(command_id=commands.command_id(), room=consult.room, seat=seat.id,
                                 connection=message.connection, sdp=message.sdp, lines=message.lines)
    table = announcing.routes_command(consult)
    consult_id, node_id, node_sid = consult.id, node.id, node.sid
    assert node_sid is not None
    return lambda: _carry(consult_id, node_id, node_sid, command, table)


@on_event(SPACE, "media.devices", Permission.CONSULT_SIGNAL, Devices)
def devices(session: Session, person: Person, sid: str, message: Devices) -> dict[str, Any]:
    seat = _my_seat(session, person, sid)
    shared_before = seat.sharing
    service.set_devices(session, seat, mic=message.mic, camera=message.camera, sharing=message.sharing)
    if seat.sharing != shared_before:
        announcing.routes(session, seat.consult)
    else:
        announcing.state(session, seat.consult)
    return {}


def _carry(consult_id: str, node_id: str, node_sid: str, command: messages.SeatOffer, table: messages.RoutesSet
           ) -> dict[str, Any]:
    """Asks the node, and the next one where a node is full."""
    full: list[str] = []
    for _ in range(LINK_TRIES):
        commands.call(node_sid, Command.ROUTES_SET, table)
        answer = commands.call(node_sid, Command.SEAT_OFFER, command)
        if "sdp" in answer:
            return {"sdp": answer["sdp"]}
        if answer.get("error") == "malformed_sdp":
            raise Invalid(offers.MALFORMED, field="sdp")
        full.append(node_id)
        with database().unit_of_work() as session:
            node = registry.place(session, queries.locked(session, consult_id), without=full)
            node_id, node_sid = node.id, node.sid or ""
    raise registry.NoLine()


# ---------------------------------------------------------------- chat


@on_event(SPACE, "chat.say", Permission.CONSULT_CHAT, ChatSay)
def say(session: Session, person: Person, sid: str, message: ChatSay) -> dict[str, Any]:
    seat = _my_seat(session, person, sid)
    line = service.say(session, seat, message.client_id, message.text)
    announcing.chat_line(session, line, seat.consult)
    return {"line": views.line(line)}


@on_event(SPACE, "chat.since", Permission.CONSULT_CHAT, ChatSince)
def since(session: Session, person: Person, sid: str, message: ChatSince) -> dict[str, Any]:
    seat = _my_seat(session, person, sid, change=False)
    return {"chat": _chat(session, seat, message.after)}


# ---------------------------------------------------------------- within


def _my_seat(session: Session, person: Person, sid: str, *, change: bool = True) -> Seat:
    """The seat that this socket holds. With `change` the consult is locked against everybody else."""
    seat = queries.seat_of_socket(session, sid)
    if seat is None or seat.person_id != person.id:
        raise NotFound(NO_SEAT)
    if change:
        seat = _locked_seat(session, seat.id)
    service.must_be_open(seat.consult)
    return seat


def _locked_seat(session: Session, seat_id: str) -> Seat:
    seat = session.get(Seat, seat_id)
    if seat is None:
        raise NotFound(NO_SEAT)
    consult: Consult = queries.locked(session, seat.consult_id)
    return next(one for one in consult.seats if one.id == seat_id)


def _other_seat(by: Seat, seat_id: str) -> Seat:
    if not policy.can_admit(by):
        raise Forbidden(N_("Only the doctor or the international office can let people in."))
    seat = next((one for one in by.consult.present_seats if one.id == seat_id), None)
    if seat is None:
        raise NotFound(N_("This person is not in this consultation."))
    return seat


def _chat(session: Session, seat: Seat, after: int) -> list[dict[str, Any]]:
    if not seat.is_in_room:
        return []
    return [views.line(line) for line in queries.chat_lines(session, seat.consult_id, after)]
