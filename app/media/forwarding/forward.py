"""The packet path: one datagram of one browser in, one packet for each subscription out.

Synchronous, without decisions: who receives whom, and what is paused, was decided before and stands
in ``publication.subscriptions``, a plain tuple. A packet that is dropped here is counted with its
reason in ``DROPPED_PACKETS``.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Protocol

from app.media.forwarding.drops import DROPPED_PACKETS
from app.media.forwarding.publication import (
    ARRIVED_DUPLICATE,
    ARRIVED_NEWER,
    CACHE_INDEX_MASK,
    Publication,
)
from app.media.limits import (
    FEEDBACK_COST_BYTES,
    PACKET_COST_BYTES,
    UPLINK_BURST_BYTES,
    UPLINK_BYTES_PER_SECOND,
)
from app.media.wire import rtp
from app.media.wire.aiortc_seam import INCOMING_BUFFER, OUTGOING_BUFFER
from app.media.wire.rewrite import (
    HALF_SEQUENCE_RANGE,
    SEQUENCE_MASK,
    TIMESTAMP_MASK,
    extend_sequence,
)

MAX_LEARNED_SSRCS = 16
"""Ssrcs of a connection that its offer did not announce: two layers of a camera and a screen, each
with its repair stream, need six; the rest is for browsers that change them. A seventeenth is
refused, so that nobody can fill the table.
"""
MAX_FORWARDED_PAYLOAD_BYTES = rtp.MAX_PACKET_BYTES - 256
"""Leaves room for our header (20 bytes) and the SRTP trailer (at most 148 bytes)."""

_pack_header = rtp.FIXED_HEADER.pack_into
_pack_header_with_extension = rtp.HEADER_WITH_SEND_TIME.pack_into
_read_header = rtp.FIXED_HEADER.unpack_from


class UnprotectingTransport(Protocol):
    """Decrypts a datagram into ``INCOMING_BUFFER``; returns its length, or 0 if it is not
    authentic.
    """

    @property
    def unprotect_rtp(self) -> Callable[[bytes], int]: ...
    @property
    def unprotect_rtcp(self) -> Callable[[bytes], int]: ...


class Uplink:
    """What one browser sends: which publication each ssrc belongs to, and what its extension ids
    mean.
    """

    def __init__(self, transport: UnprotectingTransport, on_rtcp: Callable[[bytes], None]) -> None:
        self.transport = transport
        self.on_rtcp = on_rtcp
        self.by_ssrc: dict[int, tuple[Publication, bool]] = {}
        """Ssrc to (publication, whether it is the repair stream)."""
        self.by_mid: dict[bytes, Publication] = {}
        self.by_rid: dict[bytes, Publication] = {}
        self.repair_types: frozenset[int] = frozenset()
        self.payload_types: dict[int, str] = {}
        """Payload type to codec key, for the codecs that the answer accepted."""
        self.mid_id = self.rid_id = self.repaired_rid_id = self.level_id = self.transport_cc_id = -1
        self.octets = 0
        self.heard_at = 0.0
        self.arrivals: dict[int, float] = {}
        """Transport-wide numbers, not extended, to arrival time, since the last feedback."""
        self.media_ssrc = 0
        self.refused = 0
        """Datagrams that were dropped because the seat had used up its share."""
        self._left_bytes = UPLINK_BURST_BYTES
        self._learned = 0
        self._highest_transport = -1

    def take(self, datagram: bytes) -> None:
        """Handles an SRTP or SRTCP datagram as it came from the socket."""
        size = len(datagram)
        self._left_bytes -= size + PACKET_COST_BYTES
        if self._left_bytes < 0:
            self.refused += 1
            DROPPED_PACKETS["share"] += 1
            return
        if size < 12:
            DROPPED_PACKETS["short"] += 1
            return
        if 191 < datagram[1] < 224:
            self._left_bytes -= FEEDBACK_COST_BYTES
            self._take_rtcp(datagram)
            return
        size = self.transport.unprotect_rtp(datagram)
        if not size:
            DROPPED_PACKETS["srtp"] += 1
            return
        now = self.heard_at = monotonic()
        self.octets += size
        packet = INCOMING_BUFFER
        first, second, sequence, timestamp, ssrc = _read_header(packet)
        start: int = 12 + (first & 15) * 4
        end = size
        if first & 0x20:
            end -= packet[size - 1]
        level, mid, rid, repaired = -1, None, None, None
        if first & 0x10:
            area: int = start + 4
            start = area + ((packet[area - 2] << 8) | packet[area - 1]) * 4
            if start > end:
                DROPPED_PACKETS["header"] += 1
                return
            if packet[area - 4] == 0xBE and packet[area - 3] == 0xDE:
                while area < start:
                    head = packet[area]
                    if not head:
                        area += 1
                        continue
                    identifier = head >> 4
                    if identifier == self.transport_cc_id:
                        self.arrivals[(packet[area + 1] << 8) | packet[area + 2]] = now
                        self.media_ssrc = ssrc
                    elif identifier == self.level_id:
                        level = packet[area + 1] & 127
                    elif identifier == self.mid_id:
                        mid = bytes(packet[area + 1 : area + 2 + (head & 15)])
                    elif identifier == self.rid_id:
                        rid = bytes(packet[area + 1 : area + 2 + (head & 15)])
                    elif identifier == self.repaired_rid_id:
                        repaired = bytes(packet[area + 1 : area + 2 + (head & 15)])
                    elif identifier == 15:
                        break
                    area += 2 + (head & 15)
        if start > end:
            DROPPED_PACKETS["padding"] += 1
            return
        known = self.by_ssrc.get(ssrc)
        if known is None:
            known = self._learn(ssrc, second & 127, mid, rid, repaired)
            if known is None:
                DROPPED_PACKETS["unknown_ssrc"] += 1
                return
        publication, is_repair = known
        if is_repair:
            if end - start < 2:
                DROPPED_PACKETS["probe"] += 1
                return
            sequence = (packet[start] << 8) | packet[start + 1]
            start += 2
            place = publication.repaired(sequence)
        else:
            if self.payload_types.get(second & 127) != publication.codec:
                DROPPED_PACKETS["payload_type"] += 1
                return
            place = publication.arrive(sequence, timestamp, now)
        if place == ARRIVED_DUPLICATE:
            DROPPED_PACKETS["duplicate"] += 1
            return
        if end - start > MAX_FORWARDED_PAYLOAD_BYTES:
            DROPPED_PACKETS["oversize"] += 1
            return
        if -1 < level < publication.level:
            publication.level = level
        payload = packet[start:end]
        if publication.recorder is not None:
            publication.recorder.take_packet(
                publication, sequence, timestamp, second & 0x80, payload, level, now
            )
        forward_packet(publication, second & 0x80, sequence, timestamp, payload, place, now)

    def replenish(self, seconds: float) -> None:
        """Adds the seat's share for this time. What it overdrew is forgiven."""
        self._left_bytes = min(
            UPLINK_BURST_BYTES, max(0, self._left_bytes) + int(seconds * UPLINK_BYTES_PER_SECOND)
        )

    def _take_rtcp(self, datagram: bytes) -> None:
        size = self.transport.unprotect_rtcp(datagram)
        if not size:
            DROPPED_PACKETS["srtcp"] += 1
            return
        self.heard_at = monotonic()
        self.on_rtcp(bytes(INCOMING_BUFFER[:size]))

    def take_arrivals(self) -> dict[int, int]:
        """Since the last call: extended transport-wide numbers to arrival times in units of
        250 µs.
        """
        highest = self._highest_transport
        taken: dict[int, int] = {}
        for number, at in self.arrivals.items():
            extended = number if highest < 0 else extend_sequence(number, highest)
            highest = max(highest, extended)
            taken[extended] = int(at * 4000)
        self.arrivals.clear()
        self._highest_transport = highest
        return taken

    def _learn(
        self,
        ssrc: int,
        payload_type: int,
        mid: bytes | None,
        rid: bytes | None,
        repaired: bytes | None,
    ) -> tuple[Publication, bool] | None:
        """Finds the publication of an ssrc that the offer did not announce, by the packet's mid,
        and by its rid if it is a simulcast layer (RFC 8843, section 9.2; RFC 8852).
        """
        publication = self.by_mid.get(mid) if mid is not None else None
        name = rid if rid is not None else repaired
        if publication is not None and publication.small is not None:
            publication = self.by_rid.get(name) if name is not None else None
        if publication is None or self._learned >= MAX_LEARNED_SSRCS:
            return None
        self._learned += 1
        is_repair = repaired is not None or payload_type in self.repair_types
        if not is_repair and publication.ssrc is None:
            publication.ssrc = ssrc
        if not is_repair and publication.ssrc != ssrc:
            return None
        self.by_ssrc[ssrc] = publication, is_repair
        return self.by_ssrc[ssrc]


