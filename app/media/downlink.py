"""What a listener's line bears: pauses video when it does not, and tries again with patience. Pure of sockets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

HEAVY_LOSS = 0.20
DROWNING_LOSS = 0.30
ESTIMATE_LASTS = 5.0
SHORTFALL = 0.75
PATIENCE = 1.5
FIRST_RETRY = 4.0
LONGEST_RETRY = 32.0
PROVEN_AFTER = 8.0


class Stream(Protocol):
    """A subscription, as far as the line is concerned."""

    is_video: bool
    is_paused: bool
    loss: float

    @property
    def source(self) -> object | None: ...
    @property
    def octets(self) -> int: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...


class Downlink:
    """The listener's REMB and losses, and what was paused for them. Audio is never paused here.

    A browser's estimate does not grow past 1.5 times what arrives, so a paused video returns by trial:
    after 4 s, and after twice as long each time that the trial fails.
    """

    def __init__(self) -> None:
        self.loss = 0.0
        self.bitrate = 0.0
        self._estimate = 0
        self._estimate_at = -ESTIMATE_LASTS
        self._octets: dict[Stream, int] = {}
        self._measured_at = 0.0
        self._strained_since: float | None = None
        self._paused: list[Stream] = []
        self._retry = FIRST_RETRY
        self._changed_at = 0.0

    @property
    def is_video_paused(self) -> bool:
        return any(stream.is_paused for stream in self._paused)

    def estimated(self, bitrate: int, now: float) -> None:
        """The listener's REMB arrived."""
        self._estimate, self._estimate_at = bitrate, now

    def adapt(self, streams: Sequence[Stream], now: float) -> None:
        """Every half second: pauses the heaviest video under strain, resumes the last paused after calm."""
        rates = self._measure(streams, now)
        running = [each for each in streams if each.source is not None and not each.is_paused]
        self.loss = sum(each.loss for each in running) / len(running) if running else 0.0
        if self._is_strained(now):
            self._strained_since = self._strained_since or now
            patience = 0.0 if self.loss >= DROWNING_LOSS else PATIENCE
            if now - self._strained_since >= patience:
                self._pause_heaviest(streams, rates, now)
        else:
            self._strained_since = None
            self._resume_last(now)

    def _measure(self, streams: Sequence[Stream], now: float) -> dict[Stream, float]:
        elapsed = max(0.001, now - self._measured_at)
        self._measured_at = now
        rates = {}
        for stream in streams:
            octets = stream.octets
            rates[stream] = max(0, octets - self._octets.get(stream, octets)) * 8 / elapsed
            self._octets[stream] = octets
        self.bitrate = sum(rates.values())
        return rates

    def _is_strained(self, now: float) -> bool:
        has_estimate = now - self._estimate_at < ESTIMATE_LASTS
        falls_short = has_estimate and self._estimate < SHORTFALL * self.bitrate
        return falls_short or self.loss >= HEAVY_LOSS

    def _pause_heaviest(self, streams: Sequence[Stream], rates: dict[Stream, float], now: float) -> None:
        running = [each for each in streams if each.is_video and each.source is not None and not each.is_paused]
        if not running:
            return
        heaviest = max(running, key=lambda stream: rates[stream])
        heaviest.pause()
        heaviest.loss = 0.0
        self._paused.append(heaviest)
        if now - self._changed_at < PROVEN_AFTER:
            self._retry = min(LONGEST_RETRY, self._retry * 2)
        self._changed_at = now
        self._strained_since = None

    def _resume_last(self, now: float) -> None:
        if not self._paused:
            if now - self._changed_at > PROVEN_AFTER:
                self._retry = FIRST_RETRY
            return
        if now - self._changed_at < self._retry:
            return
        self._paused.pop().resume()
        self._changed_at = now
