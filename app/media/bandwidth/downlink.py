"""What a listener's line bears, and what is given up for it in which order. Pure of sockets.

First pictures come small, where their camera sends two sizes. Then they go: those of the others,
then that of the one who speaks and the shared screen; then the others' voices. An essential voice
(the interpreter's) is never given up. What went last comes back first.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Protocol

from app.media.bandwidth.probe import LossEvidence
from app.media.messages import DegradationStep, StreamPriority

HEAVY_LOSS_SHARE = 0.20
SEVERE_LOSS_SHARE = 0.30
SEVERE_PROVEN_LOSS_SHARE = 0.20
EXTREME_PROVEN_LOSS_SHARE = 0.50
SEVERE_AUDIO_LOSS_SHARE = 0.09
"""The last three are of what is surely lost: see ``LossEvidence``."""
REMB_LIFETIME_SECONDS = 5.0
REMB_SHORTFALL_RATIO = 0.75
STRAIN_PATIENCE_SECONDS = 1.5
SETTLING_SECONDS = 0.5
FIRST_RETRY_SECONDS = 4.0
LONGEST_RETRY_SECONDS = 32.0
LONGEST_RETRY_WITH_PLENTY_SECONDS = 4.0
RESUME_PROVEN_SECONDS = 8.0
HEADROOM_RATIO, PLENTY_RATIO = 1.3, 3.0
STEP_UP_INTERVAL_SECONDS = 1.0
ALLOCATION_SPEAKER_HOLD_SECONDS = 2.0
PACKET_OVERHEAD_BYTES = 40
"""Header, tag, UDP and IP, in bytes."""
SMALL_LAYER_BITS_PER_SECOND = 150_000
"""What a browser is asked to spend on its small layer at most."""
RATE_SMOOTHING_FACTOR, RATE_PEAK_DECAY_FACTOR = 0.25, 0.95


class AllocatedStream(Protocol):
    """A subscription, as far as the line is concerned."""

    is_video: bool
    is_paused: bool
    is_stage: bool
    loss: float
    priority: StreamPriority
    wanted: int
    """How many packets the listener asked for again, so far."""

    is_shrunk: bool

    @property
    def can_shrink(self) -> bool: ...
    @property
    def source(self) -> object | None: ...
    @property
    def seat(self) -> str | None: ...
    @property
    def octets(self) -> int: ...
    @property
    def packets(self) -> int: ...
    @property
    def octets_offered(self) -> int: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def shrink(self) -> None: ...
    def grow(self) -> None: ...


def rank_stream(stream: AllocatedStream, speaker: str | None) -> int:
    """The lowest goes first; 4 never goes."""
    if stream.is_video:
        return 1 if stream.is_stage or (speaker is not None and stream.seat == speaker) else 0
    return {StreamPriority.BACKGROUND: 2, StreamPriority.ORDINARY: 3, StreamPriority.ESSENTIAL: 4}[
        stream.priority
    ]


class _StreamCount:
    """What was counted of a stream up to the last look, and its rates since."""

    __slots__ = ("octets", "offered", "packets", "rate", "rate_offered", "smooth", "wanted")

    def __init__(self, stream: AllocatedStream) -> None:
        self.packets, self.wanted = stream.packets, stream.wanted
        self.octets, self.offered = (
            stream.octets + self.packets * PACKET_OVERHEAD_BYTES,
            stream.octets_offered,
        )
        self.rate = self.rate_offered = self.smooth = 0.0


class Downlink:
    """The listener's REMB, losses and probes, and what was paused for them.

    A browser's estimate does not grow past 1.5 times what arrives, and tells nothing of sound
    alone. So what is paused returns when a probe (``probed``) finds room for it; where no probe is
    possible, by trial: after 4 s, and after twice as long each time that the trial fails.
    """

    def __init__(self) -> None:
        self.loss = 0.0
        self.bitrate = 0.0
        self.need = 0.0
        """Bit/s of what is forwarded at its liveliest: speech comes and goes, and its room must
        stay.
        """
        self.watched_loss: float | None = None
        """What sound surely loses, where the listener's line is watched packet by packet."""
        self.capacity: float | None = None
        """Bit/s by the last probes; ``None`` when there is no fresh one."""
        self._estimate = 0
        self._estimate_at = -REMB_LIFETIME_SECONDS
        self._counts: dict[AllocatedStream, _StreamCount] = {}
        self._measured_at = 0.0
        self._asked_again = LossEvidence()
        self._recent_loss = 0.0
        self._strained_since: float | None = None
        self._paused: list[AllocatedStream] = []
        self._shrunk: list[AllocatedStream] = []
        self._retry = FIRST_RETRY_SECONDS
        self._changed_at = 0.0
        self._resumed_at = -RESUME_PROVEN_SECONDS
        self.speaker: str | None = None
        self._speaker_since = 0.0
        self._candidate: str | None = None

    @property
    def is_degraded(self) -> bool:
        return bool(self._paused or self._shrunk)

    @property
    def is_video_paused(self) -> bool:
        return any(stream.is_video and stream.is_paused for stream in self._paused)

    @property
    def paused(self) -> list[AllocatedStream]:
        return [stream for stream in self._paused if stream.source is not None]

    def estimated(self, bitrate: int, now: float) -> None:
        """The listener's REMB arrived."""
        self._estimate, self._estimate_at = bitrate, now

    def adapt(
        self, streams: Sequence[AllocatedStream], now: float, speaker: str | None = None
    ) -> bool:
        """Every quarter second: one step down under strain, one step up after calm. Whether a step
        was taken.
        """
        before = list(self._paused), list(self._shrunk)
        self._hold_speaker(speaker, now)
        self._measure(streams, now)
        if self._is_swamped(now):
            self._give_up(streams, now)
        elif self._is_strained(now):
            self._strained_since = self._strained_since or now
            if now - self._strained_since >= STRAIN_PATIENCE_SECONDS:
                self._give_up(streams, now)
        else:
            self._strained_since = None
            self._take_back(now)
            self._swap(streams, now)
        return before != (self._paused, self._shrunk)

    def step(self, streams: Sequence[AllocatedStream]) -> DegradationStep:
        """How far down the order this listener is now."""
        bound = [each for each in streams if each.source is not None]
        voices = [each for each in bound if not each.is_video]
        if any(each.is_paused for each in voices):
            rest = [each for each in voices if not each.is_paused]
            essential = all(each.priority is StreamPriority.ESSENTIAL for each in rest)
            return DegradationStep.INTERPRETER_ONLY if essential else DegradationStep.FEWER_VOICES
        pictures = [each for each in bound if each.is_video]
        if any(each.is_paused for each in pictures):
            return (
                DegradationStep.NO_PICTURES
                if all(each.is_paused for each in pictures)
                else DegradationStep.FEWER_PICTURES
            )
        if any(each.is_shrunk for each in pictures):
            return DegradationStep.SMALL_PICTURES
        return DegradationStep.FULL

    # --- what is measured ---

    def _measure(self, streams: Sequence[AllocatedStream], now: float) -> None:
        elapsed = max(0.001, now - self._measured_at)
        self._measured_at = now
        running = [each for each in streams if each.source is not None and not each.is_paused]
        for stream in streams:
            count = self._counts.get(stream)
            if count is None:
                self._counts[stream] = _StreamCount(stream)
                continue
            octets, offered, packets, wanted = (
                stream.octets,
                stream.octets_offered,
                stream.packets,
                stream.wanted,
            )
            octets += packets * PACKET_OVERHEAD_BYTES
            count.rate = max(0, octets - count.octets) * 8 / elapsed
            count.smooth += (
                max(0, offered - count.offered) * 8 / elapsed - count.smooth
            ) * RATE_SMOOTHING_FACTOR
            count.rate_offered = max(count.smooth, count.rate_offered * RATE_PEAK_DECAY_FACTOR)
            if stream.is_video and not stream.is_paused:
                self._asked_again.note(
                    max(0, wanted - count.wanted), max(0, packets - count.packets)
                )
            count.octets, count.offered, count.packets, count.wanted = (
                octets,
                offered,
                packets,
                wanted,
            )
        self.bitrate = sum(self._counts[each].rate for each in running)
        self.need = sum(self._need_of(each) for each in running)
        surely = self._asked_again.share()
        if surely is not None:
            self._recent_loss = surely
        heard = [each for each in running if each.is_video or self.watched_loss is None]
        reported = sum(each.loss for each in heard) / len(heard) if heard else 0.0
        self.loss = max(reported, self.watched_loss or 0.0)

    def _is_swamped(self, now: float) -> bool:
        """So narrow that waiting would cost the voices."""
        if self._recent_loss >= EXTREME_PROVEN_LOSS_SHARE:
            return True
        if now - self._changed_at < SETTLING_SECONDS:
            return False
        is_thin = self.watched_loss is not None and self.watched_loss >= SEVERE_AUDIO_LOSS_SHARE
        return (
            is_thin
            or self._recent_loss >= SEVERE_PROVEN_LOSS_SHARE
            or self.loss >= SEVERE_LOSS_SHARE
        )

    def _is_strained(self, now: float) -> bool:
        # An estimate grows by 8 % a second at most: after a pause it lags, and a probe knows
        # better.
        is_disproved = self.capacity is not None and self.capacity >= HEADROOM_RATIO * self.need
        return self.loss >= HEAVY_LOSS_SHARE or (self._falls_short(now) and not is_disproved)

    def _falls_short(self, now: float) -> bool:
        return (
            now - self._estimate_at < REMB_LIFETIME_SECONDS
            and self._estimate < REMB_SHORTFALL_RATIO * self.bitrate
        )

    def wants_probe(self, now: float) -> bool:
        is_losing = self.watched_loss is not None and self.watched_loss >= SEVERE_AUDIO_LOSS_SHARE
        return (self.is_degraded or self._falls_short(now)) and not is_losing

    def _hold_speaker(self, speaker: str | None, now: float) -> None:
        """A cough changes nothing: whoever speaks counts after two seconds, and until somebody else
        does.
        """
        if speaker != self._candidate:
            self._candidate, self._speaker_since = speaker, now
        if speaker is not None and (
            self.speaker is None or now - self._speaker_since >= ALLOCATION_SPEAKER_HOLD_SECONDS
        ):
            self.speaker = speaker

    # --- down, and up again ---

    def _order(self, stream: AllocatedStream) -> tuple[int, bool, float]:
        count = self._counts.get(stream)
        is_behind = stream.priority is not StreamPriority.BACKGROUND
        return rank_stream(stream, self.speaker), is_behind, -(count.rate if count else 0.0)

    def _give_up(self, streams: Sequence[AllocatedStream], now: float) -> None:
        running = [each for each in streams if each.source is not None and not each.is_paused]
        has_essential = any(rank_stream(each, None) == 4 for each in running)
        expendable = [
            each
            for each in running
            if each.is_video or (has_essential and rank_stream(each, None) < 4)
        ]
        self._strained_since = None
        if not expendable:
            return
        expendable.sort(key=self._order)
        fits, left = self._what_fits(now), self.bitrate
        for stream in [each for each in expendable if each.can_shrink]:
            stream.shrink()
            self._shrunk.append(stream)
            left -= max(0.0, self._counts[stream].rate - SMALL_LAYER_BITS_PER_SECOND)
            if left <= fits:
                expendable = []
                break
        for stream in expendable:
            if stream.is_video != expendable[0].is_video:
                break  # Whether voices must go too is seen once the pictures are gone.
            self._pause(stream)
            left -= min(
                self._counts[stream].rate, SMALL_LAYER_BITS_PER_SECOND if stream.is_shrunk else inf
            )
            if left <= fits:
                break
        if now - self._resumed_at < RESUME_PROVEN_SECONDS:
            self._retry = min(LONGEST_RETRY_SECONDS, self._retry * 2)
        self._resumed_at = -RESUME_PROVEN_SECONDS
        self._changed_at = now
        self._recent_loss = 0.0
        self._asked_again.forget()
        self.capacity = None

    def _what_fits(self, now: float) -> float:
        """Bit/s that the line seems to bear. Whether to act wants certainty; how much to do, the
        latest news.
        """
        arrived = self.bitrate * (1 - max(self._recent_loss, self._asked_again.latest, self.loss))
        return min(arrived, self._estimate) if self._falls_short(now) else arrived

    def _pause(self, stream: AllocatedStream) -> None:
        stream.pause()
        stream.loss = 0.0
        self._paused.append(stream)

    def _take_back(self, now: float) -> None:
        self._paused = [
            each for each in self._paused if each.source is not None or self._let_go(each)
        ]
        self._shrunk = [each for each in self._shrunk if each.source is not None]
        if not self.is_degraded:
            if now - self._changed_at > RESUME_PROVEN_SECONDS:
                self._retry = FIRST_RETRY_SECONDS
            return
        last = (self._paused or self._shrunk)[-1]
        if now - self._changed_at < self._wait(last):
            return
        if self._paused:
            self._paused.pop().resume()
        else:
            self._shrunk.pop().grow()
        self._changed_at = self._resumed_at = now

    def _need_of(self, stream: AllocatedStream) -> float:
        count = self._counts.get(stream)
        offered = count.rate_offered if count else 0.0
        return min(offered, SMALL_LAYER_BITS_PER_SECOND) if stream.is_shrunk else offered

    @staticmethod
    def _let_go(stream: AllocatedStream) -> bool:
        stream.resume()
        return False

    def _wait(self, stream: AllocatedStream) -> float:
        """How long after the last change ``stream`` may return."""
        is_climbing = self._resumed_at >= self._changed_at
        if self.capacity is None:
            return self._retry
        count = self._counts.get(stream)
        more = (
            self._need_of(stream)
            if stream.is_paused
            else (count.rate_offered if count else 0.0) - SMALL_LAYER_BITS_PER_SECOND
        )
        need = self.need + max(0.0, more)
        if self.capacity < HEADROOM_RATIO * need:
            return inf
        has_failed = self._retry > FIRST_RETRY_SECONDS
        if is_climbing or not has_failed:
            return STEP_UP_INTERVAL_SECONDS
        return (
            min(self._retry, LONGEST_RETRY_WITH_PLENTY_SECONDS)
            if self.capacity >= PLENTY_RATIO * need
            else self._retry
        )

    def _swap(self, streams: Sequence[AllocatedStream], now: float) -> None:
        """Where some pictures are seen and some not, the speaker's is among the seen."""
        if now - self._changed_at < SETTLING_SECONDS:
            return
        back = next(
            (
                each
                for each in self._paused
                if each.is_video and rank_stream(each, self.speaker) == 1
            ),
            None,
        )
        shown = [
            each
            for each in streams
            if each.is_video and each.source is not None and not each.is_paused
        ]
        gone = next((each for each in shown if rank_stream(each, self.speaker) == 0), None)
        if back is None or gone is None:
            return
        self._paused.remove(back)
        back.resume()
        self._paused.insert(0, gone)
        gone.pause()
        self._changed_at = now
