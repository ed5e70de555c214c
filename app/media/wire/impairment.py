"""A bad network, for tests only: loss, delay, jitter, rate, reordering, duplication and outage of
datagrams.

The kernel's own traffic shaping is not available everywhere. So the seam puts this between a seat
and its sockets, for every datagram: checks, handshake, feedback and media. The node itself never
uses it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class NetworkConditions:
    """The conditions of one direction. Shares are from 0.0 to 1.0, times in seconds, ``rate`` in
    bit/s (0: no limit).

    ``queue`` is how long a datagram may wait for the rate before it is dropped (tail drop).
    """

    loss: float = 0.0
    delay: float = 0.0
    jitter: float = 0.0
    rate: int = 0
    queue: float = 0.4
    reorder: float = 0.0
    duplicate: float = 0.0
    is_out: bool = False


CLEAR_CONDITIONS = NetworkConditions()
REORDER_DELAY_SECONDS = 0.030
MIN_SPACING_SECONDS = 0.0001


class LoopClock(Protocol):
    """The part of an event loop that is needed here."""

    def time(self) -> float: ...
    def call_at(self, when: float, callback: Callable[[], object]) -> object: ...


class ImpairedPath:
    """One direction of a connection. ``conditions`` may change at any time; they do not affect
    datagrams that are already on their way.
    """

    def __init__(
        self, clock: LoopClock, conditions: NetworkConditions = CLEAR_CONDITIONS, seed: int = 1
    ) -> None:
        self.conditions = conditions
        self.passed = 0
        self.dropped = 0
        self._clock = clock
        self._dice = random.Random(seed)
        self._free_at = 0.0
        self._last_at = 0.0

    def carry(self, size: int, deliver: Callable[[], object]) -> None:
        """Calls ``deliver`` when a datagram of ``size`` bytes arrives: now, later, twice or
        never.
        """
        conditions, now = self.conditions, self._clock.time()
        if conditions.is_out or self._dice.random() < conditions.loss:
            self.dropped += 1
            return
        arrives = now
        if conditions.rate:
            begins = max(now, self._free_at)
            if begins - now > conditions.queue:
                self.dropped += 1
                return
            arrives = self._free_at = begins + size * 8 / conditions.rate
        arrives += conditions.delay
        if conditions.jitter:
            # Jitter stretches and squeezes; by itself it does not overtake.
            arrives = max(
                arrives + self._dice.random() * conditions.jitter,
                self._last_at + MIN_SPACING_SECONDS,
            )
        self._last_at = max(self._last_at, arrives)
        if self._dice.random() < conditions.reorder:
            arrives += REORDER_DELAY_SECONDS
        self.passed += 1
        for _ in range(2 if self._dice.random() < conditions.duplicate else 1):
            if arrives <= now:
                deliver()
            else:
                self._clock.call_at(arrives, deliver)


@dataclass
class ImpairedLink:
    """Both directions of a seat's connection: ``up`` is from the browser to the node, ``down`` from
    the node to the browser.
    """

    up: ImpairedPath
    down: ImpairedPath

    @classmethod
    def over(
        cls,
        clock: LoopClock,
        up: NetworkConditions = CLEAR_CONDITIONS,
        down: NetworkConditions = CLEAR_CONDITIONS,
        seed: int = 1,
    ) -> ImpairedLink:
        return cls(ImpairedPath(clock, up, seed), ImpairedPath(clock, down, seed + 1))
