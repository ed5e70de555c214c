"""What media nodes say, and when they come and go. A node is a Socket.IO client in a namespace
of its own, let in by the shared secret; these handlers are no events for people and carry
``node_only`` instead of a permission.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from flask import Flask, current_app, request
from pydantic import BaseModel, ValidationError
from socketio.exceptions import ConnectionRefusedError
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.consults import queries
from app.consults.interpreting import service as interpreting
from app.consults.models import ConsultState, MediaNode, Seat
from app.consults.recording import service as recordings
from app.consults.recording.models import Recording
from app.consults.room import announcing, timeline
from app.core.clock import monotonic, now
from app.media import messages
from app.media.messages import NodeEvent
from app.media.messages_recording import RecordingStopped
from app.web.context import get_database, get_settings
from app.web.sockets import SocketAnswer, socketio

NodeMessage = TypeVar("NodeMessage", bound=BaseModel)


def install_node_events(app: Flask) -> None:
    """Binds the handlers; call it once the Socket.IO server is bound to ``app``.

    With several web processes a command's answer comes back through the queue: the process listens
    to it from the start, not only from its first browser on. Otherwise a call to a node at another
    process waits for nothing.
    """
    for name, handler in NODE_EVENTS.items():
        socketio.on_event(name, handler, namespace=messages.NODE_NAMESPACE)
    server = socketio.server  # pyright: ignore[reportAttributeAccessIssue]
    if (
        app.extensions["settings"].redis_url
        and server is not None
        and not server.manager_initialized
    ):
        server.manager_initialized = True
        server.manager.initialize()


def node_only(handler: Callable[..., object]) -> Callable[..., object]:
    """Marks a handler that only a node, let in by the shared secret, can reach."""
    handler.node_only = True  # type: ignore[attr-defined]
    return handler


@node_only
def handle_node_connect(auth: object = None) -> None:
    try:
        claim = messages.NodeAuth.model_validate(auth)
    except ValidationError:
        raise ConnectionRefusedError("not a media node") from None
    if not messages.is_node_secret(get_settings().secret_key, claim.secret):
        current_app.logger.warning("refused a media node with a wrong secret")
        raise ConnectionRefusedError("not a media node")
    with get_database().unit_of_work() as session:
        node = session.get(MediaNode, claim.node) or MediaNode(id=claim.node)
        node.sid, node.seen_at, node.lost_at = _node_socket_id(), now(), None
        session.add(node)


@node_only
def handle_node_disconnect(*_reason: object) -> None:
    with get_database().unit_of_work() as session:
        session.execute(
            update(MediaNode)
            .where(MediaNode.sid == _node_socket_id())
            .values(sid=None, lost_at=now())
        )


@node_only
def handle_node_hello(raw: object) -> None:
    """A node arrives, or returns: rooms that it should carry and does not are entered anew by their
    seats.
    """
    message = _parse_node_message(messages.NodeHello, raw)
    if message is None:
        return
    with get_database().unit_of_work() as session:
        node = _find_node_of_socket(session)
        if node is None:
            return
        node.capacity, node.rooms, node.seen_at = message.capacity, len(message.rooms), now()
        node.seats = sum(len(room.seats) for room in message.rooms)
        announcing.resume_node_rooms(session, node, message.rooms)
        announcing.move_rooms_off_lost_nodes(session)  # calls may be waiting for just this one


@node_only
def handle_node_heartbeat(raw: object) -> None:
    message = _parse_node_message(messages.NodeHeartbeat, raw)
    if message is None:
        return
    with get_database().unit_of_work() as session:
        # The socket that beats is the node's: a connection that it gave up before may have been
        # noted after this one.
        session.execute(
            update(MediaNode)
            .where(MediaNode.id == message.node)
            .values(
                sid=_node_socket_id(),
                lost_at=None,
                seen_at=now(),
                rooms=message.rooms,
                seats=message.seats,
                load=message.load,
            )
        )


@node_only
def handle_seat_state(raw: object) -> None:
    message = _parse_node_message(messages.SeatState, raw)
    if message is not None:
        gone = message.state in (messages.ConnectionState.FAILED, messages.ConnectionState.CLOSED)
        if message.state == messages.ConnectionState.CONNECTED:
            _connected_at[message.seat] = monotonic()
        elif gone:
            _connected_at.pop(message.seat, None)
        if gone or message.state == messages.ConnectionState.CONNECTED:
            _note_seat_connection(message.seat, is_heard=not gone, connection=message.connection)
        _tell_consult(
            message.room,
            "seat.link",
            {"seat": message.seat, "connection": message.connection, "state": message.state},
        )


@node_only
def handle_room_speaking(raw: object) -> None:
    message = _parse_node_message(messages.RoomSpeaking, raw)
    if message is not None:
        _tell_consult(
            message.room, "speaking", {"levels": message.levels, "speaker": message.speaker}
        )


@node_only
def handle_seat_streams(raw: object) -> None:
    """A listener's line bears less, or more again: their page says so in words."""
    message = _parse_node_message(messages.SeatStreams, raw)
    if message is not None:
        _tell_seat(message.seat, "streams", message.model_dump(mode="json", exclude={"room"}))


