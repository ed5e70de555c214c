"""The messages between the web and a media node: Socket.IO, namespace ``/node``.

The node is the client: it connects to the web with ``NodeAuth``. The web sends commands with
``call()`` and gets an answer; the node emits events. Each command has a ``command_id``: the same id
sent again gets the first answer again and changes nothing.

An answer is ``{"ok": true, ...}`` or ``{"error": code, "message": sentence}``; see
``CommandAnswered``, ``OfferAnswered`` and ``CommandRefused``.

Pure pydantic: the web imports this module without importing aiortc.
"""

from __future__ import annotations

import hmac
from enum import StrEnum
from typing import Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import BaseModel, ConfigDict, Field

from app.media.messages_recording import RecordingSet

NODE_NAMESPACE = "/node"
NODE_COMMAND_WAIT_SECONDS = 3.0
NODE_HEARTBEAT_INTERVAL_SECONDS = 2.0
MAX_SLOTS = 7
MAX_SDP_CHARACTERS = 100_000

OpaqueId = str
"""Ids of rooms, seats and connections: opaque to the node, at most 80 characters."""


def derive_node_secret(secret_key: str) -> str:
    """The shared secret of web and node, derived by both from ``CONSILIUM_SECRET_KEY``."""
    derivation = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"consilium media node")
    return derivation.derive(secret_key.encode()).hex()


def is_node_secret(secret_key: str, offered: object) -> bool:
    """Whether ``offered`` is the node secret. Compares in constant time."""
    return isinstance(offered, str) and hmac.compare_digest(
        derive_node_secret(secret_key).encode(), offered.encode()
    )


