"""Turns the packets of a recording into WebM clusters, without decoding them. Pure.

Times are the node's monotonic seconds; in clusters they are milliseconds of the recording. Every
packet waits ``LATE_PACKET_WAIT_SECONDS``, so that late and retransmitted ones find their place.

* The track of a language holds one Opus stream at a time (docs/adr/0016): the loudest, when several
  voices speak. It keeps the track through pauses of up to ``VOICE_HOLD_SECONDS``. When nobody
  speaks, silence is written, so that every track runs without a gap and stays in sync with the
  picture.
* The picture shows one publication at a time and changes on a key frame. After a lost packet,
  frames are left out until the next key frame. When nobody has a picture it is black.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from app.core.webm import (
    BLACK_KEY_FRAME,
    OPUS_SILENCE,
    OPUS_SILENCE_MS,
    PICTURE_TRACK,
    WebmBlock,
    write_cluster,
)
from app.media.wire.rewrite import extend_sequence

LATE_PACKET_WAIT_SECONDS = 0.6
"""Long enough for several retransmission requests over a round trip of 100 ms."""
CLUSTER_MS = 4000
"""About how much a killed node loses. Matroska recommends clusters of no more than 5 s (RFC
9559).
"""
VOICE_HOLD_SECONDS = 0.5
TAKEOVER_LOUDNESS_DB = 8
"""By how much a second voice must be louder to take the track from one that speaks."""
SOUNDING_LEVEL_DBOV = 50
"""In -dBov (RFC 6464): what is softer, that is higher, is a pause."""
VOICE_SMOOTHING_FACTOR = 0.1
"""Weight of the newest packet's level: at 20 ms a packet, about a fifth of a second in all."""
MAX_TRACK_DRIFT_MS = 60
"""Three Opus packets of 20 ms: a smaller gap or overlap is network jitter, not a pause."""
BLACK_FRAME_INTERVAL_MS = 4000
OPUS_FRAME_MS = (10, 20, 40, 60), (10, 20), (2.5, 5, 10, 20)
"""Durations of one frame: SILK, hybrid, CELT (RFC 6716, section 3.1, table 2)."""

RecordedSource = object
"""A publication, known by its identity: another connection of the same seat is another source."""


def read_opus_duration_ms(packet: bytes | bytearray) -> float:
    """How long the packet plays (RFC 6716, sections 3.1 and 3.2); 0 if it cannot be read."""
    if not packet:
        return 0
    kind, count = packet[0] >> 3, packet[0] & 3
    frame = (
        OPUS_FRAME_MS[0][kind & 3]
        if kind < 12
        else OPUS_FRAME_MS[1][kind & 1]
        if kind < 16
        else OPUS_FRAME_MS[2][kind & 3]
    )
    frames = 1 if count == 0 else 2 if count < 3 else packet[1] & 63 if len(packet) > 1 else 0
    return frame * frames if frame * frames <= 120 else 0


