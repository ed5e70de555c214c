"""Reads and writes RTCP: reports, requests for key frames and lost packets, bandwidth feedback
(RFC 3550, 4585, 5104). Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from struct import pack, unpack_from

PT_SR, PT_RR, PT_SDES, PT_BYE, PT_RTPFB, PT_PSFB = 200, 201, 202, 203, 205, 206
FMT_NACK, FMT_TRANSPORT_CC = 1, 15
FMT_PLI, FMT_FIR, FMT_AFB = 1, 4, 15

NTP_EPOCH_OFFSET_SECONDS = 2208988800
MAX_REPORT_BLOCKS = 31
"""The count has five bits (RFC 3550, section 6.4.2)."""
MAX_TRANSPORT_FEEDBACK_PACKETS = 4000
"""A larger feedback packet is ignored: browsers report about 100 packets at a time."""
MAX_NACKED_PACKETS = 600
"""What lies beyond is ignored: a listener gets no more repairs in a second anyway."""


@dataclass(frozen=True, slots=True)
class SenderReport:
    ssrc: int
    ntp: int
    rtp_time: int

    @property
    def middle(self) -> int:
        """The middle 32 bits, which a receiver returns as LSR (RFC 3550, section 6.4.1)."""
        return (self.ntp >> 16) & 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """``lost`` may be negative (duplicates); ``jitter`` in RTP ticks; ``delay`` in 1/65536 s."""

    ssrc: int
    fraction: float
    lost: int
    highest: int
    jitter: int
    last_report: int
    delay: int


@dataclass(frozen=True, slots=True)
class GenericNack:
    ssrc: int
    sequences: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyFrameRequest:
    ssrc: int


@dataclass(frozen=True, slots=True)
class RembEstimate:
    """REMB (draft-alvestrand-rmcat-remb-03)."""

    bitrate: int


@dataclass(frozen=True, slots=True)
class TransportFeedback:
    """When our packets with transport-wide numbers arrived, from number ``first`` on; ``None`` for
    a packet that did not.

    Times are in units of 250 µs of the browser's clock, which wraps around.
    """

    first: int
    arrivals: tuple[int | None, ...]


RtcpFeedback = (
    SenderReport | ReportBlock | GenericNack | KeyFrameRequest | RembEstimate | TransportFeedback
)


def read_rtcp(data: bytes | bytearray) -> Iterator[RtcpFeedback]:
    """Reads a compound packet, up to the first part that is malformed."""
    position, end = 0, len(data)
    while position + 4 <= end:
        first, kind, words = unpack_from("!BBH", data, position)
        stop = position + 4 + words * 4
        if first >> 6 != 2 or stop > end:
            return
        yield from _read_packet(first & 31, kind, data[position + 4 : stop])
        position = stop


def _read_packet(count: int, kind: int, body: bytes | bytearray) -> Iterator[RtcpFeedback]:
    size = len(body)
    if kind == PT_SR and size >= 24:
        ssrc, ntp, rtp_time = unpack_from("!IQI", body)
        yield SenderReport(ssrc, ntp, rtp_time)
        yield from _read_blocks(count, body, 24)
    elif kind == PT_RR and size >= 4:
        yield from _read_blocks(count, body, 4)
    elif kind == PT_RTPFB and count == FMT_NACK and size >= 12:
        yield GenericNack(
            unpack_from("!I", body, 4)[0],
            tuple(islice(_read_nacked_sequences(body), MAX_NACKED_PACKETS)),
        )
    elif kind == PT_RTPFB and count == FMT_TRANSPORT_CC and size >= 16:
        if (told := _read_transport_feedback(body)) is not None:
            yield told
    elif kind == PT_PSFB and size >= 8:
        yield from _read_payload_feedback(count, body)


def _read_blocks(count: int, body: bytes | bytearray, offset: int) -> Iterator[ReportBlock]:
    for start in range(offset, min(len(body) - 23, offset + count * 24), 24):
        ssrc, loss, highest, jitter, last_report, delay = unpack_from("!IIIIII", body, start)
        lost = loss & 0xFFFFFF
        yield ReportBlock(
            ssrc,
            (loss >> 24) / 256,
            lost - (1 << 24) if lost & 0x800000 else lost,
            highest,
            jitter,
            last_report,
            delay,
        )


def _read_nacked_sequences(body: bytes | bytearray) -> Iterator[int]:
    for start in range(8, len(body) - 3, 4):
        first, mask = unpack_from("!HH", body, start)
        yield first
        for bit in range(16):
            if mask >> bit & 1:
                yield (first + bit + 1) & 0xFFFF


def _read_transport_feedback(body: bytes | bytearray) -> TransportFeedback | None:
    first, count, reference = unpack_from("!HHI", body, 8)
    if not 0 < count <= MAX_TRANSPORT_FEEDBACK_PACKETS:
        return None
    symbols: list[int] = []
    position, size = 16, len(body)
    while len(symbols) < count:
        if position + 2 > size:
            return None
        chunk = unpack_from("!H", body, position)[0]
        position += 2
        if not chunk & 0x8000:
            symbols += [chunk >> 13] * min(chunk & 0x1FFF, count)
        elif chunk & 0x4000:
            symbols += [chunk >> shift & 3 for shift in range(12, -2, -2)]
        else:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    clock = (reference >> 8) * 256
    arrivals: list[int | None] = []
    for symbol in symbols[:count]:
        width = (0, 1, 2, 0)[symbol]
        if not width:
            arrivals.append(None)
            continue
        if position + width > size:
            return None
        clock += body[position] if width == 1 else unpack_from("!h", body, position)[0]
        position += width
        arrivals.append(clock)
    return TransportFeedback(first, tuple(arrivals))


def _read_payload_feedback(count: int, body: bytes | bytearray) -> Iterator[RtcpFeedback]:
    if count == FMT_PLI:
        yield KeyFrameRequest(unpack_from("!I", body, 4)[0])
    elif count == FMT_FIR:
        for start in range(8, len(body) - 7, 8):
            yield KeyFrameRequest(unpack_from("!I", body, start)[0])
    elif count == FMT_AFB and len(body) >= 16 and body[8:12] == b"REMB":
        exponent, mantissa = body[13] >> 2, (body[13] & 3) << 16 | body[14] << 8 | body[15]
        yield RembEstimate(mantissa << exponent)


# --- writing ---


def build_pli(sender: int, media: int) -> bytes:
    return pack("!BBHII", 0x80 | FMT_PLI, PT_PSFB, 2, sender, media)


def build_nack(sender: int, media: int, sequences: Iterable[int]) -> bytes:
    """A generic NACK (RFC 4585, section 6.2.1). ``sequences`` are in the order of the stream."""
    pairs: list[list[int]] = []
    for sequence in sequences:
        ahead = (sequence - pairs[-1][0]) & 0xFFFF if pairs else 0
        if pairs and 0 < ahead <= 16:
            pairs[-1][1] |= 1 << (ahead - 1)
        else:
            pairs.append([sequence & 0xFFFF, 0])
    body = b"".join(pack("!HH", first, mask) for first, mask in pairs)
    return pack("!BBHII", 0x80 | FMT_NACK, PT_RTPFB, 2 + len(pairs), sender, media) + body


def build_sender_report(ssrc: int, ntp: int, rtp_time: int, packets: int, octets: int) -> bytes:
    """A sender report with a CNAME, which a compound packet must have (RFC 3550, section 6.1)."""
    head = pack(
        "!BBHIQIII",
        0x80,
        PT_SR,
        6,
        ssrc,
        ntp,
        rtp_time & 0xFFFFFFFF,
        packets & 0xFFFFFFFF,
        octets & 0xFFFFFFFF,
    )
    return head + pack("!BBHIBB5sx", 0x81, PT_SDES, 3, ssrc, 1, 5, b"media")


def build_receiver_report(sender: int, blocks: Sequence[ReportBlock]) -> bytes:
    """A receiver report. Without blocks it still tells the other end that this one is alive."""
    blocks = blocks[:MAX_REPORT_BLOCKS]
    body = b"".join(
        pack(
            "!IIIIII",
            block.ssrc,
            min(255, int(block.fraction * 256)) << 24 | block.lost & 0xFFFFFF,
            block.highest & 0xFFFFFFFF,
            block.jitter & 0xFFFFFFFF,
            block.last_report,
            block.delay & 0xFFFFFFFF,
        )
        for block in blocks
    )
    return pack("!BBHI", 0x80 | len(blocks), PT_RR, 1 + 6 * len(blocks), sender) + body


def build_transport_feedback(
    sender: int, media: int, count: int, arrivals: dict[int, int]
) -> bytes:
    """Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1).

    ``arrivals`` maps extended transport sequence numbers to arrival times in units of 250 µs. It is
    not empty and spans at most 65,535 numbers; a step longer than 8 s is written as 8 s. ``count``
    numbers the feedback packets, modulo 256.
    """
    first, last = min(arrivals), max(arrivals)
    reference = arrivals[first] // 256
    clock = reference * 256
    symbols: list[int] = []
    deltas: list[bytes] = []
    for sequence in range(first, last + 1):
        at = arrivals.get(sequence)
        if at is None:
            symbols.append(0)
            continue
        delta = at - clock
        if 0 <= delta < 256:
            symbols.append(1)
            deltas.append(pack("!B", delta))
        else:
            delta = max(-32768, min(32767, delta))
            symbols.append(2)
            deltas.append(pack("!h", delta))
        clock += delta
    head = pack("!HHI", first & 0xFFFF, len(symbols), (reference & 0xFFFFFF) << 8 | count & 0xFF)
    body = head + _pack_status_chunks(symbols) + b"".join(deltas)
    padding = -len(body) % 4
    if padding:
        body += bytes(padding - 1) + bytes([padding])
    flags = 0x80 | (0x20 if padding else 0) | FMT_TRANSPORT_CC
    return pack("!BBHII", flags, PT_RTPFB, 2 + len(body) // 4, sender, media) + body


def _pack_status_chunks(symbols: list[int]) -> bytes:
    """Packs runs as run-length chunks, and the rest as two-bit status vectors."""
    chunks: list[bytes] = []
    position, size = 0, len(symbols)
    while position < size:
        symbol = symbols[position]
        run = position
        while run < size and run - position < 8191 and symbols[run] == symbol:
            run += 1
        if run - position >= 7 or run == size:
            chunks.append(pack("!H", symbol << 13 | run - position))
            position = run
            continue
        vector = 0
        for index in range(7):
            vector = vector << 2 | (symbols[position + index] if position + index < size else 0)
        chunks.append(pack("!H", 0xC000 | vector))
        position += 7
    return b"".join(chunks)
