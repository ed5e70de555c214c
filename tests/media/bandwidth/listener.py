"""A listener behind a connection of some width, as the estimator and the allocator see it.

Simulated in rounds of a quarter of a second: no packets, no clock.
"""

from __future__ import annotations

from collections.abc import Callable

from app.media.bandwidth.controller import DownlinkController
from app.media.bandwidth.stream import PACKET_OVERHEAD_BYTES
from app.media.messages import DegradationStep, StreamPriority
from app.media.wire.rtcp import TransportFeedback

PACKET_BYTES = 1000
SMALL_BITS_PER_SECOND = 100_000
ROUND_SECONDS = 0.25


class FakeStream:
    """A stream that sends ``rate`` bit/s, or ``SMALL_BITS_PER_SECOND`` while it is shrunk."""

    def __init__(
        self,
        seat: str,
        is_video: bool,
        rate: int = 0,
        priority: StreamPriority = StreamPriority.ORDINARY,
    ) -> None:
        self.seat, self.is_video, self.rate, self.priority = seat, is_video, rate, priority
        self.has_source, self.is_paused, self.is_stage, self.loss = True, False, False, 0.0
        self.is_shrunk = self.can_shrink = self.can_probe = False
        self.octets = self.octets_offered = self.packets = self.nacked_packets = 0
        self.is_watched = False

    def __repr__(self) -> str:
        return f"{self.seat}'s {'picture' if self.is_video else 'voice'}"

    @property
    def sent(self) -> int:
        return min(self.rate, SMALL_BITS_PER_SECOND) if self.is_shrunk else self.rate

    def flow(self, seconds: float, lost: float) -> None:
        octets = int(self.sent * seconds / 8)
        packets = octets // PACKET_BYTES + 1
        self.octets_offered += int(self.rate * seconds / 8)
        if not self.is_paused:
            self.octets += octets - packets * PACKET_OVERHEAD_BYTES
            self.packets += packets
            self.nacked_packets += round(packets * lost) if self.is_video else 0

    def pause(self) -> None:
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False

    def shrink(self) -> None:
        self.is_shrunk, self.can_shrink = True, False

    def grow(self) -> None:
        self.is_shrunk, self.can_shrink = False, True

    def send_padding(self, number: int) -> bool:
        return True

    def watch(self, take_number: Callable[[], int] | None) -> None:
        self.is_watched = take_number is not None


class FakeProber:
    """Knows the connection's loss and width, where ``BandwidthProber`` would have measured them."""

    def __init__(self) -> None:
        self.loss: float | None = None
        self.capacity: float | None = None
        self.launches = self.forgotten = 0

    def take_feedback(self, feedback: TransportFeedback, now: float) -> None: ...
    def take_loss(self) -> float | None:
        return self.loss

    def find_capacity(self, now: float) -> float | None:
        return self.capacity

    def take_watched_number(self) -> int:
        return 0

    def launch(self, send_padding: Callable[[int], object], now: float) -> None:
        self.launches += 1

    def forget(self) -> None:
        self.forgotten += 1


class Listener:
    """Hears an interpreter and a doctor, sees a doctor and a guest; the doctor speaks."""

    def __init__(self, interpreter: StreamPriority = StreamPriority.ESSENTIAL) -> None:
        self.prober, self.now = FakeProber(), 100.0
        self.control = DownlinkController(self.prober)
        self.steps = [DegradationStep.FULL]
        self.interpreter = FakeStream("interpreter", False, 40_000, interpreter)
        self.voice = FakeStream("doctor", False, 40_000)
        self.doctor = FakeStream("doctor", True, 300_000)
        self.guest = FakeStream("guest", True, 500_000)
        self.streams = [self.interpreter, self.voice, self.doctor, self.guest]
        self.paused_at: dict[FakeStream, list[float]] = {}
        self.resumed_at: dict[FakeStream, list[float]] = {}

    @property
    def paused(self) -> list[FakeStream]:
        return [each for each in self.streams if each.is_paused]

    def run(
        self,
        seconds: float,
        width: int | None = None,
        estimate: int | None = None,
        probes: bool = True,
        speaker: str | None = "doctor",
    ) -> Listener:
        """``width``: bit/s of the connection, ``None`` for no limit; ``estimate``: the REMB."""
        for _ in range(int(seconds / ROUND_SECONDS)):
            self.run_round(width, estimate, probes, speaker)
        return self

    def run_round(
        self, width: int | None, estimate: int | None, probes: bool, speaker: str | None
    ) -> None:
        self.now += ROUND_SECONDS
        sent = sum(each.sent for each in self.streams if each.has_source and not each.is_paused)
        lost = max(0.0, 1 - width / sent) if width and sent else 0.0
        for each in self.streams:
            if each.has_source:
                each.flow(ROUND_SECONDS, lost)
        is_measured = self.control.allocator.is_degraded and probes
        self.prober.loss = lost if is_measured else None
        self.prober.capacity = (width or 50e6) if is_measured else None
        if estimate is not None:
            self.control.take_remb(estimate, self.now)
        before = self.paused
        self.control.adapt(self.streams, self.now, speaker)
        for each in self.streams:
            if each.is_paused and each not in before:
                self.paused_at.setdefault(each, []).append(self.now)
            elif not each.is_paused and each in before:
                self.resumed_at.setdefault(each, []).append(self.now)
        if self.control.step is not self.steps[-1]:
            self.steps.append(self.control.step)