def forward_packet(
    publication: Publication,
    marker: int,
    sequence: int,
    timestamp: int,
    payload: bytearray,
    place: int,
    now: float,
) -> None:
    """Caches the packet for retransmission and sends it to each subscription, renumbered for it."""
    publication.packets += 1
    publication.octets += len(payload)
    if publication.is_video:
        publication.cache[sequence & CACHE_INDEX_MASK] = (sequence, timestamp, marker, payload)
    for subscription in publication.subscriptions:
        if subscription.live is not publication:
            if place != ARRIVED_NEWER or not subscription.begins_with(
                publication, sequence, timestamp, now, payload
            ):
                continue
        elif (
            place != ARRIVED_NEWER
            and (sequence - subscription.oldest_sequence) & SEQUENCE_MASK >= HALF_SEQUENCE_RANGE
        ):
            continue
        if subscription.send_time_head:
            _pack_header_with_extension(
                OUTGOING_BUFFER,
                0,
                0x90,
                marker | subscription.payload_type,
                (sequence + subscription.sequence_offset) & SEQUENCE_MASK,
                (timestamp + subscription.timestamp_offset) & TIMESTAMP_MASK,
                subscription.ssrc,
                0xBEDE,
                1,
                subscription.send_time_head | int(now * 262144) & 0xFFFFFF,
            )
            start = 20
        elif subscription.take_number is not None:
            _pack_header_with_extension(
                OUTGOING_BUFFER,
                0,
                0x90,
                marker | subscription.payload_type,
                (sequence + subscription.sequence_offset) & SEQUENCE_MASK,
                (timestamp + subscription.timestamp_offset) & TIMESTAMP_MASK,
                subscription.ssrc,
                0xBEDE,
                1,
                subscription.transport_head | subscription.take_number() << 8,
            )
            start = 20
        else:
            _pack_header(
                OUTGOING_BUFFER,
                0,
                0x80,
                marker | subscription.payload_type,
                (sequence + subscription.sequence_offset) & SEQUENCE_MASK,
                (timestamp + subscription.timestamp_offset) & TIMESTAMP_MASK,
                subscription.ssrc,
            )
            start = 12
        end = start + len(payload)
        OUTGOING_BUFFER[start:end] = payload
        if subscription.shifts_numbers:
            rtp.shift_vp8_numbers(
                OUTGOING_BUFFER, start, end, subscription.picture_offset, subscription.base_offset
            )
        if not subscription.transport.send_rtp(end):
            DROPPED_PACKETS["unsent"] += 1
