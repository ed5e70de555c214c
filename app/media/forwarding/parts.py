"""What each line of an offer plays: the microphone and the pictures that come in, the slots that go
out.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from app.media.forwarding.forward import Uplink
from app.media.forwarding.publication import Publication
from app.media.forwarding.subscription import Subscription
from app.media.messages import MediaKind, MediaSections
from app.media.wire import rtp, sdp
from app.media.wire.aiortc_seam import SeatTransport


class MediaNegotiation:
    """The publications and subscriptions of one connection, as its offer and the web's ``lines``
    make them.

    ``publish`` makes a publication of a kind, a codec and an ssrc that the offer may have named.
    """

    def __init__(
        self,
        transport: SeatTransport,
        uplink: Uplink,
        publish: Callable[[MediaKind, sdp.NegotiatedCodec, int | None], Publication],
    ) -> None:
        self.ssrc = _random_ssrc()
        """The node's own, as the sender of feedback."""
        self.publications: dict[MediaKind, Publication] = {}
        self.subscriptions: dict[int, Subscription] = {}
        """By ssrc."""
        self.slots: list[tuple[Subscription | None, Subscription | None]] = []
        self.stage: Subscription | None = None
        self._transport = transport
        self._uplink = uplink
        self._publish = publish
        self._ssrcs = {self.ssrc}

    def give(self, offer: sdp.SdpOffer, lines: MediaSections) -> list[sdp.AnsweredSection]:
        """Gives each offered line its part; a line that plays none is refused. Raises
        MalformedSdp.
        """
        self._ssrcs = {self.ssrc}.union(*(line.ssrcs for line in offer.lines))
        parts: dict[str, tuple[str, int | MediaKind]] = {}
        for mid, kind in (
            (lines.mic, MediaKind.AUDIO),
            (lines.camera, MediaKind.VIDEO),
            (lines.screen, MediaKind.SCREEN),
        ):
            if mid is not None:
                parts[mid] = ("up", kind)
        for number, slot in enumerate(lines.slots):
            parts[slot.audio] = parts[slot.video] = ("slot", number)
        if lines.stage is not None:
            parts[lines.stage] = ("stage", 0)
        answered: dict[str, sdp.AnsweredSection] = {}
        for line in offer.lines:
            part, detail = parts.get(line.mid, ("none", 0))
            taken = tuple(sdp.select_codecs(line)) if line.kind != "application" else ()
            if (
                part == "up"
                and isinstance(detail, MediaKind)
                and self._fits(line, detail)
                and taken
            ):
                answered[line.mid] = self._take_in(line, detail, taken)
            elif part in ("slot", "stage") and line.direction in ("recvonly", "sendrecv") and taken:
                stream = f"slot{detail}" if part == "slot" else "stage"
                answered[line.mid] = self._send_out(line, stream, taken)
            else:
                answered[line.mid] = sdp.AnsweredSection(line, (), "inactive")
        sending = {line.offered.mid: line.sending for line in answered.values() if line.sending}
        found = {mid: self.subscriptions[outgoing.ssrc] for mid, outgoing in sending.items()}
        self.slots = [(found.get(slot.audio), found.get(slot.video)) for slot in lines.slots]
        self.stage = found.get(lines.stage) if lines.stage is not None else None
        if self.stage is not None:
            self.stage.is_stage = True
        return list(answered.values())

    @staticmethod
    def _fits(line: sdp.OfferedSection, kind: MediaKind) -> bool:
        return line.direction in ("sendonly", "sendrecv") and (line.kind == "audio") == (
            kind is MediaKind.AUDIO
        )

    def _take_in(
        self, line: sdp.OfferedSection, kind: MediaKind, taken: tuple[sdp.NegotiatedCodec, ...]
    ) -> sdp.AnsweredSection:
        uplink = self._uplink
        layers = sdp.select_simulcast_layers(line) if kind is not MediaKind.AUDIO else None
        ssrc = line.ssrcs[0] if line.ssrcs and layers is None else None
        # The first codec of the answer is the one that a browser sends.
        publication = self._publish(kind, taken[0], ssrc)
        self.publications[kind] = publication
        uplink.by_mid[line.mid.encode()] = publication
        if layers is not None:
            publication.small = self._publish(kind, taken[0], None)
            uplink.by_rid |= {
                layers[0].encode(): publication.small,
                layers[1].encode(): publication,
            }
        if uplink.by_ssrc.keys() & set(line.ssrcs):
            raise sdp.MalformedSdp("two lines share an ssrc")
        if ssrc is not None:
            uplink.by_ssrc[ssrc] = publication, False
            if ssrc in line.rtx:
                uplink.by_ssrc[line.rtx[ssrc]] = publication, True
        uplink.payload_types[taken[0].codec.payload_type] = taken[0].key
        uplink.repair_types |= {each.rtx for each in taken if each.rtx is not None}
        numbers = {uri: number for uri, (number, _) in line.extensions.items()}
        uplink.mid_id = numbers.get(rtp.MID_EXTENSION_URI, uplink.mid_id)
        uplink.level_id = numbers.get(rtp.AUDIO_LEVEL_EXTENSION_URI, uplink.level_id)
        uplink.transport_cc_id = numbers.get(rtp.TRANSPORT_CC_EXTENSION_URI, uplink.transport_cc_id)
        uplink.rid_id = numbers.get(rtp.RID_EXTENSION_URI, uplink.rid_id)
        uplink.repaired_rid_id = numbers.get(rtp.REPAIRED_RID_EXTENSION_URI, uplink.repaired_rid_id)
        return sdp.AnsweredSection(line, taken[:1], "recvonly", layers=layers or ())

    def _send_out(
        self, line: sdp.OfferedSection, stream: str, taken: tuple[sdp.NegotiatedCodec, ...]
    ) -> sdp.AnsweredSection:
        is_video = line.kind == "video"
        has_repair = is_video and any(each.rtx is not None for each in taken)
        ssrc, repair = self._new_ssrc(), self._new_ssrc() if has_repair else None
        send_time, transport_cc = (
            line.extensions.get(uri)
            for uri in (rtp.ABS_SEND_TIME_EXTENSION_URI, rtp.TRANSPORT_CC_EXTENSION_URI)
        )
        subscription = Subscription(
            self._transport,
            ssrc,
            repair,
            {each.key: (each.codec.payload_type, each.rtx) for each in taken},
            send_time[0] if send_time else None,
            is_video,
            transport_cc[0] if transport_cc else None,
        )
        self.subscriptions[ssrc] = subscription
        return sdp.AnsweredSection(line, taken, "sendonly", sdp.SendingStream(stream, ssrc, repair))

    def _new_ssrc(self) -> int:
        """One that neither the browser nor the node uses on this connection."""
        while (ssrc := _random_ssrc()) in self._ssrcs:
            pass
        self._ssrcs.add(ssrc)
        return ssrc


def _random_ssrc() -> int:
    return secrets.randbelow((1 << 32) - 1) + 1
