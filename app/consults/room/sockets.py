"""What a browser in a consult may say. Every event finds its seat through the socket it came by."""

from __future__ import annotations

from collections.abc import Callable

from flask_socketio import join_room, leave_room
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from app.consults import queries
from app.consults.interpreting import service as interpreting
from app.consults.models import ChatChannel, MediaNode, Seat
from app.consults.nodes import commands, registry
from app.consults.permissions import ConsultPermission
from app.consults.room import announcing, offers, service, tickets, views
from app.consults.room.seating import get_other_seat, get_own_seat, lock_seat, on_consult_event
from app.core.errors import Invalid, NotFound, TooMany
from app.core.text import N_
from app.identity.models import Person
from app.media import messages
from app.media.messages import NodeCommand
from app.web.context import call_after_commit, get_database, get_settings
from app.web.sockets import SocketAnswer

MAX_OFFER_ATTEMPTS = 3


class SeatTakeMessage(BaseModel):
    ticket: str = Field(max_length=400)
    tab: str = Field(min_length=1, max_length=64)
    chat_after: int = Field(default=0, ge=0)


class MediaDevicesMessage(BaseModel):
    mic: bool = False
    camera: bool = False
    sharing: bool = False


class MediaPreferMessage(BaseModel):
    """The seats whose pictures this page shows larger than a thumbnail; none: the node decides by
    who speaks.
    """

    large: tuple[str, ...] | None = Field(default=None, max_length=messages.MAX_SLOTS)


class ChosenSeatMessage(BaseModel):
    seat: str = Field(max_length=32)


class ChatSayMessage(BaseModel):
    channel: ChatChannel = ChatChannel.EVERYONE
    client_id: str = Field(min_length=8, max_length=64)
    text: str = Field(max_length=service.MAX_CHAT_MESSAGE_CHARACTERS)


class ChatSinceMessage(BaseModel):
    channel: ChatChannel = ChatChannel.EVERYONE
    after: int = Field(default=0, ge=0)


# --- coming and going ---


@on_consult_event("connect", ConsultPermission.CONSULT_JOIN)
def handle_consult_connect(session: Session, person: Person, sid: str, _auth: object) -> None:
    """Signed in is enough to connect; the seat comes with its ticket."""


@on_consult_event("seat.take", ConsultPermission.CONSULT_JOIN, SeatTakeMessage)
def handle_seat_take(
    session: Session, person: Person, sid: str, message: SeatTakeMessage
) -> Callable[[], SocketAnswer]:
    seat_id = tickets.redeem_seat_ticket(get_settings().secret_key, message.ticket, person.id)
    seat = lock_seat(session, seat_id)
    other = service.take_seat(session, person, seat, sid, message.tab)
    if other:
        announcing.tell_browsers(session, other, "seat.taken")
    if interpreting.pause_or_resume_consult(session, seat.consult) or seat.pair:
        announcing.announce_media_routes(session, seat.consult)
    else:
        announcing.announce_consult_state(session, seat.consult)
    answer = {
        "state": views.build_seat_state(seat),
        **_list_both_chats(session, seat, message.chat_after),
    }

    def seated() -> SocketAnswer:
        join_room(announcing.name_consult_audience(seat.consult_id))
        join_room(announcing.name_seat_audience(seat.id))
        if other:
            for name in (
                announcing.name_consult_audience(seat.consult_id),
                announcing.name_seat_audience(seat.id),
            ):
                leave_room(name, sid=other)
        return answer

    return seated


@on_consult_event("seat.enter", ConsultPermission.CONSULT_JOIN, MediaDevicesMessage)
def handle_seat_enter(
    session: Session, person: Person, sid: str, message: MediaDevicesMessage
) -> SocketAnswer:
    seat = get_own_seat(session, person, sid)
    service.enter_consult(session, seat, mic=message.mic, camera=message.camera)
    interpreting.pause_or_resume_consult(session, seat.consult)
    announcing.announce_media_routes(session, seat.consult)
    return {"state": views.build_seat_state(seat), **_list_both_chats(session, seat, 0)}


