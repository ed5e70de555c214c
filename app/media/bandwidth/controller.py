"""One listener's bandwidth control: estimator, allocator and prober, called in turn. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from app.media.bandwidth.allocator import (
    AllocationChange,
    StreamAllocator,
    find_degradation_step,
)
from app.media.bandwidth.estimator import BandwidthEstimator
from app.media.bandwidth.probe import BandwidthProber
from app.media.bandwidth.stream import AllocatedStream
from app.media.messages import DegradationStep
from app.media.wire.rtcp import TransportFeedback


class ControlledStream(AllocatedStream, Protocol):
    """A stream that can carry probes, and whose packets can be numbered to be watched."""

    @property
    def can_probe(self) -> bool: ...
    def send_padding(self, number: int) -> bool:
        """Sends one packet of padding under this transport-wide number."""
        ...

    def watch(self, take_number: Callable[[], int] | None) -> None:
        """Audio gets transport-wide numbers from ``take_number`` from now on; ``None`` ends it."""
        ...


class Prober(Protocol):
    """What measures the connection: ``BandwidthProber``, or a simulated one in tests."""

    def take_feedback(self, feedback: TransportFeedback, now: float) -> None: ...
    def take_loss(self) -> float | None: ...
    def find_capacity(self, now: float) -> float | None: ...
    def take_watched_number(self) -> int: ...
    def launch(self, send_padding: Callable[[int], object], now: float) -> None: ...
    def forget(self) -> None: ...


class DownlinkController:
    """Call ``adapt`` every quarter of a second, and the other methods when feedback arrives."""

    def __init__(self, prober: Prober | None = None) -> None:
        self.estimator = BandwidthEstimator()
        self.allocator = StreamAllocator()
        self.step = DegradationStep.FULL
        self._prober: Prober = prober if prober is not None else BandwidthProber()

    def take_remb(self, bits_per_second: int, now: float) -> None:
        self.estimator.take_remb(bits_per_second, now)

    def take_transport_feedback(self, feedback: TransportFeedback, now: float) -> None:
        self._prober.take_feedback(feedback, now)

    def adapt(
        self, streams: Sequence[ControlledStream], now: float, speaker: str | None = None
    ) -> bool:
        """Measures, reduces or restores, and probes. Returns whether the listener gets something
        else than before.
        """
        allocator, prober = self.allocator, self._prober
        estimate = self.estimator.update(
            streams, now, audio_loss=prober.take_loss(), capacity=prober.find_capacity(now)
        )
        was_degraded, paused_before = allocator.is_degraded, len(allocator.paused)
        change = allocator.allocate(streams, estimate, now, speaker)
        if change is AllocationChange.REDUCED:
            self.estimator.forget_loss()
        if allocator.is_degraded != was_degraded:
            for stream in streams:
                stream.watch(prober.take_watched_number if allocator.is_degraded else None)
        if len(allocator.paused) > paused_before:
            prober.forget()
        elif self.wants_probe(now):
            carrier = next((each for each in streams if each.can_probe), None)
            if carrier is not None:
                prober.launch(carrier.send_padding, now)
        before, self.step = self.step, find_degradation_step(streams)
        return change is not AllocationChange.NONE or self.step is not before

    def wants_probe(self, now: float) -> bool:
        """Only while something is missing; never while audio is being lost, because a probe would
        cost more of it.
        """
        is_needed = self.allocator.is_degraded or self.estimator.is_remb_short(now)
        return is_needed and not self.estimator.is_losing_audio
