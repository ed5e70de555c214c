"""``./consilium check media`` says whether a media node can be reached as it is configured.

Everything is tried from this machine. What only another machine can find out (a firewall, a
provider's NAT) is reported as unknown.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import errno
import hashlib
import hmac
import ipaddress
import os
import random
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from time import time
from typing import Protocol

from app.media.settings import MediaSettingInvalid, MediaSettings
from app.media.wire.aiortc_seam import TurnServer, try_turn_allocation

MAX_PORTS_TRIED = 40
PORTS_PER_SEAT = 1
TYPICAL_SEATS_PER_ROOM = 3
PACKET_ARRIVAL_TIMEOUT_SECONDS = 1.0
TURN_CREDENTIALS_LIFETIME_SECONDS = 600


@dataclass(frozen=True)
class MediaCheckFinding:
    """``verdict`` is ``good``, ``bad`` or ``doubt`` (it may be intended, or cannot be known
    here).
    """

    verdict: str
    sentence: str


class MediaConfiguration(Protocol):
    """The web's settings for media."""

    @property
    def secret_key(self) -> str: ...
    @property
    def media_public_address(self) -> str: ...
    @property
    def media_ports(self) -> str: ...
    @property
    def turn_url(self) -> str | None: ...
    @property
    def turn_secret(self) -> str | None: ...


def check_media_configuration(
    configured: MediaConfiguration, environment: Mapping[str, str] = os.environ
) -> list[MediaCheckFinding]:
    """Checks everything, with the settings of this installation."""
    stated = {
        "CONSILIUM_SECRET_KEY": configured.secret_key,
        "CONSILIUM_MEDIA_PUBLIC_ADDRESS": configured.media_public_address,
        "CONSILIUM_MEDIA_PORTS": configured.media_ports,
    }
    try:
        settings = MediaSettings.from_environment({**environment, **stated})
    except MediaSettingInvalid as error:
        return [MediaCheckFinding("bad", str(error))]
    findings = check_addresses_and_ports(settings)
    if not configured.turn_url or not configured.turn_secret:
        return [
            *findings,
            MediaCheckFinding(
                "doubt",
                "No TURN relay is set (CONSILIUM_TURN_URL): people on networks that block "
                "UDP cannot join.",
            ),
        ]
    urls = [url.strip() for url in configured.turn_url.split(",")]
    return findings + [asyncio.run(check_turn_server(url, configured.turn_secret)) for url in urls]


def check_addresses_and_ports(settings: MediaSettings) -> list[MediaCheckFinding]:
    """Checks addresses and ports from this machine. Binds and sends; leaves nothing open."""
    findings: list[MediaCheckFinding] = []
    for address in settings.public_addresses:
        findings.append(_check_address_reach(address))
        findings.append(_check_packet_arrives(address, (settings.first_port, settings.last_port)))
    findings.append(_check_port_count(settings))
    return findings


async def check_turn_server(url: str, secret: str) -> MediaCheckFinding:
    """Logs in at the TURN server as a browser would, and sends one datagram through it."""
    scheme, _, rest = url.partition(":")
    host, _, query = rest.partition("?")
    name, _, port = host.rpartition(":") if host.rpartition(":")[2].isdecimal() else (host, "", "")
    transport = "tcp" if scheme == "turns" or "transport=tcp" in query else "udp"
    if scheme not in ("turn", "turns") or not name:
        return MediaCheckFinding(
            "bad", f"CONSILIUM_TURN_URL names {url!r}: write it as turn:host:port?transport=udp."
        )
    username, password = make_turn_credentials(secret, "check", time())
    place = TurnServer(
        name.strip("[]"),
        int(port or (5349 if scheme == "turns" else 3478)),
        transport,
        scheme == "turns",
    )
    try:
        relayed = await try_turn_allocation(place, username, password)
    except ssl.SSLCertVerificationError as error:
        return MediaCheckFinding(
            "bad",
            f"The relay {url} has a certificate that browsers do not trust "
            f"({error.verify_message}). Give coturn one from a public authority.",
        )
    except (OSError, TimeoutError, ConnectionError) as error:
        return MediaCheckFinding(
            "bad",
            f"The relay {url} does not answer ({error or 'no answer'}). "
            "Check that coturn is running and that the firewall allows this port.",
        )
    except Exception as error:
        return MediaCheckFinding(
            "bad",
            f"The relay {url} refused our credentials ({error}). "
            "CONSILIUM_TURN_SECRET must equal coturn’s static-auth-secret.",
        )
    if place.is_secure and _is_ip_address(place.host):
        return MediaCheckFinding(
            "doubt",
            f"The relay {url} accepted our credentials, but Firefox trusts no certificate "
            "for an IP address: use the relay’s host name in CONSILIUM_TURN_URL.",
        )
    return MediaCheckFinding("good", f"The relay {url} works. It relays from {relayed}.")


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def make_turn_credentials(secret: str, who: str, now: float) -> tuple[str, str]:
    """A user name and password that expire, by coturn's REST scheme (``use-auth-secret``)."""
    username = f"{int(now) + TURN_CREDENTIALS_LIFETIME_SECONDS}:{who}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


