"""People at a consult without a browser of their own: a socket, a small picture, a quiet
microphone.

Eight browsers would be too much for one machine; two of them and six sitters are not.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import threading
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import socketio
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack
from av import VideoFrame
from playwright.sync_api import Browser

from app.core.ids import new_id
from app.identity.models import Person
from tests import browsers

NAMESPACE = "/consult"
FACTS = re.compile(r'id="consult-facts">(.+?)</script>', re.DOTALL)
PICTURES_A_SECOND = 5


@dataclass(frozen=True)
class Pass:
    """What a page has when it opens: who one is, and the ticket of the seat."""

    cookie: str
    ticket: str


def pass_of(
    browser: Browser, url: str, consult_id: str, person: Person | None = None, link: str = ""
) -> Pass:
    """Signed in as ``person``, or come by the ``link`` of an invitation; without scripts, so that
    nobody takes the seat.
    """
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    if person is not None:
        browsers.sign_in(context, url, person)
    else:
        page.goto(link)
        page.locator("main form button[type=submit]").click()
    page.goto(f"{url}/consults/{consult_id}")
    found = FACTS.search(page.content())
    assert found, page.content()[:2000]
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in context.cookies())
    context.close()
    return Pass(cookie, json.loads(found.group(1))["ticket"])


class Picture(MediaStreamTrack):
    """A small plain picture, a few times a second."""

    kind = "video"

    def __init__(self, shade: int) -> None:
        super().__init__()
        self._frame = VideoFrame(160, 90, "yuv420p")
        for plane, value in zip(self._frame.planes, (90, shade, 255 - shade), strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        self._count = 0

    async def recv(self) -> VideoFrame:
        await asyncio.sleep(1 / PICTURES_A_SECOND)
        frame = self._frame.reformat()
        frame.pts, frame.time_base = self._count * 90_000 // PICTURES_A_SECOND, Fraction(1, 90_000)
        self._count += 1
        return frame


class Sitters:
    """A thread in which they sit; leave it with ``close()``."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._sockets: list[socketio.AsyncClient] = []
        self._lines: list[RTCPeerConnection] = []

    def knock(self, one: Pass) -> None:
        """Takes the seat and asks to be let in; once inside, sends sound and picture."""
        asyncio.run_coroutine_threadsafe(self._knock(one), self._loop).result(30)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _knock(self, one: Pass) -> None:
        client = socketio.AsyncClient(reconnection=False)
        inside = asyncio.Event()

        def see(state: dict[str, Any]) -> None:
            if state["you"]["place"] == "in":
                inside.set()

        client.on("state", see, namespace=NAMESPACE)
        await client.connect(
            self._url,
            headers={"Cookie": one.cookie},
            namespaces=[NAMESPACE],
            transports=["websocket"],
            wait_timeout=30,
        )
        self._sockets.append(client)
        tab = new_id()
        taken = await client.call(
            "seat.take", {"ticket": one.ticket, "tab": tab}, namespace=NAMESPACE, timeout=20
        )
        assert "error" not in taken, taken
        entered = await client.call(
            "seat.enter", {"mic": True, "camera": True}, namespace=NAMESPACE, timeout=20
        )
        assert "error" not in entered, entered
        see(entered["state"])
        shade = 30 * len(self._sockets)
        self._loop.create_task(self._send(client, inside, shade))

    async def _send(self, client: socketio.AsyncClient, inside: asyncio.Event, shade: int) -> None:
        await inside.wait()
        line = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._lines.append(line)
        mic = line.addTransceiver(AudioStreamTrack(), direction="sendonly")
        camera = line.addTransceiver(Picture(shade), direction="sendonly")
        await line.setLocalDescription(await line.createOffer())
        offer = {
            "sdp": line.localDescription.sdp,
            "lines": {"mic": mic.mid, "camera": camera.mid},
            "connection": new_id(),
        }
        answer = await client.call("media.offer", offer, namespace=NAMESPACE, timeout=20)
        await line.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))

    async def _close(self) -> None:
        for each in (*self._lines, *(_Socket(one) for one in self._sockets)):
            with contextlib.suppress(Exception):
                await each.close()


@dataclass
class _Socket:
    client: socketio.AsyncClient

    async def close(self) -> None:
        await self.client.disconnect()
