"""One incoming stream: its packet cache, and its requests for retransmissions and key frames.

``Subscriber`` and ``PacketRecorder`` are what a publication needs to know of those that its packets
go to. They stand here, so that this module imports neither subscriptions nor the recorder.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from app.media.messages import MediaKind
from app.media.wire.rewrite import (
    HALF_SEQUENCE_RANGE,
    SEQUENCE_MASK,
    TIMESTAMP_MASK,
)
from app.media.wire.rtcp import ReportBlock, SenderReport

CACHE_PACKETS = 1024
"""A power of two, so that a mask turns a sequence number into a place. Two seconds of a camera at
4.5 Mbit/s fit.
"""
CACHE_INDEX_MASK = CACHE_PACKETS - 1
CACHE_SECONDS = 2
"""Nobody asks for older packets, and a thousand packets of each camera would be most of a room's
memory (docs/adr/0023).
"""
NACK_INTERVAL_SECONDS = 0.030
"""The shortest time between two requests for the same packet; a longer round trip lengthens it."""
MAX_NACKS_PER_PACKET = 10
"""As many as libwebrtc's and mediasoup's. A request can be lost as well: requests sent only once
left pictures frozen.
"""
MAX_MISSING_PACKETS = 100
"""A larger gap is not repaired packet by packet: a key frame is cheaper."""
KEY_FRAME_REQUEST_INTERVAL_SECONDS = 0.5
"""A key frame is many times larger than other frames, so several requests become one."""
KEY_FRAME_TIMEOUT_SECONDS = 1.0
"""Without a key frame after this long, the request counts as lost and is repeated."""
SILENCE_DBOV = 127
"""Levels are in -dBov: 0 is loudest, 127 is silence (RFC 6464, section 3)."""
STREAM_FLOWING_SECONDS = 1.0
"""A browser on a weak connection stops sending its large layer: after this long without a packet it
counts as stopped.
"""

ARRIVED_NEWER, ARRIVED_LATE, ARRIVED_DUPLICATE = 1, 2, 0

CachedPacket = tuple[int, int, int, bytearray]
"""Sequence, timestamp, marker bit (0 or 0x80), payload."""


class RtpTransport(Protocol):
    """Sends the first ``size`` bytes of ``OUTGOING_BUFFER`` as one packet."""

    @property
    def send_rtp(self) -> Callable[[int], bool]: ...


class Subscriber(Protocol):
    """What forwards a publication to one listener, as seen by the packet path.

    The numbers are plain attributes because they are read for every packet.
    """

    @property
    def transport(self) -> RtpTransport: ...
    @property
    def live(self) -> Publication | None:
        """What is forwarded now; ``None`` while a first packet or key frame is awaited."""
        ...

    @property
    def ssrc(self) -> int: ...
    @property
    def payload_type(self) -> int: ...
    @property
    def sequence_offset(self) -> int: ...
    @property
    def timestamp_offset(self) -> int: ...
    @property
    def oldest_sequence(self) -> int:
        """Packets with older sequence numbers of the publisher are not sent."""
        ...

    @property
    def send_time_head(self) -> int:
        """The first byte of an abs-send-time extension, shifted; 0 without one."""
        ...

    @property
    def transport_head(self) -> int:
        """The first byte of a transport-wide number's extension, shifted; 0 without one."""
        ...

    @property
    def take_number(self) -> Callable[[], int] | None: ...
    @property
    def shifts_numbers(self) -> bool:
        """Whether VP8 picture numbers must be shifted by the two offsets that follow."""
        ...

    @property
    def picture_offset(self) -> int: ...
    @property
    def base_offset(self) -> int: ...
    def begins_with(
        self,
        publication: Publication,
        sequence: int,
        timestamp: int,
        now: float,
        payload: bytearray,
    ) -> bool: ...
    def send_report(self, now: float) -> None: ...
    def unbind(self) -> None: ...


class PacketRecorder(Protocol):
    """What takes a copy of a publication's packets while the room is recorded."""

    def take_packet(
        self,
        publication: Publication,
        sequence: int,
        timestamp: int,
        marker: int,
        payload: bytearray,
        level: int,
        now: float,
    ) -> None: ...