@node_only
def handle_seat_quality(raw: object) -> None:
    message = _parse_node_message(messages.SeatQuality, raw)
    if message is not None:
        is_heard = message.bitrate_up > 0
        if (is_heard and message.seat in _silent_seats) or (
            not is_heard and not _has_just_connected(message.seat)
        ):
            _note_seat_connection(message.seat, is_heard=is_heard)
        _tell_consult(message.room, "quality", message.model_dump(exclude={"room"}))


@node_only
def handle_recording_stopped(raw: object) -> None:
    """All that a node recorded is in the store. Its own clock says when it let the last packet
    in.
    """
    message = _parse_node_message(RecordingStopped, raw)
    if message is None:
        return
    with get_database().unit_of_work() as session:
        recording = session.get(Recording, message.recording)
        if recording is None:
            return
        consult = queries.lock_consult(session, recording.consult_id)
        recording.stored_at = stopped = datetime.fromtimestamp(message.stopped_at, UTC)
        timeline.record_consult_event(
            session,
            consult,
            "recording_stored",
            None,
            segments=message.segments,
            lost=message.lost,
            node_stopped_at=stopped.isoformat(),
        )
        if message.broke and recordings.note_recording_failure(session, recording):
            announcing.send_recording_command(session, consult, recording)
            announcing.announce_consult_state(session, consult)


NODE_EVENTS: dict[str, Callable[..., object]] = {
    "connect": handle_node_connect,
    "disconnect": handle_node_disconnect,
    NodeEvent.HELLO.value: handle_node_hello,
    NodeEvent.HEARTBEAT.value: handle_node_heartbeat,
    NodeEvent.SEAT_STATE.value: handle_seat_state,
    NodeEvent.ROOM_SPEAKING.value: handle_room_speaking,
    NodeEvent.SEAT_QUALITY.value: handle_seat_quality,
    NodeEvent.SEAT_STREAMS.value: handle_seat_streams,
    NodeEvent.RECORDING_STOPPED.value: handle_recording_stopped,
}


QUALITY_REPORT_INTERVAL = timedelta(
    seconds=messages.NODE_HEARTBEAT_INTERVAL_SECONDS
)  # the silence that a report of quality speaks of
_connected_at: dict[str, float] = {}
"""When the line of a seat came to stand: its first report may tell of a time before anything
could be sent.
"""
_silent_seats: set[str] = set()
"""Seats of which this process knows that nothing comes from them: only a change is worth a
transaction.
"""


def _has_just_connected(seat_id: str) -> bool:
    return monotonic() - _connected_at.get(seat_id, 0.0) < QUALITY_REPORT_INTERVAL.total_seconds()


def _note_seat_connection(seat_id: str, *, is_heard: bool, connection: str | None = None) -> None:
    (_silent_seats.discard if is_heard else _silent_seats.add)(seat_id)
    with get_database().unit_of_work() as session:
        seat = session.get(Seat, seat_id)
        if seat is None or (connection is not None and seat.connection != connection):
            return
        consult = queries.lock_consult(session, seat.consult_id)
        if consult.state != ConsultState.LIVE or (is_heard and seat.sid is None):
            return
        interpreting.note_seat_audibility(
            seat, is_heard=is_heard, since=None if connection else QUALITY_REPORT_INTERVAL
        )
        if interpreting.pause_or_resume_consult(session, consult) or (seat.pair and is_heard):
            announcing.announce_media_routes(session, consult)
        elif connection is not None and is_heard:
            announcing.enforce_recording_consent(
                session, consult
            )  # the node may be another one, or have begun anew


def _tell_consult(room: str, event: str, facts: SocketAnswer) -> None:
    audience = announcing.name_consult_audience(room)
    socketio.emit(event, facts, to=audience, namespace=announcing.BROWSER_NAMESPACE)


def _tell_seat(seat: str, event: str, facts: SocketAnswer) -> None:
    socketio.emit(
        event, facts, to=announcing.name_seat_audience(seat), namespace=announcing.BROWSER_NAMESPACE
    )


def _find_node_of_socket(session: Session) -> MediaNode | None:
    return session.scalars(select(MediaNode).where(MediaNode.sid == _node_socket_id())).first()


def _node_socket_id() -> str:
    return request.sid  # type: ignore[attr-defined,no-any-return]


def _parse_node_message(model: type[NodeMessage], raw: object) -> NodeMessage | None:
    try:
        return model.model_validate(raw)
    except ValidationError:
        current_app.logger.warning("a media node sent a malformed %s", model.__name__)
        return None
