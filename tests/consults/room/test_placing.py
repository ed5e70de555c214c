"""Which media node carries a room: the one with most to spare, another where it is full, another
when it is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import aioice.ice
import pytest
from flask import Flask

from app.consults.models import Consult, MediaNode
from app.consults.nodes import commands, registry
from app.consults.queries import get_consult
from app.consults.room import tickets
from app.consults.room.service import ensure_seat
from app.core.clock import now
from app.core.db import Database
from app.identity.models import Person
from app.media import messages
from app.media.messages import OfferAnswered, SeatOffer
from tests.consults.conftest import Chair, Meeting
from tests.consults.meeting import an_open_meeting
from tests.consults.room.test_sockets import SDP
from tests.media.client import Client
from tests.processes import SECRET_KEY, House, wait_for
from tests.web.test_socket_limits import a_socket

GENEROUS = 30.0
"""Seconds; the promise is ten, and a machine may be busy."""


def a_node(
    database: Database, name: str, *, capacity: int, rooms: int = 0, load: float = 0.0
) -> None:
    with database.unit_of_work() as session:
        session.add(
            MediaNode(
                id=name,
                sid=f"sid of {name}",
                capacity=capacity,
                rooms=rooms,
                load=load,
                seen_at=now(),
            )
        )


def test_a_room_goes_to_the_node_with_most_to_spare(database: Database, meeting: Meeting) -> None:
    a_node(database, "large and busy", capacity=30, rooms=25)
    a_node(database, "small and idle", capacity=10, rooms=1, load=0.5)
    a_node(database, "small and idler", capacity=10, rooms=1, load=0.1)
    a_node(database, "draining", capacity=0)
    with database.unit_of_work() as session:
        consult = session.get_one(Consult, meeting.consult_id)
        assert registry.place_room(session, consult).id == "small and idler"
        assert registry.place_room(session, consult).id == "small and idler"
        assert (
            registry.place_room(session, consult, without=["small and idler"]).id
            == "small and idle"
        )
        with pytest.raises(registry.NoMediaNodeFree):
            registry.place_room(
                session, consult, without=["small and idle", "small and idler", "large and busy"]
            )


def test_where_a_node_is_full_the_next_one_is_asked_and_keeps_the_room(
    app: Flask, database: Database, meeting: Meeting, doctor: Chair, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_node(database, "full", capacity=30)
    a_node(database, "free", capacity=20)
    asked: list[tuple[str, str]] = []

    def call(sid: str, command: messages.NodeCommand, message: Any) -> dict[str, Any]:
        asked.append((sid, command.value))
        if sid == "sid of full":
            return {"error": "full", "message": "This node already carries 30 rooms."}
        return (
            {"sdp": "v=0 the answer"}
            if command is messages.NodeCommand.SEAT_OFFER
            else {"ok": True}
        )

    monkeypatch.setattr(commands, "send_node_command", call)
    answer = doctor.says("media.offer", sdp=SDP, lines={"mic": "0"}, connection="c" * 16)
    assert answer == {"sdp": "v=0 the answer"}
    assert [sid for sid, command in asked if command == "seat.offer"] == [
        "sid of full",
        "sid of free",
    ]
    with database.sessions() as session:
        assert session.get_one(Consult, meeting.consult_id).node_id == "free"


def test_a_seat_that_asks_too_often_is_told_so_and_its_room_stays_where_it_is(
    database: Database, meeting: Meeting, doctor: Chair, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_node(database, "one", capacity=30)
    a_node(database, "other", capacity=20)
    monkeypatch.setattr(
        commands,
        "send_node_command",
        lambda sid, command, message: {"error": "busy", "message": "too often"},
    )
    answer = doctor.says("media.offer", sdp=SDP, lines={"mic": "0"}, connection="c" * 16)
    assert answer["status"] == 429
    with database.sessions() as session:
        assert session.get_one(Consult, meeting.consult_id).node_id == "one"


# --- real processes ---


class Through:
    """Offers of a media client, carried by its own socket at the consult."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket

    async def offer(self, command: SeatOffer) -> OfferAnswered:
        message = {
            "sdp": command.sdp,
            "lines": command.lines.model_dump(mode="json"),
            "connection": "c" * 8 + command.connection.replace(" ", ""),
        }
        answer = await self._socket.call("media.offer", message, namespace="/consult", timeout=15)
        assert "sdp" in answer, answer
        return OfferAnswered(sdp=answer["sdp"])


@pytest.mark.late
def test_a_node_that_is_killed_has_its_room_on_the_other_one(
    house: House, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
    house._start("media2", ["-m", "app.media"], house.ports[0])
    wait_for(lambda: nodes_here(database) == 2, 20, house.logs)
    with database.unit_of_work() as session:
        circle, _ = an_open_meeting(session)
        person, consult_id = circle.specialist, circle.consult.id
    ticket = a_ticket(database, person, consult_id)

    async def story() -> float:
        async with a_socket(house, person) as socket:
            await socket.call("seat.take", {"ticket": ticket, "tab": "tab"}, namespace="/consult")
            await socket.call("seat.enter", {"mic": True, "camera": True}, namespace="/consult")
            first = Client(consult_id, "doctor")
            await first.join(Through(socket))  # type: ignore[arg-type]
            before = node_of(database, consult_id)
            kill(house, before)
            begun = time.monotonic()
            while True:
                again = Client(consult_id, "doctor")
                with contextlib.suppress(AssertionError, TimeoutError):
                    await again.join(Through(socket))  # type: ignore[arg-type]
                    break
                await again.leave()
                assert time.monotonic() - begun < GENEROUS, house.logs()
                await asyncio.sleep(0.3)
            took = time.monotonic() - begun
            assert node_of(database, consult_id) not in (None, before)
            await again.leave()
            await first.leave()
            return took

    print(f"elsewhere after {asyncio.run(story()):.1f} s")


def nodes_here(database: Database) -> int:
    with database.sessions() as session:
        return len(registry.list_live_nodes(session))


def node_of(database: Database, consult_id: str) -> str | None:
    with database.sessions() as session:
        return session.get_one(Consult, consult_id).node_id


def a_ticket(database: Database, person: Person, consult_id: str) -> str:
    with database.unit_of_work() as session:
        consult = get_consult(session, person, consult_id)
        seat_id = ensure_seat(session, person, consult).id
    return tickets.issue_seat_ticket(SECRET_KEY, seat_id, person.id)


def kill(house: House, node_id: str | None) -> None:
    """A node is called by its machine and process."""
    pid = int((node_id or "").rpartition("-")[2])
    process = next(
        each for each in house.processes.values() if each.popen and each.popen.pid == pid
    )
    process.kill()
