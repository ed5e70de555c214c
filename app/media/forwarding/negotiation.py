"""What each media section of an offer is used for: the microphone and the pictures that come in,
the slots that go out.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from app.media.forwarding.forward import Uplink
from app.media.forwarding.publication import Publication
from app.media.forwarding.subscription import SendingTransport, Subscription
from app.media.messages import MediaKind, MediaSections
from app.media.wire import rtp, sdp


class MediaNegotiation:
    """The publications and subscriptions of one connection, made from its offer and from what the
    web says its sections are.

    ``publish`` makes a publication of a kind, a codec and the ssrc, if the offer names one.
    """

    def __init__(
        self,
        transport: SendingTransport,
        uplink: Uplink,
        publish: Callable[[MediaKind, sdp.NegotiatedCodec, int | None], Publication],
    ) -> None:
        self.ssrc = _random_ssrc()
        """The node's own ssrc, as the sender of feedback."""
        self.publications: dict[MediaKind, Publication] = {}
        self.subscriptions: dict[int, Subscription] = {}
        """By ssrc."""
        self.slots: list[tuple[Subscription | None, Subscription | None]] = []
        """(audio, video) of each slot, in the order of the offer."""
        self.stage: Subscription | None = None
        self._transport = transport
        self._uplink = uplink
        self._publish = publish
        self._ssrcs = {self.ssrc}

    def negotiate(self, offer: sdp.SdpOffer, sections: MediaSections) -> list[sdp.AnsweredSection]:
        """Answers each offered section; one that has no use is refused. Raises MalformedSdp."""
        self._ssrcs = {self.ssrc}.union(*(each.ssrcs for each in offer.sections))
        sources = _name_sources(sections)
        streams = _name_streams(sections)
        answered: list[sdp.AnsweredSection] = []
        for section in offer.sections:
            codecs = tuple(sdp.select_codecs(section)) if section.kind != "application" else ()
            stream = streams.get(section.mid)
            kind = sources.get(section.mid) if stream is None else None
            if codecs and kind is not None and _can_publish(section, kind):
                answered.append(self._accept_source(section, kind, codecs))
            elif codecs and stream is not None and section.direction in ("recvonly", "sendrecv"):
                answered.append(self._accept_receiver(section, stream, codecs))
            else:
                answered.append(sdp.AnsweredSection(section, (), "inactive"))
        found = {
            each.offered.mid: self.subscriptions[each.sending.ssrc]
            for each in answered
            if each.sending is not None
        }
        self.slots = [(found.get(slot.audio), found.get(slot.video)) for slot in sections.slots]
        self.stage = found.get(sections.stage) if sections.stage is not None else None
        if self.stage is not None:
            self.stage.is_stage = True
        return answered

    def _accept_source(
        self,
        section: sdp.OfferedSection,
        kind: MediaKind,
        codecs: tuple[sdp.NegotiatedCodec, ...],
    ) -> sdp.AnsweredSection:
        uplink = self._uplink
        layers = sdp.select_simulcast_layers(section) if kind is not MediaKind.AUDIO else None
        ssrc = section.ssrcs[0] if section.ssrcs and layers is None else None
        # A browser sends the first codec of the answer.
        publication = self._publish(kind, codecs[0], ssrc)
        self.publications[kind] = publication
        uplink.by_mid[section.mid.encode()] = publication
        if layers is not None:
            publication.small = self._publish(kind, codecs[0], None)
            uplink.by_rid |= {
                layers[0].encode(): publication.small,
                layers[1].encode(): publication,
            }
        if uplink.by_ssrc.keys() & set(section.ssrcs):
            raise sdp.MalformedSdp("two media sections share an ssrc")
        if ssrc is not None:
            uplink.by_ssrc[ssrc] = publication, False
            if ssrc in section.rtx:
                uplink.by_ssrc[section.rtx[ssrc]] = publication, True
        uplink.payload_types[codecs[0].codec.payload_type] = codecs[0].key
        uplink.repair_types |= {each.rtx for each in codecs if each.rtx is not None}
        self._learn_extensions(section)
        return sdp.AnsweredSection(section, codecs[:1], "recvonly", layers=layers or ())

    def _learn_extensions(self, section: sdp.OfferedSection) -> None:
        uplink = self._uplink
        numbers = {uri: number for uri, (number, _) in section.extensions.items()}
        uplink.mid_id = numbers.get(rtp.MID_EXTENSION_URI, uplink.mid_id)
        uplink.level_id = numbers.get(rtp.AUDIO_LEVEL_EXTENSION_URI, uplink.level_id)
        uplink.transport_cc_id = numbers.get(rtp.TRANSPORT_CC_EXTENSION_URI, uplink.transport_cc_id)
        uplink.rid_id = numbers.get(rtp.RID_EXTENSION_URI, uplink.rid_id)
        uplink.repaired_rid_id = numbers.get(rtp.REPAIRED_RID_EXTENSION_URI, uplink.repaired_rid_id)

    def _accept_receiver(
        self, section: sdp.OfferedSection, stream: str, codecs: tuple[sdp.NegotiatedCodec, ...]
    ) -> sdp.AnsweredSection:
        is_video = section.kind == "video"
        has_repair = is_video and any(each.rtx is not None for each in codecs)
        ssrc, repair = self._pick_ssrc(), self._pick_ssrc() if has_repair else None
        send_time, transport_cc = (
            section.extensions.get(uri)
            for uri in (rtp.ABS_SEND_TIME_EXTENSION_URI, rtp.TRANSPORT_CC_EXTENSION_URI)
        )
        subscription = Subscription(
            self._transport,
            ssrc,
            repair,
            {each.key: (each.codec.payload_type, each.rtx) for each in codecs},
            send_time[0] if send_time else None,
            is_video,
            transport_cc[0] if transport_cc else None,
        )
        self.subscriptions[ssrc] = subscription
        sending = sdp.SendingStream(stream, ssrc, repair)
        return sdp.AnsweredSection(section, codecs, "sendonly", sending)

    def _pick_ssrc(self) -> int:
        """One that neither the browser nor the node uses on this connection."""
        while (ssrc := _random_ssrc()) in self._ssrcs:
            pass
        self._ssrcs.add(ssrc)
        return ssrc


def _name_sources(sections: MediaSections) -> dict[str, MediaKind]:
    """The mid of each section that sends, and what it sends."""
    named = (
        (sections.mic, MediaKind.AUDIO),
        (sections.camera, MediaKind.VIDEO),
        (sections.screen, MediaKind.SCREEN),
    )
    return {mid: kind for mid, kind in named if mid is not None}


def _name_streams(sections: MediaSections) -> dict[str, str]:
    """The mid of each section that receives, and the name of its stream (a lip-sync group)."""
    named: dict[str, str] = {}
    for number, slot in enumerate(sections.slots):
        named[slot.audio] = named[slot.video] = f"slot{number}"
    if sections.stage is not None:
        named[sections.stage] = "stage"
    return named


def _can_publish(section: sdp.OfferedSection, kind: MediaKind) -> bool:
    is_audio = section.kind == "audio"
    return section.direction in ("sendonly", "sendrecv") and is_audio == (kind is MediaKind.AUDIO)


def _random_ssrc() -> int:
    return secrets.randbelow((1 << 32) - 1) + 1
