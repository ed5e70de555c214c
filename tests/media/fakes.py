"""Stand-ins for the network side of a seat."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from app.media.forwarding.publication import Publication
from app.media.forwarding.subscription import Subscription
from app.media.messages import MediaKind
from app.media.wire.aiortc_seam import OUTGOING_BUFFER

KEY_FRAME = bytearray(b"\x10\x00\x00key")
DELTA_FRAME = bytearray(b"\x10\x01\x00delta")


@dataclass(frozen=True)
class Sent:
    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


class Wire:
    """Keeps what would have been encrypted and sent."""

    def __init__(self) -> None:
        self.packets: list[Sent] = []
        self.rtcp: list[bytes] = []

    def send_rtp(self, size: int) -> bool:
        packet = bytes(OUTGOING_BUFFER[:size])
        first, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", packet)
        start = 20 if first & 0x10 else 12
        self.packets.append(
            Sent(bool(second & 0x80), second & 127, sequence, timestamp, ssrc, packet[start:])
        )
        return True

    def send_rtcp(self, packet: bytes) -> bool:
        self.rtcp.append(packet)
        return True


def a_camera(seat: str = "ana") -> Publication:
    return Publication(seat, MediaKind.VIDEO, "vp8", 90_000, ssrc=1000)


def a_microphone(seat: str = "ana") -> Publication:
    return Publication(seat, MediaKind.AUDIO, "opus", 48_000, ssrc=2000)


def a_slot(wire: Wire, is_video: bool = True) -> Subscription:
    types = {"vp8": (96, 97)} if is_video else {"opus": (111, None)}
    return Subscription(
        wire, 42, 43 if is_video else None, types, 3 if is_video else None, is_video
    )  # type: ignore[arg-type]
