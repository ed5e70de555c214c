"""A signalling server small enough to read: real rooms, real pages, no web application."""

from __future__ import annotations

import asyncio
import itertools
import threading
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from app.media.forwarding.seat import SeatConnection
from app.media.messages import (
    MediaKind,
    MediaRoute,
    MediaSections,
    NodeEvent,
    RoutesSet,
    SeatClose,
    SeatOffer,
    SeatPrefer,
)
from app.media.rooms import MediaRooms
from app.media.settings import MediaSettings
from app.media.wire.impairment import CLEAR_CONDITIONS, ImpairedLink, NetworkConditions

HERE = Path(__file__).parent
SCRIPTS = HERE.parents[1] / "static" / "js"

try:
    from uvloop import new_event_loop
except ImportError:
    from asyncio import new_event_loop


def everyone_to_everyone(seats: list[str]) -> dict[str, tuple[MediaRoute, ...]]:
    """Each seat receives every other: sound, picture, and the screen of whoever shares one."""
    return {
        listener: tuple(
            MediaRoute(source=source, kind=kind, slot=slot)
            for slot, source in enumerate(other for other in seats if other != listener)
            for kind in (MediaKind.AUDIO, MediaKind.VIDEO)
        )
        for listener in seats
    }


class Signalling:
    """Rooms on a loop of their own thread, with ``call`` to reach them, and one page that joins by
    its query.
    """

    def __init__(self, settings: MediaSettings) -> None:
        self.settings = settings
        self.events: list[tuple[NodeEvent, BaseModel]] = []
        self.url = ""
        self.weather: dict[str, tuple[NetworkConditions, NetworkConditions]] = {}
        """Of each seat's line, up and down; also of the connections that are yet to come."""
        self._lines: dict[str, ImpairedLink] = {}
        self._ids = itertools.count(1)
        self._loop = new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Signalling:
        self._thread.start()
        self.call(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self.call(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def call(self, awaitable: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(awaitable, self._loop).result(10)

    def set_routes(self, room: str, routes: dict[str, tuple[MediaRoute, ...]]) -> None:
        number = next(self._ids)

        async def set_them() -> None:
            self.rooms.set_routes(
                RoutesSet(command_id=str(number), room=room, version=number, routes=routes)
            )

        self.call(set_them())

    def prefer(self, room: str, seat: str, large: tuple[str, ...] | None) -> None:
        async def prefer_it() -> None:
            self.rooms.prefer(
                SeatPrefer(command_id=str(next(self._ids)), room=room, seat=seat, large=large)
            )

        self.call(prefer_it())

    def close_seat(self, room: str, seat: str) -> None:
        async def close_it() -> None:
            self.rooms.close_seat(SeatClose(command_id=str(next(self._ids)), room=room, seat=seat))

        self.call(close_it())

    def impair(
        self,
        seat: str,
        up: NetworkConditions = CLEAR_CONDITIONS,
        down: NetworkConditions = CLEAR_CONDITIONS,
    ) -> None:
        """Changes the line of a seat, now and for connections to come."""

        async def change() -> None:
            self.weather[seat] = up, down
            if line := self._lines.get(seat):
                line.up.conditions, line.down.conditions = up, down

        self.call(change())

    def _spoil(self, seat: SeatConnection) -> None:
        line = self._lines[seat.name] = ImpairedLink.over(
            self._loop, *self.weather.get(seat.name, (CLEAR_CONDITIONS, CLEAR_CONDITIONS))
        )
        seat.transport.impair(line)

    def told(self, event: NodeEvent) -> list[Any]:
        return [message for name, message in self.events if name is event]

    async def _open(self) -> None:
        self.rooms = MediaRooms(
            self.settings, lambda event, message: self.events.append((event, message)), self._spoil
        )
        self._clock = asyncio.create_task(self.rooms.run())
        application = web.Application()
        application.router.add_get("/", self._page)
        application.router.add_get("/room.js", self._script)
        application.router.add_static("/js/", SCRIPTS)
        application.router.add_post("/offer", self._offer)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _shut(self) -> None:
        self._clock.cancel()
        await self.rooms.close()
        await self._runner.cleanup()

    async def _page(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(HERE / "pages/room.html")

    async def _script(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(HERE / "pages/room.js")

    async def _offer(self, request: web.Request) -> web.Response:
        body = await request.json()
        answer = await self.rooms.offer(
            SeatOffer(
                command_id=str(next(self._ids)), lines=MediaSections(**body.pop("lines")), **body
            )
        )
        return web.json_response(answer.model_dump())
