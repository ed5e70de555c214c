"""What media nodes say of somebody's line, as far as pages and the guard over the interpreter make
something of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask_socketio.test_client import SocketIOTestClient
from sqlalchemy import select

from app.consults.models import Consult, ConsultEvent, Seat
from app.consults.nodes import namespace as nodes
from app.consults.nodes import registry
from app.consults.room import views
from app.core.clock import shift_clock
from app.core.db import Database
from app.media import messages
from app.media.messages import NodeEvent, StreamPriority
from app.web.sockets import socketio
from tests.consults.conftest import Chair, Meeting
from tests.processes import SECRET_KEY


@pytest.fixture
def node(app: Flask) -> Iterator[SocketIOTestClient]:
    """A media node's socket, without a media node."""
    auth = {"node": "node-1", "secret": messages.derive_node_secret(SECRET_KEY)}
    client = socketio.test_client(app, namespace=messages.NODE_NAMESPACE, auth=auth)
    yield client
    if client.is_connected(messages.NODE_NAMESPACE):
        client.disconnect(messages.NODE_NAMESPACE)


def tells(node: SocketIOTestClient, event: NodeEvent, message: Any) -> None:
    node.emit(event.value, message.model_dump(mode="json"), namespace=messages.NODE_NAMESPACE)


def quality(meeting: Meeting, chair: Chair, bitrate_up: int) -> messages.SeatQuality:
    return messages.SeatQuality(
        room=meeting.consult_id,
        seat=chair.seat_id,
        rtt_ms=20,
        loss_up=0,
        loss_down=0,
        bitrate_up=bitrate_up,
        bitrate_down=0,
        video_paused=False,
    )


def test_each_step_of_a_narrow_line_is_told_to_whose_line_it_is_and_to_nobody_else(
    node: SocketIOTestClient, meeting: Meeting, doctor: Chair, patient: Chair
) -> None:
    paused = (messages.PausedStream(source=doctor.seat_id, kind=messages.MediaKind.VIDEO),)
    streams = messages.SeatStreams(
        room=meeting.consult_id,
        seat=patient.seat_id,
        step=messages.DegradationStep.NO_PICTURES,
        paused=paused,
    )
    tells(node, NodeEvent.SEAT_STREAMS, streams)
    assert patient.heard("streams") == [
        {
            "seat": patient.seat_id,
            "step": "no_pictures",
            "paused": [{"source": doctor.seat_id, "kind": "video"}],
        }
    ]
    assert doctor.heard("streams") == []


def test_the_voice_that_is_needed_is_essential_to_the_node(
    database: Database, meeting: Meeting, doctor: Chair, patient: Chair, interpreter: Chair
) -> None:
    doctor.says("mode.set", mode="simultaneous")
    with database.sessions() as session:
        table = views.build_media_routes(session.get_one(Seat, patient.seat_id).consult)
    voices = {
        route.source: route.priority
        for route in table[patient.seat_id]
        if route.kind == messages.MediaKind.AUDIO
    }
    assert voices == {
        interpreter.seat_id: StreamPriority.ESSENTIAL,
        doctor.seat_id: StreamPriority.BACKGROUND,
    }


def test_a_page_says_whose_pictures_it_shows_large(
    meeting: Meeting, doctor: Chair, patient: Chair
) -> None:
    assert doctor.says("media.prefer", large=[patient.seat_id]) == {}
    assert doctor.says("media.prefer", large=None) == {}
    assert doctor.says("media.prefer", large=["somebody elsewhere"])["status"] == 404
    assert doctor.says("media.prefer", large=["x"] * 8)["status"] == 422


def test_the_first_report_of_a_line_does_not_pause_the_meeting_and_later_silence_does(
    node: SocketIOTestClient,
    meeting: Meeting,
    doctor: Chair,
    patient: Chair,
    interpreter: Chair,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may speak of a time before anything could be sent. "The interpreter is back" was said at a
    first entry.
    """
    with database.unit_of_work() as session:
        session.get_one(Seat, interpreter.seat_id).connection = "c-1"
    tells(
        node,
        NodeEvent.SEAT_STATE,
        messages.SeatState(
            room=meeting.consult_id,
            seat=interpreter.seat_id,
            connection="c-1",
            state=messages.ConnectionState.CONNECTED,
        ),
    )
    tells(node, NodeEvent.SEAT_QUALITY, quality(meeting, interpreter, 0))
    tells(node, NodeEvent.SEAT_QUALITY, quality(meeting, interpreter, 40_000))
    with database.sessions() as session:
        assert "paused" not in session.scalars(select(ConsultEvent.kind)).all()

    nodes._connected_at[interpreter.seat_id] -= timedelta(seconds=10).total_seconds()
    tells(node, NodeEvent.SEAT_QUALITY, quality(meeting, interpreter, 0))
    with database.sessions() as session:
        assert "paused" in session.scalars(select(ConsultEvent.kind)).all()
    tells(node, NodeEvent.SEAT_QUALITY, quality(meeting, interpreter, 40_000))
    with database.sessions() as session:
        assert "resumed" in session.scalars(select(ConsultEvent.kind)).all()


def test_rooms_of_a_lost_node_go_to_a_new_one_as_soon_as_it_says_hello(
    app: Flask, node: SocketIOTestClient, meeting: Meeting, doctor: Chair, database: Database
) -> None:
    with database.unit_of_work() as session:
        session.get_one(Consult, meeting.consult_id).node_id = "node-1"
        doctor_seat = session.get_one(Seat, doctor.seat_id)
        doctor_seat.connection = "c-1"
    node.disconnect(messages.NODE_NAMESPACE)
    with shift_clock(registry.NODE_RECONNECT_GRACE_PERIOD):
        auth = {"node": "node-2", "secret": messages.derive_node_secret(SECRET_KEY)}
        other = socketio.test_client(app, namespace=messages.NODE_NAMESPACE, auth=auth)
        doctor.heard("media.moved")
        tells(other, NodeEvent.HELLO, messages.NodeHello(node="node-2", capacity=5, rooms=()))
        assert doctor.heard("media.moved") == [{"room": meeting.consult_id}]
        other.disconnect(messages.NODE_NAMESPACE)
    with database.sessions() as session:
        assert session.get_one(Consult, meeting.consult_id).node_id == "node-2"
