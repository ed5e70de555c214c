"""Fetching a calendar from an address that a person has entered: with limits, and never from the
hospital's own network.

The name is resolved once, every one of its addresses must be public, and the connection goes to an
address that was checked. A name that resolves differently a moment later (DNS rebinding) changes
nothing. Each redirect is checked in the same way. One deadline covers everything: connections,
headers, redirects and the body.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urljoin, urlsplit

from app.core.clock import monotonic
from app.core.text import N_

FEED_MAX_BYTES = 5 << 20
CONNECT_SECONDS, TOTAL_SECONDS = 5.0, 20.0
FEED_MAX_REDIRECTS = 3
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_DOCUMENTATION = ipaddress.ip_network("3fff::/20")  # RFC 9637, newer than Python 3.11
_PROTOCOL_ASSIGNMENTS = ipaddress.ip_network("192.0.0.0/24")  # RFC 6890
FEED_URL_MAX_CHARACTERS = 1_000


class FeedRefused(Exception):
    """The calendar cannot be fetched; ``sentence`` says why, for its owner."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        super().__init__(sentence)


@dataclass(frozen=True)
class FetchedFeed:
    """The calendar's text, or None where it has not changed since ``etag``."""

    body: bytes | None
    etag: str | None


HostResolver = Callable[[str, int], list[str]]


def resolve_public_addresses(host: str, port: int) -> list[str]:
    """The IP addresses of a host. Raises ``FeedRefused`` unless every one of them is on the public
    internet.
    """
    try:
        found = [
            str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        ]
    except OSError as error:
        raise FeedRefused(
            N_("We could not find this address on the internet. Check it and try again.")
        ) from error
    if not found or not all(is_public_address(address) for address in found):
        raise FeedRefused(N_("This address is not on the public internet, so we do not read it."))
    return found


def is_public_address(address: str) -> bool:
    """Whether an IP address is reachable from anywhere. An IPv6 address that wraps an IPv4 one
    counts as that one; of the others only global unicast is public (2000::/3, RFC 4291), so that
    no local translation prefix (64:ff9b:1::/48, RFC 8215) leads inside.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            ip = inner
        elif ip not in _GLOBAL_UNICAST or ip in _DOCUMENTATION:
            return False
    elif ip in _PROTOCOL_ASSIGNMENTS:
        return False
    return ip.is_global and not ip.is_multicast


def normalize_feed_url(url: str) -> str:
    """The address as it will be fetched; ``webcal:`` is ``https:``. Raises ``FeedRefused``."""
    url = url.strip()
    if url.lower().startswith("webcal://"):
        url = "https://" + url[len("webcal://") :]
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise FeedRefused(N_("This is not a calendar link.")) from None
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or len(url) > FEED_URL_MAX_CHARACTERS
        or port == 0
    ):
        raise FeedRefused(N_("This is not a calendar link."))
    if any(ord(character) <= 32 or ord(character) == 127 for character in url):
        raise FeedRefused(N_("This is not a calendar link."))
    return url


def fetch_feed(
    url: str, etag: str | None = None, *, resolve: HostResolver | None = None
) -> FetchedFeed:
    """What stands at the address now. Raises ``FeedRefused``; takes at most twenty seconds and five
    megabytes.
    """
    until = monotonic() + TOTAL_SECONDS
    for _ in range(FEED_MAX_REDIRECTS + 1):
        url = normalize_feed_url(url)
        answer, connection = _request_feed(url, etag, resolve or resolve_public_addresses, until)
        try:
            if answer.status == 304:
                return FetchedFeed(None, etag)
            if answer.status in (301, 302, 303, 307, 308):
                url = urljoin(url, answer.getheader("Location") or "")
                continue
            if answer.status != 200:
                raise FeedRefused(N_("The other calendar did not send valid data."))
            return FetchedFeed(
                _read_feed_body(answer, until), (answer.getheader("ETag") or "")[:200] or None
            )
        finally:
            answer.close()
            connection.close()
    raise FeedRefused(N_("This address redirects too many times, so we stopped."))


def _request_feed(
    url: str, etag: str | None, resolve: HostResolver, until: float
) -> tuple[http.client.HTTPResponse, http.client.HTTPConnection]:
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    connection = _PinnedConnection(host, port, resolve(host, port), secure, until)
    headers = {"User-Agent": "Consilium", "Accept": "text/calendar", "Accept-Encoding": "identity"}
    if etag:
        headers["If-None-Match"] = etag
    try:
        connection.request(
            "GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), headers=headers
        )
        return connection.getresponse(), connection
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        raise _describe_failure(until) from error


class _PinnedConnection(http.client.HTTPConnection):
    """A connection to an address that has been checked, in the name of its host, which ends at
    ``until``.
    """

    def __init__(
        self, host: str, port: int, addresses: list[str], secure: bool, until: float
    ) -> None:
        super().__init__(host, port)
        self._addresses, self._secure, self._until = addresses, secure, until
        self.response_class = partial(_TimedResponse, until=until)  # type: ignore[assignment]

    def connect(self) -> None:
        failure: OSError = OSError("no address")
        for address in self._addresses[:3]:
            try:
                plain = socket.create_connection(
                    (address, self.port), timeout=_compute_wait_seconds(self._until)
                )
            except OSError as error:
                failure = error
                continue
            self.sock = plain  # from here on closed with this connection, whatever happens
            plain.settimeout(_compute_wait_seconds(self._until))
            if self._secure:
                context = ssl.create_default_context()
                self.sock = context.wrap_socket(plain, server_hostname=self.host)
            return
        raise failure


class _TimedResponse(http.client.HTTPResponse):
    """A response of which every byte, from the first of its headers on, must arrive by
    ``until``.
    """

    def __init__(self, sock: socket.socket, *facts: Any, until: float, **named: Any) -> None:
        super().__init__(sock, *facts, **named)
        self.fp = io.BufferedReader(_TimedReader(sock, self.fp.detach(), until))


class _TimedReader(io.RawIOBase):
    """Reads from a socket, waiting each time no longer than the deadline allows."""

    def __init__(self, sock: socket.socket, raw: Any, until: float) -> None:
        self._sock, self._raw, self._until = sock, raw, until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_compute_wait_seconds(self._until))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _compute_wait_seconds(until: float) -> float:
    """How long to wait for the other side now. Raises ``TimeoutError`` when the time is over."""
    left = until - monotonic()
    if left <= 0:
        raise TimeoutError("the deadline of the whole fetch has passed")
    return min(CONNECT_SECONDS, left)


def _describe_failure(until: float) -> FeedRefused:
    """What to tell the calendar's owner after an error of the connection."""
    if monotonic() >= until:
        return FeedRefused(N_("The other calendar is too slow. We will try again later."))
    return FeedRefused(N_("The other calendar does not answer. We will try again later."))


def _read_feed_body(answer: http.client.HTTPResponse, until: float) -> bytes:
    body = bytearray()
    try:
        while chunk := answer.read1(65_536):
            body += chunk
            if len(body) > FEED_MAX_BYTES:
                raise FeedRefused(
                    N_("The other calendar is larger than five megabytes, so we do not read it.")
                )
    except (OSError, http.client.HTTPException) as error:
        raise _describe_failure(until) from error
    return bytes(body)