class _NodeMessage(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class NodeAuth(_NodeMessage):
    """The ``auth`` of the node's connection."""

    node: str = Field(min_length=1, max_length=80)
    secret: str


# --- commands, web -> node ---


class NodeCommand(StrEnum):
    SEAT_OFFER = "seat.offer"
    ROUTES_SET = "routes.set"
    SEAT_PREFER = "seat.prefer"
    SEAT_CLOSE = "seat.close"
    ROOM_CLOSE = "room.close"
    RECORDING_SET = "recording.set"
    PING = "ping"


class _CommandMessage(_NodeMessage):
    command_id: str = Field(min_length=1, max_length=80)


class SlotSections(_NodeMessage):
    """The two receiving media sections of one slot, by their mid."""

    audio: str = Field(max_length=16)
    video: str = Field(max_length=16)


class SimulcastLayer(StrEnum):
    """The layers of a camera that sends two sizes at once (RFC 8853)."""

    SMALL = "small"
    LARGE = "large"


class MediaSections(_NodeMessage):
    """What each media section of the offer is, by its mid; ``None`` for one that is not offered."""

    mic: str | None = Field(default=None, max_length=16)
    camera: str | None = Field(default=None, max_length=16)
    screen: str | None = Field(default=None, max_length=16)
    slots: tuple[SlotSections, ...] = Field(default=(), max_length=MAX_SLOTS)
    stage: str | None = Field(default=None, max_length=16)
    prefers: SimulcastLayer | None = None
    """The largest layer that this browser wants: a phone says ``small``."""


class SeatOffer(_CommandMessage):
    """A browser's only offer for its seat. Ends the connection that the seat had before.

    Answered by ``OfferAnswered``, or refused: ``malformed_sdp``, ``full`` (no budget for another
    room or seat on this node), ``draining``, ``invalid``.
    """

    room: OpaqueId = Field(min_length=1, max_length=80)
    seat: OpaqueId = Field(min_length=1, max_length=80)
    connection: OpaqueId = Field(min_length=1, max_length=80)
    sdp: str = Field(max_length=MAX_SDP_CHARACTERS)
    lines: MediaSections


class MediaKind(StrEnum):
    AUDIO = "audio"
    VIDEO = "video"
    SCREEN = "screen"


class StreamPriority(StrEnum):
    """What a weak connection keeps longest. Pictures are paused before voices, whatever their
    priority.

    ``essential``: an interpreter's voice for those who need it. It is never paused, and other
    voices are paused only for listeners who have one. ``background``: what the listener hears
    softly (ducked).
    """

    ESSENTIAL = "essential"
    ORDINARY = "ordinary"
    BACKGROUND = "background"


class MediaRoute(_NodeMessage):
    """One source that a listener receives. ``slot`` is the number of the listener's slot; a screen
    takes the stage instead.
    """

    source: OpaqueId = Field(max_length=80)
    kind: MediaKind
    slot: int | None = Field(default=None, ge=0, lt=MAX_SLOTS)
    priority: StreamPriority = StreamPriority.ORDINARY


class RoutesSet(_CommandMessage):
    """Who receives whom: each time the whole table of the room. A ``version`` that is not newer is
    ignored.

    Seats that are not connected yet may be named: their routes take effect when they connect. A
    room that does not exist yet is created with its table, before its first seat is offered.
    """

    room: OpaqueId = Field(min_length=1, max_length=80)
    version: int = Field(ge=0)
    routes: dict[OpaqueId, tuple[MediaRoute, ...]]


class SeatPrefer(_CommandMessage):
    """Whose pictures a browser shows large; the others are sent small. ``None``: the node decides
    by who speaks.

    Valid until the connection ends. Ignored if the seat has no connection.
    """

    room: OpaqueId = Field(min_length=1, max_length=80)
    seat: OpaqueId = Field(min_length=1, max_length=80)
    large: tuple[OpaqueId, ...] | None = Field(default=None, max_length=MAX_SLOTS)


class SeatClose(_CommandMessage):
    room: OpaqueId = Field(min_length=1, max_length=80)
    seat: OpaqueId = Field(min_length=1, max_length=80)


class RoomClose(_CommandMessage):
    room: OpaqueId = Field(min_length=1, max_length=80)


class NodePing(_CommandMessage):
    """Answered by ``CommandAnswered``: the node is alive."""


class CommandAnswered(_NodeMessage):
    ok: Literal[True] = True


class OfferAnswered(CommandAnswered):
    """``sdp`` is the answer, including all candidates."""

    sdp: str


class CommandRefused(_NodeMessage):
    """``error`` is a code for programs, ``message`` an English sentence for the log."""

    error: Literal[
        "malformed_sdp", "full", "draining", "busy", "invalid", "unknown_command", "failed"
    ]
    message: str


COMMAND_MESSAGES: dict[NodeCommand, type[_CommandMessage] | type[RecordingSet]] = {
    NodeCommand.SEAT_OFFER: SeatOffer,
    NodeCommand.ROUTES_SET: RoutesSet,
    NodeCommand.SEAT_PREFER: SeatPrefer,
    NodeCommand.SEAT_CLOSE: SeatClose,
    NodeCommand.ROOM_CLOSE: RoomClose,
    NodeCommand.RECORDING_SET: RecordingSet,
    NodeCommand.PING: NodePing,
}


# --- events, node -> web ---


class NodeEvent(StrEnum):
    HELLO = "node.hello"
    HEARTBEAT = "node.heartbeat"
    SEAT_STATE = "seat.state"
    ROOM_SPEAKING = "room.speaking"
    SEAT_QUALITY = "seat.quality"
    SEAT_STREAMS = "seat.streams"
    RECORDING_STOPPED = "recording.stopped"


class NodeHello(_NodeMessage):
    """Sent after each connect: what this node is, and which rooms it has."""

    node: str
    capacity: int
    rooms: tuple[RoomPresence, ...]


class RoomPresence(_NodeMessage):
    """A room on the node, with the version of its routes and the connection in each seat."""

    room: OpaqueId
    version: int
    seats: dict[OpaqueId, OpaqueId]


class NodeHeartbeat(_NodeMessage):
    """Sent every two seconds. ``load`` is how much of its one CPU core the node uses, 0.0
    to 1.0.
    """

    node: str
    rooms: int
    seats: int
    load: float


class ConnectionState(StrEnum):
    CONNECTING = "connecting"
    CONNECTED = "connected"
    FAILED = "failed"
    CLOSED = "closed"


class SeatState(_NodeMessage):
    """The state of one connection. Compare ``connection``: a replaced connection may close after
    the new one has opened.
    """

    room: OpaqueId
    seat: OpaqueId
    connection: OpaqueId
    state: ConnectionState


class RoomSpeaking(_NodeMessage):
    """Sent on change, at most five times a second. Levels are in -dBov (RFC 6464): 0 is loudest,
    127 is silence.
    """

    room: OpaqueId
    levels: dict[OpaqueId, int]
    speaker: OpaqueId | None


class DegradationStep(StrEnum):
    """How much a listener is missing, in the order of pausing; recovery goes the other way."""

    FULL = "full"
    SMALL_PICTURES = "small_pictures"
    FEWER_PICTURES = "fewer_pictures"
    NO_PICTURES = "no_pictures"
    FEWER_VOICES = "fewer_voices"
    INTERPRETER_ONLY = "interpreter_only"


class PausedStream(_NodeMessage):
    """A stream that the routes give a listener, but that the connection is too weak for."""

    source: OpaqueId
    kind: MediaKind


class SeatStreams(_NodeMessage):
    """A step down or up for one listener, sent at once; the page explains it in words."""

    room: OpaqueId
    seat: OpaqueId
    step: DegradationStep
    paused: tuple[PausedStream, ...] = ()


class SeatQuality(_NodeMessage):
    """Sent every two seconds for each connected seat. Losses are shares from 0.0 to 1.0, rates are
    in bit/s.
    """

    room: OpaqueId
    seat: OpaqueId
    rtt_ms: float | None
    loss_up: float
    loss_down: float
    bitrate_up: int
    bitrate_down: int
    video_paused: bool
    step: DegradationStep = DegradationStep.FULL
    paused: tuple[PausedStream, ...] = ()


NodeHello.model_rebuild()