class Publication:
    """A published track of a seat's connection. ``seat`` and ``kind`` say whose and what."""

    def __init__(
        self, seat: str, kind: MediaKind, codec: str, clock: int, ssrc: int | None
    ) -> None:
        self.seat = seat
        self.kind = kind
        self.codec = codec
        self.clock = clock
        self.ssrc = ssrc
        self.subscriptions: tuple[Subscriber, ...] = ()
        """Those that get it, and those that wait for its next key frame."""
        self.small: Publication | None = None
        """The small simulcast layer of a camera that sends two; this one is the large layer."""
        self.recorder: PacketRecorder | None = None
        self.is_video = kind is not MediaKind.AUDIO
        self.cache: list[CachedPacket | None] = [None] * CACHE_PACKETS if self.is_video else []
        self.send_nack: Callable[[list[int]], None] = lambda sequences: None
        self.send_pli: Callable[[], None] = lambda: None

        self.max_sequence = -1
        self.max_extended = 0
        self.last_timestamp = 0
        self.last_arrival = 0.0
        self.packets = 0
        self.octets = 0
        self.level = SILENCE_DBOV
        """-dBov of the loudest packet since ``take_level``."""
        self.report: SenderReport | None = None
        self.report_at = 0.0

        self._oldest = 0
        self._base_extended = 0
        self._received = 0
        self._expected_before = 0
        self._received_before = 0
        self._jitter = 0.0
        self._transit = 0

        self.missing: dict[int, list[float]] = {}
        """Sequence number to [requests made, time of the next]."""
        self._key_frame_asked = -KEY_FRAME_TIMEOUT_SECONDS
        self._key_frame_due = 0.0
        """When to check again whether somebody waits, or when the postponed request is due."""
        self._has_postponed_request = False

    # --- arrival ---

    def arrive(self, sequence: int, timestamp: int, now: float) -> int:
        """Records an original packet as ARRIVED_NEWER, ARRIVED_LATE or ARRIVED_DUPLICATE.

        Gaps in video are asked for at once.
        """
        if self.max_sequence < 0:
            self._begin(sequence, timestamp, now)
            return ARRIVED_NEWER
        ahead = (sequence - self.max_sequence) & SEQUENCE_MASK
        if ahead == 0:
            return ARRIVED_DUPLICATE
        if ahead >= HALF_SEQUENCE_RANGE:
            return self._late(sequence)
        if ahead > 1:
            self._gap(sequence, ahead, now)
        self.max_sequence = sequence
        self.max_extended += ahead
        self._received += 1
        transit = int(now * self.clock) - timestamp
        step = abs(transit - self._transit)
        self._transit = transit
        if step < self.clock:
            self._jitter += (step - self._jitter) / 16
        self.last_timestamp = timestamp
        self.last_arrival = now
        return ARRIVED_NEWER

    def repaired(self, sequence: int) -> int:
        """Records a retransmitted packet as ARRIVED_LATE or ARRIVED_DUPLICATE. It does not count as
        received in reports (RFC 4588).
        """
        return ARRIVED_LATE if self.missing.pop(sequence, None) is not None else ARRIVED_DUPLICATE

    def _begin(self, sequence: int, timestamp: int, now: float) -> None:
        self.max_sequence = sequence
        self.max_extended = self._base_extended = sequence
        self._oldest = sequence
        self._received = 1
        self._expected_before = self._received_before = 0
        self._transit = int(now * self.clock) - timestamp
        self.last_timestamp = timestamp
        self.last_arrival = now

    def _late(self, sequence: int) -> int:
        if self.missing.pop(sequence, None) is None and self.is_video:
            return ARRIVED_DUPLICATE
        self._received += 1
        return ARRIVED_LATE

    def _gap(self, sequence: int, ahead: int, now: float) -> None:
        if not self.is_video:
            return
        if ahead > MAX_MISSING_PACKETS or len(self.missing) + ahead > 2 * MAX_MISSING_PACKETS:
            self.missing.clear()
            self.request_key_frame(now)
            return
        lost = [(sequence - ahead + step) & SEQUENCE_MASK for step in range(1, ahead)]
        for each in lost:
            self.missing[each] = [1, now + NACK_INTERVAL_SECONDS]
        self.send_nack(lost)

    def ask_again(self, now: float, rtt: float) -> None:
        """Asks again for packets that are due. A packet asked for too often needs a key frame
        instead.
        """
        due = [sequence for sequence, (_, at) in self.missing.items() if at <= now]
        if not due:
            return
        again: list[int] = []
        for sequence in due:
            asked = self.missing[sequence]
            if asked[0] >= MAX_NACKS_PER_PACKET:
                del self.missing[sequence]
                self.request_key_frame(now)
            else:
                asked[0] += 1
                asked[1] = now + max(rtt, NACK_INTERVAL_SECONDS)
                again.append(sequence)
        if again:
            self.send_nack(again)

    def flows(self, now: float) -> bool:
        return now - self.last_arrival < STREAM_FLOWING_SECONDS

    def take_level(self) -> int:
        """The loudest level since the last call, in -dBov."""
        level, self.level = self.level, SILENCE_DBOV
        return level

    def forget_old(self) -> None:
        """Once a second: empties the cache of packets older than two seconds, except the newest."""
        if not self.cache or self.max_sequence < 0:
            return
        behind = min((self.max_sequence - self._oldest) & SEQUENCE_MASK, CACHE_INDEX_MASK)
        for step in range(behind, 0, -1):
            place = (self.max_sequence - step) & CACHE_INDEX_MASK
            kept = self.cache[place]
            if (
                kept is not None
                and (self.last_timestamp - kept[1]) & TIMESTAMP_MASK <= CACHE_SECONDS * self.clock
            ):
                behind = step
                break
            self.cache[place] = None
        else:
            behind = 0
        self._oldest = (self.max_sequence - behind) & SEQUENCE_MASK

    # --- key frames ---

    def request_key_frame(self, now: float | None = None) -> None:
        """Asks the publisher for a key frame, at most every 0.5 s. A request that comes too soon is
        postponed, not dropped.
        """
        if not self.is_video:
            return
        now = time.monotonic() if now is None else now
        self._has_postponed_request = (
            now - self._key_frame_asked < KEY_FRAME_REQUEST_INTERVAL_SECONDS
        )
        if self._has_postponed_request:
            self._key_frame_due = self._key_frame_asked + KEY_FRAME_REQUEST_INTERVAL_SECONDS
        else:
            self._key_frame_asked, self._key_frame_due = now, now + KEY_FRAME_TIMEOUT_SECONDS
            self.send_pli()

    def repeat_key_frame_request(self, now: float) -> None:
        """Sends the postponed request, and repeats one that brought no key frame to those that
        wait.
        """
        if now < self._key_frame_due:
            return
        if self._has_postponed_request or any(each.live is not self for each in self.subscriptions):
            self.request_key_frame(now)
        else:
            self._key_frame_due = now + KEY_FRAME_TIMEOUT_SECONDS

    # --- reports ---

    def report_block(self, now: float) -> ReportBlock | None:
        """Loss since the last call and in total, jitter, and the delay since the publisher's report
        (RFC 3550, appendix A.3).
        """
        if self.max_sequence < 0 or self.ssrc is None:
            return None
        expected = self.max_extended - self._base_extended + 1
        lost = max(-0x800000, min(0x7FFFFF, expected - self._received))
        step = expected - self._expected_before
        step_lost = step - (self._received - self._received_before)
        self._expected_before, self._received_before = expected, self._received
        fraction = step_lost / step if step > 0 and step_lost > 0 else 0.0
        delay = int((now - self.report_at) * 65536) if self.report else 0
        last = self.report.middle if self.report else 0
        return ReportBlock(
            self.ssrc, fraction, lost, self.max_extended, int(self._jitter), last, delay
        )
