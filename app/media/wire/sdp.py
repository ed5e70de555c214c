"""Reads a browser's offer strictly, and writes the node's answer (RFC 8843, RFC 9429). Pure.

aiortc's own SDP loses what forwarding needs (extmap directions, simulcast, Opus parameters); see
docs/adr/0008. ``read_sdp_offer`` raises ``MalformedSdp`` for anything that it cannot rely on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from app.media.wire.rtp import (
    ABS_SEND_TIME_EXTENSION_URI,
    AUDIO_LEVEL_EXTENSION_URI,
    MID_EXTENSION_URI,
    REPAIRED_RID_EXTENSION_URI,
    RID_EXTENSION_URI,
    TRANSPORT_CC_EXTENSION_URI,
)

MAX_MEDIA_SECTIONS = 40
"""An offer of ours has at most 18: seven slots of two sections, microphone, camera, screen,
stage.
"""
MAX_SDP_LINES = 4000
"""``tests/media/offers/chromium.sdp``, a real offer, has 638."""
REVERSED_DIRECTIONS = {
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "sendrecv": "sendrecv",
    "inactive": "inactive",
}
_ICE_CREDENTIAL_PATTERN = re.compile(r"[A-Za-z0-9+/]{4,256}")
_SDP_MID_PATTERN = re.compile(r"[A-Za-z0-9_.\-]{1,16}")
_SDP_RID_PATTERN = re.compile(r"[A-Za-z0-9_\-]{1,16}")
MAX_SIMULCAST_LAYERS = 4
SMALL_LAYER_RID = "s"
"""The name that ``static/js/consults/media/media_connection.js`` gives the small layer."""


class MalformedSdp(ValueError):
    """The offer cannot be answered; says why, for the log."""


@dataclass(frozen=True)
class OfferedCodec:
    payload_type: int
    name: str
    clock: int
    channels: str
    parameters: str
    feedback: tuple[str, ...]

    def parameter(self, name: str) -> str | None:
        for pair in self.parameters.split(";"):
            key, _, value = pair.strip().partition("=")
            if key == name:
                return value
        return None


@dataclass
class OfferedSection:
    """One media section (an "m= section" in RFC 9429). ``extensions``: uri to (id, direction
    suffix); ``rtx``: primary to repair ssrc.
    """

    kind: str
    protocol: str
    formats: list[str]
    mid: str = ""
    direction: str = "sendrecv"
    codecs: list[OfferedCodec] = field(default_factory=list[OfferedCodec])
    extensions: dict[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])
    ssrcs: list[int] = field(default_factory=list[int])
    rtx: dict[int, int] = field(default_factory=dict[int, int])
    rids: list[str] = field(default_factory=list[str])
    """Names of the simulcast layers that the browser would send, in its order."""


@dataclass
class SdpOffer:
    ufrag: str
    password: str
    fingerprints: list[tuple[str, str]]
    sections: list[OfferedSection]


def read_sdp_offer(text: str) -> SdpOffer:
    """Reads the whole offer. Raises MalformedSdp."""
    try:
        return _read_session(text)
    except (ValueError, IndexError) as error:
        raise (
            error if isinstance(error, MalformedSdp) else MalformedSdp(f"unreadable: {error}")
        ) from error


def _read_session(text: str) -> SdpOffer:
    rows = text.splitlines()
    if len(rows) > MAX_SDP_LINES:
        raise MalformedSdp("too long")
    if not rows or rows[0] != "v=0":
        raise MalformedSdp("does not begin with v=0")
    blocks: list[list[str]] = [[]]
    for row in rows:
        if row.startswith("m="):
            blocks.append([])
        blocks[-1].append(row)
    if not 1 < len(blocks) <= MAX_MEDIA_SECTIONS + 1:
        raise MalformedSdp(f"{len(blocks) - 1} media sections")
    sections = [_read_section(block) for block in blocks[1:]]
    mids = [section.mid for section in sections]
    if len(set(mids)) != len(mids):
        raise MalformedSdp("two media sections share a mid")
    session = _read_attributes(blocks[0])
    bundled = _find_bundled_mids(session)
    if not bundled or set(bundled) - set(mids):
        raise MalformedSdp("the media sections are not bundled")
    first = _read_attributes(blocks[1 + mids.index(bundled[0])])
    return _read_transport(session + first, sections)


def _find_bundled_mids(session: list[tuple[str, str]]) -> list[str]:
    for key, value in session:
        if key == "group" and value.startswith("BUNDLE"):
            return value.split()[1:]
    return []


def _read_transport(attributes: list[tuple[str, str]], sections: list[OfferedSection]) -> SdpOffer:
    named = dict(attributes)
    ufrag, password = named.get("ice-ufrag", ""), named.get("ice-pwd", "")
    if not _ICE_CREDENTIAL_PATTERN.fullmatch(ufrag) or not (
        _ICE_CREDENTIAL_PATTERN.fullmatch(password) and len(password) >= 22
    ):
        raise MalformedSdp("no ICE credentials")
    if named.get("setup") not in ("actpass", "passive"):
        raise MalformedSdp("no DTLS role for the browser to take")
    fingerprints: list[tuple[str, str]] = []
    for key, value in attributes:
        if key == "fingerprint":
            algorithm, digest = value.split()
            if algorithm.lower() in ("sha-256", "sha-384", "sha-512"):
                fingerprints.append((algorithm.lower(), digest.upper()))
    if not fingerprints:
        raise MalformedSdp("no certificate fingerprint")
    return SdpOffer(ufrag, password, fingerprints, sections)


def _read_attributes(rows: Iterable[str]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for row in rows:
        if row.startswith("a="):
            key, _, value = row[2:].partition(":")
            pairs.append((key, value.strip()))
    return pairs


def _read_section(rows: list[str]) -> OfferedSection:
    kind, _, protocol, *formats = rows[0][2:].split()
    if kind not in ("audio", "video", "application"):
        raise MalformedSdp(f"a media section of kind {kind[:20]!r}")
    section = OfferedSection(kind, protocol, formats)
    attributes = _read_attributes(rows)
    parameters, feedback = _read_codec_attributes(attributes)
    for key, value in attributes:
        if key == "mid":
            section.mid = value
        elif key in REVERSED_DIRECTIONS:
            section.direction = key
        elif key == "rtpmap":
            section.codecs.append(_read_codec(value, parameters, feedback))
        elif key == "extmap":
            name, uri = value.split()[:2]
            identifier, _, suffix = name.partition("/")
            if 1 <= int(identifier) <= 14:
                section.extensions[uri] = (int(identifier), suffix)
        elif key == "rid":
            name, _, rest = value.partition(" ")
            if (
                rest.split()[:1] == ["send"]
                and _SDP_RID_PATTERN.fullmatch(name)
                and len(section.rids) < MAX_SIMULCAST_LAYERS
            ):
                section.rids.append(name)
        elif key == "ssrc":
            ssrc = _read_ssrc(value.split()[0])
            if ssrc not in section.ssrcs and len(section.ssrcs) < 8:
                section.ssrcs.append(ssrc)
        elif key == "ssrc-group" and value.startswith("FID "):
            primary, repair = value.split()[1:3]
            section.rtx[_read_ssrc(primary)] = _read_ssrc(repair)
    if not _SDP_MID_PATTERN.fullmatch(section.mid):
        raise MalformedSdp("a media section without a mid")
    return section


def _read_ssrc(text: str) -> int:
    number = int(text)
    if not 0 <= number < 1 << 32:
        raise MalformedSdp("an ssrc out of range")
    return number


def _read_codec_attributes(
    attributes: list[tuple[str, str]],
) -> tuple[dict[str, str], dict[str, list[str]]]:
    parameters: dict[str, str] = {}
    feedback: dict[str, list[str]] = {}
    for key, value in attributes:
        payload_type, _, rest = value.partition(" ")
        if key == "fmtp":
            parameters[payload_type] = rest
        elif key == "rtcp-fb":
            feedback.setdefault(payload_type, []).append(rest.strip())
    return parameters, feedback


def _read_codec(
    value: str, parameters: dict[str, str], feedback: dict[str, list[str]]
) -> OfferedCodec:
    payload_type, encoding = value.split()[:2]
    name, clock, *channels = encoding.split("/")
    if not 0 <= int(payload_type) < 128:
        raise MalformedSdp("a payload type out of range")
    wanted = (*feedback.get(payload_type, ()), *feedback.get("*", ()))
    return OfferedCodec(
        int(payload_type),
        name.lower(),
        int(clock),
        channels[0] if channels else "",
        parameters.get(payload_type, ""),
        wanted,
    )


# --- which codecs and layers ---


@dataclass(frozen=True)
class NegotiatedCodec:
    """A codec that is forwarded. ``key`` names it independently of the browser's payload types;
    ``rtx`` is the payload type of its repair packets.
    """

    key: str
    codec: OfferedCodec
    rtx: int | None


def select_codecs(section: OfferedSection) -> list[NegotiatedCodec]:
    """Opus for audio. For video VP8 first, then H264 constrained baseline in packetization mode 1
    (RFC 6184, section 5.4).
    """
    selected: dict[str, NegotiatedCodec] = {}
    for codec in section.codecs:
        key = _get_codec_key(section.kind, codec)
        if key and key not in selected:
            selected[key] = NegotiatedCodec(
                key, codec, _find_rtx_payload_type(section, codec.payload_type)
            )
    return sorted(selected.values(), key=lambda each: each.key != "vp8")


def _get_codec_key(kind: str, codec: OfferedCodec) -> str | None:
    if kind == "audio":
        return "opus" if codec.name == "opus" and codec.clock == 48000 else None
    if codec.name == "vp8":
        return "vp8"
    if codec.name == "h264" and codec.parameter("packetization-mode") == "1":
        profile = (codec.parameter("profile-level-id") or "").lower()
        return "h264" if profile.startswith("42e0") else None
    return None


def _find_rtx_payload_type(section: OfferedSection, payload_type: int) -> int | None:
    for codec in section.codecs:
        if codec.name == "rtx" and codec.parameter("apt") == str(payload_type):
            return codec.payload_type
    return None


def select_simulcast_layers(section: OfferedSection) -> tuple[str, str] | None:
    """The small and the large simulcast layer (RFC 8853), by name or else by order. ``None`` for a
    single stream.
    """
    if (
        len(set(section.rids)) < 2
        or RID_EXTENSION_URI not in section.extensions
        or MID_EXTENSION_URI not in section.extensions
    ):
        return None
    small = SMALL_LAYER_RID if SMALL_LAYER_RID in section.rids else section.rids[0]
    return small, next(rid for rid in reversed(section.rids) if rid != small)


UPLINK_EXTENSIONS = (
    MID_EXTENSION_URI,
    AUDIO_LEVEL_EXTENSION_URI,
    TRANSPORT_CC_EXTENSION_URI,
    RID_EXTENSION_URI,
    REPAIRED_RID_EXTENSION_URI,
)
DOWNLINK_EXTENSIONS = (ABS_SEND_TIME_EXTENSION_URI, TRANSPORT_CC_EXTENSION_URI)
UPLINK_FEEDBACK = ("nack", "nack pli", "ccm fir", "transport-cc")
DOWNLINK_FEEDBACK = ("nack", "nack pli", "ccm fir", "goog-remb", "transport-cc")
OPUS_PARAMETERS = "minptime=10;useinbandfec=1;stereo=0;sprop-stereo=0"


@dataclass(frozen=True)
class AnsweredSection:
    """How one offered section is answered. ``sending`` names the stream and ssrcs of a slot."""

    offered: OfferedSection
    codecs: tuple[NegotiatedCodec, ...]
    direction: str
    sending: SendingStream | None = None
    layers: tuple[str, ...] = ()


@dataclass(frozen=True)
class SendingStream:
    stream: str
    ssrc: int
    rtx_ssrc: int | None


@dataclass(frozen=True)
class LocalTransportParameters:
    ufrag: str
    password: str
    fingerprint: str
    candidates: tuple[str, ...]


def write_sdp_answer(
    sections: list[AnsweredSection], transport: LocalTransportParameters, session_id: int
) -> str:
    """Refuses sections without codecs; bundles the others on one transport."""
    mids = " ".join(section.offered.mid for section in sections if section.codecs)
    rows = ["v=0", f"o=- {session_id} 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    rows += [f"a=group:BUNDLE {mids}", "a=msid-semantic:WMS *"]
    for section in sections:
        rows += (
            _write_accepted_section(section, transport)
            if section.codecs
            else _write_refused_section(section.offered)
        )
    return "\r\n".join(rows) + "\r\n"


def _write_refused_section(section: OfferedSection) -> list[str]:
    formats = " ".join(section.formats) or "0"
    return [
        f"m={section.kind} 0 {section.protocol} {formats}",
        "c=IN IP4 0.0.0.0",
        "a=inactive",
        f"a=mid:{section.mid}",
    ]


def _write_accepted_section(
    section: AnsweredSection, transport: LocalTransportParameters
) -> list[str]:
    offered = section.offered
    numbers = [number for each in section.codecs for number in (each.codec.payload_type, each.rtx)]
    types = [str(number) for number in numbers if number is not None]
    rows = [
        f"m={offered.kind} 9 {offered.protocol} {' '.join(types)}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=mid:{offered.mid}",
        f"a={section.direction}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        f"a=ice-ufrag:{transport.ufrag}",
        f"a=ice-pwd:{transport.password}",
        f"a=fingerprint:{transport.fingerprint}",
        "a=setup:active",
    ]
    # In every section, though bundled ones need it once: aiortc as a client reads the last.
    rows += [f"a=candidate:{candidate}" for candidate in transport.candidates]
    rows.append("a=end-of-candidates")
    rows += _write_extensions(section)
    rows += [f"a=rid:{rid} recv" for rid in section.layers]
    if section.layers:
        rows.append(f"a=simulcast:recv {';'.join(section.layers)}")
    for each in section.codecs:
        rows += _write_codec(each, DOWNLINK_FEEDBACK if section.sending else UPLINK_FEEDBACK)
    return rows + (_write_sending_stream(section.sending, offered) if section.sending else [])


def _write_extensions(section: AnsweredSection) -> list[str]:
    wanted = DOWNLINK_EXTENSIONS if section.sending else UPLINK_EXTENSIONS
    rows: list[str] = []
    for uri in wanted:
        if uri in section.offered.extensions:
            identifier, suffix = section.offered.extensions[uri]
            mirrored = f"/{REVERSED_DIRECTIONS[suffix]}" if suffix in REVERSED_DIRECTIONS else ""
            rows.append(f"a=extmap:{identifier}{mirrored} {uri}")
    return rows


def _write_codec(negotiated: NegotiatedCodec, feedback: tuple[str, ...]) -> list[str]:
    codec = negotiated.codec
    number = codec.payload_type
    name = {"vp8": "VP8", "h264": "H264"}.get(codec.name, codec.name)
    channels = f"/{codec.channels}" if codec.channels else ""
    rows = [f"a=rtpmap:{number} {name}/{codec.clock}{channels}"]
    rows += [f"a=rtcp-fb:{number} {wanted}" for wanted in feedback if wanted in codec.feedback]
    if negotiated.key == "opus":
        rows.append(f"a=fmtp:{number} {OPUS_PARAMETERS}")
    elif codec.parameters:
        rows.append(f"a=fmtp:{number} {codec.parameters}")
    if negotiated.rtx is not None:
        rows += [
            f"a=rtpmap:{negotiated.rtx} rtx/{codec.clock}",
            f"a=fmtp:{negotiated.rtx} apt={number}",
        ]
    return rows


def _write_sending_stream(sending: SendingStream, offered: OfferedSection) -> list[str]:
    rows = [f"a=msid:{sending.stream} {sending.stream}-{offered.kind}"]
    if sending.rtx_ssrc is not None:
        rows.append(f"a=ssrc-group:FID {sending.ssrc} {sending.rtx_ssrc}")
    for ssrc in (sending.ssrc, sending.rtx_ssrc):
        if ssrc is not None:
            rows.append(f"a=ssrc:{ssrc} cname:media")
    return rows
