"""ICE, DTLS and SRTP with one browser, by aiortc: the only file that uses private names.

Beside the public objects of aiortc (``RTCIceGatherer``, ``RTCIceTransport``, ``RTCDtlsTransport``,
``RTCCertificate``) it uses what ``PRIVATE_NAMES`` lists; ``tests/media/wire/test_seam.py`` checks
each of them against the pinned versions. There is no public way to see RTP bytes or to choose a
port.

SRTP and SRTCP datagrams go to the packet path before aioice looks at them. A packet for the browser
goes from one shared buffer through libsrtp straight to the socket. There is one process with one
thread, so all seats share the buffers.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Protocol, cast

from aioice.candidate import Candidate, candidate_foundation, candidate_priority
from aioice.ice import CandidatePair, Connection, StunProtocol
from aioice.turn import create_turn_endpoint
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceTransport
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters
from aiortc.rtcicetransport import RTCIceParameters
from pylibsrtp import Session, ffi, lib  # pyright: ignore[reportUnknownVariableType]

from app.media.limits import (
    CHECKS_BURST_DATAGRAMS,
    KNOWN_ADDRESS_CHECKS_PER_SECOND,
    MAX_REMOTE_ADDRESSES,
    UNKNOWN_ADDRESS_CHECKS_PER_SECOND,
    TokenBucket,
)
from app.media.wire.impairment import ImpairedLink
from app.media.wire.rtp import MAX_PACKET_BYTES, is_rtp_or_rtcp
from app.media.wire.udp_sockets import SocketAddress, bind_socket_in_range, open_connected_socket

PINNED_VERSIONS = {"aiortc": "1.16.0", "aioice": "0.13.0", "pylibsrtp": "1.0.0"}
PRIVATE_NAMES = (
    "aioice.ice.StunProtocol.datagram_received",
    "aioice.ice.Connection.get_component_candidates",
    "aioice.ice.Connection.check_complete",
    "aioice.ice.Connection.recvfrom",
    "aioice.turn.create_turn_endpoint",
    "aioice.Connection()._nominated",
    "aioice.Connection()._protocols",
    "aioice.Connection()._queue",
    "aioice.Connection()._remote_candidates",
    "aiortc.RTCIceGatherer()._connection",
    "aiortc.RTCDtlsTransport()._rx_srtp",
    "aiortc.RTCDtlsTransport()._tx_srtp",
    "pylibsrtp.Session()._srtp",
    "pylibsrtp.lib.srtp_protect",
    "pylibsrtp.lib.srtp_protect_rtcp",
    "pylibsrtp.lib.srtp_unprotect",
    "pylibsrtp.lib.srtp_unprotect_rtcp",
)

MAX_QUEUED_DATAGRAMS = 200
"""A handshake needs a few dozen datagrams. More means that nobody empties the queue."""
MAX_DATAGRAMS_PER_READ = 8
"""Read from one seat before the others have their turn."""

INCOMING_BUFFER = bytearray(MAX_PACKET_BYTES)
OUTGOING_BUFFER = bytearray(MAX_PACKET_BYTES)
_SRTP_TRAILER_BYTES = 148
"""The most that libsrtp appends: ``SRTP_MAX_TRAILER_LEN`` (144) and, for SRTCP, the index (4)."""


class _IntPointer(Protocol):
    """A C ``int *``."""

    def __getitem__(self, index: int, /) -> int: ...
    def __setitem__(self, index: int, value: int, /) -> None: ...


class _ForeignFunctions(Protocol):
    """The part of cffi's ``FFI`` that is used here; pylibsrtp has no types for it."""

    def from_buffer(self, buffer: bytearray, /) -> object: ...
    def new(self, declaration: str, /) -> _IntPointer: ...


class _SrtpFunctions(Protocol):
    """Of libsrtp: each takes (context, packet, length), works in place, and returns 0 for
    success.
    """

    srtp_protect: SrtpFunction
    srtp_protect_rtcp: SrtpFunction
    srtp_unprotect: SrtpFunction
    srtp_unprotect_rtcp: SrtpFunction


SrtpFunction = Callable[[object, object, _IntPointer], int]
_ffi = cast(_ForeignFunctions, ffi)
_srtp = cast(_SrtpFunctions, lib)
_incoming = _ffi.from_buffer(INCOMING_BUFFER)
_outgoing = _ffi.from_buffer(OUTGOING_BUFFER)
_outgoing_view = memoryview(OUTGOING_BUFFER)
_length = _ffi.new("int *")

