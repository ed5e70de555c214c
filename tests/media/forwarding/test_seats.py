"""Real connections into real seats, in one process: handshakes, forwarding, loss, eviction,
refusal.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random

import aioice.ice
import pytest

from app.media.forwarding.drops import DROPPED_PACKETS
from app.media.messages import (
    CommandRefused,
    ConnectionState,
    MediaSections,
    NodeEvent,
    RoomClose,
    RoutesSet,
    SeatClose,
    SeatOffer,
)
from app.media.rooms import MediaRooms
from app.media.settings import MediaSettings
from tests.media.client import Client, run, until
from tests.media.signalling import everyone_to_everyone

SETTINGS = MediaSettings(secret_key="a secret of the tests", rooms=2)


@pytest.fixture(autouse=True)
def _clients_use_loopback(monkeypatch):
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


@contextlib.asynccontextmanager
async def a_node(settings: MediaSettings = SETTINGS):
    events: list = []
    rooms = MediaRooms(settings, lambda event, message: events.append((event, message)))
    clock = asyncio.create_task(rooms.run())
    try:
        yield rooms, events
    finally:
        clock.cancel()
        await rooms.close()


def route(rooms: MediaRooms, *seats: str, room: str = "r", version: int = 1) -> None:
    rooms.set_routes(
        RoutesSet(
            command_id=f"{room}{version}",
            room=room,
            version=version,
            routes=everyone_to_everyone(list(seats)),
        )
    )


def states(events: list, seat: str) -> list[str]:
    return [
        message.state
        for event, message in events
        if event is NodeEvent.SEAT_STATE and message.seat == seat
    ]


@contextlib.asynccontextmanager
async def people(rooms: MediaRooms, *names: str, room: str = "r"):
    clients = [Client(room, name) for name in names]
    try:
        for client in clients:
            await client.join(rooms)
        yield clients
    finally:
        for client in clients:
            await client.leave()


def test_two_people_see_and_hear_one_another():
    async def story():
        async with a_node() as (rooms, events):
            route(rooms, "ana", "ben")
            async with people(rooms, "ana", "ben") as (ana, ben):
                for client in (ana, ben):
                    await until(lambda c=client: c.frames["video0"] > 5 and c.frames["audio0"] > 5)
            assert states(events, "ana")[:2] == ["connecting", "connected"]

    run(story())


def test_who_is_not_routed_is_not_received():
    async def story():
        async with a_node() as (rooms, _):
            async with people(rooms, "ana", "ben") as (ana, ben):
                await asyncio.sleep(0.5)
                assert ana.frames["video0"] == ben.frames["audio0"] == 0
                route(rooms, "ana", "ben")
                await until(lambda: ana.frames["video0"] > 2)
                route(rooms, version=2)
                await asyncio.sleep(0.3)
                before = dict(ana.frames)
                await asyncio.sleep(0.5)
                assert ana.frames["video0"] - before["video0"] <= 2

    run(story())


def test_an_older_table_of_routes_is_ignored():
    async def story():
        async with a_node() as (rooms, _):
            route(rooms, "ana", "ben", version=5)
            route(rooms, version=4)
            assert rooms.presences[0].version == 5

    run(story())


def test_a_new_connection_takes_the_seat_and_the_others_see_it():
    async def story():
        async with a_node() as (rooms, events):
            route(rooms, "ana", "ben")
            async with people(rooms, "ana", "ben") as (ana, ben):
                await until(lambda: ana.frames["video0"] > 2)
                again = Client("r", "ben")
                try:
                    await again.join(rooms)
                    before = ana.frames["video0"]
                    await until(
                        lambda: ana.frames["video0"] > before + 5 and again.frames["video0"] > 5
                    )
                    assert rooms.presences[0].seats["ben"] == again.connection
                    await until(lambda: ben.pc.connectionState == "closed")
                finally:
                    await again.leave()

    run(story())


def test_a_device_that_changes_its_address_has_its_seat_again_and_the_old_line_is_closed(
    monkeypatch,
):
    async def story():
        async with a_node() as (rooms, events):
            route(rooms, "ana", "ben")
            async with people(rooms, "ana", "ben") as (ana, ben):
                await until(lambda: ana.frames["video0"] > 2)
                before = seat_of(rooms, "ben")
                monkeypatch.setattr(
                    aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.2"]
                )
                elsewhere = Client("r", "ben")
                try:
                    await elsewhere.join(rooms)
                    seen = ana.frames["video0"]
                    await until(
                        lambda: ana.frames["video0"] > seen + 5 and elsewhere.frames["video0"] > 5
                    )
                    after = seat_of(rooms, "ben")
                    assert (before.transport.remote_address, after.transport.remote_address) == (
                        "127.0.0.1",
                        "127.0.0.2",
                    )
                    assert len(rooms.seats) == 2
                    await until(lambda: before.is_retired and ben.pc.connectionState == "closed")
                    assert [state for state in states(events, "ben") if state != "closed"] == [
                        "connecting",
                        "connected",
                        "connecting",
                        "connected",
                    ]
                finally:
                    await elsewhere.leave()

    run(story())


def seat_of(rooms: MediaRooms, name: str):
    return next(seat for seat in rooms.seats if seat.name == name)


def test_a_browser_that_leaves_frees_its_seat():
    async def story():
        async with a_node() as (rooms, events):
            async with people(rooms, "ana", "ben") as (ana, ben):
                await ben.leave()
                await until(lambda: "ben" not in rooms.presences[0].seats)
                assert states(events, "ben")[-1] == ConnectionState.CLOSED
                rooms.close_seat(SeatClose(command_id="x", room="r", seat="ana"))
                await until(lambda: ana.pc.connectionState == "closed")

    run(story())


def test_pictures_survive_loss_on_the_way_up():
    """The way down is tried with Chromium: aiortc's own receiver asks only once for what it
    lacks.
    """

    async def story():
        dice = random.Random(7)
        async with a_node() as (rooms, _):
            route(rooms, "ana", "ben")
            async with people(rooms, "ana", "ben") as (ana, ben):
                for seat in rooms.seats:
                    lose_some(seat.transport, dice, 0.10)
                before = ana.frames["video0"], ben.frames["video0"]
                await until(lambda: ana.frames["video0"] > before[0] + 60, 20)
                await until(lambda: ben.frames["video0"] > before[1] + 60, 20)

    run(story())


def lose_some(transport, dice: random.Random, share: float) -> None:
    """Drops packets on their way from the browser, and feedback on its way to the browser."""
    send, take = transport.send_rtcp, transport._connection.take_packet
    transport.send_rtcp = lambda packet: dice.random() < share or send(packet)
    transport._connection.take_packet = lambda data: None if dice.random() < share else take(data)


def test_a_node_refuses_the_room_past_its_budget_and_the_seat_past_eight():
    async def story():
        async with a_node() as (rooms, _):
            route(rooms, room="a")
            route(rooms, room="b")
            answer = rooms.set_routes(RoutesSet(command_id="c", room="c", version=1, routes={}))
            assert isinstance(answer, CommandRefused)
            assert answer.error == "full"
            rooms.close_room(RoomClose(command_id="d", room="a"))
            route(rooms, room="c")

    run(story())


def test_a_malformed_offer_is_refused_and_leaves_the_seat_alone():
    async def story():
        async with a_node() as (rooms, _):
            async with people(rooms, "ana") as (ana,):
                offer = SeatOffer(
                    command_id="1",
                    room="r",
                    seat="ana",
                    connection="x",
                    sdp="v=0\r\nnonsense",
                    lines=MediaSections(mic="0"),
                )
                answer = await rooms.offer(offer)
                assert answer.error == "malformed_sdp"
                assert rooms.presences[0].seats == {"ana": ana.connection}
                assert ana.pc.connectionState == "connected"

    run(story())


def test_garbage_on_the_wire_disturbs_nobody():
    async def story():
        dice = random.Random(3)
        async with a_node() as (rooms, _):
            route(rooms, "ana", "ben")
            async with people(rooms, "ana", "ben") as (ana, ben):
                await until(lambda: ana.frames["video0"] > 2)
                take = rooms.seats[0].transport._connection.take_packet
                reasons = ("srtp", "srtcp", "short", "share")
                before = sum(DROPPED_PACKETS[reason] for reason in reasons)
                for _ in range(2000):
                    take(
                        bytes([128 | dice.randrange(64)]) + dice.randbytes(dice.randrange(0, 3000))
                    )
                assert sum(DROPPED_PACKETS[reason] for reason in reasons) == before + 2000
                seen = ana.frames["video0"]
                await until(lambda: ana.frames["video0"] > seen + 5)

    run(story())


def test_nothing_is_left_behind():
    async def story():
        async with a_node() as (rooms, _):
            async with people(rooms, "ana", "ben"):
                pass
            rooms.close_room(RoomClose(command_id="d", room="r"))
            await asyncio.sleep(0.5)
        gc.collect()
        left = [
            task
            for task in asyncio.all_tasks()
            if task is not asyncio.current_task() and "seat" in task.get_name()
        ]
        assert left == []

    run(story())


def test_the_one_who_speaks_is_named():
    async def story():
        async with a_node() as (rooms, events):
            ana, ben = Client("r", "ana"), Client("r", "ben", speaks=True)
            try:
                await ana.join(rooms)
                await ben.join(rooms)
                await until(
                    lambda: (
                        "ben"
                        in [m.speaker for event, m in events if event is NodeEvent.ROOM_SPEAKING]
                    )
                )
                last = [message for event, message in events if event is NodeEvent.ROOM_SPEAKING][
                    -1
                ]
                assert last.levels["ben"] < last.levels["ana"]
            finally:
                await ana.leave()
                await ben.leave()

    run(story())
