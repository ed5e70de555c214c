"""How much a listener's line would bear: short trains of padding, and sound watched packet by packet. Pure.

Packets of one train leave together; how far apart the listener gets them is what the narrowest hop needs for
each (packet dispersion). A train is 1.7 kB: on 64 kbit/s it takes a fifth of a second and pushes nothing out.
Both use transport-wide numbers, which are sent only while the line is degraded: a packet that carries one
does not enter the browser's own estimate (REMB).
"""

from __future__ import annotations

from collections.abc import Callable

from app.media.feedback import TransportFeedback
from app.media.rewrite import SEQUENCE_MASK

TRAIN_PACKETS = 6
ENOUGH_OF_A_TRAIN = 4
PADDING = 255
PACKET_BITS = (12 + 8 + PADDING + 10) * 8
TRAIN_INTERVAL = 1.0
FRESH = 3.5
MAX_REMEMBERED = 512
UNMEASURABLY_FAST = 100e6


class Prober:
    """Numbers packets and reads what the listener tells of them."""

    def __init__(self) -> None:
        self._next = 0
        self._trains: dict[int, dict[int, int | None]] = {}
        """First number of a train to number to arrival."""
        self._watched: dict[int, None] = {}
        self._found: list[tuple[float, float]] = []
        self._launched_at = -TRAIN_INTERVAL
        self._lost = self._seen = 0

    def number(self) -> int:
        """The transport-wide number for one more watched packet of sound."""
        number = self._take_number()
        self._watched[number] = None
        if len(self._watched) > MAX_REMEMBERED:
            del self._watched[next(iter(self._watched))]
        return number

    def launch(self, send_padding: Callable[[int], object], now: float) -> None:
        """Sends a train, if the last one is long enough ago."""
        if now - self._launched_at < TRAIN_INTERVAL:
            return
        self._launched_at = now
        for first in list(self._trains):
            self._judge(self._trains.pop(first), now)
        numbers = [self._take_number() for _ in range(TRAIN_PACKETS)]
        self._trains[numbers[0]] = dict.fromkeys(numbers)
        for number in numbers:
            send_padding(number)

    def take(self, told: TransportFeedback, now: float) -> None:
        for step, at in enumerate(told.arrivals):
            number = (told.first + step) & SEQUENCE_MASK
            if number in self._watched:
                del self._watched[number]
                self._seen += 1
                self._lost += at is None
            elif at is not None:
                self._note(number, at)
        for first in [first for first, train in self._trains.items() if None not in train.values()]:
            self._judge(self._trains.pop(first), now)

    def take_loss(self) -> float | None:
        """Loss of the watched sound since the last answer; ``None`` while too little was told."""
        if self._seen < 8:
            return None
        share = self._lost / self._seen
        self._lost = self._seen = 0
        return share

    def capacity(self, now: float) -> float | None:
        """Bit/s: the best of the fresh trains, for a busy browser only makes a line look slower."""
        self._found = [(at, found) for at, found in self._found if now - at < FRESH]
        return max((found for _, found in self._found), default=None)

    def forget(self) -> None:
        """The line has just become worse: what was found before does not hold."""
        self._found.clear()
        self._trains.clear()
        self._lost = self._seen = 0

    def _take_number(self) -> int:
        number, self._next = self._next, (self._next + 1) & SEQUENCE_MASK
        return number

    def _note(self, number: int, at: int) -> None:
        for train in self._trains.values():
            if number in train:
                train[number] = at

    def _judge(self, train: dict[int, int | None], now: float) -> None:
        times = [at for at in train.values() if at is not None]
        if len(times) < ENOUGH_OF_A_TRAIN:
            return
        spread = (max(times) - min(times)) / 4000
        found = (len(times) - 1) * PACKET_BITS / spread if spread > 0 else UNMEASURABLY_FAST
        self._found.append((now, found))
