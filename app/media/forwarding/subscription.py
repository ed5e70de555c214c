"""One outgoing stream: a slot of a listener. One publication after another fills it, and the
listener's decoder sees a single continuous stream.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from struct import pack_into
from typing import Protocol

from app.media.bandwidth.probe import PROBE_PADDING_BYTES
from app.media.bandwidth.stream import PACKET_OVERHEAD_BYTES
from app.media.forwarding.publication import CACHE_INDEX_MASK, CachedPacket, Publication
from app.media.messages import StreamPriority
from app.media.wire import rtcp as feedback
from app.media.wire import rtp
from app.media.wire.aiortc_seam import OUTGOING_BUFFER
from app.media.wire.rewrite import (
    HALF_SEQUENCE_RANGE,
    SEQUENCE_MASK,
    TIMESTAMP_MASK,
    compute_sequence_offset,
    compute_timestamp_offset,
)

REPAIRABLE_PACKETS = 2000
"""How far back a retransmission may reach: more than the cache holds, less than half of the 16-bit
sequence range.
"""
MAX_REPAIRS_PER_SECOND = 600
"""Retransmissions for one listener's stream: more than a camera sends in a second, so that only
hostile requests meet this limit.
"""
REPAIR_INTERVAL_SECONDS = 0.02
"""A packet is not sent again within this time: the listener's second request was already
under way.
"""
LOSS_SMOOTHING_FACTOR = 0.4
"""Weight of the newest receiver report. A report covers about a second, perhaps 30 packets: one
alone says little.
"""


class SendingTransport(Protocol):
    """``send_rtp`` protects and sends the first ``size`` bytes of ``OUTGOING_BUFFER``."""

    @property
    def send_rtp(self) -> Callable[[int], bool]: ...
    @property
    def send_rtcp(self) -> Callable[[bytes], bool]: ...


class Subscription:
    """One media section of a listener's browser that receives. Its ssrc and its numbering last as
    long as the connection.

    Fulfils ``Subscriber`` (packet path) and ``ControlledStream`` (bandwidth control).
    """

    def __init__(
        self,
        transport: SendingTransport,
        ssrc: int,
        rtx_ssrc: int | None,
        payload_types: dict[str, tuple[int, int | None]],
        send_time_id: int | None,
        is_video: bool,
        transport_id: int | None = None,
    ) -> None:
        self.transport = transport
        self.ssrc = ssrc
        self.rtx_ssrc = rtx_ssrc
        self.is_video = is_video
        self.source: Publication | None = None
        """What fills the slot: of a camera with two layers, the layer that is shown or awaited."""
        self.live: Publication | None = None
        """What is forwarded now. ``None``, or the previous layer, while the source's first packet
        (a key frame if it is video) is awaited.
        """
        self.camera: Publication | None = None
        """What the routes assigned: the large layer."""
        self.wants_small = False
        """Whether the listener prefers the small layer."""
        self.is_shrunk = False
        """Whether the connection can carry the small layer only."""
        self.picture_offset = self.base_offset = 0
        self.shifts_numbers = False
        self.is_paused = False
        self.payload_type = 0
        self.sequence_offset = 0
        self.timestamp_offset = 0
        self.oldest_sequence = 0
        self.send_time_head = (send_time_id << 4 | 2) << 24 if is_video and send_time_id else 0
        self.loss = 0.0
        self.rtt: float | None = None
        self.nacked_packets = 0
        """Packets that the listener asked for again, each counted once."""
        self.priority = StreamPriority.ORDINARY
        self.is_stage = False
        self.take_number: Callable[[], int] | None = None
        """Gives transport-wide numbers while audio is watched packet by packet; else ``None``."""
        self.transport_head = (transport_id << 4 | 1) << 24 if transport_id else 0

        self._payload_types = payload_types
        self._first_repair_type = next(
            (repair for _, repair in payload_types.values() if repair is not None), None
        )
        self._repair_type: int | None = None
        self._repair_sequence = 0
        self._repairs_left = MAX_REPAIRS_PER_SECOND
        self._repaired_at: dict[int, float] = {}
        self._last_sequence = ssrc & 0x3FFF
        self._last_timestamp = ssrc
        self._last_picture: int | None = None
        self._last_base: int | None = None
        self._last_sent = 0.0
        self._packets = 0
        self._octets = 0
        self._packets_at_start = 0
        self._octets_at_start = 0
        self._report_sent: dict[int, float] = {}

    # --- what fills the slot ---

    @property
    def has_source(self) -> bool:
        return self.source is not None

    def bind(self, source: Publication) -> None:
        """Forwards ``source`` here, from its next key frame on. Binding it again changes
        nothing.
        """
        if self.camera is source:
            return
        self.unbind()
        if source.codec not in self._payload_types:
            return
        self.camera = source
        self.payload_type, self._repair_type = self._payload_types[source.codec]
        self.source = self._layer(time.monotonic())
        if not self.is_paused:
            self._enter()

    def unbind(self) -> None:
        self._leave()
        self.source = self.camera = None
        self.is_shrunk = False

    def pause(self) -> None:
        self.loss = 0.0
        if not self.is_paused:
            self._leave()
            self.is_paused = True

    def resume(self) -> None:
        if self.is_paused:
            self.is_paused = False
            self._enter()

    # --- which layer ---

    @property
    def can_shrink(self) -> bool:
        """Whether a smaller layer than the one that the listener prefers exists."""
        return (
            self.camera is not None
            and self.camera.small is not None
            and not (self.wants_small or self.is_shrunk)
        )

    def shrink(self) -> None:
        self.is_shrunk = True
        self.choose_layer(time.monotonic())

    def grow(self) -> None:
        self.is_shrunk = False
        self.choose_layer(time.monotonic())

    def _layer(self, now: float) -> Publication | None:
        large = self.camera
        small = large.small if large is not None else None
        if large is None or small is None:
            return large
        if self.wants_small or self.is_shrunk:
            return small if small.flows(now) or not large.flows(now) else large
        return large if large.flows(now) or not small.flows(now) else small

    def choose_layer(self, now: float) -> None:
        """Switches to the layer that fits. The old layer is shown until the new one's key frame has
        arrived.
        """
        wanted = self._layer(now)
        if wanted is self.source or wanted is None:
            return
        if self.source is not None and self.source is not self.live:
            self._detach(self.source)
        self.source = wanted
        if wanted is not self.live and not self.is_paused:
            self._enter()

    # --- in and out ---

    def _enter(self) -> None:
        if self.source is None or self in self.source.subscriptions:
            return
        self.source.subscriptions += (self,)
        self.source.request_key_frame()

    def _detach(self, publication: Publication) -> None:
        publication.subscriptions = tuple(
            each for each in publication.subscriptions if each is not self
        )

    def _leave(self) -> None:
        """Ends the forwarding of whatever was forwarded or awaited."""
        if self.source is not None:
            self._detach(self.source)
        self._close_live()

    def _close_live(self) -> None:
        live = self.live
        if live is None:
            return
        self._detach(live)
        self._last_sequence = (live.max_sequence + self.sequence_offset) & SEQUENCE_MASK
        self._last_timestamp = (live.last_timestamp + self.timestamp_offset) & TIMESTAMP_MASK
        self._last_sent = live.last_arrival
        self._packets += live.packets - self._packets_at_start
        self._octets += live.octets - self._octets_at_start
        newest = (
            live.cache[live.max_sequence & CACHE_INDEX_MASK]
            if live.cache and live.codec == "vp8"
            else None
        )
        if newest is not None:
            picture, base = rtp.read_vp8_numbers(newest[3])
            self._last_picture = (
                None if picture is None else (picture + self.picture_offset) & 0x7FFF
            )
            self._last_base = None if base is None else (base + self.base_offset) & 0xFF
        self.live = None

    def begins_with(
        self,
        publication: Publication,
        sequence: int,
        timestamp: int,
        now: float,
        payload: bytearray,
    ) -> bool:
        """Whether forwarding begins with this packet. If so, sets the offsets and sends a
        report.
        """
        if publication is not self.source or (
            self.is_video and not _is_key_frame(publication.codec, payload)
        ):
            return False
        self._close_live()
        if self not in publication.subscriptions:
            return False
        elapsed = int((now - self._last_sent) * publication.clock) if self._last_sent else 1
        self.sequence_offset = compute_sequence_offset(self._last_sequence, sequence)
        self.timestamp_offset = compute_timestamp_offset(self._last_timestamp, elapsed, timestamp)
        self.oldest_sequence = sequence
        self._packets_at_start = publication.packets - 1
        self._octets_at_start = publication.octets - len(payload)
        self._repaired_at.clear()
        if publication.codec == "vp8":
            self._continue_pictures(payload)
        self.live = publication
        self.send_report(now)
        return True

    def _continue_pictures(self, payload: bytearray) -> None:
        """Numbers another stream's pictures on from the last one. A decoder takes a picture id that
        goes back for an old picture (RFC 7741, section 4.2).
        """
        picture, base = rtp.read_vp8_numbers(payload)
        if picture is not None and self._last_picture is not None:
            self.picture_offset = (self._last_picture + 1 - picture) & 0x7FFF
        if base is not None and self._last_base is not None:
            self.base_offset = (self._last_base + 1 - base) & 0xFF
        self.shifts_numbers = bool(self.picture_offset or self.base_offset)

    # --- feedback ---

    @property
    def seat(self) -> str | None:
        """The name of the seat whose stream fills the slot."""
        return self.source.seat if self.source is not None else None

    @property
    def octets_offered(self) -> int:
        """Bytes on the wire that the source has published, whether or not they were forwarded."""
        camera = self.camera
        source = (
            camera.small
            if camera is not None and self.wants_small and camera.small is not None
            else camera
        )
        return source.octets + source.packets * PACKET_OVERHEAD_BYTES if source is not None else 0

    @property
    def packets(self) -> int:
        return self._packets + (
            self.live.packets - self._packets_at_start if self.live is not None else 0
        )

    @property
    def octets(self) -> int:
        return self._octets + (
            self.live.octets - self._octets_at_start if self.live is not None else 0
        )

    def send_report(self, now: float) -> None:
        """Sends the publisher's sender report in this slot's numbers: browsers need it to play
        audio and video in sync (RFC 3550, section 6.4.1).
        """
        live = self.live
        if live is None or live.report is None:
            return
        report = live.report
        rtp_time = (report.rtp_time + self.timestamp_offset) & TIMESTAMP_MASK
        self.transport.send_rtcp(
            feedback.build_sender_report(self.ssrc, report.ntp, rtp_time, self.packets, self.octets)
        )
        self._report_sent[report.middle] = now
        while len(self._report_sent) > 8:
            del self._report_sent[next(iter(self._report_sent))]

    def heard(self, block: feedback.ReportBlock, now: float) -> None:
        """Takes the listener's report about this slot: loss, and the round trip if it names a
        report of ours.
        """
        self.loss += (block.fraction - self.loss) * LOSS_SMOOTHING_FACTOR
        sent = self._report_sent.get(block.last_report) if block.last_report else None
        if sent is not None:
            self.rtt = max(0.0, now - sent - block.delay / 65536)

    def repair(self, sequences: tuple[int, ...], now: float) -> None:
        """Sends packets that the listener misses again, from the publication's cache: as RTX (RFC
        4588) if the listener accepts it.
        """
        source = self.live
        if source is None or not source.cache:
            return
        for wanted in sequences:
            original = (wanted - self.sequence_offset) & SEQUENCE_MASK
            kept = source.cache[original & CACHE_INDEX_MASK]
            if (
                kept is None
                or kept[0] != original
                or (original - self.oldest_sequence) & SEQUENCE_MASK >= HALF_SEQUENCE_RANGE
            ):
                continue
            if self._repairs_left <= 0:
                return
            self.nacked_packets += wanted not in self._repaired_at
            if now - self._repaired_at.get(wanted, 0.0) < REPAIR_INTERVAL_SECONDS:
                continue
            self._repaired_at[wanted] = now
            self._repairs_left -= 1
            self._send_again(wanted, kept)

    def _send_again(self, sequence: int, kept: CachedPacket) -> None:
        _, timestamp, marker, payload = kept
        timestamp = (timestamp + self.timestamp_offset) & TIMESTAMP_MASK
        if self._repair_type is None or self.rtx_ssrc is None:
            rtp.FIXED_HEADER.pack_into(
                OUTGOING_BUFFER, 0, 0x80, marker | self.payload_type, sequence, timestamp, self.ssrc
            )
            size = 12
        else:
            own, self._repair_sequence = (
                self._repair_sequence,
                (self._repair_sequence + 1) & SEQUENCE_MASK,
            )
            rtp.FIXED_HEADER.pack_into(
                OUTGOING_BUFFER, 0, 0x80, marker | self._repair_type, own, timestamp, self.rtx_ssrc
            )
            pack_into("!H", OUTGOING_BUFFER, 12, sequence)
            size = 14
        end = size + len(payload)
        OUTGOING_BUFFER[size:end] = payload
        if self.shifts_numbers:
            rtp.shift_vp8_numbers(OUTGOING_BUFFER, size, end, self.picture_offset, self.base_offset)
        self.transport.send_rtp(end)

    @property
    def can_probe(self) -> bool:
        return (
            self.rtx_ssrc is not None
            and bool(self.transport_head)
            and self._first_repair_type is not None
        )

    def watch(self, take_number: Callable[[], int] | None) -> None:
        """Audio gets transport-wide numbers from ``take_number``; ``None`` ends it. Video never
        does: a packet with such a number does not count in the browser's own estimate.
        """
        if not self.is_video and self.transport_head:
            self.take_number = take_number

    def send_padding(self, number: int) -> bool:
        """Sends one packet of padding on the repair stream, under a transport-wide number."""
        assert self.rtx_ssrc is not None
        own, self._repair_sequence = (
            self._repair_sequence,
            (self._repair_sequence + 1) & SEQUENCE_MASK,
        )
        rtp.HEADER_WITH_SEND_TIME.pack_into(
            OUTGOING_BUFFER,
            0,
            0xB0,
            self._first_repair_type,
            own,
            self._last_timestamp,
            self.rtx_ssrc,
            0xBEDE,
            1,
            self.transport_head | number << 8,
        )
        end = 20 + PROBE_PADDING_BYTES
        OUTGOING_BUFFER[20:end] = bytes(PROBE_PADDING_BYTES)
        OUTGOING_BUFFER[end - 1] = PROBE_PADDING_BYTES
        return self.transport.send_rtp(end)

    def tick(self) -> None:
        """Once a second: renews the repair budget, and keeps the oldest sequence number within half
        of the sequence range.
        """
        self._repairs_left = MAX_REPAIRS_PER_SECOND
        self._repaired_at.clear()
        if (
            self.live is not None
            and (self.live.max_sequence - self.oldest_sequence) & SEQUENCE_MASK
            > 2 * REPAIRABLE_PACKETS
        ):
            self.oldest_sequence = (self.live.max_sequence - REPAIRABLE_PACKETS) & SEQUENCE_MASK


def _is_key_frame(codec: str, payload: bytearray) -> bool:
    return rtp.is_vp8_key_frame(payload) if codec == "vp8" else rtp.is_h264_key_frame(payload)
