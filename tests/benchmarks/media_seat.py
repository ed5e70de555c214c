"""One seat of the load: a real handshake by aiortc, then pre-encoded packets over its bare
socket.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from dataclasses import dataclass, field

import aiohttp
from aioice import stun
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceTransport
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters
from aiortc.rtcicetransport import RTCIceParameters
from aiortc.sdp import candidate_from_sdp

from tests.benchmarks.media_clip import Clip

SEATS = 3
AUDIO_TYPE, VIDEO_TYPE, REPAIR_TYPE = 111, 96, 97
LEVEL_ID, TRANSPORT_ID, SEND_TIME_ID = 1, 3, 2
MARK = struct.Struct("!IHHI")
"""Ends each forwarded payload: a magic word, publisher, kind, count."""
MAGIC = 0xC0551110
RTP = struct.Struct("!BBHII")
SO_TIMESTAMPNS = 35
STAMP = struct.Struct("qq")
SAMPLE = 50
STAGGER = 23
"""Frames between two seats' places in the clip: the key frames of different people do not fall
together.
"""


@dataclass
class Stream:
    """One published stream and, at a receiver, what came of one ssrc."""

    ssrc: int
    kind: int
    sequence: int = 0
    timestamp: int = 0
    packets: int = 0
    octets: int = 0
    sent_at: list[float] = field(default_factory=list)


@dataclass
class Received:
    publisher: int = -1
    kind: int = -1
    offset: int | None = None
    highest: int = 0
    arrived: dict[int, float] = field(default_factory=dict)
    stamps: set[int] = field(default_factory=set)
    packets: int = 0


class Line:
    """ICE, DTLS and SRTP of one connection, by aiortc, and its bare socket."""

    def __init__(self, is_controlling: bool) -> None:
        self._gatherer = RTCIceGatherer(iceServers=[])
        self._ice = RTCIceTransport(self._gatherer)
        self._ice._connection.ice_controlling = is_controlling

    async def describe(self, certificate: RTCCertificate) -> list[str]:
        """The rows of a description that say how to reach this end."""
        self._dtls = RTCDtlsTransport(self._ice, [certificate])
        await self._gatherer.gather()
        local = self._gatherer.getLocalParameters()
        prints = next(
            f for f in self._dtls.getLocalParameters().fingerprints if f.algorithm == "sha-256"
        )
        candidates = [candidate.to_sdp() for candidate in self._ice._connection.local_candidates]
        return [
            f"a=ice-ufrag:{local.usernameFragment}",
            f"a=ice-pwd:{local.password}",
            f"a=fingerprint:sha-256 {prints.value}",
            *(f"a=candidate:{candidate}" for candidate in candidates),
            "a=end-of-candidates",
        ]

    async def connect(self, sdp: str) -> None:
        rows = sdp.splitlines()
        reached = {candidate.host for candidate in self._ice._connection.local_candidates}
        for row in rows:
            if row.startswith("a=candidate:") and " udp " in row.lower():
                candidate = candidate_from_sdp(row[12:])
                if candidate.ip in reached:
                    await self._ice.addRemoteCandidate(candidate)
                    break
        await self._ice.addRemoteCandidate(None)
        value = {row.partition(":")[0]: row.partition(":")[2] for row in rows}
        await self._ice.start(
            RTCIceParameters(usernameFragment=value["a=ice-ufrag"], password=value["a=ice-pwd"])
        )
        remote = [
            RTCDtlsFingerprint(*row.partition(":")[2].split())
            for row in rows
            if row.lower().startswith("a=fingerprint:sha-256")
        ]
        await self._dtls.start(RTCDtlsParameters(fingerprints=remote[:1]))
        assert self._dtls.state == "connected", self._dtls.state
        self.sending, self.receiving = self._dtls._tx_srtp, self._dtls._rx_srtp
        pair = self._ice._connection._nominated[1]
        self.peer = pair.remote_addr
        original = pair.protocol.transport.get_extra_info("socket")
        self.socket = socket.socket(fileno=os.dup(original.fileno()))
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)

    async def close(self) -> None:
        self.socket.close()
        await self._dtls.stop()
        await self._ice.stop()

    def answer(self, packet: bytes) -> None:
        """Agrees to a check: a server that hears nothing for half a minute hangs up."""
        try:
            asked = stun.parse_message(packet)
        except ValueError:
            return
        if asked.message_class != stun.Class.REQUEST:
            return
        answer = stun.Message(
            message_method=asked.message_method,
            message_class=stun.Class.RESPONSE,
            transaction_id=asked.transaction_id,
        )
        answer.attributes["XOR-MAPPED-ADDRESS"] = self.peer
        answer.add_message_integrity(self._ice._connection.local_password.encode())
        self.socket.sendto(bytes(answer), self.peer)


class Seat:
    def __init__(self, number: int, room: str, clip: Clip, is_marked: bool) -> None:
        self.number, self.room, self.clip, self.is_marked = number, room, clip, is_marked
        self.streams = (Stream(number * 4 + 1001, 0), Stream(number * 4 + 1002, 1))
        self.received: dict[int, Received] = {}
        self.transport_number = 0
        self.voice = self.frame = 0
        self.place = number * STAGGER % len(clip.frames)
        """Where in the clip its next picture is."""
        self.authenticated = self.forged = self.feedback = 0
        self.up: Line
        self.down: Line
        """Where it receives: the same line, but at a server that wants two."""

    # --- joining ---

    async def join(
        self, session: aiohttp.ClientSession, url: str, certificate: RTCCertificate
    ) -> None:
        self.up = self.down = Line(is_controlling=True)
        sdp = self.offer(await self.up.describe(certificate), 2 + 2 * (SEATS - 1))
        slots = [{"audio": str(2 + n * 2), "video": str(3 + n * 2)} for n in range(SEATS - 1)]
        body = {
            "room": self.room,
            "seat": str(self.number),
            "sdp": sdp,
            "lines": {"mic": "0", "camera": "1", "slots": slots},
        }
        async with session.post(f"{url}/offer", json=body) as response:
            answer = (await response.json())["sdp"]
        await self.up.connect(answer)

    def offer(self, transport: list[str], lines: int) -> str:
        """Microphone and camera, then as many receiving lines as there are left."""
        count = lines
        rows = [
            "v=0",
            "o=- 1 1 IN IP4 127.0.0.1",
            "s=-",
            "t=0 0",
            "a=group:BUNDLE " + " ".join(map(str, range(count))),
            "a=msid-semantic:WMS *",
        ]
        for mid in range(count):
            is_video, is_up = mid % 2 == 1, mid < 2
            kind = "video" if is_video else "audio"
            types = f"{VIDEO_TYPE} {REPAIR_TYPE}" if is_video else f"{AUDIO_TYPE}"
            rows += [
                f"m={kind} 9 UDP/TLS/RTP/SAVPF {types}",
                "c=IN IP4 0.0.0.0",
                f"a=mid:{mid}",
                "a=sendonly" if is_up else "a=recvonly",
                "a=rtcp:9 IN IP4 0.0.0.0",
                "a=rtcp-mux",
                *transport,
                "a=setup:actpass",
                f"a=extmap:{LEVEL_ID} urn:ietf:params:rtp-hdrext:ssrc-audio-level",
                (
                    f"a=extmap:{SEND_TIME_ID}"
                    " http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
                ),
                (
                    f"a=extmap:{TRANSPORT_ID}"
                    " http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
                ),
            ]
            if is_video:
                rows += [
                    f"a=rtpmap:{VIDEO_TYPE} VP8/90000",
                    f"a=rtcp-fb:{VIDEO_TYPE} nack",
                    f"a=rtcp-fb:{VIDEO_TYPE} nack pli",
                    f"a=rtcp-fb:{VIDEO_TYPE} transport-cc",
                    f"a=rtcp-fb:{VIDEO_TYPE} goog-remb",
                    f"a=rtpmap:{REPAIR_TYPE} rtx/90000",
                    f"a=fmtp:{REPAIR_TYPE} apt={VIDEO_TYPE}",
                ]
            else:
                rows += [
                    f"a=rtpmap:{AUDIO_TYPE} opus/48000/2",
                    f"a=fmtp:{AUDIO_TYPE} minptime=10;useinbandfec=1",
                ]
            if is_up:
                rows += [
                    f"a=msid:s{self.number} t{mid}",
                    f"a=ssrc:{self.streams[mid].ssrc} cname:load",
                ]
        return "\r\n".join(rows) + "\r\n"

    # --- sending ---

    def send_voice(self) -> None:
        payload = self.clip.voices[self.voice % len(self.clip.voices)]
        self.voice += 1
        self.streams[0].timestamp = (self.voice * 960) & 0xFFFFFFFF
        self._send(self.streams[0], AUDIO_TYPE, payload, LEVEL_ID << 4, 40)

    def send_frame(self) -> None:
        payloads = self.clip.frames[self.place]
        self.place = (self.place + 1) % len(self.clip.frames)
        self.frame += 1
        self.streams[1].timestamp = (self.frame * 3000) & 0xFFFFFFFF
        for number, payload in enumerate(payloads):
            last = 0x80 if number == len(payloads) - 1 else 0
            self._send(self.streams[1], VIDEO_TYPE | last, payload, 0, 0)

    def _send(self, stream: Stream, kind: int, payload: bytes, level_head: int, level: int) -> None:
        header = RTP.pack(0x90, kind, stream.sequence & 0xFFFF, stream.timestamp, stream.ssrc)
        extension = struct.pack(
            "!HHBHBBxxx",
            0xBEDE,
            2,
            TRANSPORT_ID << 4 | 1,
            self.transport_number & 0xFFFF,
            level_head,
            level,
        )
        mark = (
            MARK.pack(MAGIC, self.number, stream.kind, len(stream.sent_at))
            if self.is_marked
            else b""
        )
        packet = self.up.sending.protect(header + extension + payload + mark)
        stream.sequence += 1
        self.transport_number += 1
        stream.packets += 1
        stream.octets += len(payload)
        stream.sent_at.append(time.time())
        self.up.socket.sendto(packet, self.up.peer)

    def send_reports(self) -> None:
        """Sender reports for both streams, and a receiver report for all that arrives, each
        second.
        """
        now = time.time() + 2208988800
        ntp = int(now * (1 << 32)) & ((1 << 64) - 1)
        for stream in self.streams:
            report = struct.pack(
                "!BBHIQIII",
                0x80,
                200,
                6,
                stream.ssrc,
                ntp,
                stream.timestamp,
                stream.packets,
                stream.octets,
            )
            self.up.socket.sendto(self.up.sending.protect_rtcp(report), self.up.peer)
        blocks = b"".join(
            struct.pack("!IIIIII", ssrc, 0, got.highest, 0, 0, 0)
            for ssrc, got in list(self.received.items())[:31]
        )
        count = len(blocks) // 24
        report = (
            struct.pack("!BBHI", 0x80 | count, 201, 1 + 6 * count, self.streams[0].ssrc) + blocks
        )
        self.down.socket.sendto(self.down.sending.protect_rtcp(report), self.down.peer)

    # --- receiving ---

    def drain(self, line: Line) -> None:
        receive = line.socket.recvmsg
        while True:
            try:
                packet, extra, _, _ = receive(2048, 64)
            except BlockingIOError:
                return
            if not 127 < packet[0] < 192:
                line.answer(packet)
                continue
            if 191 < packet[1] < 224:
                self.feedback += 1
                continue
            seconds, nanoseconds = STAMP.unpack(extra[0][2][:16])
            self._note(packet, seconds + nanoseconds / 1e9)

    def _note(self, packet: bytes, at: float) -> None:
        _, _, sequence, timestamp, ssrc = RTP.unpack_from(packet)
        got = self.received.get(ssrc)
        if got is None:
            got = self.received[ssrc] = Received()
        got.packets += 1
        got.stamps.add(timestamp)
        if got.offset is None or got.packets % SAMPLE == 0:
            self._authenticate(got, packet, sequence)
        if got.offset is not None:
            count = self._unwrap((sequence - got.offset) & 0xFFFF, got.highest)
            got.highest = max(got.highest, count)
            got.arrived.setdefault(count, at)

    def _authenticate(self, got: Received, packet: bytes, sequence: int) -> None:
        try:
            plain = self.down.receiving.unprotect(packet)
        except Exception:
            self.forged += 1
            return
        self.authenticated += 1
        if not self.is_marked:
            return
        magic, publisher, kind, count = MARK.unpack(plain[-MARK.size :])
        assert magic == MAGIC
        offset = (sequence - count) & 0xFFFF
        assert got.offset in (None, offset), "the forwarded numbers are not continuous"
        if got.offset is None:
            got.publisher, got.kind, got.offset, got.highest = publisher, kind, offset, count

    @staticmethod
    def _unwrap(count: int, highest: int) -> int:
        return highest + ((count - highest + 0x8000) & 0xFFFF) - 0x8000
