"""What the web and a media node say to one another over Socket.IO, namespace ``/node``.

The node is the client: it connects to the web with ``NodeAuth``. The web sends commands with
``call()`` and gets an answer; the node emits events. A command carries a ``command_id``: the same
id sent again gets the first answer again and changes nothing.

An answer is ``{"ok": true, ...}`` or ``{"error": code, "message": sentence}``; see ``Answered``,
``OfferAnswered`` and ``Refused``.

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

NAMESPACE = "/node"
COMMAND_LIMIT_SECONDS = 3.0
HEARTBEAT_SECONDS = 2.0
MAX_SLOTS = 7
MAX_SDP_CHARACTERS = 100_000

Id = str
"""Ids of rooms, seats and connections: opaque to the node, at most 80 characters."""


def node_secret(secret_key: str) -> str:
    """The shared secret of web and node, derived by both from ``CONSILIUM_SECRET_KEY``."""
    derivation = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"consilium media node")
    return derivation.derive(secret_key.encode()).hex()


def is_node_secret(secret_key: str, offered: object) -> bool:
    """Whether ``offered`` is the node secret; takes the same time whatever was offered."""
    return isinstance(offered, str) and hmac.compare_digest(
        node_secret(secret_key).encode(), offered.encode()
    )


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class NodeAuth(_Message):
    """The ``auth`` of the node's connection."""

    node: str = Field(min_length=1, max_length=80)
    secret: str


# ---------------------------------------------------------------- commands, web -> node


class Command(StrEnum):
    SEAT_OFFER = "seat.offer"
    ROUTES_SET = "routes.set"
    SEAT_PREFER = "seat.prefer"
    SEAT_CLOSE = "seat.close"
    ROOM_CLOSE = "room.close"
    RECORDING_SET = "recording.set"
    PING = "ping"


class _Command(_Message):
    command_id: str = Field(min_length=1, max_length=80)


class SlotLines(_Message):
    """The two receiving lines of one slot, by ``a=mid``."""

    audio: str = Field(max_length=16)
    video: str = Field(max_length=16)


class Layer(StrEnum):
    """Of a camera that sends two pictures at once."""

    SMALL = "small"
    LARGE = "large"


class Lines(_Message):
    """Which line of the offer is what, by ``a=mid``; a line that is not offered is ``None``."""

    mic: str | None = Field(default=None, max_length=16)
    camera: str | None = Field(default=None, max_length=16)
    screen: str | None = Field(default=None, max_length=16)
    slots: tuple[SlotLines, ...] = Field(default=(), max_length=MAX_SLOTS)
    stage: str | None = Field(default=None, max_length=16)
    prefers: Layer | None = None
    """The largest picture that this browser has use for: a phone says ``small``."""


class SeatOffer(_Command):
    """A browser's one offer for its seat. Evicts whatever connection the seat had.

    Answered by ``OfferAnswered``, or refused: ``malformed_sdp``, ``full`` (no budget for another
    room or seat on this node), ``draining``, ``invalid``.
    """

    room: Id = Field(min_length=1, max_length=80)
    seat: Id = Field(min_length=1, max_length=80)
    connection: Id = Field(min_length=1, max_length=80)
    sdp: str = Field(max_length=MAX_SDP_CHARACTERS)
    lines: Lines


class Kind(StrEnum):
    AUDIO = "audio"
    VIDEO = "video"
    SCREEN = "screen"


class Priority(StrEnum):
    """What a narrow line gives up first. Pictures go before voices whatever their priority.

    ``essential``: an interpreter's voice to those who need it; never given up, and only where a
    listener has one are other voices given up for it. ``background``: what the listener hears
    softly (ducked).
    """

    ESSENTIAL = "essential"
    ORDINARY = "ordinary"
    BACKGROUND = "background"


class Route(_Message):
    """One source that a listener receives. ``slot`` counts in the listener's slots; screens take
    the stage.
    """

    source: Id = Field(max_length=80)
    kind: Kind
    slot: int | None = Field(default=None, ge=0, lt=MAX_SLOTS)
    priority: Priority = Priority.ORDINARY


class RoutesSet(_Command):
    """Who receives whom: the whole table of the room, each time. A ``version`` not newer is
    ignored.

    Seats that are not connected yet may be named: their routes take effect when they arrive. A room
    that does not exist yet keeps its table for when its first seat is offered.
    """

    room: Id = Field(min_length=1, max_length=80)
    version: int = Field(ge=0)
    routes: dict[Id, tuple[Route, ...]]