DtlsCertificate = RTCCertificate
PacketHandler = Callable[[bytes], None]
PacketSender = Callable[[int], bool]
PeerAddress = tuple[str, int] | tuple[str, int, int, int]
"""Host and port; with IPv6 also flow and scope, as asyncio gives them."""


def make_dtls_certificate() -> DtlsCertificate:
    """A new self-signed certificate. It is valid for 30 days, so a node that runs long
    renews it.
    """
    return RTCCertificate.generateCertificate()


class _SeatSocket(StunProtocol):
    """One UDP socket of a seat."""

    def __init__(self, connection: _IceConnection, sock: socket.socket) -> None:
        super().__init__(connection)
        self.connection = connection
        self.socket = sock

    def datagram_received(self, data: bytes | str, addr: PeerAddress) -> None:
        assert isinstance(data, bytes)
        if data and is_rtp_or_rtcp(data[0]):
            take = self.connection.take_packet
            if take is not None and self.connection.knows(addr):
                take(data)
        elif not self.connection.is_crowded() and self.connection.lets_in(addr):
            super().datagram_received(data, addr)


class _IceConnection(Connection):
    """An ICE connection with sockets on chosen addresses and ports, and a way past its queue."""

    def __init__(self, addresses: tuple[str, ...], ports: tuple[int, int]) -> None:
        super().__init__(ice_controlling=False)
        self._addresses = addresses
        self._ports = ports
        self._known = TokenBucket(KNOWN_ADDRESS_CHECKS_PER_SECOND, CHECKS_BURST_DATAGRAMS)
        self._strangers = TokenBucket(UNKNOWN_ADDRESS_CHECKS_PER_SECOND, CHECKS_BURST_DATAGRAMS)
        self.refused = 0
        self.take_packet: PacketHandler | None = None
        self.on_selected: Callable[[_SeatSocket, SocketAddress], None] = lambda selected, address: (
            None
        )

    def knows(self, addr: PeerAddress) -> bool:
        """Whether an authenticated ICE check has come from there (docs/adr/0024). Nobody else may
        use up the browser's share.
        """
        host, port = addr[:2]
        is_known = any(each.port == port and each.host == host for each in self._remote_candidates)
        self.refused += not is_known
        return is_known

    def lets_in(self, addr: PeerAddress) -> bool:
        """Whether to look at a check or handshake datagram. Floods are refused, and those from
        unknown addresses sooner.
        """
        selected = self._nominated.get(1)
        if selected is not None and selected.remote_addr == addr[:2]:
            is_let_in = self._known.take(monotonic())
        else:
            has_place = len(self._remote_candidates) < MAX_REMOTE_ADDRESSES
            is_let_in = self._strangers.take(monotonic()) and has_place
        self.refused += not is_let_in
        return is_let_in

    def is_crowded(self) -> bool:
        """Whether more datagrams wait than a handshake has."""
        return self._queue.qsize() > MAX_QUEUED_DATAGRAMS

    async def get_component_candidates(
        self, component: int, addresses: list[str], timeout: int = 5
    ) -> list[Candidate]:
        candidates: list[Candidate] = []
        for number, address in enumerate(self._addresses):
            sock = bind_socket_in_range(address, self._ports)
            protocol = _SeatSocket(self, sock)
            await asyncio.get_running_loop().create_datagram_endpoint(
                lambda made=protocol: made, sock=sock
            )
            protocol.local_candidate = Candidate(
                foundation=candidate_foundation("host", "udp", address),
                component=component,
                transport="udp",
                priority=candidate_priority(component, "host", 65535 - number),
                host=address,
                port=sock.getsockname()[1],
                type="host",
            )
            self._protocols.append(protocol)
            candidates.append(protocol.local_candidate)
        return candidates

    def check_complete(self, pair: CandidatePair) -> None:
        super().check_complete(pair)
        selected = self._nominated.get(1)
        if selected is not None and isinstance(selected.protocol, _SeatSocket):
            self.on_selected(selected.protocol, selected.remote_addr)


@dataclass(frozen=True)
class TurnServer:
    """A TURN server and how to connect to it."""

    host: str
    port: int
    transport: str
    is_secure: bool


async def try_turn_allocation(
    relay: TurnServer, username: str, password: str, timeout: float = 5.0
) -> str:
    """Allocates an address at the relay (RFC 8656), releases it and returns it. Raises what the
    network or the relay reports.
    """
    address = relay.host, relay.port
    if not relay.is_secure:  # The certificate of a secure one is for its name.
        found = await asyncio.get_running_loop().getaddrinfo(
            relay.host, relay.port, type=socket.SOCK_DGRAM
        )
        address = str(found[0][4][0]), relay.port
    async with asyncio.timeout(timeout):
        transport, _ = await create_turn_endpoint(
            asyncio.DatagramProtocol,
            server_addr=address,
            username=username,
            password=password,
            transport=relay.transport,
            ssl=relay.is_secure or None,
        )
        host, port = transport.get_extra_info("sockname")[:2]
        transport.close()
    return f"{host}:{port}"


