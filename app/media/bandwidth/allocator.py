"""Which streams a listener gets when not all of them fit. Pure.

What is given up, in this order: large pictures become small, where the camera sends two sizes; then
pictures are paused, the speaker's and the shared screen last; then voices, background ones first.
An essential voice (the interpreter's) is never paused. What was given up last returns first.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from math import inf

from app.media.bandwidth.estimator import BandwidthEstimate, StreamRate, compute_needed_rate
from app.media.bandwidth.stream import SMALL_LAYER_BITS_PER_SECOND, AllocatedStream
from app.media.messages import DegradationStep, StreamPriority

STRAIN_PATIENCE_SECONDS = 1.5
"""Strain must last this long before anything is given up. A key frame alone can fill a connection
for a second.
"""
SETTLING_SECONDS = 0.5
"""After a change, the next reports are still about the time before it: wait two rounds."""
FIRST_RETRY_SECONDS = 4.0
"""Without a probe, what is paused returns by trial after this long …"""
LONGEST_RETRY_SECONDS = 32.0
"""… and after twice as long each time that the trial fails, up to this."""
LONGEST_RETRY_WITH_PLENTY_SECONDS = 4.0
"""A probe that finds plenty of capacity cuts the wait after failures to this."""
RESUME_PROVEN_SECONDS = 8.0
"""What returned and stayed this long has proven itself: a later pause is not a failed trial."""
HEADROOM_RATIO = 1.3
"""A stream returns when the probes found this many times what would then be sent. A train of six
packets measures within 15 % (``tests/media/bandwidth/test_probe.py``); the rest is for key frames.
"""
PLENTY_RATIO = 3.0
STEP_UP_INTERVAL_SECONDS = 1.0
"""Between one stream's return and the next: probes are a second apart as well."""
ALLOCATION_SPEAKER_HOLD_SECONDS = 2.0
"""A cough must not swap pictures: who speaks counts after two seconds."""

NEVER_PAUSED_RANK = 4


class AllocationChange(Enum):
    """What one round of the allocator did."""

    NONE = "none"
    REDUCED = "reduced"
    RESTORED = "restored"
    """A stream returned, changed places with another, or its source left."""


def rank_stream(stream: AllocatedStream, speaker: str | None) -> int:
    """The lowest rank is paused first; ``NEVER_PAUSED_RANK`` is never paused."""
    if stream.is_video:
        return 1 if stream.is_stage or (speaker is not None and stream.seat == speaker) else 0
    return {
        StreamPriority.BACKGROUND: 2,
        StreamPriority.ORDINARY: 3,
        StreamPriority.ESSENTIAL: NEVER_PAUSED_RANK,
    }[stream.priority]


def find_degradation_step(streams: Sequence[AllocatedStream]) -> DegradationStep:
    """How far down the order a listener with these streams is."""
    bound = [each for each in streams if each.has_source]
    voices = [each for each in bound if not each.is_video]
    if any(each.is_paused for each in voices):
        rest = [each for each in voices if not each.is_paused]
        is_essential = all(each.priority is StreamPriority.ESSENTIAL for each in rest)
        return DegradationStep.INTERPRETER_ONLY if is_essential else DegradationStep.FEWER_VOICES
    pictures = [each for each in bound if each.is_video]
    if any(each.is_paused for each in pictures):
        are_all_paused = all(each.is_paused for each in pictures)
        return DegradationStep.NO_PICTURES if are_all_paused else DegradationStep.FEWER_PICTURES
    if any(each.is_shrunk for each in pictures):
        return DegradationStep.SMALL_PICTURES
    return DegradationStep.FULL


