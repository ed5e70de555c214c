"""How much a listener's line would bear: short trains of padding, and sound watched packet by
packet. Pure.

Packets of one train leave together; how far apart the listener gets them is what the narrowest hop
needs for each (packet dispersion). A train is 1.7 kB: on 64 kbit/s it takes a fifth of a second and
pushes nothing out. Both use transport-wide numbers, which are sent only while the line is degraded:
a packet that carries one does not enter the browser's own estimate (REMB).
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

from app.media.wire.rewrite import SEQUENCE_MASK
from app.media.wire.rtcp import TransportFeedback

PROBE_TRAIN_PACKETS = 6
MIN_ARRIVED_TRAIN_PACKETS = 4
PROBE_PADDING_BYTES = 255
PROBE_PACKET_BITS = (12 + 8 + PROBE_PADDING_BYTES + 10) * 8
PROBE_TRAIN_INTERVAL_SECONDS = 1.0
PROBE_RESULT_LIFETIME_SECONDS = 3.5
MAX_WATCHED_PACKETS = 512
MAX_MEASURABLE_BITS_PER_SECOND = 100e6
MIN_LOSS_SAMPLE_PACKETS = 8
LOSS_HISTORY_WEIGHT = 0.5
CONFIDENCE_STANDARD_DEVIATIONS = 2.0
"""Standard deviations: chance alone passes for evidence once in forty looks, and then only just."""


class LossEvidence:
    """How much is surely lost of what was seen lately: three of eight packets may be bad luck,
    thirty of eighty not.

    The lower end of Wilson's interval (1927). What was seen before counts half at each look.
    """

    __slots__ = ("_fresh", "_fresh_lost", "_lost", "_seen", "latest")

    def __init__(self) -> None:
        self.latest = 0.0
        """The plain share at the last look: not sure, but the newest that is known."""
        self.forget()

    def note(self, lost: int, seen: int) -> None:
        self._lost += lost
        self._seen += seen
        self._fresh_lost += lost
        self._fresh += seen

    def share(self) -> float | None:
        """From 0.0 to 1.0; ``None`` while too little is new since the last look."""
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
    """Numbers packets and reads what the listener tells of them."""

    def __init__(self) -> None:
        self._next = 0
        self._trains: dict[int, dict[int, int | None]] = {}
        """First number of a train to number to arrival."""
        self._watched: dict[int, None] = {}
        self._found: list[tuple[float, float]] = []
        self._launched_at = -PROBE_TRAIN_INTERVAL_SECONDS
        self._loss = LossEvidence()

    def number(self) -> int:
        """The transport-wide number for one more watched packet of sound."""
        number = self._take_number()
        self._watched[number] = None
        if len(self._watched) > MAX_WATCHED_PACKETS:
            del self._watched[next(iter(self._watched))]
        return number

    def launch(self, send_padding: Callable[[int], object], now: float) -> None:
        """Sends a train, if the last one is long enough ago."""
        if now - self._launched_at < PROBE_TRAIN_INTERVAL_SECONDS:
            return
        self._launched_at = now
        for first in list(self._trains):
            self._judge(self._trains.pop(first), now)
        numbers = [self._take_number() for _ in range(PROBE_TRAIN_PACKETS)]
        self._trains[numbers[0]] = dict.fromkeys(numbers)
        for number in numbers:
            send_padding(number)

    def take(self, told: TransportFeedback, now: float) -> None:
        for step, at in enumerate(told.arrivals):
            number = (told.first + step) & SEQUENCE_MASK
            if number in self._watched:
                del self._watched[number]
                self._loss.note(at is None, 1)
            elif at is not None:
                self._note(number, at)
        for first in [first for first, train in self._trains.items() if None not in train.values()]:
            self._judge(self._trains.pop(first), now)

    def take_loss(self) -> float | None:
        """What the watched sound surely loses; ``None`` while too little was told since the last
        answer.
        """
        return self._loss.share()

    def capacity(self, now: float) -> float | None:
        """Bit/s: the best of the fresh trains, for a busy browser only makes a line look slower."""
        self._found = [
            (at, found) for at, found in self._found if now - at < PROBE_RESULT_LIFETIME_SECONDS
        ]
        return max((found for _, found in self._found), default=None)

    def forget(self) -> None:
        """The line has just become worse: what was found before does not hold."""
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
