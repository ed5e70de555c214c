"""Measures how much more a listener's connection could carry: with short trains of padding, and by
watching audio packet by packet. Pure.

The packets of a train leave together. The narrowest hop sends them on one after another, and how
far apart they arrive tells its rate (packet dispersion: Dovrolis, Ramanathan and Moore, INFOCOM
2001). A train is 1.7 kB: at 64 kbit/s it takes a fifth of a second and displaces nothing. Both
measurements need transport-wide numbers, which are sent only while something is paused: a packet
that carries one does not count in the browser's own estimate (REMB).
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

from app.media.wire.rewrite import SEQUENCE_MASK
from app.media.wire.rtcp import TransportFeedback

PROBE_TRAIN_PACKETS = 6
MIN_ARRIVED_TRAIN_PACKETS = 4
"""Fewer arrivals say too little about the rate: three gaps are the least."""
PROBE_PADDING_BYTES = 255
"""The most that the padding count, one byte, can say (RFC 3550, section 5.1)."""
PROBE_PACKET_BITS = (12 + 8 + PROBE_PADDING_BYTES + 10) * 8
"""RTP header, one extension, padding, SRTP tag (RFC 3550, 8285, 3711)."""
PROBE_TRAIN_INTERVAL_SECONDS = 1.0
PROBE_RESULT_LIFETIME_SECONDS = 3.5
"""Three trains: one slow train among them does not count."""
MAX_WATCHED_PACKETS = 512
"""About ten seconds of one voice (50 packets a second) without any feedback."""
MAX_MEASURABLE_BITS_PER_SECOND = 100e6
"""What a train without any spread is taken for: arrival times come in steps of 250 µs."""
MIN_LOSS_SAMPLE_PACKETS = 8
LOSS_HISTORY_WEIGHT = 0.5
"""Each assessment halves the weight of the packets before it."""
CONFIDENCE_STANDARD_DEVIATIONS = 2.0
"""Chance alone passes for evidence in one assessment of forty, and then only just."""


class LossEvidence:
    """Which share of the recent packets is lost for certain: three lost of eight may be chance,
    thirty of eighty are not (docs/adr/0020).

    The lower end of Wilson's confidence interval (E. B. Wilson, 1927, JASA 22).
    """

    __slots__ = ("_fresh", "_fresh_lost", "_lost", "_seen", "latest")

    def __init__(self) -> None:
        self.latest = 0.0
        """The bare share of the last assessment: uncertain, but the newest."""
        self.forget()

    def add(self, lost: int, seen: int) -> None:
        self._lost += lost
        self._seen += seen
        self._fresh_lost += lost
        self._fresh += seen

    def assess(self) -> float | None:
        """From 0.0 to 1.0; ``None`` while too few packets are new since the last assessment."""
        if self._fresh < MIN_LOSS_SAMPLE_PACKETS:
            return None
        count, share, square = (
            self._seen,
            min(1.0, self._lost / self._seen),
            CONFIDENCE_STANDARD_DEVIATIONS**2,
        )
        spread = CONFIDENCE_STANDARD_DEVIATIONS * sqrt(
            share * (1 - share) / count + square / (4 * count * count)
        )
        self.latest = min(1.0, self._fresh_lost / self._fresh)
        self._lost, self._seen = self._lost * LOSS_HISTORY_WEIGHT, self._seen * LOSS_HISTORY_WEIGHT
        self._fresh_lost = self._fresh = 0
        return max(0.0, (share + square / (2 * count) - spread) / (1 + square / count))

    def forget(self) -> None:
        self._lost = self._seen = self.latest = 0.0
        self._fresh_lost = self._fresh = 0


class BandwidthProber:
    """Numbers packets, and reads the listener's feedback about them."""

    def __init__(self) -> None:
        self._next = 0
        self._trains: dict[int, dict[int, int | None]] = {}
        """First number of a train to number to arrival."""
        self._watched: dict[int, None] = {}
        self._found: list[tuple[float, float]] = []
        self._launched_at = -PROBE_TRAIN_INTERVAL_SECONDS
        self._loss = LossEvidence()

    def take_watched_number(self) -> int:
        """The transport-wide number for one more watched packet of audio."""
        number = self._take_number()
        self._watched[number] = None
        if len(self._watched) > MAX_WATCHED_PACKETS:
            del self._watched[next(iter(self._watched))]
        return number

    def launch(self, send_padding: Callable[[int], object], now: float) -> None:
        """Sends a train, unless the last one was less than a second ago."""
        if now - self._launched_at < PROBE_TRAIN_INTERVAL_SECONDS:
            return
        self._launched_at = now
        for first in list(self._trains):
            self._judge(self._trains.pop(first), now)
        numbers = [self._take_number() for _ in range(PROBE_TRAIN_PACKETS)]
        self._trains[numbers[0]] = dict.fromkeys(numbers)
        for number in numbers:
            send_padding(number)

    def take_feedback(self, feedback: TransportFeedback, now: float) -> None:
        for step, at in enumerate(feedback.arrivals):
            number = (feedback.first + step) & SEQUENCE_MASK
            if number in self._watched:
                del self._watched[number]
                self._loss.add(at is None, 1)
            elif at is not None:
                self._note(number, at)
        for first in [first for first, train in self._trains.items() if None not in train.values()]:
            self._judge(self._trains.pop(first), now)

    def take_loss(self) -> float | None:
        """The proven loss of watched audio; ``None`` while too few packets are new since the last
        call.
        """
        return self._loss.assess()

    def find_capacity(self, now: float) -> float | None:
        """In bit/s: the best of the recent trains, because a busy browser makes a connection look
        slower but never faster.
        """
        self._found = [
            (at, found) for at, found in self._found if now - at < PROBE_RESULT_LIFETIME_SECONDS
        ]
        return max((found for _, found in self._found), default=None)

    def forget(self) -> None:
        """The connection has just become worse: earlier results do not hold any more."""
        self._found.clear()
        self._trains.clear()
        self._loss.forget()

    def _take_number(self) -> int:
        number, self._next = self._next, (self._next + 1) & SEQUENCE_MASK
        return number

    def _note(self, number: int, at: int) -> None:
        for train in self._trains.values():
            if number in train:
                train[number] = at

    def _judge(self, train: dict[int, int | None], now: float) -> None:
        times = [at for at in train.values() if at is not None]
        if len(times) < MIN_ARRIVED_TRAIN_PACKETS:
            return
        spread = (max(times) - min(times)) / 4000
        found = (
            (len(times) - 1) * PROBE_PACKET_BITS / spread
            if spread > 0
            else MAX_MEASURABLE_BITS_PER_SECOND
        )
        self._found.append((now, found))
