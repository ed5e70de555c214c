"""The browser's offer, read strictly, and the node's answer, written whole (RFC 8829, 8843, 9429).
Pure.

aiortc's own SDP loses what forwarding needs (extmap directions, simulcast, Opus parameters), so the
two descriptions are ours; ``read_offer`` raises ``MalformedSdp`` on anything it cannot stand on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from app.media.wire.rtp import ABS_SEND_TIME, AUDIO_LEVEL, MID, REPAIRED_RID, RID, TRANSPORT_CC

MAX_LINES = 40
MAX_TEXT_LINES = 4000
REVERSED = {
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "sendrecv": "sendrecv",
    "inactive": "inactive",
}
_ICE_CHARACTERS = re.compile(r"[A-Za-z0-9+/]{4,256}")
_MID = re.compile(r"[A-Za-z0-9_.\-]{1,16}")
_RID = re.compile(r"[A-Za-z0-9_\-]{1,16}")
MAX_LAYERS = 4
SMALL = "s"


class MalformedSdp(ValueError):
    """The offer cannot be answered; says why, for the log."""


@dataclass(frozen=True)
class Codec:
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
class OfferedLine:
    """One m-line. ``extensions``: uri to (id, direction suffix); ``rtx``: primary to repair
    ssrc.
    """

    kind: str
    protocol: str
    formats: list[str]
    mid: str = ""
    direction: str = "sendrecv"
    codecs: list[Codec] = field(default_factory=list)
    extensions: dict[str, tuple[int, str]] = field(default_factory=dict)
    ssrcs: list[int] = field(default_factory=list)
    rtx: dict[int, int] = field(default_factory=dict)
    rids: list[str] = field(default_factory=list)
    """Names of the simulcast layers that the browser would send, in its order."""


@dataclass
class Offer:
    ufrag: str
    password: str
    fingerprints: list[tuple[str, str]]
    lines: list[OfferedLine]

    def line(self, mid: str) -> OfferedLine | None:
        return next((line for line in self.lines if line.mid == mid), None)


def read_offer(text: str) -> Offer:
    """Raises MalformedSdp."""
    try:
        return _read_offer(text)
    except (ValueError, IndexError) as error:
        raise (
            error if isinstance(error, MalformedSdp) else MalformedSdp(f"unreadable: {error}")
        ) from error


def _read_offer(text: str) -> Offer:
    rows = text.splitlines()
    if len(rows) > MAX_TEXT_LINES:
        raise MalformedSdp("too long")
    if not rows or rows[0] != "v=0":
        raise MalformedSdp("does not begin with v=0")
    sections: list[list[str]] = [[]]
    for row in rows:
        if row.startswith("m="):
            sections.append([])
        sections[-1].append(row)
    if not 1 < len(sections) <= MAX_LINES + 1:
        raise MalformedSdp(f"{len(sections) - 1} media lines")
    lines = [_read_line(section) for section in sections[1:]]
    mids = [line.mid for line in lines]
    if len(set(mids)) != len(mids):
        raise MalformedSdp("two lines share a mid")
    session = _attributes(sections[0])
    bundled = next(
        (
            value.split()[1:]
            for key, value in session
            if key == "group" and value.startswith("BUNDLE")
        ),
        [],
    )
    if not bundled or set(bundled) - set(mids):
        raise MalformedSdp("lines are not bundled")
    return _with_transport(session + _attributes(sections[1 + mids.index(bundled[0])]), lines)


def _with_transport(attributes: list[tuple[str, str]], lines: list[OfferedLine]) -> Offer:
    named = dict(attributes)
    ufrag, password = named.get("ice-ufrag", ""), named.get("ice-pwd", "")
    if not _ICE_CHARACTERS.fullmatch(ufrag) or not (
        _ICE_CHARACTERS.fullmatch(password) and len(password) >= 22
    ):
        raise MalformedSdp("no ICE credentials")
    if named.get("setup") not in ("actpass", "passive"):
        raise MalformedSdp("no DTLS role for the browser to take")
    fingerprints = []
    for key, value in attributes:
        if key == "fingerprint":
            algorithm, digest = value.split()
            if algorithm.lower() in ("sha-256", "sha-384", "sha-512"):
                fingerprints.append((algorithm.lower(), digest.upper()))
    if not fingerprints:
        raise MalformedSdp("no certificate fingerprint")
    return Offer(ufrag, password, fingerprints, lines)


def _attributes(rows: Iterable[str]) -> list[tuple[str, str]]:
    pairs = []
    for row in rows:
        if row.startswith("a="):
            key, _, value = row[2:].partition(":")
            pairs.append((key, value.strip()))
    return pairs


def _read_line(rows: list[str]) -> OfferedLine:
    kind, _, protocol, *formats = rows[0][2:].split()
    if kind not in ("audio", "video", "application"):
        raise MalformedSdp(f"a line of {kind[:20]!r}")
    line = OfferedLine(kind, protocol, formats)
    attributes = _attributes(rows)
    parameters, feedback = _codec_attributes(attributes)
    for key, value in attributes:
        if key == "mid":
            line.mid = value
        elif key in REVERSED:
            line.direction = key
        elif key == "rtpmap":
            line.codecs.append(_read_codec(value, parameters, feedback))
        elif key == "extmap":
            name, uri = value.split()[:2]
            identifier, _, suffix = name.partition("/")
            if 1 <= int(identifier) <= 14:
                line.extensions[uri] = (int(identifier), suffix)
        elif key == "rid":
            name, _, rest = value.partition(" ")
            if (
                rest.split()[:1] == ["send"]
                and _RID.fullmatch(name)
                and len(line.rids) < MAX_LAYERS
            ):
                line.rids.append(name)
        elif key == "ssrc":
            ssrc = _ssrc(value.split()[0])
            if ssrc not in line.ssrcs and len(line.ssrcs) < 8:
                line.ssrcs.append(ssrc)
        elif key == "ssrc-group" and value.startswith("FID "):
            primary, repair = value.split()[1:3]
            line.rtx[_ssrc(primary)] = _ssrc(repair)
    if not _MID.fullmatch(line.mid):
        raise MalformedSdp("a line without a mid")
    return line


def _ssrc(text: str) -> int:
    number = int(text)
    if not 0 <= number < 1 << 32:
        raise MalformedSdp("an ssrc out of range")
    return number


def _codec_attributes(
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


def _read_codec(value: str, parameters: dict[str, str], feedback: dict[str, list[str]]) -> Codec:
    payload_type, encoding = value.split()[:2]
    name, clock, *channels = encoding.split("/")
    if not 0 <= int(payload_type) < 128:
        raise MalformedSdp("a payload type out of range")
    wanted = (*feedback.get(payload_type, ()), *feedback.get("*", ()))
    return Codec(
        int(payload_type),
        name.lower(),
        int(clock),
        channels[0] if channels else "",
        parameters.get(payload_type, ""),
        wanted,
    )


# ---------------------------------------------------------------- what of it is taken


@dataclass(frozen=True)
class Taken:
    """A codec that is forwarded. ``key`` says what it is to every browser; ``rtx`` its repair
    payload type.
    """

    key: str
    codec: Codec
    rtx: int | None


def take_codecs(line: OfferedLine) -> list[Taken]:
    """Opus for audio; VP8 first, then H264 constrained baseline in packets, for video."""
    taken: dict[str, Taken] = {}
    for codec in line.codecs:
        key = _codec_key(line.kind, codec)
        if key and key not in taken:
            taken[key] = Taken(key, codec, _repair_of(line, codec.payload_type))
    return sorted(taken.values(), key=lambda it: it.key != "vp8")


def _codec_key(kind: str, codec: Codec) -> str | None:
    if kind == "audio":
        return "opus" if codec.name == "opus" and codec.clock == 48000 else None
    if codec.name == "vp8":
        return "vp8"
    if codec.name == "h264" and codec.parameter("packetization-mode") == "1":
        profile = (codec.parameter("profile-level-id") or "").lower()
        return "h264" if profile.startswith("42e0") else None
    return None


def _repair_of(line: OfferedLine, payload_type: int) -> int | None:
    for codec in line.codecs:
        if codec.name == "rtx" and codec.parameter("apt") == str(payload_type):
            return codec.payload_type
    return None


def take_layers(line: OfferedLine) -> tuple[str, str] | None:
    """The small and the large simulcast layer (RFC 8853), by name or else by order; ``None`` for a
    single stream.
    """
    if len(set(line.rids)) < 2 or RID not in line.extensions or MID not in line.extensions:
        return None
    small = SMALL if SMALL in line.rids else line.rids[0]
    return small, next(rid for rid in reversed(line.rids) if rid != small)


UPLINK_EXTENSIONS = (MID, AUDIO_LEVEL, TRANSPORT_CC, RID, REPAIRED_RID)
DOWNLINK_EXTENSIONS = (ABS_SEND_TIME, TRANSPORT_CC)
UPLINK_FEEDBACK = ("nack", "nack pli", "ccm fir", "transport-cc")
DOWNLINK_FEEDBACK = ("nack", "nack pli", "ccm fir", "goog-remb", "transport-cc")
OPUS_PARAMETERS = "minptime=10;useinbandfec=1;stereo=0;sprop-stereo=0"


@dataclass(frozen=True)
class AnsweredLine:
    """How one offered line is answered; ``sending`` names the stream and ssrcs of a slot."""

    offered: OfferedLine
    codecs: tuple[Taken, ...]
    direction: str
    sending: Outgoing | None = None
    layers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outgoing:
    stream: str
    ssrc: int
    rtx_ssrc: int | None


@dataclass(frozen=True)
class LocalTransport:
    ufrag: str
    password: str
    fingerprint: str
    candidates: tuple[str, ...]


def write_answer(lines: list[AnsweredLine], transport: LocalTransport, session_id: int) -> str:
    """Lines without codecs are refused; the others are bundled on one transport."""
    mids = " ".join(line.offered.mid for line in lines if line.codecs)
    rows = ["v=0", f"o=- {session_id} 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    rows += [f"a=group:BUNDLE {mids}", "a=msid-semantic:WMS *"]
    for line in lines:
        rows += _accepted(line, transport) if line.codecs else _refused(line.offered)
    return "\r\n".join(rows) + "\r\n"


def _refused(line: OfferedLine) -> list[str]:
    formats = " ".join(line.formats) or "0"
    return [
        f"m={line.kind} 0 {line.protocol} {formats}",
        "c=IN IP4 0.0.0.0",
        "a=inactive",
        f"a=mid:{line.mid}",
    ]


def _accepted(line: AnsweredLine, transport: LocalTransport) -> list[str]:
    offered = line.offered
    numbers = [number for taken in line.codecs for number in (taken.codec.payload_type, taken.rtx)]
    types = [str(number) for number in numbers if number is not None]
    rows = [
        f"m={offered.kind} 9 {offered.protocol} {' '.join(types)}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=mid:{offered.mid}",
        f"a={line.direction}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        f"a=ice-ufrag:{transport.ufrag}",
        f"a=ice-pwd:{transport.password}",
        f"a=fingerprint:{transport.fingerprint}",
        "a=setup:active",
    ]
    # On every line, though bundled ones need it once: aiortc as a client reads the last.
    rows += [f"a=candidate:{candidate}" for candidate in transport.candidates]
    rows.append("a=end-of-candidates")
    rows += _extension_rows(line)
    rows += [f"a=rid:{rid} recv" for rid in line.layers]
    if line.layers:
        rows.append(f"a=simulcast:recv {';'.join(line.layers)}")
    for taken in line.codecs:
        rows += _codec_rows(taken, DOWNLINK_FEEDBACK if line.sending else UPLINK_FEEDBACK)
    return rows + (_sending_rows(line.sending, offered) if line.sending else [])


def _extension_rows(line: AnsweredLine) -> list[str]:
    wanted = DOWNLINK_EXTENSIONS if line.sending else UPLINK_EXTENSIONS
    rows = []
    for uri in wanted:
        if uri in line.offered.extensions:
            identifier, suffix = line.offered.extensions[uri]
            mirrored = f"/{REVERSED[suffix]}" if suffix in REVERSED else ""
            rows.append(f"a=extmap:{identifier}{mirrored} {uri}")
    return rows


def _codec_rows(taken: Taken, feedback: tuple[str, ...]) -> list[str]:
    codec = taken.codec
    number = codec.payload_type
    name = {"vp8": "VP8", "h264": "H264"}.get(codec.name, codec.name)
    channels = f"/{codec.channels}" if codec.channels else ""
    rows = [f"a=rtpmap:{number} {name}/{codec.clock}{channels}"]
    rows += [f"a=rtcp-fb:{number} {wanted}" for wanted in feedback if wanted in codec.feedback]
    if taken.key == "opus":
        rows.append(f"a=fmtp:{number} {OPUS_PARAMETERS}")
    elif codec.parameters:
        rows.append(f"a=fmtp:{number} {codec.parameters}")
    if taken.rtx is not None:
        rows += [f"a=rtpmap:{taken.rtx} rtx/{codec.clock}", f"a=fmtp:{taken.rtx} apt={number}"]
    return rows


def _sending_rows(sending: Outgoing, offered: OfferedLine) -> list[str]:
    rows = [f"a=msid:{sending.stream} {sending.stream}-{offered.kind}"]
    if sending.rtx_ssrc is not None:
        rows.append(f"a=ssrc-group:FID {sending.ssrc} {sending.rtx_ssrc}")
    for ssrc in (sending.ssrc, sending.rtx_ssrc):
        if ssrc is not None:
            rows.append(f"a=ssrc:{ssrc} cname:media")
    return rows
