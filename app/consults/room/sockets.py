"""What a browser in a consult may say. Every event finds its seat through the socket it came by.
The events about languages stand in `sockets_language`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_socketio import join_room, leave_room
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from app.consults import queries
from app.consults.connection_check import sockets as _check  # noqa: F401 - importing it registers its events
from app.consults.interpreting import service as interpreting
from app.consults.interpreting import sockets as _languages  # noqa: F401
from app.consults.models import Channel, MediaNode, Seat
from app.consults.nodes import commands, registry
from app.consults.recording import sockets as _recording  # noqa: F401
from app.consults.room import announcing, offers, service, tickets, views
from app.consults.room.seating import event, locked_seat, my_seat, other_seat
from app.consults.teachback import sockets as _teaching  # noqa: F401
from app.core.errors import Conflict, Invalid, NotFound, TooMany
from app.core.permissions import Permission
from app.core.text import N_
from app.identity.models import Person
from app.media import messages
from app.media.messages import Command
from app.web.context import after_commit, database, settings

LINK_TRIES = 3


class TakeSeat(BaseModel):
    ticket: str = Field(max_length=400)
    tab: str = Field(min_length=1, max_length=64)
    chat_after: int = Field(default=0, ge=0)


class Devices(BaseModel):
    mic: bool = False
    camera: bool = False
    sharing: bool = False


class Prefer(BaseModel):
    """The seats whose pictures this page shows larger than a thumbnail; none: the node decides by
    who speaks.
    """

    large: tuple[str, ...] | None = Field(default=None, max_length=messages.MAX_SLOTS)


class ChosenSeat(BaseModel):
    seat: str = Field(max_length=32)


class ChatSay(BaseModel):
    channel: Channel = Channel.EVERYONE
    client_id: str = Field(min_length=8, max_length=64)
    text: str = Field(max_length=service.LONGEST_LINE)


class ChatSince(BaseModel):
    channel: Channel = Channel.EVERYONE
    after: int = Field(default=0, ge=0)


# ---------------------------------------------------------------- coming and going


@event("connect", Permission.CONSULT_JOIN)
def connect(session: Session, person: Person, sid: str, _auth: Any) -> None:
    """Signed in is enough to connect; the seat comes with its ticket."""


@event("seat.take", Permission.CONSULT_JOIN, TakeSeat)
def take(
    session: Session, person: Person, sid: str, message: TakeSeat
) -> Callable[[], dict[str, Any]]:
    seat_id = tickets.redeem(settings().secret_key, message.ticket, person.id)
    seat = locked_seat(session, seat_id)
    other = service.take_seat(session, person, seat, sid, message.tab)
    if other:
        announcing.tell(session, other, "seat.taken")
    if interpreting.settle(session, seat.consult) or seat.pair:
        announcing.routes(session, seat.consult)
    else:
        announcing.state(session, seat.consult)
    answer = {
        "state": views.state_for(seat),
        **_chats(session, seat, message.chat_after),
    }

    def seated() -> dict[str, Any]:
        join_room(announcing.room(seat.consult_id))
        join_room(announcing.place(seat.id))
        if other:
            for name in (announcing.room(seat.consult_id), announcing.place(seat.id)):
                leave_room(name, sid=other)
        return answer

    return seated


@event("seat.enter", Permission.CONSULT_JOIN, Devices)
def enter(session: Session, person: Person, sid: str, message: Devices) -> dict[str, Any]:
    seat = my_seat(session, person, sid)
    service.enter(session, seat, mic=message.mic, camera=message.camera)
    interpreting.settle(session, seat.consult)
    announcing.routes(session, seat.consult)
    return {"state": views.state_for(seat), **_chats(session, seat, 0)}


@event("seat.here", Permission.CONSULT_JOIN)
def here(session: Session, person: Person, sid: str, _message: Any) -> dict[str, Any]:
    """A sign of life. The answer lets a page that missed a message see that it did."""
    seat = my_seat(session, person, sid, change=False)
    service.touch(seat)
    return {
        "version": seat.consult.routes_version,
        "chatCount": seat.consult.chat_count,
        "partnerCount": seat.consult.partner_count if seat.pair else 0,
    }


@event("seat.leave", Permission.CONSULT_JOIN)
def leave(session: Session, person: Person, sid: str, _message: Any) -> dict[str, Any]:
    seat = my_seat(session, person, sid)
    service.leave(session, seat)
    announcing.seat_is_out(session, seat)
    return {}


@event("disconnect", Permission.CONSULT_JOIN)
def disconnect(session: Session, person: Person, sid: str, _message: Any) -> None:
    seat = service.lose_line(session, sid)
    if seat is not None:
        announcing.state(session, seat.consult)


# ---------------------------------------------------------------- the door


@event("seat.admit", Permission.CONSULT_ADMIT, ChosenSeat, recorded=True)
def admit(session: Session, person: Person, sid: str, message: ChosenSeat) -> dict[str, Any]:
    by = my_seat(session, person, sid)
    service.admit(session, person, by, other_seat(by, message.seat))
    interpreting.settle(session, by.consult)
    announcing.routes(session, by.consult)
    return {}


@event("seat.send_back", Permission.CONSULT_ADMIT, ChosenSeat, recorded=True)
def send_back(session: Session, person: Person, sid: str, message: ChosenSeat) -> dict[str, Any]:
    by = my_seat(session, person, sid)
    seat = other_seat(by, message.seat)
    service.send_back(session, person, by, seat)
    announcing.tell(session, announcing.place(seat.id), "seat.sent_back")
    announcing.seat_is_out(session, seat)
    return {}


@event("seat.remove", Permission.CONSULT_ADMIT, ChosenSeat, recorded=True)
def remove(session: Session, person: Person, sid: str, message: ChosenSeat) -> dict[str, Any]:
    by = my_seat(session, person, sid)
    seat = other_seat(by, message.seat)
    service.remove(session, person, by, seat)
    announcing.tell(session, announcing.place(seat.id), "seat.removed")
    announcing.seat_is_out(session, seat)
    return {}


@event("consult.end", Permission.CONSULT_END, recorded=True)
def end(session: Session, person: Person, sid: str, _message: Any) -> dict[str, Any]:
    seat = my_seat(session, person, sid)
    service.end(session, person, seat)
    announcing.ended(session, seat.consult)
    return {}


# ---------------------------------------------------------------- sound and picture


@event("media.offer", Permission.CONSULT_SIGNAL, offers.Offer)
def offer(
    session: Session, person: Person, sid: str, message: offers.Offer
) -> Callable[[], dict[str, Any]]:
    """Passes the browser's offer to the room's node. The node is asked after the commit: it may
    take its time.
    """
    seat = my_seat(session, person, sid)
    offers.check(message)
    if not seat.is_in_room:
        raise Conflict(
            N_(
                "You have not been let into the consultation yet. Please wait; you need to do"
                " nothing."
            )
        )
    consult = seat.consult
    before = consult.node_id
    node = registry.place(session, consult)
    if node.id != before and before is not None:
        announcing.moved(session, consult, but=sid)
    seat.connection = message.connection
    command = messages.SeatOffer(
        command_id=commands.command_id(),
        room=consult.room,
        seat=seat.id,
        connection=message.connection,
        sdp=message.sdp,
        lines=message.lines,
    )
    table = announcing.routes_command(consult)
    consult_id, node_id, node_sid = consult.id, node.id, node.sid
    assert node_sid is not None
    return lambda: _carry(consult_id, node_id, node_sid, command, table)


@event("media.devices", Permission.CONSULT_SIGNAL, Devices)
def devices(session: Session, person: Person, sid: str, message: Devices) -> dict[str, Any]:
    seat = my_seat(session, person, sid)
    shared_before = seat.sharing
    service.set_devices(
        session, seat, mic=message.mic, camera=message.camera, sharing=message.sharing
    )
    if seat.sharing != shared_before:
        announcing.routes(session, seat.consult)
    else:
        announcing.state(session, seat.consult)
    return {}


@event("media.prefer", Permission.CONSULT_SIGNAL, Prefer)
def prefer(session: Session, person: Person, sid: str, message: Prefer) -> dict[str, Any]:
    """Which pictures come large here. Nothing is kept: it holds as long as the connection to the
    node.
    """
    seat = my_seat(session, person, sid, change=False)
    consult = seat.consult
    if message.large is not None and not set(message.large) <= {
        one.id for one in consult.present_seats
    }:
        raise NotFound(N_("This person is not in this consultation."))
    node = session.get(MediaNode, consult.node_id) if consult.node_id else None
    command = messages.SeatPrefer(
        command_id=commands.command_id(), room=consult.room, seat=seat.id, large=message.large
    )
    after_commit(session, commands.send_later(node, Command.SEAT_PREFER, command))
    return {}


def _carry(
    consult_id: str,
    node_id: str,
    node_sid: str,
    command: messages.SeatOffer,
    table: messages.RoutesSet,
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
        if answer.get("error") == "busy":
            raise TooMany()
        full.append(node_id)
        with database().unit_of_work() as session:
            node = registry.place(session, queries.locked(session, consult_id), without=full)
            node_id, node_sid = node.id, node.sid or ""
    raise registry.NoLine()


# ---------------------------------------------------------------- chat


@event("chat.say", Permission.CONSULT_CHAT, ChatSay)
def say(session: Session, person: Person, sid: str, message: ChatSay) -> dict[str, Any]:
    seat = my_seat(session, person, sid)
    line = service.say(session, seat, message.client_id, message.text, message.channel)
    announcing.chat_line(session, line, seat.consult)
    return {"line": views.line(line)}


@event("chat.since", Permission.CONSULT_CHAT, ChatSince)
def since(session: Session, person: Person, sid: str, message: ChatSince) -> dict[str, Any]:
    seat = my_seat(session, person, sid, change=False)
    return {"chat": _chat(session, seat, message.after, message.channel)}


# ---------------------------------------------------------------- within


def _chat(
    session: Session, seat: Seat, after: int, channel: Channel = Channel.EVERYONE
) -> list[dict[str, Any]]:
    if not seat.is_in_room or (channel == Channel.INTERPRETERS and not seat.pair):
        return []
    return [
        views.line(line) for line in queries.chat_lines(session, seat.consult_id, after, channel)
    ]


def _chats(session: Session, seat: Seat, after: int) -> dict[str, list[dict[str, Any]]]:
    return {
        "chat": _chat(session, seat, after),
        "partners": _chat(session, seat, 0, Channel.INTERPRETERS),
    }
