"""The settings of a media node, read from the environment at start."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass


class MediaSettingInvalid(Exception):
    """Its message says which setting is missing or wrong, and why it is needed."""


@dataclass(frozen=True)
class MediaSettings:
    secret_key: str
    web_url: str = "http://127.0.0.1:8000"
    node_id: str = "media-1"
    public_addresses: tuple[str, ...] = ("127.0.0.1",)
    first_port: int = 40000
    last_port: int = 49999
    rooms: int = 30
    drain_seconds: float = 3.0
    """Short by default, because ``./consilium run`` ends within ten seconds. A hospital sets an
    hour.
    """
    metrics_port: int | None = None
    storage_url: str = ""
    """Where recordings go: the same store as the web's. Without it this node cannot record."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> MediaSettings:
        """Reads the ``CONSILIUM_…`` variables. Raises MediaSettingInvalid."""

        def read(name: str, default: str) -> str:
            return environment.get(f"CONSILIUM_{name}", "").strip() or default

        secret_key = read("SECRET_KEY", "")
        if not secret_key:
            raise MediaSettingInvalid(
                "CONSILIUM_SECRET_KEY is not set: the media node proves with it that it is ours."
            )
        first_port, last_port = _read_port_range(
            read("MEDIA_PORTS", f"{cls.first_port}-{cls.last_port}")
        )
        return cls(
            secret_key=secret_key,
            web_url=read("WEB_URL", cls.web_url),
            node_id=read("NODE_ID", f"{socket.gethostname()}-{os.getpid()}")[:80],
            public_addresses=tuple(_resolve_addresses(read("MEDIA_PUBLIC_ADDRESS", "127.0.0.1"))),
            first_port=first_port,
            last_port=last_port,
            rooms=_read_count("MEDIA_ROOMS", read("MEDIA_ROOMS", str(cls.rooms)), "rooms"),
            drain_seconds=_read_count(
                "MEDIA_DRAIN_SECONDS", read("MEDIA_DRAIN_SECONDS", "3"), "seconds"
            ),
            storage_url=read("STORAGE_URL", ""),
            metrics_port=_read_port("MEDIA_METRICS_PORT", read("MEDIA_METRICS_PORT", "")),
        )


def _read_port_range(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    try:
        ports = int(first), int(last or first)
    except ValueError:
        ports = (0, 0)
    if not 1024 <= ports[0] <= ports[1] <= 65535:
        raise MediaSettingInvalid(
            f"CONSILIUM_MEDIA_PORTS is {text!r}: give a range like 40000-49999."
        )
    return ports


def _resolve_addresses(text: str) -> list[str]:
    """Resolves host names once, at start: ICE candidates contain addresses only."""
    addresses: list[str] = []
    for name in text.split(","):
        try:
            addresses.append(
                str(socket.getaddrinfo(name.strip(), None, type=socket.SOCK_DGRAM)[0][4][0])
            )
        except OSError as error:
            raise MediaSettingInvalid(
                f"CONSILIUM_MEDIA_PUBLIC_ADDRESS names {name.strip()!r}, unknown here."
            ) from error
    return addresses


def _read_port(name: str, text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or not 1024 <= int(text) <= 65535:
        raise MediaSettingInvalid(
            f"CONSILIUM_{name} is {text!r}: give a port from 1024 to 65535, or leave it out."
        )
    return int(text)


def _read_count(name: str, text: str, what: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise MediaSettingInvalid(
            f"CONSILIUM_{name} is {text!r}: give a number of {what}, at least 1."
        )
    return int(text)
