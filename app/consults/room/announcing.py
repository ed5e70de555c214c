"""Telling browsers and media nodes what changed: gathered within a unit of work, sent once it is
committed.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.consults.interpreting import service as interpreting
from app.consults.models import (
    ChatChannel,
    ChatMessage,
    ConnectionCheck,
    Consult,
    ConsultState,
    MediaNode,
    Seat,
)
from app.consults.nodes import commands, registry
from app.consults.recording import service as recording
from app.consults.recording.models import Recording
from app.consults.room import views
from app.core.errors import Refusal
from app.media import messages
from app.media.messages import NodeCommand
from app.web.sockets import SocketAnswer, call_after_commit, socketio

BROWSER_NAMESPACE = "/consult"


def name_consult_audience(consult_id: str) -> str:
    """The Socket.IO room of everyone at the consult, also those who wait."""
    return f"consult:{consult_id}"


def name_seat_audience(seat_id: str) -> str:
    """The Socket.IO room of whoever holds the seat."""
    return f"seat:{seat_id}"


def tell_browsers(session: Session, to: str, event: str, facts: SocketAnswer | None = None) -> None:
    call_after_commit(
        session, lambda: socketio.emit(event, facts or {}, to=to, namespace=BROWSER_NAMESPACE)
    )


def announce_consult_state(session: Session, consult: Consult) -> None:
    """Shows everybody at the consult how it stands now, each from their own seat."""
    session.flush()
    enforce_recording_consent(session, consult)
    for seat in consult.present_seats:
        if seat.sid is not None:
            tell_browsers(
                session, name_seat_audience(seat.id), "state", views.build_seat_state(seat)
            )


def announce_media_routes(session: Session, consult: Consult) -> None:
    """Gives the media node the new table of who receives whom, and shows everybody the new
    state.
    """
    consult.routes_version += 1
    node = session.get(MediaNode, consult.node_id) if consult.node_id else None
    call_after_commit(
        session,
        commands.defer_node_command(node, NodeCommand.ROUTES_SET, build_routes_command(consult)),
    )
    announce_consult_state(session, consult)


def build_routes_command(consult: Consult) -> messages.RoutesSet:
    return messages.RoutesSet(
        command_id=commands.make_command_id(),
        room=consult.room,
        version=consult.routes_version,
        routes=views.build_media_routes(consult),
    )


def close_seat_media(session: Session, seat: Seat) -> None:
    """Ends the seat's line at the media node, then tells the others."""
    consult = seat.consult
    interpreting.pause_or_resume_consult(session, consult)
    node = session.get(MediaNode, consult.node_id) if consult.node_id else None
    command = messages.SeatClose(
        command_id=commands.make_command_id(), room=consult.room, seat=seat.id
    )
    call_after_commit(session, commands.defer_node_command(node, NodeCommand.SEAT_CLOSE, command))
    announce_media_routes(session, consult)


def enforce_recording_consent(session: Session, consult: Consult) -> None:
    """Sees that the recording has everybody's agreement, and that the node records as the room now
    is.
    """
    settled = recording.apply_recording_consent(session, consult)
    if settled is not None and (settled[1] or settled[0].is_running):
        send_recording_command(session, consult, settled[0])


def send_recording_command(session: Session, consult: Consult, one: Recording) -> None:
    """Tells the node what to record from now on."""
    node = session.get(MediaNode, consult.node_id) if consult.node_id else None
    command = recording.build_recording_command(one, consult, commands.make_command_id())
    call_after_commit(
        session, commands.defer_node_command(node, NodeCommand.RECORDING_SET, command, tries=3)
    )


def tell_seats_in_room(session: Session, consult: Consult, event: str, facts: SocketAnswer) -> None:
    for seat in consult.present_seats:
        if seat.is_in_room and seat.sid is not None:
            tell_browsers(session, name_seat_audience(seat.id), event, facts)


def announce_chat_message(session: Session, line: ChatMessage, consult: Consult) -> None:
    for seat in consult.present_seats:
        if seat.is_in_room and (line.channel == ChatChannel.EVERYONE or seat.pair):
            tell_browsers(
                session,
                name_seat_audience(seat.id),
                "chat.line",
                views.serialize_chat_message(line),
            )


def announce_consult_end(session: Session, consult: Consult) -> None:
    """Closes the room at the node and tells everybody that it is over."""
    recording.end_recording(session, consult)
    node = session.get(MediaNode, consult.node_id) if consult.node_id else None
    command = messages.RoomClose(command_id=commands.make_command_id(), room=consult.room)
    call_after_commit(session, commands.defer_node_command(node, NodeCommand.ROOM_CLOSE, command))
    consult.node_id = None
    tell_browsers(session, name_consult_audience(consult.id), "ended")


def close_check_room(session: Session, check: ConnectionCheck) -> None:
    """Frees the room of a test before the meeting."""
    node = session.get(MediaNode, check.node_id) if check.node_id else None
    command = messages.RoomClose(command_id=commands.make_command_id(), room=check.room)
    call_after_commit(session, commands.defer_node_command(node, NodeCommand.ROOM_CLOSE, command))
    check.node_id = None


def announce_node_change(session: Session, consult: Consult, *, but: str | None = None) -> None:
    """The room is on another node now, or empty on its own: every seat makes its line anew."""
    facts = {"room": consult.room}
    call_after_commit(
        session,
        lambda: socketio.emit(
            "media.moved",
            facts,
            to=name_consult_audience(consult.id),
            namespace=BROWSER_NAMESPACE,
            skip_sid=but,
        ),
    )


def resume_node_rooms(
    session: Session, node: MediaNode, carried: Iterable[messages.RoomPresence]
) -> None:
    """A node arrives or returns. Seats whose line it does not hold are told to make it anew; rooms
    that have been moved away or have ended meanwhile are closed there.
    """
    held = {presence.room: presence for presence in carried}
    ours = session.scalars(
        select(Consult).where(Consult.node_id == node.id, Consult.state == ConsultState.LIVE)
    ).all()
    for consult in ours:
        presence = held.pop(consult.room, None)
        lines = presence.seats if presence else {}
        for seat in consult.present_seats:
            if seat.is_in_room and seat.connection and lines.get(seat.id) != seat.connection:
                tell_browsers(
                    session, name_seat_audience(seat.id), "media.moved", {"room": consult.room}
                )
        if presence:
            call_after_commit(
                session,
                commands.defer_node_command(
                    node, NodeCommand.ROUTES_SET, build_routes_command(consult)
                ),
            )
            enforce_recording_consent(session, consult)
    for gone in held:
        command = messages.RoomClose(command_id=commands.make_command_id(), room=gone)
        call_after_commit(
            session, commands.defer_node_command(node, NodeCommand.ROOM_CLOSE, command)
        )


def move_rooms_off_lost_nodes(session: Session) -> None:
    """Rooms whose node is gone move to another one, where there is one; else their seats keep
    asking.
    """
    live = session.scalars(
        select(Consult).where(Consult.state == ConsultState.LIVE, Consult.node_id.is_not(None))
    ).all()
    for consult in live:
        before = consult.node_id
        try:
            now_at = registry.place_room(session, consult)
        except Refusal:
            continue
        if now_at.id != before:
            announce_node_change(session, consult)
