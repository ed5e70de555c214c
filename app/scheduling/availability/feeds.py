"""Fetching a calendar from an address that a person has entered: with limits, and never from inside
the house.

The address is resolved once, every answer must be public, and the connection goes to the very
address that was checked: a name that changes its mind in between (DNS rebinding) gains nothing.
Each redirect is checked anew.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from app.core.clock import monotonic
from app.core.text import N_

FEED_MAX_BYTES = 5 << 20
CONNECT_SECONDS, TOTAL_SECONDS = 5.0, 20.0
FEED_MAX_REDIRECTS = 3
FEED_URL_MAX_CHARACTERS = 1_000


class FeedRefused(Exception):
    """The calendar cannot be fetched; `sentence` says why, for its owner."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        super().__init__(sentence)


@dataclass(frozen=True)
class FetchedFeed:
    """The calendar's text, or None where it has not changed since `etag`."""

    body: bytes | None
    etag: str | None


HostResolver = Callable[[str, int], list[str]]


def resolve_public_addresses(host: str, port: int) -> list[str]:
    """The IP addresses of a host. Raises `FeedRefused` unless every one of them is on the public
    internet.
    """
    try:
        found = [
            str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        ]
    except OSError as error:
        raise FeedRefused(N_("We could not find this address on the internet.")) from error
    if not found or not all(is_public_address(address) for address in found):
        raise FeedRefused(N_("This address is not on the public internet, so we do not read it."))
    return found


def is_public_address(address: str) -> bool:
    """Whether an IP address is reachable from anywhere; addresses that wrap an IPv4 one count as
    that one.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            ip = inner
    return ip.is_global and not ip.is_multicast


def normalize_feed_url(url: str) -> str:
    """The address as it will be fetched; `webcal:` is `https:`. Raises `FeedRefused`."""
    url = url.strip()
    if url.lower().startswith("webcal://"):
        url = "https://" + url[len("webcal://") :]
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise FeedRefused(N_("This is not an address of a calendar.")) from None
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or len(url) > FEED_URL_MAX_CHARACTERS
        or port == 0
    ):
        raise FeedRefused(N_("This is not an address of a calendar."))
    if any(ord(character) <= 32 or ord(character) == 127 for character in url):
        raise FeedRefused(N_("This is not an address of a calendar."))
    return url


def fetch_feed(
    url: str, etag: str | None = None, *, resolve: HostResolver | None = None
) -> FetchedFeed:
    """What stands at the address now. Raises `FeedRefused`; takes at most twenty seconds and five
    megabytes.
    """
    until = monotonic() + TOTAL_SECONDS
    for _ in range(FEED_MAX_REDIRECTS + 1):
        url = normalize_feed_url(url)
        answer, connection = _request_feed(url, etag, resolve or resolve_public_addresses)
        try:
            if answer.status == 304:
                return FetchedFeed(None, etag)
            if answer.status in (301, 302, 303, 307, 308):
                url = urljoin(url, answer.getheader("Location") or "")
                continue
            if answer.status != 200:
                raise FeedRefused(N_("The other calendar did not answer with a calendar."))
            return FetchedFeed(
                _read_feed_body(answer, until), (answer.getheader("ETag") or "")[:200] or None
            )
        finally:
            connection.close()
    raise FeedRefused(N_("This address leads on and on, so we stopped following it."))


def _request_feed(
    url: str, etag: str | None, resolve: HostResolver
) -> tuple[http.client.HTTPResponse, http.client.HTTPConnection]:
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    connection = _PinnedConnection(host, port, resolve(host, port), secure)
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
        raise FeedRefused(
            N_("The other calendar does not answer. We will try again later.")
        ) from error


class _PinnedConnection(http.client.HTTPConnection):
    """A connection to an address that has been checked, in the name of its host."""

    def __init__(self, host: str, port: int, addresses: list[str], secure: bool) -> None:
        super().__init__(host, port, timeout=CONNECT_SECONDS)
        self._addresses, self._secure = addresses, secure

    def connect(self) -> None:
        failure: OSError = OSError("no address")
        for address in self._addresses[:3]:
            try:
                plain = socket.create_connection((address, self.port), timeout=CONNECT_SECONDS)
            except OSError as error:
                failure = error
                continue
            self.sock = (
                ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)
                if self._secure
                else plain
            )
            return
        raise failure


def _read_feed_body(answer: http.client.HTTPResponse, until: float) -> bytes:
    body = bytearray()
    try:
        while chunk := answer.read1(65_536):
            body += chunk
            if len(body) > FEED_MAX_BYTES:
                raise FeedRefused(
                    N_("The other calendar is larger than five megabytes, so we do not read it.")
                )
            if monotonic() > until:
                raise FeedRefused(N_("The other calendar is too slow. We will try again later."))
    except (OSError, http.client.HTTPException) as error:
        raise FeedRefused(
            N_("The other calendar does not answer. We will try again later.")
        ) from error
    return bytes(body)