@on_consult_event("seat.here", ConsultPermission.CONSULT_JOIN)
def handle_seat_here(session: Session, person: Person, sid: str, _message: object) -> SocketAnswer:
    """A sign of life. The answer lets a page that missed a message see that it did."""
    seat = get_own_seat(session, person, sid, change=False)
    service.note_seat_alive(seat)
    return {
        "version": seat.consult.routes_version,
        "chatCount": seat.consult.chat_count,
        "partnerCount": seat.consult.partner_count if seat.pair else 0,
    }


@on_consult_event("seat.leave", ConsultPermission.CONSULT_JOIN)
def handle_seat_leave(session: Session, person: Person, sid: str, _message: object) -> SocketAnswer:
    seat = get_own_seat(session, person, sid)
    service.leave_consult(session, seat)
    announcing.close_seat_media(session, seat)
    return {}


@on_consult_event("disconnect", ConsultPermission.CONSULT_JOIN)
def handle_consult_disconnect(session: Session, person: Person, sid: str, _message: object) -> None:
    seat = service.note_socket_lost(session, sid)
    if seat is not None:
        announcing.announce_consult_state(session, seat.consult)


# --- the door ---


@on_consult_event("seat.admit", ConsultPermission.CONSULT_ADMIT, ChosenSeatMessage, recorded=True)
def handle_seat_admit(
    session: Session, person: Person, sid: str, message: ChosenSeatMessage
) -> SocketAnswer:
    by = get_own_seat(session, person, sid)
    service.admit_seat(session, person, by, get_other_seat(by, message.seat))
    interpreting.pause_or_resume_consult(session, by.consult)
    announcing.announce_media_routes(session, by.consult)
    return {}


@on_consult_event(
    "seat.send_back", ConsultPermission.CONSULT_ADMIT, ChosenSeatMessage, recorded=True
)
def handle_seat_send_back(
    session: Session, person: Person, sid: str, message: ChosenSeatMessage
) -> SocketAnswer:
    by = get_own_seat(session, person, sid)
    seat = get_other_seat(by, message.seat)
    service.return_seat_to_waiting(session, person, by, seat)
    announcing.tell_browsers(session, announcing.name_seat_audience(seat.id), "seat.sent_back")
    announcing.close_seat_media(session, seat)
    return {}


@on_consult_event("seat.remove", ConsultPermission.CONSULT_ADMIT, ChosenSeatMessage, recorded=True)
def handle_seat_remove(
    session: Session, person: Person, sid: str, message: ChosenSeatMessage
) -> SocketAnswer:
    by = get_own_seat(session, person, sid)
    seat = get_other_seat(by, message.seat)
    service.remove_seat(session, person, by, seat)
    announcing.tell_browsers(session, announcing.name_seat_audience(seat.id), "seat.removed")
    announcing.close_seat_media(session, seat)
    return {}


@on_consult_event("consult.end", ConsultPermission.CONSULT_END, recorded=True)
def handle_consult_end(
    session: Session, person: Person, sid: str, _message: object
) -> SocketAnswer:
    seat = get_own_seat(session, person, sid)
    service.end_consult(session, person, seat)
    announcing.announce_consult_end(session, seat.consult)
    return {}


# --- sound and picture ---


@on_consult_event("media.offer", ConsultPermission.CONSULT_SIGNAL, offers.BrowserOffer)
def handle_media_offer(
    session: Session, person: Person, sid: str, message: offers.BrowserOffer
) -> Callable[[], SocketAnswer]:
    """Passes the browser's offer to the room's node. The node is asked after the commit: it may
    take its time.
    """
    seat = get_own_seat(session, person, sid)
    offers.check_browser_offer(message)
    interpreting.require_seat_in_room(seat)
    consult = seat.consult
    before = consult.node_id
    node = registry.place_room(session, consult)
    if node.id != before and before is not None:
        announcing.announce_node_change(session, consult, but=sid)
    seat.connection = message.connection
    command = messages.SeatOffer(
        command_id=commands.make_command_id(),
        room=consult.room,
        seat=seat.id,
        connection=message.connection,
        sdp=message.sdp,
        lines=message.lines,
    )
    table = announcing.build_routes_command(consult)
    consult_id, node_id, node_sid = consult.id, node.id, node.sid
    assert node_sid is not None
    return lambda: _send_offer_to_node(consult_id, node_id, node_sid, command, table)