class StreamAllocator:
    """Pauses, shrinks and restores the streams of one listener, one step at a time.

    A browser's estimate (REMB) never grows past 1.5 times what arrives and says nothing about audio
    alone. So a paused stream returns when a probe finds room for it; without a probe, by trial.
    """

    def __init__(self) -> None:
        self.speaker: str | None = None
        """Whose picture counts as the speaker's."""
        self._candidate: str | None = None
        self._candidate_since = 0.0
        self._paused: list[AllocatedStream] = []
        self._shrunk: list[AllocatedStream] = []
        self._strained_since: float | None = None
        self._retry_seconds = FIRST_RETRY_SECONDS
        self._changed_at = 0.0
        self._resumed_at = -RESUME_PROVEN_SECONDS

    @property
    def is_degraded(self) -> bool:
        return bool(self._paused or self._shrunk)

    @property
    def is_video_paused(self) -> bool:
        return any(stream.is_video and stream.is_paused for stream in self._paused)

    @property
    def paused(self) -> list[AllocatedStream]:
        """In the order in which they were paused."""
        return [stream for stream in self._paused if stream.has_source]

    def allocate(
        self,
        streams: Sequence[AllocatedStream],
        estimate: BandwidthEstimate,
        now: float,
        speaker: str | None = None,
    ) -> AllocationChange:
        """One step down under strain, or one step up after calm."""
        before = list(self._paused), list(self._shrunk)
        self._hold_speaker(speaker, now)
        if self._must_act_at_once(estimate, now):
            return self._reduce(streams, estimate, now)
        if estimate.is_strained:
            self._strained_since = self._strained_since or now
            if now - self._strained_since < STRAIN_PATIENCE_SECONDS:
                return AllocationChange.NONE
            return self._reduce(streams, estimate, now)
        self._strained_since = None
        self._restore(estimate, now)
        self._swap_speaker_in(streams, now)
        is_same = before == (self._paused, self._shrunk)
        return AllocationChange.NONE if is_same else AllocationChange.RESTORED

    def _must_act_at_once(self, estimate: BandwidthEstimate, now: float) -> bool:
        if estimate.is_extreme:
            return True
        return estimate.is_severe and now - self._changed_at >= SETTLING_SECONDS

    def _hold_speaker(self, speaker: str | None, now: float) -> None:
        """Who speaks counts after two seconds, and until somebody else does."""
        if speaker != self._candidate:
            self._candidate, self._candidate_since = speaker, now
        has_held = now - self._candidate_since >= ALLOCATION_SPEAKER_HOLD_SECONDS
        if speaker is not None and (self.speaker is None or has_held):
            self.speaker = speaker

    # --- down ---

    def _reduce(
        self, streams: Sequence[AllocatedStream], estimate: BandwidthEstimate, now: float
    ) -> AllocationChange:
        """Gives up as much as is needed, but never pictures and voices in one step."""
        self._strained_since = None
        expendable = self._list_expendable(streams, estimate)
        if not expendable:
            return AllocationChange.NONE
        excess = estimate.sent_bits_per_second - estimate.available_bits_per_second
        excess, is_enough = self._shrink_pictures(expendable, excess, estimate)
        if not is_enough:
            self._pause_streams(expendable, excess, estimate)
        if now - self._resumed_at < RESUME_PROVEN_SECONDS:
            self._retry_seconds = min(LONGEST_RETRY_SECONDS, self._retry_seconds * 2)
        self._resumed_at = -RESUME_PROVEN_SECONDS
        self._changed_at = now
        return AllocationChange.REDUCED

    def _list_expendable(
        self, streams: Sequence[AllocatedStream], estimate: BandwidthEstimate
    ) -> list[AllocatedStream]:
        """In the order of pausing. Voices are on it only where an essential one must be
        protected.
        """
        running = [each for each in streams if each.has_source and not each.is_paused]
        has_essential = any(rank_stream(each, None) == NEVER_PAUSED_RANK for each in running)

        def order(stream: AllocatedStream) -> tuple[int, bool, float]:
            is_foreground = stream.priority is not StreamPriority.BACKGROUND
            rate = estimate.rates[stream].sent_bits_per_second
            return rank_stream(stream, self.speaker), is_foreground, -rate

        return sorted(
            (
                each
                for each in running
                if each.is_video or (has_essential and rank_stream(each, None) < NEVER_PAUSED_RANK)
            ),
            key=order,
        )

    def _shrink_pictures(
        self, expendable: list[AllocatedStream], excess: float, estimate: BandwidthEstimate
    ) -> tuple[float, bool]:
        """Returns the bit/s that are still too many, and whether shrinking was enough."""
        for stream in [each for each in expendable if each.can_shrink]:
            stream.shrink()
            self._shrunk.append(stream)
            rate = estimate.rates[stream].sent_bits_per_second
            excess -= max(0.0, rate - SMALL_LAYER_BITS_PER_SECOND)
            if excess <= 0:
                return excess, True
        return excess, False

    def _pause_streams(
        self, expendable: list[AllocatedStream], excess: float, estimate: BandwidthEstimate
    ) -> None:
        for stream in expendable:
            if stream.is_video != expendable[0].is_video:
                return  # Whether voices must go too is seen once the pictures are gone.
            stream.pause()
            self._paused.append(stream)
            rate = estimate.rates[stream].sent_bits_per_second
            excess -= min(rate, SMALL_LAYER_BITS_PER_SECOND if stream.is_shrunk else inf)
            if excess <= 0:
                return

    # --- up again ---

    def _restore(self, estimate: BandwidthEstimate, now: float) -> None:
        self._release_streams_without_source()
        if not self.is_degraded:
            if now - self._changed_at > RESUME_PROVEN_SECONDS:
                self._retry_seconds = FIRST_RETRY_SECONDS
            return
        last = (self._paused or self._shrunk)[-1]
        if now - self._changed_at < self._find_wait(last, estimate):
            return
        if self._paused:
            self._paused.pop().resume()
        else:
            self._shrunk.pop().grow()
        self._changed_at = self._resumed_at = now

    def _release_streams_without_source(self) -> None:
        for stream in self._paused:
            if not stream.has_source:
                stream.resume()
        self._paused = [each for each in self._paused if each.has_source]
        self._shrunk = [each for each in self._shrunk if each.has_source]

    def _find_wait(self, stream: AllocatedStream, estimate: BandwidthEstimate) -> float:
        """Seconds after the last change until ``stream`` may return; ``inf`` for not now."""
        capacity = estimate.capacity_bits_per_second
        if capacity is None:
            return self._retry_seconds
        needed = estimate.needed_bits_per_second + _find_extra_rate(
            stream, estimate.rates.get(stream)
        )
        if capacity < HEADROOM_RATIO * needed:
            return inf
        is_climbing = self._resumed_at >= self._changed_at
        has_failed = self._retry_seconds > FIRST_RETRY_SECONDS
        if is_climbing or not has_failed:
            return STEP_UP_INTERVAL_SECONDS
        if capacity >= PLENTY_RATIO * needed:
            return min(self._retry_seconds, LONGEST_RETRY_WITH_PLENTY_SECONDS)
        return self._retry_seconds

    def _swap_speaker_in(self, streams: Sequence[AllocatedStream], now: float) -> None:
        """Where some pictures are shown and some are not, the speaker's is among those shown."""
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
        shown = [each for each in streams if each.is_video and each.has_source]
        gone = next(
            (each for each in shown if not each.is_paused and rank_stream(each, self.speaker) == 0),
            None,
        )
        if back is None or gone is None:
            return
        self._paused.remove(back)
        back.resume()
        self._paused.insert(0, gone)
        gone.pause()
        self._changed_at = now


def _find_extra_rate(stream: AllocatedStream, rate: StreamRate | None) -> float:
    """Bit/s that are sent in addition when ``stream`` is resumed, or grows to its large layer."""
    if stream.is_paused:
        return max(0.0, compute_needed_rate(stream, rate))
    offered = rate.offered_bits_per_second if rate is not None else 0.0
    return max(0.0, offered - SMALL_LAYER_BITS_PER_SECOND)
