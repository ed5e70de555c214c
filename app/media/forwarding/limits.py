"""What one seat may ask of the node, so that a hostile or broken browser is its own problem.
Pure.
"""

from __future__ import annotations

UPLINK_BYTES_A_SECOND = 1_500_000
"""Camera, screen and microphone at their best are a third of it."""
UPLINK_BURST = 750_000
PACKET_COST = 200
"""Each datagram costs work whatever its size: this many bytes."""
FEEDBACK_COST = 4000
"""A feedback packet may ask for hundreds of repairs."""

STRANGER_CHECKS_A_SECOND = 60.0
KNOWN_CHECKS_A_SECOND = 120.0
CHECKS_BURST = 150.0
MAX_REMOTE_ADDRESSES = 16
OFFERS_A_SECOND = 1.0
OFFERS_BURST = 10.0
"""Of one seat. A browser in trouble tries again after 0.1, 0.4, 1 and then every 2 s."""
MAX_OFFERING = 64
"""Seats of one room whose offers are counted."""
WARN_SECONDS = 10.0


class Allowance:
    """So many a second, and a burst of unused ones."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst, self._left, self._at = rate, burst, burst, 0.0

    def take(self, now: float) -> bool:
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Warned:
    """Counts what was refused, and says so at most every ten seconds."""

    __slots__ = ("_at", "_counted", "_told")

    def __init__(self) -> None:
        self._counted = self._told = 0
        self._at = -WARN_SECONDS

    def due(self, counted: int, now: float) -> int:
        """How many were refused since the last warning; 0 when there is nothing to say now."""
        self._counted = counted
        if counted == self._told or now - self._at < WARN_SECONDS:
            return 0
        since, self._told, self._at = counted - self._told, counted, now
        return since
