"""One outgoing stream: a slot of a listener, filled by one publication after another without a
seam.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from struct import pack_into

from app.media.bandwidth.downlink import PACKET_OVERHEAD_BYTES
from app.media.bandwidth.probe import PROBE_PADDING_BYTES
from app.media.forwarding.publication import CACHE_INDEX_MASK, Publication
from app.media.messages import StreamPriority
from app.media.wire import rtcp as feedback
from app.media.wire import rtp
from app.media.wire.aiortc_seam import OUTGOING_BUFFER, SeatTransport
from app.media.wire.rewrite import (
    HALF_SEQUENCE_RANGE,
    SEQUENCE_MASK,
    TIMESTAMP_MASK,
    compute_sequence_offset,
    compute_timestamp_offset,
)

REPAIRABLE_PACKETS = 2000
MAX_REPAIRS_PER_SECOND = 600
REPAIR_INTERVAL_SECONDS = 0.02
LOSS_SMOOTHING_FACTOR = 0.4
"""A report spans a second or so, perhaps 30 packets: one alone says little."""


class Subscription:
    """A receiving line of a listener's browser. Its ssrc and numbering last as long as the
    connection.
    """

    def __init__(
        self,
        transport: SeatTransport,
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
        """What fills the slot: of a camera with two layers the one that is shown, or waited for."""
        self.live: Publication | None = None
        """What is forwarded now. Not the source while its first packet, a key frame if it is
        video, is awaited.
        """
        self.camera: Publication | None = None
        """What the routes gave: the large layer."""
        self.wants_small = False
        """By the listener's own wish."""
        self.is_shrunk = False
        """By what the line bears."""
        self.picture_offset = self.base_offset = 0
        self.shifts_numbers = False
        self.is_paused = False
        self.payload_type = 0
        self.sequence_offset = 0
        self.timestamp_offset = 0
        self.floor = 0
        self.send_time_head = (send_time_id << 4 | 2) << 24 if is_video and send_time_id else 0
        self.loss = 0.0
        self.rtt: float | None = None
        self.wanted = 0
        """Packets that the listener asked for again, each counted once."""
        self.priority = StreamPriority.ORDINARY
        self.is_stage = False
        self.number: Callable[[], int] | None = None
        """Gives transport-wide numbers while the line is watched packet by packet; else
        ``None``.
        """
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

    # --- who fills the slot ---

    @property
    def is_waiting(self) -> bool:
        return self.source is not None and self.live is None and not self.is_paused

    def bind(self, source: Publication) -> None:
        """From now on ``source`` is forwarded here, from its next key frame on. Again the same
        changes nothing.
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
        """Whether a smaller picture than the wished one is to be had."""
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
        """Turns to the layer that fits. What is shown stays until the other's key frame is
        there.
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
        """Nothing comes any more, from whatever was forwarded or awaited."""
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
        """Whether forwarding begins with this packet; if so the offsets are set and the clocks
        told.
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
        self.floor = sequence
        self._packets_at_start = publication.packets - 1
        self._octets_at_start = publication.octets - len(payload)
        self._repaired_at.clear()
        if publication.codec == "vp8":
            self._continue_pictures(payload)
        self.live = publication
        self.send_report(now)
        return True

    def _continue_pictures(self, payload: bytearray) -> None:
        """Another stream's pictures are numbered on from the last: a decoder takes a step back for
        the past.
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
        """Whose stream fills the slot."""
        return self.source.seat if self.source is not None else None

    @property
    def octets_offered(self) -> int:
        """What the source has published so far, on the wire, whether or not it is forwarded
        here.
        """
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
        """The publisher's sender report in this slot's numbers: it keeps lips and voice
        together.
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
        """The listener's report about this slot: loss, and the round trip if it names a report of
        ours.
        """
        self.loss += (block.fraction - self.loss) * LOSS_SMOOTHING_FACTOR
        sent = self._report_sent.get(block.last_report) if block.last_report else None
        if sent is not None:
            self.rtt = max(0.0, now - sent - block.delay / 65536)

    def repair(self, sequences: tuple[int, ...], now: float) -> None:
        """Sends again what the listener lacks, as RTX where it can be, from the publication's
        cache.
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
                or (original - self.floor) & SEQUENCE_MASK >= HALF_SEQUENCE_RANGE
            ):
                continue
            if self._repairs_left <= 0:
                return
            self.wanted += wanted not in self._repaired_at
            if now - self._repaired_at.get(wanted, 0.0) < REPAIR_INTERVAL_SECONDS:
                continue
            self._repaired_at[wanted] = now
            self._repairs_left -= 1
            self._send_again(wanted, kept)

    def _send_again(self, sequence: int, kept: tuple[int, int, int, bytearray]) -> None:
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

    def send_padding(self, number: int) -> bool:
        """One packet of nothing, on the repair stream, under a transport-wide number."""
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
        """Each second: the repair budget is whole again, and the floor stays within half a
        circle.
        """
        self._repairs_left = MAX_REPAIRS_PER_SECOND
        self._repaired_at.clear()
        if (
            self.live is not None
            and (self.live.max_sequence - self.floor) & SEQUENCE_MASK > 2 * REPAIRABLE_PACKETS
        ):
            self.floor = (self.live.max_sequence - REPAIRABLE_PACKETS) & SEQUENCE_MASK


def _is_key_frame(codec: str, payload: bytearray) -> bool:
    return rtp.is_vp8_key_frame(payload) if codec == "vp8" else rtp.is_h264_key_frame(payload)
