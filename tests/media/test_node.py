"""The node against a real Socket.IO server: who it says it is, what it answers, and that it comes
back.
"""

from __future__ import annotations

import asyncio
import contextlib

import socketio
from aiohttp import web

from app.media.messages import NODE_NAMESPACE, NodeCommand, is_node_secret
from app.media.node import MediaNodeClient
from app.media.settings import MediaSettings
from tests.media.client import run, until

SECRET = "a secret of the tests"


class Web:
    """The web's side of the namespace, bare."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.heard: list[tuple[str, object]] = []
        self.sids: list[str] = []
        self.server = socketio.AsyncServer(async_mode="aiohttp")
        self.server.on("connect", self._connect, namespace=NODE_NAMESPACE)
        self.server.on("*", self._hear, namespace=NODE_NAMESPACE)

    async def __aenter__(self) -> Web:
        application = web.Application()
        self.server.attach(application)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        for sid in self.sids:
            with contextlib.suppress(Exception):
                await self.server.disconnect(sid, namespace=NODE_NAMESPACE)
        await self._runner.cleanup()

    async def _connect(self, sid: str, environ: dict, auth: dict) -> bool:
        if not is_node_secret(SECRET, auth.get("secret")):
            return False
        self.sids.append(sid)
        return True

    async def _hear(self, event: str, sid: str, message: object) -> None:
        self.heard.append((event, message))

    async def call(self, command: NodeCommand, message: object) -> dict:
        return await self.server.call(
            command.value, message, to=self.sids[-1], namespace=NODE_NAMESPACE, timeout=3
        )

    def hellos(self) -> list[dict]:
        return [message for event, message in self.heard if event == "node.hello"]


@contextlib.asynccontextmanager
async def a_node(port: int, secret: str = SECRET):
    settings = MediaSettings(
        secret_key=secret, node_id="n1", web_url=f"http://127.0.0.1:{port}", rooms=3
    )
    running = asyncio.create_task(MediaNodeClient(settings).run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_the_node_says_who_it_is_and_obeys():
    async def story():
        async with Web() as web_side, a_node(web_side.port):
            await until(lambda: web_side.hellos())
            assert web_side.hellos() == [{"node": "n1", "capacity": 3, "rooms": []}]
            assert await web_side.call(NodeCommand.PING, {"command_id": "p"}) == {"ok": True}
            await until(lambda: any(event == "node.heartbeat" for event, _ in web_side.heard))

    run(story())


def test_a_command_that_comes_twice_is_carried_out_once():
    async def story():
        async with Web() as web_side, a_node(web_side.port):
            await until(lambda: web_side.sids)
            routes = {"command_id": "same", "room": "r", "version": 1, "routes": {}}
            assert await web_side.call(NodeCommand.ROUTES_SET, routes) == {"ok": True}
            assert await web_side.call(
                NodeCommand.ROOM_CLOSE, {"command_id": "close", "room": "r"}
            ) == {"ok": True}
            assert await web_side.call(NodeCommand.ROUTES_SET, routes) == {"ok": True}
            assert await web_side.call(
                NodeCommand.ROUTES_SET, {**routes, "room": "q", "command_id": "other"}
            ) == {"ok": True}
            await web_side.server.disconnect(web_side.sids[-1], namespace=NODE_NAMESPACE)
            await until(lambda: len(web_side.hellos()) > 1)
            assert [room["room"] for room in web_side.hellos()[-1]["rooms"]] == ["q"]

    run(story())


def test_what_is_not_understood_is_refused_in_words():
    async def story():
        async with Web() as web_side, a_node(web_side.port):
            await until(lambda: web_side.sids)
            for nonsense in (
                None,
                7,
                "x",
                {},
                {"command_id": "1", "room": "r" * 1000},
                {"command_id": "2", "sdp": "x" * 200_000},
            ):
                answer = await web_side.call(NodeCommand.SEAT_OFFER, nonsense)
                assert answer["error"] == "invalid"
            offer = {
                "command_id": "3",
                "room": "r",
                "seat": "s",
                "connection": "c",
                "sdp": "v=0",
                "lines": {},
            }
            assert (await web_side.call(NodeCommand.SEAT_OFFER, offer))["error"] == "malformed_sdp"
            assert await web_side.call(NodeCommand.PING, {"command_id": "4"}) == {"ok": True}

    run(story())


def test_the_node_comes_back_with_its_rooms_after_the_web_restarts():
    async def story():
        async with Web() as before:
            port = before.port
            stack = contextlib.AsyncExitStack()
            await stack.enter_async_context(a_node(port))
            await until(lambda: before.sids)
            await before.call(
                NodeCommand.ROUTES_SET, {"command_id": "a", "room": "r", "version": 4, "routes": {}}
            )
        async with stack, Web(port) as after:
            await until(lambda: after.hellos())
            assert after.hellos()[0]["rooms"] == [{"room": "r", "version": 4, "seats": {}}]

    run(story())


def test_a_node_with_another_secret_stays_outside():
    async def story():
        async with Web() as web_side, a_node(web_side.port, secret="another"):
            await asyncio.sleep(1)
            assert web_side.sids == []
            assert web_side.heard == []

    run(story())
