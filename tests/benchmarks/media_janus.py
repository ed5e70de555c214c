"""The yardstick: Debian's ``janus`` with its videoroom, and seats that publish and subscribe there.

Janus wants one connection to publish and one to subscribe, so its seats have two where the node's
have one. libnice leaves the loopback out: seats and server meet on this machine's own address.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import socket
from pathlib import Path

import aiohttp
from aiortc import RTCCertificate

from tests.benchmarks.media_seat import SEATS, Line, Seat

_numbers = itertools.count(1)
CONFIGURATION = {
    "janus.jcfg": (
        """
general: {{ debug_level = 1, session_timeout = 0, server_name = "bench"
  plugins_folder = "{library}/plugins"
  transports_folder = "{library}/transports"
  events_folder = "{folder}", loggers_folder = "{folder}" }}
media: {{ ipv6 = false }}
nat: {{ ice_enforce_list = "{address}" }}
plugins: {{ disable = "{plugins}" }}
transports: {{ disable = "{transports}" }}
"""
    ),
    "janus.transport.http.jcfg": (
        """
general: {{ json = "plain", base_path = "/janus", http = true, port = {port}
  ip = "127.0.0.1", https = false }}
admin: {{ admin_http = false }}
"""
    ),
    "janus.plugin.videoroom.jcfg": "general: {{}}\n",
}


def own_address() -> str | None:
    """An address of this machine that is not the loopback; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.254", 9))
        except OSError:
            return None
        return probe.getsockname()[0]


def why_not() -> str | None:
    """Why Janus cannot be measured here, if it cannot."""
    if shutil.which("janus") is None:
        return "janus is not installed: apt-get install janus"
    return None if own_address() else "this machine has no address but the loopback"


def configure(folder: Path, port: int) -> list[str]:
    """Writes a configuration with the videoroom alone; the command that starts it."""
    library = next(Path("/usr/lib").glob("*/janus"))

    def others(kind: str, keep: str) -> str:
        return ",".join(
            sorted(path.name for path in (library / kind).glob("*.so") if path.name != keep)
        )

    for name, text in CONFIGURATION.items():
        (folder / name).write_text(
            text.format(
                library=library,
                folder=folder,
                address=own_address(),
                port=port,
                plugins=others("plugins", "libjanus_videoroom.so"),
                transports=others("transports", "libjanus_http.so"),
            )
        )
    return ["janus", "-F", str(folder)]


class Api:
    """One Janus session over its HTTP interface."""

    def __init__(self, http: aiohttp.ClientSession, port: int) -> None:
        self._http, self._url = http, f"http://127.0.0.1:{port}/janus"

    async def _post(self, path: str, **message: object) -> dict:
        message["transaction"] = str(next(_numbers))
        async with self._http.post(self._url + path, json=message) as response:
            answer = await response.json()
        assert answer["janus"] in ("success", "ack"), answer
        return answer

    async def open(self) -> None:
        self._session = (await self._post("", janus="create"))["data"]["id"]

    async def attach(self) -> int:
        answer = await self._post(
            f"/{self._session}", janus="attach", plugin="janus.plugin.videoroom"
        )
        return answer["data"]["id"]

    async def ask(self, handle: int, body: dict, jsep: dict | None = None) -> dict:
        """The answer, or the event that it brings, with ``jsep`` if there is one."""
        more = {"jsep": jsep} if jsep else {}
        answer = await self._post(f"/{self._session}/{handle}", janus="message", body=body, **more)
        while (
            answer["janus"] == "ack"
            or "plugindata" not in answer
            or answer.get("sender", handle) != handle
        ):
            async with self._http.get(f"{self._url}/{self._session}?maxev=1") as response:
                answer = await response.json()
            answer = answer[0] if isinstance(answer, list) else answer
            if "plugindata" in answer and answer["plugindata"]["data"].get("videoroom") == "event":
                if "publishers" in answer["plugindata"]["data"]:
                    answer = {"janus": "ack"}
        data = answer["plugindata"]["data"]
        assert "error" not in data, data
        return {**data, "jsep": answer.get("jsep")}


async def join_all(port: int, seats: list[Seat], certificate: RTCCertificate) -> None:
    """Room by room: three publish, then each subscribes to the two others."""
    async with aiohttp.ClientSession() as http:
        for first in range(0, len(seats), SEATS):
            room, number = seats[first : first + SEATS], first + 1
            apis = [Api(http, port) for _ in room]
            feeds: list[int] = []
            for seat, api in zip(room, apis, strict=True):
                await api.open()
                handle = await api.attach()
                if seat is room[0]:
                    await api.ask(
                        handle,
                        {"request": "create", "room": number, "publishers": SEATS, "bitrate": 0},
                    )
                joined = await api.ask(
                    handle, {"request": "join", "ptype": "publisher", "room": number}
                )
                feeds.append(joined["id"])
                seat.up = Line(is_controlling=True)
                offer = seat.offer(await seat.up.describe(certificate), lines=2)
                answer = await api.ask(
                    handle, {"request": "publish"}, {"type": "offer", "sdp": offer}
                )
                await seat.up.connect(answer["jsep"]["sdp"])
            for seat, api, own in zip(room, apis, feeds, strict=True):
                handle = await api.attach()
                wanted = [{"feed": feed} for feed in feeds if feed != own]
                offered = await api.ask(
                    handle,
                    {"request": "join", "ptype": "subscriber", "room": number, "streams": wanted},
                )
                seat.down = Line(is_controlling=False)
                local = await seat.down.describe(certificate)
                answer = answer_to(offered["jsep"]["sdp"], local)
                await asyncio.gather(
                    api.ask(handle, {"request": "start"}, {"type": "answer", "sdp": answer}),
                    seat.down.connect(offered["jsep"]["sdp"]),
                )


def answer_to(offer: str, local: list[str]) -> str:
    """Takes everything that is offered."""
    rows = []
    for row in offer.splitlines():
        if row.startswith(
            ("a=ice-", "a=fingerprint:", "a=candidate:", "a=end-of", "a=ssrc", "a=msid", "a=setup:")
        ):
            continue
        rows.append(row.replace("a=sendonly", "a=recvonly"))
        if row.startswith("a=mid:"):
            rows += [*local, "a=setup:active"]
    return "\r\n".join(rows) + "\r\n"
