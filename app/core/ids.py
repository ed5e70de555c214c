"""Identifiers: time-ordered, unguessable, without meaning."""

from __future__ import annotations

import secrets
import time


def new_id() -> str:
    """A fresh identifier: 32 lower-case hex digits, ordered by creation time (layout of UUIDv7, RFC
    9562).
    """
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0b11 << 62) | 0b10 << 62
    return f"{value:032x}"
