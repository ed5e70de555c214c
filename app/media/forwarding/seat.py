"""One browser's connection to a seat, from its offer to its end: its streams and their feedback."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from app.media.bandwidth.controller import DownlinkController
from app.media.forwarding.forward import Uplink
from app.media.forwarding.negotiation import MediaNegotiation
from app.media.forwarding.publication import Publication
from app.media.forwarding.subscription import Subscription
from app.media.limits import RefusalWarnings
from app.media.messages import (
    ConnectionState,
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
"""For ICE and DTLS together."""
SEAT_SILENCE_TIMEOUT_SECONDS = 12.0
"""Browsers send RTCP at least every few seconds, also with camera and microphone off; after this
long without any the connection counts as lost.
"""
DEFAULT_RTT_SECONDS = 0.1
"""Used for retransmission requests until a round trip has been measured."""
MAX_TRANSPORT_FEEDBACK_SPAN_PACKETS = 2000
"""How many transport-wide numbers one feedback packet covers at most; what lies further back is
left out. The format allows 65,535 (draft-holmer-rmcat-transport-wide-cc-extensions-01, section
3.1).
"""
FEW_ARRIVALS_PACKETS = 8
"""Within 50 ms: about 1.2 Mbit/s of video. Below that, a report every 100 ms serves a browser's
estimate as well.
"""


class SeatConnection:
    """A connection in a seat, from its offer to its end. Another connection is another object.

    Call ``answer()`` and ``start()`` once; then it connects by itself and reports to ``on_state``.
    ``close()`` may be called twice.
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
        self._negotiation = MediaNegotiation(self.transport, self.uplink, self._publish)
        self.publications = self._negotiation.publications
        self._subscriptions = self._negotiation.subscriptions
        self.streams: list[Publication] = []
        """The publications, with each layer of a camera on its own."""
        self.prefers: SimulcastLayer | None = None
        self.large: tuple[str, ...] | None = None
        """Whose pictures the browser shows large; ``None`` if it did not say."""
        self.slots: list[tuple[Subscription | None, Subscription | None]] = []
        """(audio, video) of each slot, in the order of the offer."""
        self.stage: Subscription | None = None
        self.downlink = DownlinkController()
        self._warnings = RefusalWarnings()
        self.counted: Counter[str] = Counter()
        """Feedback sent and received; ``totals()`` adds the packets."""
        self._ticked_at = time.monotonic()
        self._on_state = on_state
        self._ssrc = self._negotiation.ssrc
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

    async def answer(self, text: str, sections: MediaSections) -> str:
        """Returns the answer to the browser's offer, with every candidate.

        Raises MalformedSdp, NoFreePort.
        """
        offer = sdp.read_sdp_offer(text)
        self.prefers = sections.prefers
        answered = self._negotiation.negotiate(offer, sections)
        self.slots, self.stage = self._negotiation.slots, self._negotiation.stage
        if not any(each.codecs for each in answered):
            raise sdp.MalformedSdp("no media section can be answered")
        self._offer = replace(offer, sections=[])  # They are large, and not needed any more.
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
        """Starts to answer the browser's connectivity checks."""
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
                is_connected = await self.transport.connect(
                    offer.ufrag, offer.password, offer.fingerprints
                )
        except (TimeoutError, ConnectionError):
            is_connected = False
        if is_connected and self.state is ConnectionState.CONNECTING:
            self.uplink.heard_at = time.monotonic()
            self._become(ConnectionState.CONNECTED)
        elif not is_connected:
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
                    self.downlink.take_remb(item.bitrate, now)
                case feedback.TransportFeedback():
                    self.downlink.take_transport_feedback(item, now)

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
        """Every 25 ms: sends the retransmission and key-frame requests that are due."""
        self.uplink.replenish(now - self._ticked_at)
        self._ticked_at = now
        for publication in self.streams:
            if publication.missing:
                publication.ask_again(now, self.rtt or DEFAULT_RTT_SECONDS)
            if publication.is_video and publication.subscriptions:
                publication.repeat_key_frame_request(now)

    def send_transport_feedback(self) -> None:
        """Every 50 ms: tells the browser when each packet arrived, for its bandwidth estimate. When
        there are few, every 100 ms.
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
        """Every second, also without report blocks: after three seconds without any RTCP the
        browser takes the connection for lost.
        """
        blocks = [block for each in self.streams if (block := each.report_block(now))]
        self._loss_up = max((block.fraction for block in blocks), default=0.0)
        self.transport.send_rtcp(feedback.build_receiver_report(self._ssrc, blocks))
        for publication in self.streams:
            publication.forget_old()
        for subscription in self._subscriptions.values():
            subscription.tick()

    def adapt(self, now: float, speaker: str | None) -> SeatStreams | None:
        """Every quarter of a second: pauses or restores streams by what the connection can carry.
        Returns what to tell the listener, if that has changed.
        """
        has_changed = self.downlink.adapt(self.subscriptions, now, speaker)
        self.choose_layers(now)
        if not has_changed:
            return None
        step = self.downlink.step
        log.info("seat %s of room %s receives: %s", self.name, self.room, step)
        return SeatStreams(room=self.room, seat=self.name, step=step, paused=self._paused_streams())

    def choose_layers(self, now: float) -> None:
        """Phones and thumbnails get the small layer. The speaker, or whom the browser shows large,
        comes in the large layer.
        """
        pictures = [
            video for _, video in self.slots if video is not None and video.camera is not None
        ]
        speaker = self.downlink.allocator.speaker
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

    def _paused_streams(self) -> tuple[PausedStream, ...]:
        sources = [
            each.source
            for each in self.downlink.allocator.paused
            if isinstance(each, Subscription) and each.source is not None
        ]
        return tuple(PausedStream(source=each.seat, kind=each.kind) for each in sources)

    def is_silent(self, now: float) -> bool:
        return self.is_connected and now - self.uplink.heard_at > SEAT_SILENCE_TIMEOUT_SECONDS

    def warn(self, now: float) -> None:
        """Logs a seat that sends more than its share."""
        count = self._warnings.due(self.uplink.refused + self.transport.refused, now)
        if count:
            log.warning(
                "seat %s of room %s sends more than its share: %d datagrams dropped (from %s)",
                self.name,
                self.room,
                count,
                self.transport.remote_address or "nobody yet",
            )

    def lose(self) -> None:
        """Ends the connection as failed: nothing has come from the browser for too long."""
        self._become(ConnectionState.FAILED)

    def quality(self, now: float) -> SeatQuality:
        """Rates and losses since the last call."""
        elapsed = max(0.001, now - self._measured_at)
        self._measured_at = now
        up, self._octets_up = self.uplink.octets - self._octets_up, self.uplink.octets
        rtt = self.rtt
        return SeatQuality(
            room=self.room,
            seat=self.name,
            rtt_ms=None if rtt is None else round(rtt * 1000, 1),
            loss_up=round(self._loss_up, 3),
            loss_down=round(self.downlink.estimator.loss, 3),
            bitrate_up=round(up * 8 / elapsed),
            bitrate_down=round(self.downlink.estimator.sent_bits_per_second),
            video_paused=self.downlink.allocator.is_video_paused,
            step=self.downlink.step,
            paused=self._paused_streams(),
        )