def _check_address_reach(address: str) -> MediaCheckFinding:
    kind = ipaddress.ip_address(address)
    if kind.is_loopback:
        return MediaCheckFinding(
            "doubt",
            f"The public address is {address}: only browsers on this machine can reach it. "
            "Set CONSILIUM_MEDIA_PUBLIC_ADDRESS to let others join.",
        )
    if kind.is_private or kind.is_link_local:
        return MediaCheckFinding(
            "doubt",
            f"The public address {address} is private: browsers outside this network need a relay.",
        )
    return MediaCheckFinding("good", f"{address} is a public internet address.")


def _check_packet_arrives(address: str, ports: tuple[int, int]) -> MediaCheckFinding:
    """Sends a datagram to the public address and waits for it on a port of the range."""
    listening = _bind_random_port(address, ports)
    if listening is None:
        return MediaCheckFinding(
            "bad",
            f"No UDP port from {ports[0]} to {ports[1]} is free for {address}: "
            "other programs use them. Choose another range in CONSILIUM_MEDIA_PORTS.",
        )
    with contextlib.closing(listening):
        port, is_ours = listening.getsockname()[1], not _is_bound_to_all(listening)
        listening.settimeout(PACKET_ARRIVAL_TIMEOUT_SECONDS)
        word = random.randbytes(8)
        with contextlib.closing(socket.socket(listening.family, socket.SOCK_DGRAM)) as sending:
            try:
                sending.sendto(word, (address, port))
                is_heard = listening.recv(100) == word
            except OSError:
                is_heard = False
    if is_heard:
        return MediaCheckFinding(
            "good", f"A packet to {address}, port {port} (UDP), arrived at this machine."
        )
    if is_ours:
        return MediaCheckFinding(
            "bad",
            f"A packet to {address}, port {port} (UDP), did not arrive, though the address is this "
            "machine's own: a local firewall drops it. Allow the range in CONSILIUM_MEDIA_PORTS.",
        )
    return MediaCheckFinding(
        "doubt",
        f"The address {address} is not this machine's own (it is behind NAT), and a packet to "
        f"port {port} (UDP) did not come back. Many routers block that. Forward UDP {ports[0]}"
        f"-{ports[1]} to this machine and try the connection check from outside.",
    )


def _check_port_count(settings: MediaSettings) -> MediaCheckFinding:
    count = settings.last_port - settings.first_port + 1
    needed = (
        settings.rooms * TYPICAL_SEATS_PER_ROOM * PORTS_PER_SEAT * len(settings.public_addresses)
    )
    if count < needed:
        return MediaCheckFinding(
            "bad",
            f"{settings.rooms} rooms of three people need {needed} UDP ports, and the range "
            f"{settings.first_port}-{settings.last_port} has {count}: widen CONSILIUM_MEDIA_PORTS.",
        )
    return MediaCheckFinding(
        "good",
        f"The range {settings.first_port}-{settings.last_port} has {count} UDP ports; "
        f"{settings.rooms} rooms of three people need {needed}.",
    )


def _bind_random_port(address: str, ports: tuple[int, int]) -> socket.socket | None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    everywhere = "::" if family == socket.AF_INET6 else ""
    span = range(ports[0], ports[1] + 1)
    for port in random.sample(span, min(MAX_PORTS_TRIED, len(span))):
        for host in (address, everywhere):
            sock = socket.socket(family, socket.SOCK_DGRAM)
            try:
                sock.bind((host, port))
                return sock
            except OSError as error:
                sock.close()
                if error.errno != errno.EADDRNOTAVAIL:
                    break
    return None


def _is_bound_to_all(sock: socket.socket) -> bool:
    return ipaddress.ip_address(sock.getsockname()[0]).is_unspecified
