"""How much a listener's connection can carry now. Pure: no sockets, no clock of its own.

Four signals go in: the browser's own estimate (REMB), its receiver reports, the packets it asks for
again, and what the probes found (``probe``). One ``BandwidthEstimate`` comes out for each round.
The estimator never pauses anything; that is the allocator's decision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.media.bandwidth.probe import LossEvidence
from app.media.bandwidth.stream import (
    PACKET_OVERHEAD_BYTES,
    SMALL_LAYER_BITS_PER_SECOND,
    MeasuredStream,
)

HEAVY_LOSS_SHARE = 0.20
"""Reported loss that is too much if it lasts. Google's congestion control lowers the rate from 10 %
on (draft-ietf-rmcat-gcc-02, section 6). Here it is higher because a pause costs a whole picture and
retransmission repairs 10 % well; at 5 % nothing may be paused (docs/adr/0020).
"""
SEVERE_LOSS_SHARE = 0.30
"""Reported loss that is acted on at once. Above it the voices break up: Opus can restore one lost
packet from the next one, but not two in a row (in-band FEC, RFC 6716).
"""
SEVERE_PROVEN_LOSS_SHARE = 0.20
"""Proven loss of pictures that is acted on at once. "Proven" is the lower end of the confidence
interval, see ``LossEvidence``; so it is lower than the reported share above.
"""
EXTREME_PROVEN_LOSS_SHARE = 0.50
"""Proven loss that is acted on even right after a change: half of what is sent cannot get
through.
"""
SEVERE_AUDIO_LOSS_SHARE = 0.09
"""Proven loss of audio that is acted on at once. At 64 kbit/s the interpreter then loses 3.0 to 4.7
% of the packets (docs/benchmarks.md, ``media_network``).
"""
REMB_LIFETIME_SECONDS = 5.0
"""Browsers repeat their REMB (draft-alvestrand-rmcat-remb-03) about once a second while video
arrives; after five silent seconds it means nothing.
"""
REMB_SHORTFALL_RATIO = 0.75
"""A REMB below this part of what is sent counts as strain. A little below is normal: a browser sets
its estimate to 0.85 of the received rate on overuse (draft-ietf-rmcat-gcc-02, section 5.5).
"""
DISPROOF_HEADROOM_RATIO = 1.3
"""A probe that found this many times the need disproves a low REMB: after a pause REMB lags behind,
because it grows by 8 % a second at most (draft-ietf-rmcat-gcc-02, section 5.5).
"""
RATE_SMOOTHING_FACTOR = 0.25
"""Weight of the newest quarter of a second in a stream's smoothed rate: about one second in all."""
RATE_PEAK_DECAY_FACTOR = 0.95
"""A peak rate halves in 13 rounds of a quarter of a second, about 3 s: pauses in speech are
shorter.
"""


class StreamRate:
    """The rates of one stream, updated from its counters."""

    __slots__ = (
        "_nacked_packets",
        "_octets",
        "_octets_offered",
        "_packets",
        "_smoothed",
        "offered_bits_per_second",
        "sent_bits_per_second",
    )

    def __init__(self, stream: MeasuredStream) -> None:
        self.sent_bits_per_second = 0.0
        self.offered_bits_per_second = 0.0
        """The recent peak of what the source publishes, also while the stream is paused."""
        self._smoothed = 0.0
        self._packets, self._nacked_packets = stream.packets, stream.nacked_packets
        self._octets = stream.octets + stream.packets * PACKET_OVERHEAD_BYTES
        self._octets_offered = stream.octets_offered

    def update(self, stream: MeasuredStream, elapsed_seconds: float) -> tuple[int, int]:
        """Returns (packets asked for again, packets sent) since the last call."""
        packets, nacked = stream.packets, stream.nacked_packets
        octets = stream.octets + packets * PACKET_OVERHEAD_BYTES
        offered = stream.octets_offered
        new = max(0, nacked - self._nacked_packets), max(0, packets - self._packets)
        self.sent_bits_per_second = max(0, octets - self._octets) * 8 / elapsed_seconds
        newest = max(0, offered - self._octets_offered) * 8 / elapsed_seconds
        self._smoothed += (newest - self._smoothed) * RATE_SMOOTHING_FACTOR
        self.offered_bits_per_second = max(
            self._smoothed, self.offered_bits_per_second * RATE_PEAK_DECAY_FACTOR
        )
        self._packets, self._nacked_packets = packets, nacked
        self._octets, self._octets_offered = octets, offered
        return new


def compute_needed_rate(stream: MeasuredStream, rate: StreamRate | None) -> float:
    """Bit/s that the stream needs at its liveliest, in the layer that is chosen for it now."""
    offered = rate.offered_bits_per_second if rate is not None else 0.0
    return min(offered, SMALL_LAYER_BITS_PER_SECOND) if stream.is_shrunk else offered