class RtpClock:
    """Converts RTP timestamps to the node's clock. The fastest packet so far sets the offset, which
    then drifts back slowly.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._timestamp = 0
        self._elapsed = 0.0
        self._offset: float | None = None

    def at(self, timestamp: int, arrival: float) -> float:
        step = (timestamp - self._timestamp) & 0xFFFFFFFF
        if step >= 1 << 31:
            step -= 1 << 32
        elapsed = self._elapsed + step / self._rate
        late = None if self._offset is None else arrival - (elapsed + self._offset)
        if late is None or late < 0 or late > 1.0:
            self._offset = arrival - elapsed
        else:
            self._offset = (self._offset or 0.0) + late * 0.002
        if step > 0 or late is None:
            self._timestamp, self._elapsed = timestamp, elapsed
        if late is None:
            self._elapsed, self._offset, elapsed = 0.0, arrival, 0.0
        return elapsed + (self._offset or 0.0)


class Vp8FrameAssembler:
    """Whole VP8 frames of one publication, in order (RFC 7741)."""

    def __init__(self) -> None:
        self.is_broken = True
        """Whether nothing can be shown before a key frame."""
        self._clock = RtpClock(90_000)
        self._waiting: dict[int, tuple[float, int, int, bytes | bytearray, float]] = {}
        self._highest: int | None = None
        self._expected: int | None = None
        self._begun: bytearray | None = None
        self._begun_at = 0.0
        self._timestamp = 0

    def put(
        self, sequence: int, timestamp: int, marker: int, payload: bytes | bytearray, now: float
    ) -> bool:
        """False for a packet that comes too late to be of use."""
        number = sequence if self._highest is None else extend_sequence(sequence, self._highest)
        if self._expected is not None and number < self._expected:
            return False
        self._highest = number if self._highest is None else max(self._highest, number)
        self._waiting[number] = now, timestamp, marker, payload, self._clock.at(timestamp, now)
        return True

    def take(self, until: float) -> list[tuple[float, bytes]]:
        """(time, frame) of each frame that can be shown among the packets that had arrived by
        ``until``. Packets that arrived since then fill their gaps.
        """
        due = max(
            (number for number, packet in self._waiting.items() if packet[0] <= until), default=None
        )
        if due is None:
            return []
        frames: list[tuple[float, bytes]] = []
        for number in sorted(number for number in self._waiting if number <= due):
            _, timestamp, marker, payload, at = self._waiting.pop(number)
            if self._expected is not None and number != self._expected:
                self._lose()
            self._expected = number + 1
            frame = self._add(timestamp, marker, payload, at)
            if frame is not None:
                frames.append(frame)
        return frames

    def _lose(self) -> None:
        self.is_broken, self._begun = True, None

    def _add(
        self, timestamp: int, marker: int, payload: bytes | bytearray, at: float
    ) -> tuple[float, bytes] | None:
        start = _find_vp8_payload(payload)
        if start is None or start >= len(payload):
            return None  # A padding packet, sent to probe the bandwidth.
        if payload[0] & 0x17 == 0x10:
            if self._begun is not None:
                self._lose()  # The frame before never ended.
            self._begun, self._begun_at, self._timestamp = bytearray(), at, timestamp
        elif self._begun is None or timestamp != self._timestamp:
            self._lose()
        if self._begun is None:
            return None
        self._begun += payload[start:]
        if not marker:
            return None
        frame, self._begun = bytes(self._begun), None
        if not frame[0] & 1:
            self.is_broken = False
        return None if self.is_broken else (self._begun_at, frame)


def _find_vp8_payload(payload: bytes | bytearray) -> int | None:
    """Where the VP8 payload begins (RFC 7741, section 4.2); ``None`` if the packet is too short."""
    if not payload:
        return None
    if not payload[0] & 0x80:
        return 1
    if len(payload) < 2:
        return None
    flags, position = payload[1], 2
    if flags & 0x80:
        if len(payload) <= position:
            return None
        position += 2 if payload[position] & 0x80 else 1
    position += bool(flags & 0x40) + bool(flags & 0x30)
    return position


class VoiceTrack:
    """One language: one voice at a time, and silence between them."""

    def __init__(self, number: int, begin: float) -> None:
        self.number = number
        self.seats: frozenset[str] = frozenset()
        self._next = begin
        self._holder: str | None = None
        self._level = 127.0
        self._sounded: dict[str, float] = {}

    def add(
        self, seat: str, at: float, level: float, payload: bytes | bytearray
    ) -> list[WebmBlock]:
        """Returns the packet, if its voice has the track, after the silence before it. ``at`` is in
        ms, ``level`` is smoothed and in -dBov.
        """
        if seat not in self.seats or not self._has_it(seat, at, level):
            return []
        length = read_opus_duration_ms(payload)
        if not length or at < self._next - MAX_TRACK_DRIFT_MS:
            return []
        blocks = self.fill(at - OPUS_SILENCE_MS) if at > self._next + MAX_TRACK_DRIFT_MS else []
        blocks.append(WebmBlock(round(self._next), self.number, bytes(payload)))
        self._next += length
        return blocks

    def fill(self, until: float) -> list[WebmBlock]:
        """Returns silence up to ``until``, in ms."""
        blocks: list[WebmBlock] = []
        while self._next + OPUS_SILENCE_MS <= until:
            blocks.append(WebmBlock(round(self._next), self.number, OPUS_SILENCE))
            self._next += OPUS_SILENCE_MS
        return blocks

    def _has_it(self, seat: str, at: float, level: float) -> bool:
        sounds = level < SOUNDING_LEVEL_DBOV
        if sounds:
            self._sounded[seat] = at
        if self._holder == seat:
            self._level = level
            return True
        if self._holder is None or self._holder not in self.seats:
            is_free = True
        else:
            paused = at - self._sounded.get(self._holder, -1e9) > VOICE_HOLD_SECONDS * 1000
            is_free = sounds and (paused or level < self._level - TAKEOVER_LOUDNESS_DB)
        if is_free:
            self._holder, self._level = seat, level
        return is_free


class ClusterWriter:
    """Writes one stretch of a recording. At the node's time ``origin`` the recording is at
    ``begin_ms``.
    """

    def __init__(self, origin: float, begin_ms: int) -> None:
        self.drops: Counter[str] = Counter()
        self.shown: RecordedSource | None = None
        """The publication whose picture is being recorded now."""
        self.needs_key_frame: RecordedSource | None = None
        self._origin, self._begin = origin, begin_ms
        self._tracks: dict[int, VoiceTrack] = {}
        self._clocks: dict[RecordedSource, RtpClock] = {}
        self._levels: dict[str, float] = {}
        self._sounds: list[tuple[float, str, float, bytes | bytearray]] = []
        self._pictures: dict[RecordedSource, Vp8FrameAssembler] = {}
        self._wanted: RecordedSource | None = None
        self._last_picture = begin_ms - 1
        self._black_due = float(begin_ms)
        self._written = begin_ms
        self._blocks: list[WebmBlock] = []

    @property
    def written_ms(self) -> int:
        """How far the recording is written."""
        return self._written

    def set_voices(self, voices: Mapping[int, Sequence[str]]) -> None:
        """Whose voices belong to which track from now on."""
        for number, seats in voices.items():
            track = self._tracks.get(number)
            if track is None:
                track = self._tracks[number] = VoiceTrack(number, self._written)
            track.seats = frozenset(seats)

    def want(self, source: RecordedSource | None, now: float) -> None:
        """Shows ``source`` from its next key frame on; ``None`` shows black at once."""
        self._wanted = source
        if source is None:
            self.shown, self._pictures = None, {}
            self._black_due = min(self._black_due, self._ms(now))
        else:
            self._pictures = {
                each: frames
                for each, frames in self._pictures.items()
                if each in (source, self.shown)
            }
            self._pictures.setdefault(source, Vp8FrameAssembler())

    def sound(
        self,
        source: RecordedSource,
        seat: str,
        timestamp: int,
        payload: bytes | bytearray,
        level: int,
        now: float,
    ) -> None:
        """Takes an Opus packet. ``level`` is in -dBov, -1 if the browser does not tell it."""
        clock = self._clocks.get(source)
        if clock is None:
            clock = self._clocks[source] = RtpClock(48_000)
        said = 30 if level < 0 else level
        smoothed = self._levels.get(seat, float(said))
        self._levels[seat] = smoothed = smoothed + (said - smoothed) * VOICE_SMOOTHING_FACTOR
        self._sounds.append((clock.at(timestamp, now), seat, min(smoothed, said), payload))

    def picture(
        self,
        source: RecordedSource,
        sequence: int,
        timestamp: int,
        marker: int,
        payload: bytes | bytearray,
        now: float,
    ) -> None:
        frames = self._pictures.get(source)
        if frames is None:
            self.drops["not_shown"] += 1
        elif not frames.put(sequence, timestamp, marker, payload, now):
            self.drops["late"] += 1

    def advance(self, now: float, *, is_last: bool = False) -> list[bytes]:
        """Returns the clusters that are complete by now; with ``is_last``, everything."""
        until = now if is_last else now - LATE_PACKET_WAIT_SECONDS
        until_ms = self._ms(until)
        blocks = self._voices(until, until_ms) + self._frames(until, until_ms)
        self._blocks = sorted(self._blocks + blocks, key=lambda block: (block.at, block.track))
        self._written = max(self._written, int(until_ms))
        return self._cut(until_ms - 2 * MAX_TRACK_DRIFT_MS, is_last)

    def _voices(self, until: float, until_ms: float) -> list[WebmBlock]:
        due = sorted(
            (sound for sound in self._sounds if sound[0] <= until), key=lambda sound: sound[0]
        )
        self._sounds = [sound for sound in self._sounds if sound[0] > until]
        blocks: list[WebmBlock] = []
        for at, seat, level, payload in due:
            for track in self._tracks.values():
                blocks += track.add(seat, self._ms(at), level, payload)
        for track in self._tracks.values():
            blocks += track.fill(until_ms - MAX_TRACK_DRIFT_MS)
        return blocks

    def _frames(self, until: float, until_ms: float) -> list[WebmBlock]:
        blocks: list[WebmBlock] = []
        self.needs_key_frame = None
        wanted = self._wanted
        if wanted is not None and wanted is not self.shown:
            ready = self._pictures[wanted].take(until)
            if ready:
                before = self._pictures.pop(self.shown, None) if self.shown is not None else None
                for at, frame in before.take(until) if before else ():
                    if at < ready[0][0]:
                        blocks += self._picture_block(at, frame)
                self.shown = wanted
                for at, frame in ready:
                    blocks += self._picture_block(at, frame)
                return blocks
            self.needs_key_frame = wanted
        if self.shown is not None:
            for at, frame in self._pictures[self.shown].take(until):
                blocks += self._picture_block(at, frame)
            if self._pictures[self.shown].is_broken:
                self.needs_key_frame = wanted
        elif until_ms >= self._black_due:
            at = max(self._last_picture + 1, int(self._black_due))
            blocks.append(WebmBlock(at, PICTURE_TRACK, BLACK_KEY_FRAME))
            self._last_picture, self._black_due = at, at + BLACK_FRAME_INTERVAL_MS
        return blocks

    def _picture_block(self, at: float, frame: bytes) -> list[WebmBlock]:
        moment = max(round(self._ms(at)), self._last_picture + 1)
        self._last_picture = moment
        self._black_due = moment + 1
        return [WebmBlock(moment, PICTURE_TRACK, frame, not frame[0] & 1)]

    def _cut(self, settled: float, is_last: bool) -> list[bytes]:
        """Cuts clusters of ``CLUSTER_MS``, or shorter ones where a key frame makes a good start.
        Never cuts where an earlier block may still arrive.
        """
        whole: list[bytes] = []
        while self._blocks:
            first = self._blocks[0].at
            cut = next(
                (
                    place
                    for place, block in enumerate(self._blocks)
                    if place and _can_begin_cluster(block, first)
                ),
                None,
            )
            if cut is None or self._blocks[cut].at > settled:
                break
            whole.append(write_cluster(self._blocks[:cut]))
            del self._blocks[:cut]
        if is_last and self._blocks:
            whole.append(write_cluster(self._blocks))
            self._blocks = []
        return whole

    def _ms(self, at: float) -> float:
        return self._begin + (at - self._origin) * 1000


def _can_begin_cluster(block: WebmBlock, first: int) -> bool:
    age = block.at - first
    return age >= CLUSTER_MS or (
        block.track == PICTURE_TRACK and block.is_key and age >= CLUSTER_MS / 4
    )
