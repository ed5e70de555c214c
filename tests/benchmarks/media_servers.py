"""The servers under measurement, each a process of its own: this project's node, and the decoding
relay.

``python -m tests.benchmarks.media_servers node|decoding`` prints its port; POST /offer joins a
seat.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import sys
from typing import Any

import uvloop
from aiohttp import web

from app.media.__main__ import freeze_startup_objects
from app.media.messages import (
    CommandRefused,
    MediaSections,
    RoomClose,
    RoutesSet,
    SeatClose,
    SeatOffer,
)
from app.media.rooms import MediaRooms
from app.media.settings import MediaSettings
from tests.media.signalling import everyone_to_everyone


class NodeServer:
    """Rooms as the node runs them; everyone in a room receives everyone else."""

    def __init__(self) -> None:
        self._rooms = MediaRooms(
            MediaSettings(secret_key="bench", rooms=10_000), lambda event, message: None
        )
        self._numbers = itertools.count(1)
        self._seats: dict[str, list[str]] = {}
        self._clock = asyncio.create_task(self._rooms.run())

    async def offer(self, room: str, seat: str, sdp: str, lines: dict[str, Any]) -> str:
        number = str(next(self._numbers))
        command = SeatOffer(
            command_id=number,
            room=room,
            seat=seat,
            connection=number,
            sdp=sdp,
            lines=MediaSections(**lines),
        )
        answer = await self._rooms.offer(command)
        if isinstance(answer, CommandRefused):
            raise web.HTTPServiceUnavailable(text=answer.message)
        seats = self._seats.setdefault(room, [])
        if seat not in seats:
            seats.append(seat)
        self._rooms.set_routes(
            RoutesSet(
                command_id="r" + number,
                room=room,
                version=int(number),
                routes=everyone_to_everyone(seats),
            )
        )
        return answer.sdp

    async def leave(self, room: str, seat: str) -> None:
        self._rooms.close_seat(SeatClose(command_id=f"leave {seat}", room=room, seat=seat))
        self._seats[room].remove(seat)
        if not self._seats[room]:
            del self._seats[room]
            self._rooms.close_room(RoomClose(command_id=f"close {room}", room=room))


class DecodingRelay:
    """What aiortc's own pieces make of a room: every stream decoded once, encoded for every
    listener.
    """

    def __init__(self) -> None:
        from aiortc.contrib.media import MediaRelay

        self._relay = MediaRelay()
        self._rooms: dict[str, list[Any]] = {}

    async def offer(self, room: str, seat: str, sdp: str, lines: dict[str, Any]) -> str:
        from aiortc import (
            RTCBundlePolicy,
            RTCConfiguration,
            RTCPeerConnection,
            RTCSessionDescription,
        )
        from aiortc.mediastreams import MediaStreamTrack

        relay = self._relay

        class Slot(MediaStreamTrack):
            """A track whose source comes later."""

            def __init__(self, kind: str) -> None:
                super().__init__()
                self.kind = kind
                self.source: asyncio.Future[MediaStreamTrack] = (
                    asyncio.get_running_loop().create_future()
                )

            async def recv(self) -> Any:
                return await (await self.source).recv()

        pc = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        pc.tracks, pc.slots = {}, {"audio": [], "video": []}
        pc.on("track", lambda track: pc.tracks.update({track.kind: track}))
        await pc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        receiving = {each for slot in lines["slots"] for each in slot.values()}
        for transceiver in pc.getTransceivers():
            if transceiver.mid in receiving:
                slot = Slot(transceiver.kind)
                pc.slots[transceiver.kind].append(slot)
                transceiver.sender.replaceTrack(slot)
                transceiver.direction = "sendonly"
        others = self._rooms.setdefault(room, [])
        for other in others:
            for kind in ("audio", "video"):
                pc.slots[kind].pop().source.set_result(relay.subscribe(other.tracks[kind]))
                other.slots[kind].pop().source.set_result(relay.subscribe(pc.tracks[kind]))
        others.append(pc)
        await pc.setLocalDescription(await pc.createAnswer())
        return pc.localDescription.sdp


async def serve(make: type[NodeServer | DecodingRelay]) -> None:
    server = make()

    async def offer(request: web.Request) -> web.Response:
        return web.json_response({"sdp": await server.offer(**await request.json())})

    async def leave(request: web.Request) -> web.Response:
        assert isinstance(server, NodeServer)
        await server.leave(**await request.json())
        return web.json_response({})

    async def left_open(request: web.Request) -> web.Response:
        """What a leak would show in; asked for by ``bench media_long``."""
        gc.collect()
        return web.json_response(
            {"tasks": len(asyncio.all_tasks()), "files": len(os.listdir("/proc/self/fd"))}
        )

    application = web.Application()
    application.router.add_post("/offer", offer)
    application.router.add_post("/leave", leave)
    application.router.add_get("/left-open", left_open)
    freeze_startup_objects()
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


def main() -> None:
    import aioice.ice

    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
    make = {"node": NodeServer, "decoding": DecodingRelay}[sys.argv[1]]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(make))


if __name__ == "__main__":
    main()