class _ImpairedTransport:
    """An asyncio transport that hands its datagrams to ``sendto``."""

    def __init__(self, transport: asyncio.DatagramTransport, sendto: Callable[..., None]) -> None:
        self.sendto = sendto
        self.close, self.is_closing = transport.close, transport.is_closing
        self.get_extra_info = transport.get_extra_info


class SeatTransport:
    """ICE and DTLS with one browser, then SRTP both ways.

    Call ``gather()``, then ``connect()`` once; then packets flow until ``close()``, which may be
    called twice. ``on_packet`` gets each SRTP or SRTCP datagram; ``on_closed`` is called once when
    the browser has left.
    """

    def __init__(
        self,
        certificate: DtlsCertificate,
        addresses: tuple[str, ...],
        ports: tuple[int, int],
        on_closed: Callable[[], None],
    ) -> None:
        self._gatherer = RTCIceGatherer(iceServers=[])
        self._connection = _IceConnection(addresses, ports)
        self._gatherer._connection = self._connection
        self._ice = RTCIceTransport(self._gatherer)
        self._dtls = RTCDtlsTransport(self._ice, [certificate])
        self.on_packet: PacketHandler | None = None
        self._on_closed = on_closed
        self._selected: tuple[_SeatSocket, SocketAddress] | None = None
        self._twin: socket.socket | None = None
        self._is_impaired = False
        self._connection.on_selected = self._select
        self.send_datagram: Callable[[memoryview], object] = _discard_datagram
        self.unprotect_rtp: Callable[[bytes], int] = _unprotect_nothing
        self.unprotect_rtcp: Callable[[bytes], int] = _unprotect_nothing
        self.send_rtp: PacketSender = _send_nothing
        self.send_rtcp: Callable[[bytes], bool] = _send_nothing

    async def gather(self) -> None:
        """Binds the sockets. Raises NoFreePort."""
        await self._gatherer.gather()

    @property
    def ufrag(self) -> str:
        return self._connection.local_username

    @property
    def password(self) -> str:
        return self._connection.local_password

    @property
    def fingerprint(self) -> str:
        """As SDP writes it: the algorithm and the digest."""
        found = next(
            f for f in self._dtls.getLocalParameters().fingerprints if f.algorithm == "sha-256"
        )
        return f"{found.algorithm} {found.value}"

    @property
    def candidates(self) -> list[str]:
        return [candidate.to_sdp() for candidate in self._connection.local_candidates]

    @property
    def refused(self) -> int:
        """Checks and handshake datagrams that were dropped because there were too many."""
        return self._connection.refused

    @property
    def remote_address(self) -> str:
        return self._selected[1][0] if self._selected is not None else ""

    async def connect(self, ufrag: str, password: str, fingerprints: list[tuple[str, str]]) -> bool:
        """Waits for the browser's checks and its handshake. Returns whether it is connected.

        The browser's own candidates are ignored: it reaches the node, and the node answers to where
        the checks come from. So an offer cannot make the node send checks to a third party.
        """
        await self._ice.start(RTCIceParameters(usernameFragment=ufrag, password=password))
        if self._ice.state != "completed":
            return False
        self._dtls.on("statechange", self._dtls_changed)
        prints = [
            RTCDtlsFingerprint(algorithm=algorithm, value=value)
            for algorithm, value in fingerprints
        ]
        await self._dtls.start(RTCDtlsParameters(fingerprints=prints))
        return self._dtls.state == "connected"

    def _dtls_changed(self) -> None:
        if self._dtls.state == "connected":
            self._open()
        elif self._dtls.state in ("closed", "failed"):
            self._on_closed()

    def _open(self) -> None:
        receiving, sending = self._dtls._rx_srtp, self._dtls._tx_srtp
        self.unprotect_rtp = _make_unprotect(receiving, _srtp.srtp_unprotect)
        self.unprotect_rtcp = _make_unprotect(receiving, _srtp.srtp_unprotect_rtcp)
        self.send_rtp = self._sending(sending, _srtp.srtp_protect)
        self.send_rtcp = self._sending_copy(sending, _srtp.srtp_protect_rtcp)
        self._connection.take_packet = self.on_packet

    def _select(self, selected: _SeatSocket, address: SocketAddress) -> None:
        """ICE has selected an address of the browser, or another one than before."""
        if self._selected == (selected, address):
            return
        self._selected = selected, address
        self._close_twin()
        self.send_datagram = lambda packet: selected.transport.sendto(packet, address)
        if self._is_impaired:
            return
        try:
            self._twin = open_connected_socket(selected.socket, address)
        except OSError:
            return  # The event loop's own transport works as well.
        self.send_datagram = self._twin.send
        asyncio.get_running_loop().add_reader(
            self._twin, self._reader(self._twin, selected, address)
        )

    def _reader(
        self, twin: socket.socket, selected: _SeatSocket, address: SocketAddress
    ) -> Callable[[], None]:
        receive, connection = twin.recv, self._connection

        def read() -> None:
            """Reads a few datagrams from the browser; packets go straight to the packet path."""
            for _ in range(MAX_DATAGRAMS_PER_READ):
                try:
                    datagram = receive(MAX_PACKET_BYTES + 1)
                except OSError:
                    return  # There is no more, or what we sent last was refused.
                take = connection.take_packet
                if take is not None and datagram and 127 < datagram[0] < 192:
                    take(datagram)
                else:
                    selected.datagram_received(datagram, address)

        return read

    def _close_twin(self) -> None:
        if self._twin is not None:
            asyncio.get_running_loop().remove_reader(self._twin)
            self._twin.close()
            self._twin = None

    def _sending(self, session: Session, protect: SrtpFunction) -> PacketSender:
        context = _get_srtp_context(session)

        def send(size: int, session: Session = session) -> bool:
            """Protects and sends the first ``size`` bytes of ``OUTGOING_BUFFER``. The default
            argument keeps the session alive.
            """
            _length[0] = size
            if protect(context, _outgoing, _length):
                return False
            try:
                self.send_datagram(_outgoing_view[: _length[0]])
            except OSError:
                return False
            return True

        return send

    def _sending_copy(self, session: Session, protect: SrtpFunction) -> Callable[[bytes], bool]:
        send = self._sending(session, protect)

        def send_copy(packet: bytes) -> bool:
            size = len(packet)
            if size > MAX_PACKET_BYTES - _SRTP_TRAILER_BYTES:
                return False
            OUTGOING_BUFFER[:size] = packet
            return send(size)

        return send_copy

    def impair(self, link: ImpairedLink) -> None:
        """For tests only, after ``gather()``: every datagram of this seat passes over ``link``, in
        both directions.
        """

        def impaired(protocol: _SeatSocket) -> None:
            receive, send = protocol.datagram_received, protocol.transport.sendto

            def received(data: bytes | str, addr: PeerAddress) -> None:
                link.up.carry(len(data), lambda: receive(data, addr))

            def sendto(data: bytes | memoryview, addr: PeerAddress) -> None:
                kept = bytes(data)
                link.down.carry(
                    len(kept), lambda: protocol.transport.is_closing() or send(kept, addr)
                )

            protocol.datagram_received = received  # type: ignore[method-assign]
            protocol.transport = _ImpairedTransport(protocol.transport, sendto)  # type: ignore[assignment]

        for protocol in self._connection._protocols:
            if isinstance(protocol, _SeatSocket):
                impaired(protocol)
        self._is_impaired = True

    async def close(self) -> None:
        self._connection.take_packet = None
        self.send_rtp = self.send_rtcp = _send_nothing
        self.unprotect_rtp = self.unprotect_rtcp = _unprotect_nothing
        self.send_datagram = _discard_datagram
        await self._dtls.stop()
        self._close_twin()
        await self._ice.stop()


def _get_srtp_context(session: Session) -> object:
    """The C pointer that libsrtp's functions take."""
    return session._srtp[0]  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def _make_unprotect(session: Session, unprotect: SrtpFunction) -> Callable[[bytes], int]:
    context = _get_srtp_context(session)

    def open_packet(packet: bytes, session: Session = session) -> int:
        """Decrypts into ``INCOMING_BUFFER``. Returns the length, or 0 if it is not authentic."""
        size = len(packet)
        if size > MAX_PACKET_BYTES:
            return 0
        INCOMING_BUFFER[:size] = packet
        _length[0] = size
        if unprotect(context, _incoming, _length):
            return 0
        return _length[0]

    return open_packet


def _unprotect_nothing(packet: bytes) -> int:
    return 0


def _send_nothing(packet: object) -> bool:
    return False


def _discard_datagram(packet: memoryview) -> None:
    return None
