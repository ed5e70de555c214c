"""A meeting whose waiting room is open, and sockets to sit in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.consults.models import Seat
from app.consults.room import tickets
from app.consults.room.service import ensure_seat
from app.core.db import Database
from app.identity.models import Person
from app.web.sockets import socketio
from config import Settings
from tests.consults.meeting import an_open_meeting
from tests.consults.scene import Scene, a_scene
from tests.people import Visitor
from tests.processes import SECRET_KEY
from tests.world import Circle


@dataclass
class Meeting:
    """The circle of a case, and who of the office may come."""

    circle: Circle
    coordinator: Person

    @property
    def consult_id(self) -> str:
        return self.circle.consult.id


@pytest.fixture
def meeting(database: Database) -> Meeting:
    with database.unit_of_work() as session:
        return Meeting(*an_open_meeting(session))


class Chair:
    """A person's socket at a consult, without a browser."""

    def __init__(self, app: Flask, database: Database, person: Person, consult_id: str) -> None:
        self.person = person
        self.visitor = Visitor(app, person)
        self.socket = socketio.test_client(
            app, namespace="/consult", flask_test_client=self.visitor.client
        )
        self._app, self._database, self._consult_id = app, database, consult_id
        self.seat_id = ""

    def sits(self, tab: str = "tab", **more: Any) -> dict[str, Any]:
        """Takes the seat as the page would."""
        from app.consults.queries import get_consult

        with self._database.unit_of_work() as session:
            consult = get_consult(session, self.person, self._consult_id)
            self.seat_id = ensure_seat(session, self.person, consult).id
        ticket = tickets.issue_seat_ticket(SECRET_KEY, self.seat_id, self.person.id)
        return self.says("seat.take", ticket=ticket, tab=tab, **more)

    def says(self, event: str, **message: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.socket.emit(
            event, message, namespace="/consult", callback=True
        )
        return answer

    def goes_in(self) -> dict[str, Any]:
        return self.says("seat.enter", mic=True, camera=True)

    def heard(self, name: str) -> list[Any]:
        """What the server said under this name since the last look."""
        got = self.socket.get_received("/consult")
        return [one["args"][0] if one["args"] else None for one in got if one["name"] == name]

    def seat(self) -> Seat:
        with self._database.sessions() as session:
            seat = session.get(Seat, self.seat_id)
            assert seat is not None
            return seat


Sit = Callable[[Person], Chair]


@pytest.fixture
def chair(app: Flask, database: Database, meeting: Meeting) -> Iterator[Callable[[Person], Chair]]:
    """``chair(person)``: that person's socket, connected."""
    chairs: list[Chair] = []

    def put(person: Person) -> Chair:
        chairs.append(Chair(app, database, person, meeting.consult_id))
        return chairs[-1]

    yield put
    for one in chairs:
        if one.socket.is_connected("/consult"):
            one.socket.disconnect("/consult")


def let_in(chair: Sit, door: Chair, person: Person) -> Chair:
    """Somebody comes, knocks, and is let in."""
    one = chair(person)
    one.sits()
    one.goes_in()
    door.says("seat.admit", seat=one.seat_id)
    return one


@pytest.fixture
def doctor(chair: Sit, meeting: Meeting) -> Chair:
    """The specialist, inside."""
    one = chair(meeting.circle.specialist)
    one.sits()
    one.goes_in()
    return one


@pytest.fixture
def patient(chair: Sit, meeting: Meeting, doctor: Chair) -> Chair:
    """The patient, admitted and inside."""
    return let_in(chair, doctor, meeting.circle.patient)


@pytest.fixture
def interpreter(chair: Sit, meeting: Meeting, doctor: Chair, patient: Chair) -> Chair:
    """The booked interpreter, inside with the others."""
    return let_in(chair, doctor, meeting.circle.interpreter)


@pytest.fixture
def scene(tmp_path: Path, settings: Settings, database: Database) -> Iterator[Scene]:
    """Doctor, patient (on a phone, in Arabic) and interpreter at their browsers, against the real
    processes.
    """
    with a_scene(tmp_path, settings, database) as one:
        yield one