@on_consult_event("media.devices", ConsultPermission.CONSULT_SIGNAL, MediaDevicesMessage)
def handle_media_devices(
    session: Session, person: Person, sid: str, message: MediaDevicesMessage
) -> SocketAnswer:
    seat = get_own_seat(session, person, sid)
    shared_before = seat.sharing
    service.set_seat_devices(
        session, seat, mic=message.mic, camera=message.camera, sharing=message.sharing
    )
    if seat.sharing != shared_before:
        announcing.announce_media_routes(session, seat.consult)
    else:
        announcing.announce_consult_state(session, seat.consult)
    return {}


@on_consult_event("media.prefer", ConsultPermission.CONSULT_SIGNAL, MediaPreferMessage)
def handle_media_prefer(
    session: Session, person: Person, sid: str, message: MediaPreferMessage
) -> SocketAnswer:
    """Which pictures come large here. Nothing is kept: it holds as long as the connection to the
    node.
    """
    seat = get_own_seat(session, person, sid, change=False)
    consult = seat.consult
    if message.large is not None and not set(message.large) <= {
        one.id for one in consult.present_seats
    }:
        raise NotFound(N_("This person is not in this consultation."))
    node = session.get(MediaNode, consult.node_id) if consult.node_id else None
    command = messages.SeatPrefer(
        command_id=commands.make_command_id(), room=consult.room, seat=seat.id, large=message.large
    )
    call_after_commit(session, commands.defer_node_command(node, NodeCommand.SEAT_PREFER, command))
    return {}


def _send_offer_to_node(
    consult_id: str,
    node_id: str,
    node_sid: str,
    command: messages.SeatOffer,
    table: messages.RoutesSet,
) -> SocketAnswer:
    """Asks the node, and the next one where a node is full."""
    full: list[str] = []
    for _ in range(MAX_OFFER_ATTEMPTS):
        commands.send_node_command(node_sid, NodeCommand.ROUTES_SET, table)
        answer = commands.send_node_command(node_sid, NodeCommand.SEAT_OFFER, command)
        if "sdp" in answer:
            return {"sdp": answer["sdp"]}
        if answer.get("error") == "malformed_sdp":
            raise Invalid(offers.MALFORMED_OFFER, field="sdp")
        if answer.get("error") == "busy":
            raise TooMany()
        full.append(node_id)
        with get_database().unit_of_work() as session:
            node = registry.place_room(
                session, queries.lock_consult(session, consult_id), without=full
            )
            node_id, node_sid = node.id, node.sid or ""
    raise registry.NoMediaNodeFree()


# --- chat ---


@on_consult_event("chat.say", ConsultPermission.CONSULT_CHAT, ChatSayMessage)
def handle_chat_say(
    session: Session, person: Person, sid: str, message: ChatSayMessage
) -> SocketAnswer:
    seat = get_own_seat(session, person, sid)
    line = service.add_chat_message(session, seat, message.client_id, message.text, message.channel)
    announcing.announce_chat_message(session, line, seat.consult)
    return {"line": views.serialize_chat_message(line)}


@on_consult_event("chat.since", ConsultPermission.CONSULT_CHAT, ChatSinceMessage)
def handle_chat_since(
    session: Session, person: Person, sid: str, message: ChatSinceMessage
) -> SocketAnswer:
    seat = get_own_seat(session, person, sid, change=False)
    return {"chat": _list_chat(session, seat, message.after, message.channel)}


# --- within ---


def _list_chat(
    session: Session, seat: Seat, after: int, channel: ChatChannel = ChatChannel.EVERYONE
) -> list[SocketAnswer]:
    if not seat.is_in_room or (channel == ChatChannel.INTERPRETERS and not seat.pair):
        return []
    return [
        views.serialize_chat_message(line)
        for line in queries.list_chat_messages(session, seat.consult_id, after, channel)
    ]


def _list_both_chats(session: Session, seat: Seat, after: int) -> dict[str, list[SocketAnswer]]:
    return {
        "chat": _list_chat(session, seat, after),
        "partners": _list_chat(session, seat, 0, ChatChannel.INTERPRETERS),
    }
