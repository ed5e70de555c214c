"""Telling browsers and media nodes what changed: gathered within a unit of work, sent once it is
committed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.consults.interpreting import service as interpreting
from app.consults.models import (
    Channel,
    ChatMessage,
    Consult,
    ConsultState,
    LineCheck,
    MediaNode,
    Seat,
)
from app.consults.nodes import commands, registry
from app.consults.recording import service as recording
from app.consults.recording.models import Recording
from app.consults.room import views
from app.core.errors import Refusal
from app.media import messages
from app.media.messages import Command
from app.web.sockets import after_commit, socketio

BROWSERS = "/consult"


def room(consult_id: str) -> str:
    """The Socket.IO room of everyone at the consult, also those who wait."""
    return f"consult:{consult_id}"


def place(seat_id: str) -> str:
    """The Socket.IO room of whoever holds the seat."""
    return f"seat:{seat_id}"


def tell(session: Session, to: str, event: str, facts: dict[str, Any] | None = None) -> None:
    after_commit(session, lambda: socketio.emit(event, facts or {}, to=to, namespace=BROWSERS))


def state(session: Session, consult: Consult) -> None:
    """Shows everybody at the consult how it stands now, each from their own seat."""
    session.flush()
    hold_recording(session, consult)
    for seat in consult.present_seats:
        if seat.sid is not None:
            tell(session, place(seat.id), "state", views.state_for(seat))


def routes(session: Session, consult: Consult) -> None:
    """Gives the media node the new table of who receives whom, and shows everybody the new
    state.
    """
    consult.routes_version += 1
    node = session.get(MediaNode, consult.node_id) if consult.node_id else None
    after_commit(session, commands.send_later(node, Command.ROUTES_SET, routes_command(consult)))
    state(session, consult)


def routes_command(consult: Consult) -> messages.RoutesSet:
    return messages.RoutesSet(
        command_id=commands.command_id(),
        room=consult.room,
        version=consult.routes_version,
        routes=views.media_routes(consult),
    )


def seat_is_out(session: Session, seat: Seat) -> None:
    """Ends the seat's line at the media node, then tells the others."""
    consult = seat.consult
    interpreting.settle(session, consult)
    node = session.get(MediaNode, consult.node_id) if consult.node_id else None
    command = messages.SeatClose(command_id=commands.command_id(), room=consult.room, seat=seat.id)
    after_commit(session, commands.send_later(node, Command.SEAT_CLOSE, command))
    routes(session, consult)


def hold_recording(session: Session, consult: Consult) -> None:
    """Sees that the recording has everybody's agreement, and that the node records as the room now
    is.
    """
    settled = recording.settle(session, consult)
    if settled is not None and (settled[1] or settled[0].is_running):
        recording_changed(session, consult, settled[0])


def recording_changed(session: Session, consult: Consult, one: Recording) -> None:
    """Tells the node what to record from now on."""
    node = session.get(MediaNode, consult.node_id) if consult.node_id else None
    command = recording.command(one, consult, commands.command_id())
    after_commit(session, commands.send_later(node, Command.RECORDING_SET, command, tries=3))


def to_everyone_inside(
    session: Session, consult: Consult, event: str, facts: dict[str, Any]
) -> None:
    for seat in consult.present_seats:
        if seat.is_in_room and seat.sid is not None:
            tell(session, place(seat.id), event, facts)


def chat_line(session: Session, line: ChatMessage, consult: Consult) -> None:
    for seat in consult.present_seats:
        if seat.is_in_room and (line.channel == Channel.EVERYONE or seat.pair):
            tell(session, place(seat.id), "chat.line", views.line(line))


def ended(session: Session, consult: Consult) -> None:
    """Closes the room at the node and tells everybody that it is over."""
    recording.end(session, consult)
    node = session.get(MediaNode, consult.node_id) if consult.node_id else None
    command = messages.RoomClose(command_id=commands.command_id(), room=consult.room)
    after_commit(session, commands.send_later(node, Command.ROOM_CLOSE, command))
    consult.node_id = None
    tell(session, room(consult.id), "ended")


def close_loop(session: Session, check: LineCheck) -> None:
    """Frees the room of a test before the meeting."""
    node = session.get(MediaNode, check.node_id) if check.node_id else None
    command = messages.RoomClose(command_id=commands.command_id(), room=check.room)
    after_commit(session, commands.send_later(node, Command.ROOM_CLOSE, command))
    check.node_id = None


def moved(session: Session, consult: Consult, *, but: str | None = None) -> None:
    """The room is on another node now, or empty on its own: every seat makes its line anew."""
    facts = {"room": consult.room}
    after_commit(
        session,
        lambda: socketio.emit(
            "media.moved", facts, to=room(consult.id), namespace=BROWSERS, skip_sid=but
        ),
    )


def node_is_here(
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
                tell(session, place(seat.id), "media.moved", {"room": consult.room})
        if presence:
            after_commit(
                session, commands.send_later(node, Command.ROUTES_SET, routes_command(consult))
            )
            hold_recording(session, consult)
    for gone in held:
        command = messages.RoomClose(command_id=commands.command_id(), room=gone)
        after_commit(session, commands.send_later(node, Command.ROOM_CLOSE, command))


def leave_lost_nodes(session: Session) -> None:
    """Rooms whose node is gone move to another one, where there is one; else their seats keep
    asking.
    """
    live = session.scalars(
        select(Consult).where(Consult.state == ConsultState.LIVE, Consult.node_id.is_not(None))
    ).all()
    for consult in live:
        before = consult.node_id
        try:
            now_at = registry.place(session, consult)
        except Refusal:
            continue
        if now_at.id != before:
            moved(session, consult)
