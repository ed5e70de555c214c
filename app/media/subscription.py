"""One outgoing stream: a slot of a listener, filled by one publication after another without a seam."""

from __future__ import annotations

from collections.abc import Callable
from struct import pack_into

from app.media import feedback, rtp
from app.media.aiortc_seam import OUTGOING, SeatTransport
from app.media.downlink import PACKET_OVERHEAD
from app.media.messages import Priority
from app.media.probe import PADDING
from app.media.publication import CACHE_MASK, Publication
from app.media.rewrite import HALF, SEQUENCE_MASK, TIMESTAMP_MASK, sequence_offset, timestamp_offset

KEPT = 2000
REPAIRS_A_SECOND = 600
REPAIR_AGAIN = 0.02
LOSS_SMOOTHING = 0.4
"""A report spans a second or so, perhaps 30 packets: one alone says little."""


class Subscription:
    """A receiving line of a listener's browser. Its ssrc and numbering last as long as the connection."""

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
        self.is_waiting = False
        """Bound, but no packet forwarded yet: the first must begin a key frame if it is video."""
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
        self.priority = Priority.ORDINARY
        self.is_stage = False
        self.number: Callable[[], int] | None = None
        """Gives transport-wide numbers while the line is watched packet by packet; else ``None``."""
        self.transport_head = (transport_id << 4 | 1) << 24 if transport_id else 0

        self._payload_types = payload_types
        self._first_repair_type = next((repair for _, repair in payload_types.values() if repair is not None), None)
        self._repair_type: int | None = None
        self._repair_sequence = 0
        self._repairs_left = REPAIRS_A_SECOND
        self._repaired_at: dict[int, float] = {}
        self._last_sequence = ssrc & 0x3FFF
        self._last_timestamp = ssrc
        self._last_sent = 0.0
        self._packets = 0
        self._octets = 0
        self._packets_at_start = 0
        self._octets_at_start = 0
        self._report_sent: dict[int, float] = {}

    # ------------------------------------------------------------ who fills the slot

    def bind(self, source: Publication) -> None:
        """From now on ``source`` is forwarded here, from its next key frame on. Again the same changes nothing."""
        if self.source is source:
            return
        self.unbind()
        if source.codec not in self._payload_types:
            return
        self.source = source
        self.payload_type, self._repair_type = self._payload_types[source.codec]
        if not self.is_paused:
            self._enter()

    def unbind(self) -> None:
        if self.source is None:
            return
        self._leave()
        self.source = None

    def pause(self) -> None:
        if not self.is_paused:
            self._leave()
            self.is_paused = True

    def resume(self) -> None:
        if self.is_paused:
            self.is_paused = False
            self._enter()

    def _enter(self) -> None:
        if self.source is None:
            return
        self.is_waiting = True
        self.source.subscriptions += (self,)
        self.source.request_key_frame()

    def _leave(self) -> None:
        source = self.source
        if source is None or self not in source.subscriptions:
            return
        source.subscriptions = tuple(each for each in source.subscriptions if each is not self)
        if not self.is_waiting:
            self._last_sequence = (source.max_sequence + self.sequence_offset) & SEQUENCE_MASK
            self._last_timestamp = (source.last_timestamp + self.timestamp_offset) & TIMESTAMP_MASK
            self._last_sent = source.last_arrival
            self._packets += source.packets - self._packets_at_start
            self._octets += source.octets - self._octets_at_start
        self.is_waiting = False

    def begins_with(self, sequence: int, timestamp: int, now: float, payload: bytearray) -> bool:
        """Whether forwarding begins with this packet; if so the offsets are set and the clocks told."""
        source = self.source
        if source is None or (self.is_video and not _is_key_frame(source.codec, payload)):
            return False
        elapsed = int((now - self._last_sent) * source.clock) if self._last_sent else 1
        self.sequence_offset = sequence_offset(self._last_sequence, sequence)
        self.timestamp_offset = timestamp_offset(self._last_timestamp, elapsed, timestamp)
        self.floor = sequence
        self._packets_at_start = source.packets - 1
        self._octets_at_start = source.octets - len(payload)
        self._repaired_at.clear()
        self.is_waiting = False
        self.send_report(now)
        return True

    # ------------------------------------------------------------ feedback

    @property
    def seat(self) -> str | None:
        """Whose stream fills the slot."""
        return self.source.seat if self.source is not None else None

    @property
    def octets_offered(self) -> int:
        """What the source has published so far, on the wire, whether or not it is forwarded here."""
        source = self.source
        return source.octets + source.packets * PACKET_OVERHEAD if source is not None else 0

    @property
    def packets(self) -> int:
        running = self.source is not None and not self.is_waiting and not self.is_paused
        return self._packets + (self.source.packets - self._packets_at_start if running and self.source else 0)

    @property
    def octets(self) -> int:
        running = self.source is not None and not self.is_waiting and not self.is_paused
        return self._octets + (self.source.octets - self._octets_at_start if running and self.source else 0)

    def send_report(self, now: float) -> None:
        """The publisher's sender report in this slot's numbers: it keeps lips and voice together."""
        source = self.source
        if source is None or source.report is None or self.is_waiting or self.is_paused:
            return
        report = source.report
        rtp_time = (report.rtp_time + self.timestamp_offset) & TIMESTAMP_MASK
        self.transport.send_rtcp(feedback.sender_report(self.ssrc, report.ntp, rtp_time, self.packets, self.octets))
        self._report_sent[report.middle] = now
        while len(self._report_sent) > 8:
            del self._report_sent[next(iter(self._report_sent))]

    def heard(self, block: feedback.ReportBlock, now: float) -> None:
        """The listener's report about this slot: loss, and the round trip if it names a report of ours."""
        self.loss += (block.fraction - self.loss) * LOSS_SMOOTHING
        sent = self._report_sent.get(block.last_report) if block.last_report else None
        if sent is not None:
            self.rtt = max(0.0, now - sent - block.delay / 65536)

    def repair(self, sequences: tuple[int, ...], now: float) -> None:
        """Sends again what the listener lacks, as RTX where it can be, from the publication's cache."""
        source = self.source
        if source is None or self.is_waiting or self.is_paused or not source.cache:
            return
        for wanted in sequences:
            original = (wanted - self.sequence_offset) & SEQUENCE_MASK
            kept = source.cache[original & CACHE_MASK]
            if kept is None or kept[0] != original or (original - self.floor) & SEQUENCE_MASK >= HALF:
                continue
            if self._repairs_left <= 0:
                return
            self.wanted += wanted not in self._repaired_at
            if now - self._repaired_at.get(wanted, 0.0) < REPAIR_AGAIN:
                continue
            self._repaired_at[wanted] = now
            self._repairs_left -= 1
            self._send_again(wanted, kept)

    def _send_again(self, sequence: int, kept: tuple[int, int, int, bytearray]) -> None:
        _, timestamp, marker, payload = kept
        timestamp = (timestamp + self.timestamp_offset) & TIMESTAMP_MASK
        if self._repair_type is None or self.rtx_ssrc is None:
            rtp.FIXED_HEADER.pack_into(OUTGOING, 0, 0x80, marker | self.payload_type, sequence, timestamp, self.ssrc)
            size = 12
        else:
            own, self._repair_sequence = self._repair_sequence, (self._repair_sequence + 1) & SEQUENCE_MASK
            rtp.FIXED_HEADER.pack_into(OUTGOING, 0, 0x80, marker | self._repair_type, own, timestamp, self.rtx_ssrc)
            pack_into("!H", OUTGOING, 12, sequence)
            size = 14
        end = size + len(payload)
        OUTGOING[size:end] = payload
        self.transport.send_rtp(end)

    @property
    def can_probe(self) -> bool:
        return self.rtx_ssrc is not None and bool(self.transport_head) and self._first_repair_type is not None

    def send_padding(self, number: int) -> bool:
        """One packet of nothing, on the repair stream, under a transport-wide number."""
        assert self.rtx_ssrc is not None
        own, self._repair_sequence = self._repair_sequence, (self._repair_sequence + 1) & SEQUENCE_MASK
        rtp.HEADER_WITH_SEND_TIME.pack_into(
            OUTGOING, 0, 0xB0, self._first_repair_type, own, self._last_timestamp, self.rtx_ssrc,
            0xBEDE, 1, self.transport_head | number << 8,
        )
        end = 20 + PADDING
        OUTGOING[20:end] = bytes(PADDING)
        OUTGOING[end - 1] = PADDING
        return self.transport.send_rtp(end)

    def tick(self) -> None:
        """Each second: the repair budget is whole again, and the floor stays within half a circle."""
        self._repairs_left = REPAIRS_A_SECOND
        self._repaired_at.clear()
        if self.source is not None and (self.source.max_sequence - self.floor) & SEQUENCE_MASK > 2 * KEPT:
            self.floor = (self.source.max_sequence - KEPT) & SEQUENCE_MASK


def _is_key_frame(codec: str, payload: bytearray) -> bool:
    return rtp.is_vp8_key_frame(payload) if codec == "vp8" else rtp.is_h264_key_frame(payload)
