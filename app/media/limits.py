"""How much one seat may ask of the node, so that a hostile or broken browser harms nobody else.
Pure.
"""

from __future__ import annotations

UPLINK_BYTES_PER_SECOND = 1_500_000
"""12 Mbit/s: three times what camera, screen and microphone send at their best."""
UPLINK_BURST_BYTES = 750_000
"""Half a second's share: key frames of camera and screen may come together."""
PACKET_COST_BYTES = 200
"""Added to each datagram's size, because every datagram costs work whatever its size."""
FEEDBACK_COST_BYTES = 4000
"""A feedback packet may ask for hundreds of repairs."""

UNKNOWN_ADDRESS_CHECKS_PER_SECOND = 60.0
"""ICE paces checks at one per 50 ms (RFC 8445, section 14.2), so three times one browser's."""
KNOWN_ADDRESS_CHECKS_PER_SECOND = 120.0
CHECKS_BURST_DATAGRAMS = 150.0
MAX_REMOTE_ADDRESSES = 16
"""Addresses from which one browser may send checks."""
OFFERS_PER_SECOND = 1.0
MAX_OFFERS_BURST = 10.0
"""For one seat. A browser in trouble tries again after 0.1, 0.4, 1 and then every 2 s."""
MAX_COUNTED_OFFERING_SEATS = 64
"""Seats of one room whose offers are counted; a room has eight."""
WARNING_INTERVAL_SECONDS = 10.0


class TokenBucket:
    """Allows ``rate`` a second, and up to ``burst`` at once after a pause."""

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


class RefusalWarnings:
    """Decides when to log how much was refused: at most every ten seconds."""

    __slots__ = ("_at", "_counted", "_told")

    def __init__(self) -> None:
        self._counted = self._told = 0
        self._at = -WARNING_INTERVAL_SECONDS

    def due(self, counted: int, now: float) -> int:
        """How many were refused since the last warning; 0 when there is nothing to say now."""
        self._counted = counted
        if counted == self._told or now - self._at < WARNING_INTERVAL_SECONDS:
            return 0
        since, self._told, self._at = counted - self._told, counted, now
        return since
