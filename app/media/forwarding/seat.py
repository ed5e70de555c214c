"""One browser's connection into a seat, from its offer to its end: its streams and their
feedback.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from app.media.bandwidth.downlink import Downlink
from app.media.bandwidth.probe import BandwidthProber
from app.media.forwarding.forward import Uplink
from app.media.forwarding.limits import RefusalWarnings
from app.media.forwarding.parts import MediaNegotiation
from app.media.forwarding.publication import Publication
from app.media.forwarding.subscription import Subscription
from app.media.messages import (
    ConnectionState,
    DegradationStep,
    MediaKind,
    MediaSections,
    PausedStream,
    SeatQuality,
    SeatStreams,
    SimulcastLayer,
)
from app.media.wire import rtcp as feedback
from app.media.wire import sdp
from app.media.wire.aiortc_seam import DtlsCertificate, SeatTransport
from app.media.wire.udp_sockets import NoFreePort

log = logging.getLogger("media.seat")

CONNECT_TIMEOUT_SECONDS = 15.0
SEAT_SILENCE_TIMEOUT_SECONDS = 12.0
DEFAULT_RTT_SECONDS = 0.1
MAX_TRANSPORT_FEEDBACK_SPAN_PACKETS = 2000
FEW_ARRIVALS_PACKETS = 8
"""Within 50 ms, some 1.2 Mbit/s of video: below, a browser's estimate loses nothing by half as
many reports.
"""


class SeatConnection:
    """A connection in a seat, from its offer to its end; another connection means another
    ``SeatConnection``.

    ``answer()`` once, then it connects by itself and tells ``on_state``. ``close()`` may be called
    twice.
    """

    def __init__(
        self,
        room: str,
        name: str,
        connection: str,
        certificate: DtlsCertificate,
        addresses: tuple[str, ...],
        ports: tuple[int, int],
        on_state: Callable[[SeatConnection, ConnectionState], None],
    ) -> None:
        self.room = room
        self.name = name
        self.connection = connection
        self.state = ConnectionState.CONNECTING
        self.is_retired = False
        self.transport = SeatTransport(certificate, addresses, ports, self._left)
        self.uplink = Uplink(self.transport, self._take_rtcp)
        self.transport.on_packet = self.uplink.take
        self._parts = MediaNegotiation(self.transport, self.uplink, self._publish)
        self.publications, self._subscriptions = self._parts.publications, self._parts.subscriptions
        self.streams: list[Publication] = []
        """The publications, each layer of a camera by itself."""
        self.prefers: SimulcastLayer | None = None
        self.large: tuple[str, ...] | None = None
        """Whose pictures the browser shows large, if it said so."""
        self.slots: list[tuple[Subscription | None, Subscription | None]] = []
        """(audio, video) of each slot, in the order of the offer."""
        self.stage: Subscription | None = None
        self.downlink = Downlink()
        self.step = DegradationStep.FULL
        self._prober = BandwidthProber()
        self._warned = RefusalWarnings()
        self.counted: Counter[str] = Counter()
        """Feedback sent and received; ``totals()`` has the packets as well."""
        self._ticked_at = time.monotonic()
        self._on_state = on_state
        self._ssrc = self._parts.ssrc
        self._offer: sdp.SdpOffer | None = None
        self._task: asyncio.Task[None] | None = None
        self._twcc_count = 0
        self._twcc_waited = False
        self._octets_up = 0
        self._loss_up = 0.0
        self._measured_at = time.monotonic()

    @property
    def is_connected(self) -> bool:
        return self.state is ConnectionState.CONNECTED

    @property
    def subscriptions(self) -> list[Subscription]:
        return list(self._subscriptions.values())

    # --- negotiation ---

    async def answer(self, text: str, lines: MediaSections) -> str:
        """The answer to the browser's offer, with every candidate. Raises MalformedSdp, NoPort."""
        offer = sdp.read_sdp_offer(text)
        self.prefers = lines.prefers
        answered = self._parts.give(offer, lines)
        self.slots, self.stage = self._parts.slots, self._parts.stage
        if not any(line.codecs for line in answered):
            raise sdp.MalformedSdp("no line can be answered")
        self._offer = replace(offer, lines=[])  # they are large, and read
        try:
            await self.transport.gather()
        except NoFreePort:
            await self.close()
            raise
        local = sdp.LocalTransportParameters(
            self.transport.ufrag,
            self.transport.password,
            self.transport.fingerprint,
            tuple(self.transport.candidates),
        )
        return sdp.write_sdp_answer(answered, local, random.getrandbits(62))

    def start(self) -> None:
        """Begins to listen for the browser's checks."""
        self._task = asyncio.create_task(self._connect(), name=f"seat {self.name}")

    def _publish(
        self, kind: MediaKind, taken: sdp.NegotiatedCodec, ssrc: int | None
    ) -> Publication:
        publication = Publication(self.name, kind, taken.key, taken.codec.clock, ssrc)
        publication.send_nack = lambda lost: self._send_nack(publication, lost)
        publication.send_pli = lambda: self._send_pli(publication)
        self.streams.append(publication)
        return publication

    # --- life ---

    async def _connect(self) -> None:
        offer = self._offer
        assert offer is not None
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                stands = await self.transport.connect(
                    offer.ufrag, offer.password, offer.fingerprints
                )
        except (TimeoutError, ConnectionError):
            stands = False
        if stands and self.state is ConnectionState.CONNECTING:
            self.uplink.heard_at = time.monotonic()
            self._become(ConnectionState.CONNECTED)
        elif not stands:
            self._become(ConnectionState.FAILED)

    def _left(self) -> None:
        self._become(ConnectionState.CLOSED)

    def _become(self, state: ConnectionState) -> None:
        if self.state in (state, ConnectionState.CLOSED, ConnectionState.FAILED):
            return
        self.state = state
        log.info(
            "seat %s of room %s is %s (connection %s)", self.name, self.room, state, self.connection
        )
        self._on_state(self, state)

    async def close(self) -> None:
        for subscription in self._subscriptions.values():
            subscription.unbind()
        for publication in self.streams:
            for subscription in publication.subscriptions:
                subscription.unbind()
        self._become(ConnectionState.CLOSED)
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.transport.close()

    # --- packets and feedback ---

    def _take_rtcp(self, data: bytes) -> None:
        now = time.monotonic()
        for item in feedback.read_rtcp(data):
            match item:
                case feedback.SenderReport():
                    self._take_sender_report(item, now)
                case feedback.ReportBlock():
                    if subscription := self._subscriptions.get(item.ssrc):
                        subscription.heard(item, now)
                case feedback.GenericNack():
                    if subscription := self._subscriptions.get(item.ssrc):
                        self.counted["nacks_received"] += len(item.sequences)
                        subscription.repair(item.sequences, now)
                case feedback.KeyFrameRequest():
                    subscription = self._subscriptions.get(item.ssrc)
                    self.counted["plis_received"] += 1
                    if subscription is not None and subscription.source is not None:
                        subscription.source.request_key_frame(now)
                case feedback.RembEstimate():
                    self.downlink.estimated(item.bitrate, now)
                case feedback.TransportFeedback():
                    self._prober.take(item, now)

    def _take_sender_report(self, report: feedback.SenderReport, now: float) -> None:
        known = self.uplink.by_ssrc.get(report.ssrc)
        if known is None or known[1]:
            return
        publication = known[0]
        publication.report, publication.report_at = report, now
        for subscription in publication.subscriptions:
            subscription.send_report(now)

    def totals(self) -> Counter[str]:
        return self.counted + Counter(
            packets_in=sum(each.packets for each in self.streams),
            packets_out=sum(each.packets for each in self._subscriptions.values()),
        )

    def _send_nack(self, publication: Publication, lost: list[int]) -> None:
        if publication.ssrc is not None:
            self.counted["nacks_sent"] += len(lost)
            self.transport.send_rtcp(feedback.build_nack(self._ssrc, publication.ssrc, lost))

    def _send_pli(self, publication: Publication) -> None:
        if publication.ssrc is not None:
            self.counted["plis_sent"] += 1
            self.transport.send_rtcp(feedback.build_pli(self._ssrc, publication.ssrc))

    @property
    def rtt(self) -> float | None:
        known = [each.rtt for each in self._subscriptions.values() if each.rtt is not None]
        return min(known) if known else None

    def tick(self, now: float) -> None:
        """Every 25 ms: retransmission and key-frame requests that are due."""
        self.uplink.replenish(now - self._ticked_at)
        self._ticked_at = now
        for publication in self.streams:
            if publication.missing:
                publication.ask_again(now, self.rtt or DEFAULT_RTT_SECONDS)
            if publication.is_video and publication.subscriptions:
                publication.remember_key_frame(now)

    def send_transport_feedback(self) -> None:
        """Every 50 ms: when each packet came, so that the browser finds its bandwidth. Of few,
        every 100 ms.
        """
        uplink = self.uplink
        if len(uplink.arrivals) < FEW_ARRIVALS_PACKETS and not self._twcc_waited:
            self._twcc_waited = True
            return
        self._twcc_waited = False
        arrivals = uplink.take_arrivals()
        if not arrivals:
            return
        newest = max(arrivals)
        if newest - min(arrivals) > MAX_TRANSPORT_FEEDBACK_SPAN_PACKETS:
            arrivals = {
                number: at
                for number, at in arrivals.items()
                if newest - number <= MAX_TRANSPORT_FEEDBACK_SPAN_PACKETS
            }
        packet = feedback.build_transport_feedback(
            self._ssrc, uplink.media_ssrc, self._twcc_count, arrivals
        )
        self._twcc_count = (self._twcc_count + 1) & 0xFF
        self.transport.send_rtcp(packet)

    def send_receiver_report(self, now: float) -> None:
        """Every second, with or without blocks: the browser takes three seconds without a word for
        a lost line.
        """
        blocks = [block for each in self.streams if (block := each.report_block(now))]
        self._loss_up = max((block.fraction for block in blocks), default=0.0)
        self.transport.send_rtcp(feedback.build_receiver_report(self._ssrc, blocks))
        for publication in self.streams:
            publication.forget_old()
        for subscription in self._subscriptions.values():
            subscription.tick()

    def adapt(self, now: float, speaker: str | None) -> SeatStreams | None:
        """Every quarter second: gives up or takes back by what the downlink bears. What to tell,
        when that changed.
        """
        downlink, streams, prober = self.downlink, self.subscriptions, self._prober
        downlink.watched_loss, downlink.capacity = prober.take_loss(), prober.capacity(now)
        was_degraded, paused_before = downlink.is_degraded, len(downlink.paused)
        has_changed = downlink.adapt(streams, now, speaker)
        if downlink.is_degraded != was_degraded:
            self._watch(streams, downlink.is_degraded)
        if len(downlink.paused) > paused_before:
            prober.forget()
        elif downlink.wants_probe(now) and (
            carrier := next((each for each in streams if each.can_probe), None)
        ):
            prober.launch(carrier.send_padding, now)
        self.choose_layers(now)
        step = downlink.step(streams)
        if not has_changed and step is self.step:
            return None
        self.step = step
        log.info("seat %s of room %s receives: %s", self.name, self.room, step)
        return SeatStreams(room=self.room, seat=self.name, step=step, paused=self._paused_streams())

    def choose_layers(self, now: float) -> None:
        """A phone and a thumbnail get the small picture; who speaks, or whom the browser shows
        large, the large.
        """
        pictures = [
            video for _, video in self.slots if video is not None and video.camera is not None
        ]
        speaker = self.downlink.speaker
        for picture in pictures:
            if self.prefers is SimulcastLayer.SMALL:
                picture.wants_small = True
            elif self.large is not None:
                picture.wants_small = picture.seat not in self.large
            else:
                picture.wants_small = (
                    len(pictures) > 1 and speaker is not None and picture.seat != speaker
                )
            if picture.camera is not None and picture.camera.small is not None:
                picture.choose_layer(now)

    def _watch(self, streams: list[Subscription], is_on: bool) -> None:
        for stream in streams:
            if not stream.is_video and stream.transport_head:
                stream.number = self._prober.number if is_on else None

    def _paused_streams(self) -> tuple[PausedStream, ...]:
        sources = [each.source for each in self.downlink.paused]
        return tuple(
            PausedStream(source=it.seat, kind=it.kind)
            for it in sources
            if isinstance(it, Publication)
        )

    def is_silent(self, now: float) -> bool:
        return self.is_connected and now - self.uplink.heard_at > SEAT_SILENCE_TIMEOUT_SECONDS

    def warn(self, now: float) -> None:
        """Names, in the log, a seat that asks for more than its share."""
        count = self._warned.due(self.uplink.refused + self.transport.refused, now)
        if count:
            log.warning(
                "seat %s of room %s sends more than its share: %d datagrams dropped (from %s)",
                self.name,
                self.room,
                count,
                self.transport.remote_address or "nobody yet",
            )

    def lose(self) -> None:
        """Gives the connection up: nothing has come from the browser for too long."""
        self._become(ConnectionState.FAILED)

    def quality(self, now: float) -> SeatQuality:
        """Since the last call."""
        elapsed = max(0.001, now - self._measured_at)
        self._measured_at = now
        up, self._octets_up = self.uplink.octets - self._octets_up, self.uplink.octets
        rtt = self.rtt
        return SeatQuality(
            room=self.room,
            seat=self.name,
            rtt_ms=None if rtt is None else round(rtt * 1000, 1),
            loss_up=round(self._loss_up, 3),
            loss_down=round(self.downlink.loss, 3),
            bitrate_up=round(up * 8 / elapsed),
            bitrate_down=round(self.downlink.bitrate),
            video_paused=self.downlink.is_video_paused,
            step=self.step,
            paused=self._paused_streams(),
        )
