"""The only source of time. Instants are aware and in UTC."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_frozen_at: datetime | None = None
_shift = timedelta(0)


def now() -> datetime:
    """The present instant, aware, in UTC."""
    if _frozen_at is not None:
        return _frozen_at
    return datetime.now(UTC) + _shift


def monotonic() -> float:
    """Seconds on a clock that never goes back; for durations only."""
    return time.monotonic()


@contextmanager
def freeze_clock(at: datetime) -> Generator[None]:
    """Holds the clock at ``at`` (aware) within the block, in all threads. For tests."""
    global _frozen_at
    before, _frozen_at = _frozen_at, at.astimezone(UTC)
    try:
        yield
    finally:
        _frozen_at = before


@contextmanager
def shift_clock(by: timedelta) -> Generator[None]:
    """Moves the clock by ``by`` within the block, in all threads. For tests."""
    global _shift
    before, _shift = _shift, _shift + by
    try:
        yield
    finally:
        _shift = before
