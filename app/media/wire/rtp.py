"""RTP packets as raw bytes: headers, extensions (RFC 8285), VP8 and H264 payloads. Pure.

Nothing here raises on hostile bytes: for a packet that cannot be read the result is ``None`` or
``False``.
"""

from __future__ import annotations

from struct import Struct

FIXED_HEADER = Struct("!BBHII")
HEADER_WITH_SEND_TIME = Struct("!BBHIIHHI")
"""The fixed header, then one extension of three bytes: abs-send-time or a transport-wide number."""

MAX_PACKET_BYTES = 2048
"""Browsers send at most 1,500 bytes, the MTU of Ethernet; a larger datagram is not looked at."""

MID_EXTENSION_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
AUDIO_LEVEL_EXTENSION_URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
ABS_SEND_TIME_EXTENSION_URI = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
RID_EXTENSION_URI = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID_EXTENSION_URI = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
TRANSPORT_CC_EXTENSION_URI = (
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
)


def is_rtp_or_rtcp(first_byte: int) -> bool:
    """RTP or RTCP, by the first byte (RFC 7983)."""
    return 127 < first_byte < 192


def is_vp8_key_frame(payload: bytes | bytearray) -> bool:
    """Whether the packet begins a VP8 key frame (RFC 7741, sections 4.2 and 4.3)."""
    size = len(payload)
    if size < 2 or payload[0] & 0x17 != 0x10:
        return False
    offset = 1
    if payload[0] & 0x80:
        flags = payload[1]
        offset = 2
        if flags & 0x80:
            if offset >= size:
                return False
            offset += 2 if payload[offset] & 0x80 else 1
        if flags & 0x40:
            offset += 1
        if flags & 0x30:
            offset += 1
    return offset < size and not payload[offset] & 1


def locate_vp8_numbers(packet: bytes | bytearray, start: int, end: int) -> tuple[int, bool, int]:
    """Where the picture id is (0: nowhere), whether it has 15 bits, and where tl0picidx is (0:
    nowhere); RFC 7741, section 4.2.
    """
    if start + 2 >= end or not packet[start] & 0x80:
        return 0, False, 0
    flags = packet[start + 1]
    position, picture, is_long, base = start + 2, 0, False, 0
    if flags & 0x80:
        picture, is_long = position, bool(packet[position] & 0x80)
        position += 2 if is_long else 1
    if flags & 0x40:
        base = position
        position += 1
    return (picture, is_long, base) if position <= end else (0, False, 0)


def read_vp8_numbers(packet: bytes | bytearray) -> tuple[int | None, int | None]:
    """Picture id and tl0picidx of a payload; ``None`` for what it does not carry."""
    picture, is_long, base = locate_vp8_numbers(packet, 0, len(packet))
    number = None
    if picture:
        number = (
            (packet[picture] & 0x7F) << 8 | packet[picture + 1]
            if is_long
            else packet[picture] & 0x7F
        )
    return number, packet[base] if base else None


def shift_vp8_numbers(packet: bytearray, start: int, end: int, pictures: int, bases: int) -> None:
    """Adds to picture id and tl0picidx in place; each wraps around on its own."""
    picture, is_long, base = locate_vp8_numbers(packet, start, end)
    if is_long:
        number = ((packet[picture] & 0x7F) << 8 | packet[picture + 1]) + pictures
        packet[picture], packet[picture + 1] = 0x80 | number >> 8 & 0x7F, number & 0xFF
    elif picture:
        packet[picture] = packet[picture] + pictures & 0x7F
    if base:
        packet[base] = packet[base] + bases & 0xFF


def is_h264_key_frame(payload: bytes | bytearray) -> bool:
    """Whether the packet begins an IDR picture or its parameter sets (RFC 6184, section 5)."""
    if len(payload) < 2:
        return False
    kind = payload[0] & 31
    if kind == 24 and len(payload) > 3:
        kind = payload[3] & 31
    if kind == 28:
        return bool(payload[1] & 0x80) and payload[1] & 31 == 5
    return kind in (5, 7)