@dataclass(frozen=True, slots=True)
class BandwidthEstimate:
    """One round's judgement of a connection."""

    sent_bits_per_second: float
    available_bits_per_second: float
    """What seems to get through now."""
    needed_bits_per_second: float
    """What the forwarded streams need at their liveliest: speech comes and goes, and its share must
    stay free.
    """
    capacity_bits_per_second: float | None
    """What the probes found; ``None`` without a fresh probe."""
    rates: Mapping[MeasuredStream, StreamRate]
    is_strained: bool
    """Too much is sent, if it lasts."""
    is_severe: bool
    """Waiting would cost the voices."""
    is_extreme: bool
    """Hardly anything gets through."""


class BandwidthEstimator:
    """Call ``take_remb`` when a REMB arrives and ``update`` every quarter of a second."""

    def __init__(self) -> None:
        self.loss = 0.0
        """The share lost in the last round, 0.0 to 1.0."""
        self.sent_bits_per_second = 0.0
        self._remb_bits_per_second = 0
        self._remb_at = -REMB_LIFETIME_SECONDS
        self._rates: dict[MeasuredStream, StreamRate] = {}
        self._updated_at = 0.0
        self._nacked = LossEvidence()
        self._proven_loss = 0.0
        self._audio_loss: float | None = None

    @property
    def is_losing_audio(self) -> bool:
        return self._audio_loss is not None and self._audio_loss >= SEVERE_AUDIO_LOSS_SHARE

    def take_remb(self, bits_per_second: int, now: float) -> None:
        """The listener's browser sent its own estimate."""
        self._remb_bits_per_second, self._remb_at = bits_per_second, now

    def update(
        self,
        streams: Sequence[MeasuredStream],
        now: float,
        audio_loss: float | None = None,
        capacity: float | None = None,
    ) -> BandwidthEstimate:
        """Measures all streams since the last call.

        ``audio_loss`` is the proven loss of audio, ``None`` while audio is not watched;
        ``capacity`` is what the probes found, in bit/s.
        """
        self._audio_loss = audio_loss
        self._count(streams, now)
        running = [each for each in streams if each.has_source and not each.is_paused]
        self.sent_bits_per_second = sum(self._rates[each].sent_bits_per_second for each in running)
        self.loss = max(self._average_reported_loss(running), audio_loss or 0.0)
        needed = sum(compute_needed_rate(each, self._rates.get(each)) for each in running)
        is_disproved = capacity is not None and capacity >= DISPROOF_HEADROOM_RATIO * needed
        return BandwidthEstimate(
            sent_bits_per_second=self.sent_bits_per_second,
            available_bits_per_second=self._find_available_rate(now),
            needed_bits_per_second=needed,
            capacity_bits_per_second=capacity,
            rates=self._rates,
            is_strained=self.loss >= HEAVY_LOSS_SHARE
            or (self.is_remb_short(now) and not is_disproved),
            is_severe=self.is_losing_audio
            or self._proven_loss >= SEVERE_PROVEN_LOSS_SHARE
            or self.loss >= SEVERE_LOSS_SHARE,
            is_extreme=self._proven_loss >= EXTREME_PROVEN_LOSS_SHARE,
        )

    def is_remb_short(self, now: float) -> bool:
        """Whether the browser says that it gets much less than is sent."""
        return (
            now - self._remb_at < REMB_LIFETIME_SECONDS
            and self._remb_bits_per_second < REMB_SHORTFALL_RATIO * self.sent_bits_per_second
        )

    def forget_loss(self) -> None:
        """Less is sent from now on, so the losses seen so far prove nothing any more."""
        self._proven_loss = 0.0
        self._nacked.forget()

    def _count(self, streams: Sequence[MeasuredStream], now: float) -> None:
        elapsed = max(0.001, now - self._updated_at)
        self._updated_at = now
        for stream in streams:
            rate = self._rates.get(stream)
            if rate is None:
                self._rates[stream] = StreamRate(stream)
                continue
            nacked, packets = rate.update(stream, elapsed)
            if stream.is_video and not stream.is_paused:
                self._nacked.add(nacked, packets)
        proven = self._nacked.assess()
        if proven is not None:
            self._proven_loss = proven

    def _average_reported_loss(self, running: Sequence[MeasuredStream]) -> float:
        """While audio is watched packet by packet, its reports are not asked: they are coarser."""
        heard = [each for each in running if each.is_video or self._audio_loss is None]
        return sum(each.loss for each in heard) / len(heard) if heard else 0.0

    def _find_available_rate(self, now: float) -> float:
        """Whether to act needs certainty; how much to do goes by the latest news."""
        loss = max(self._proven_loss, self._nacked.latest, self.loss)
        arrived = self.sent_bits_per_second * (1 - loss)
        return min(arrived, self._remb_bits_per_second) if self.is_remb_short(now) else arrived
