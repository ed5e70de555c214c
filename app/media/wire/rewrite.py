"""Sequence and timestamp arithmetic of RTP (RFC 3550), modulo 2**16 and 2**32. Pure."""

from __future__ import annotations

SEQUENCE_MASK = 0xFFFF
TIMESTAMP_MASK = 0xFFFFFFFF
HALF_SEQUENCE_RANGE = 0x8000


def compute_sequence_offset(last_sent: int, first: int) -> int:
    """The offset that makes ``first`` the successor of ``last_sent``."""
    return (last_sent + 1 - first) & SEQUENCE_MASK


def compute_timestamp_offset(last_sent: int, elapsed_ticks: int, first: int) -> int:
    """The offset that places ``first`` ``elapsed_ticks`` after ``last_sent``.

    Use the real time that has passed, not one frame: otherwise the receiver's jitter buffer grows
    with every switch.
    """
    return (last_sent + max(1, elapsed_ticks) - first) & TIMESTAMP_MASK


def extend_sequence(sequence: int, highest: int) -> int:
    """The 16-bit ``sequence`` as the extended number nearest to the extended ``highest``."""
    return (
        highest + ((sequence - highest + HALF_SEQUENCE_RANGE) & SEQUENCE_MASK) - HALF_SEQUENCE_RANGE
    )