class SeatPrefer(_Command):
    """Whose pictures a browser shows large; the others come small. ``None``: the node decides by
    who speaks.

    Holds until the connection ends. A seat that is not there is ignored.
    """

    room: Id = Field(min_length=1, max_length=80)
    seat: Id = Field(min_length=1, max_length=80)
    large: tuple[Id, ...] | None = Field(default=None, max_length=MAX_SLOTS)


class SeatClose(_Command):
    room: Id = Field(min_length=1, max_length=80)
    seat: Id = Field(min_length=1, max_length=80)


class RoomClose(_Command):
    room: Id = Field(min_length=1, max_length=80)


class Ping(_Command):
    """Answered by ``Answered``: the node is alive."""


class Answered(_Message):
    ok: Literal[True] = True


class OfferAnswered(Answered):
    """``sdp`` is the answer, with every candidate inside."""

    sdp: str


class Refused(_Message):
    """``error`` is a code for programs, ``message`` an English sentence for the log."""

    error: Literal[
        "malformed_sdp", "full", "draining", "busy", "invalid", "unknown_command", "failed"
    ]
    message: str


COMMANDS: dict[Command, type[_Command] | type[RecordingSet]] = {
    Command.SEAT_OFFER: SeatOffer,
    Command.ROUTES_SET: RoutesSet,
    Command.SEAT_PREFER: SeatPrefer,
    Command.SEAT_CLOSE: SeatClose,
    Command.ROOM_CLOSE: RoomClose,
    Command.RECORDING_SET: RecordingSet,
    Command.PING: Ping,
}


# ---------------------------------------------------------------- events, node -> web


class Event(StrEnum):
    HELLO = "node.hello"
    HEARTBEAT = "node.heartbeat"
    SEAT_STATE = "seat.state"
    ROOM_SPEAKING = "room.speaking"
    SEAT_QUALITY = "seat.quality"
    SEAT_STREAMS = "seat.streams"
    RECORDING_STOPPED = "recording.stopped"


class NodeHello(_Message):
    """Sent after each connect: what this node is and which rooms it still carries."""

    node: str
    capacity: int
    rooms: tuple[RoomPresence, ...]


class RoomPresence(_Message):
    """A room that the node carries, with the version of its routes and the connection in each
    seat.
    """

    room: Id
    version: int
    seats: dict[Id, Id]


class NodeHeartbeat(_Message):
    """Every two seconds. ``load`` is the share of the packet core in use, 0.0 to 1.0."""

    node: str
    rooms: int
    seats: int
    load: float


class ConnectionState(StrEnum):
    CONNECTING = "connecting"
    CONNECTED = "connected"
    FAILED = "failed"
    CLOSED = "closed"


class SeatState(_Message):
    """What became of one connection. Compare ``connection``: an evicted one may close after its
    successor opens.
    """

    room: Id
    seat: Id
    connection: Id
    state: ConnectionState


class RoomSpeaking(_Message):
    """On change, at most five a second. Levels are -dBov: 0 is loudest, 127 is silence."""

    room: Id
    levels: dict[Id, int]
    speaker: Id | None


class Step(StrEnum):
    """How far a listener's line is narrowed, in this order; recovery goes the other way."""

    FULL = "full"
    SMALL_PICTURES = "small_pictures"
    FEWER_PICTURES = "fewer_pictures"
    NO_PICTURES = "no_pictures"
    FEWER_VOICES = "fewer_voices"
    INTERPRETER_ONLY = "interpreter_only"


class PausedStream(_Message):
    """What a listener should receive by the routes and does not, for the line is too narrow."""

    source: Id
    kind: Kind


class SeatStreams(_Message):
    """A step down or up for one listener, told at once; the page says it in words."""

    room: Id
    seat: Id
    step: Step
    paused: tuple[PausedStream, ...] = ()


class SeatQuality(_Message):
    """Every two seconds for each connected seat. Losses are shares from 0.0 to 1.0, rates bit/s."""

    room: Id
    seat: Id
    rtt_ms: float | None
    loss_up: float
    loss_down: float
    bitrate_up: int
    bitrate_down: int
    video_paused: bool
    step: Step = Step.FULL
    paused: tuple[PausedStream, ...] = ()


NodeHello.model_rebuild()
