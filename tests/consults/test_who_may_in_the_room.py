"""What each person in a consultation may send, event by event, over real sockets.

The table is written by hand. Each role sends every event, well-formed and at a moment when it is
possible: whoever may not is answered 404, and nothing has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.consults.guests import service as guests
from app.consults.models import ConnectionCheck, Consult, Seat, TeachBack
from app.consults.recording.models import Recording
from app.consults.room import tickets
from app.consults.room.service import add_interpreter_seat
from app.core.db import Database
from app.core.permissions import Role
from app.identity.models import Person
from app.web.sockets import SOCKET_EVENTS
from tests.consults.conftest import Chair, Meeting, Sit
from tests.people import a_person
from tests.processes import SECRET_KEY

EVERYBODY = "patient specialist interpreter coordinator guest"
DOOR = "specialist coordinator"
IN_THE_BOOKING = "patient specialist interpreter"

# event: the roles that may send it
ALLOWED = {
    "seat.take": EVERYBODY,
    "seat.enter": EVERYBODY,
    "seat.here": EVERYBODY,
    "chat.say": EVERYBODY,
    "chat.since": EVERYBODY,
    "teach.list": EVERYBODY,
    "media.offer": EVERYBODY,
    "media.devices": EVERYBODY,
    "media.prefer": EVERYBODY,
    "listen.set": EVERYBODY,
    "signal.raise": EVERYBODY,
    "mode.set": "specialist interpreter coordinator",
    "channel.take": "interpreter",
    "handover.offer": "interpreter",
    "handover.accept": "interpreter",
    "caption.say": "interpreter",
    "teach.ask": "specialist",
    "teach.said": "patient interpreter",
    "teach.judge": "specialist",
    "recording.ask": "patient specialist coordinator",
    "recording.answer": EVERYBODY,
    "recording.stop": "patient specialist coordinator",
    "recording.decide": EVERYBODY,  # of what they themselves no longer agree to
    "check.offer": IN_THE_BOOKING,
    "check.done": IN_THE_BOOKING,
    "seat.admit": DOOR,
    "seat.send_back": DOOR,
    "seat.remove": DOOR,
    "consult.end": DOOR,
    "seat.leave": EVERYBODY,
}
# What these answer where all is well but there is no media node in these tests.
NO_NODE_HERE = {"media.offer": 503, "check.offer": 503}
# What somebody who waits to be let in may send; everything else waits as well.
WAITING_MAY = "seat.take seat.here seat.enter seat.leave listen.set media.devices media.prefer"
OFFER = {
    "connection": "c" * 8,
    "sdp": (
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
        "a=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"
        "a=fingerprint:sha-256 00:11\r\n"
    ),
    "lines": {"mic": "0"},
}


class FullRoom:
    """Everybody is inside, by role; ``other`` is a second guest, on whom the door can be tried."""

    def __init__(self, app: Flask, database: Database, meeting: Meeting, sit: Sit) -> None:
        self.database, self.meeting, self._app = database, meeting, app
        circle = meeting.circle
        self.doctor = self._enter(sit(circle.specialist))
        self.people = {
            "specialist": self.doctor,
            "patient": self._enter(sit(circle.patient)),
            "interpreter": self._enter(sit(circle.interpreter)),
            "coordinator": self._enter(sit(meeting.coordinator)),
            "guest": self._enter(sit(self.invite("Aunt Huda"))),
        }
        self.other = self._enter(sit(self.invite("Uncle Sami")))

    def invite(self, name: str) -> Person:
        with self.database.unit_of_work() as session:
            consult = session.get_one(Consult, self.meeting.consult_id)
            _, token = guests.invite_guest(
                session, consult.booking.patient, consult, name, "relative", "en"
            )
            person = guests.accept_guest_invitation(session, token, "UTC")
            person.password = self.meeting.circle.patient.password  # signs in without the link
            session.flush()
            return person

    def _enter(self, chair: Chair) -> Chair:
        assert "state" in chair.sits(tab=chair.person.id), chair.person.role
        assert "state" in chair.goes_in()
        if chair.person.role not in ("specialist", "coordinator"):
            assert self.doctor.says("seat.admit", seat=chair.seat_id) == {}
        return chair

    def look(self, question: Callable[[Any], Any]) -> Any:
        with self.database.unit_of_work() as session:
            return question(session)

    def message(self, event: str, chair: Chair) -> dict[str, Any]:
        """A message that can be followed now. What it needs is brought about first."""
        booking_id = self.meeting.circle.booking.id
        match event:
            case "seat.take":
                ticket = tickets.issue_seat_ticket(SECRET_KEY, chair.seat_id, chair.person.id)
                return {"ticket": ticket, "tab": chair.person.id}
            case "seat.enter" | "media.devices":
                return {"mic": True, "camera": True}
            case "chat.say":
                return {"client_id": "client-1", "text": "hello"}
            case "teach.ask":
                return {"point": "Take it twice a day."}
            case "teach.said" | "teach.judge":
                self.doctor.says("teach.ask", point="Take it twice a day.")
                item = self.look(lambda session: session.scalars(select(TeachBack.id)).first())
                if event == "teach.said":
                    return {"item": item, "said": "Twice a day."}
                self.people["patient"].says("teach.said", item=item, said="Twice a day.")
                return {"item": item, "verdict": "confirmed"}
            case "caption.say":
                return {"client_id": "client-1", "language": "en", "text": "Twice a day."}
            case "mode.set":
                return {"mode": "simultaneous"}
            case "channel.take":
                self.doctor.says("mode.set", mode="simultaneous")
                return {"language": "en"}
            case "handover.offer":
                return {"offered": False}
            case "handover.accept":
                return {"giver": self.other.seat_id}
            case "listen.set":
                return {"listens": "en"}
            case "signal.raise":
                return {"signal": "slower"}
            case "recording.answer":
                self.doctor.says("recording.ask")
                return {"agrees": True}
            case "recording.stop":
                self.doctor.says("recording.ask")
                return {}
            case "recording.decide":
                self.doctor.says("recording.ask")
                self.look(lambda session: self._ask_about_purge(session, chair))
                return {"purges": False}
            case "media.offer":
                return OFFER
            case "check.offer":
                return {"booking": booking_id, **OFFER}
            case "check.done":
                check = self.look(lambda session: self._a_check(session, chair))
                return {"check": check, "camera": True, "microphone": True}
            case "seat.admit" | "seat.send_back" | "seat.remove":
                return {"seat": self.other.seat_id}
        return {}

    def _ask_about_purge(self, session: Any, chair: Chair) -> None:
        recording = session.scalars(select(Recording).order_by(Recording.number.desc())).first()
        recording.purge_asked_of = chair.seat_id

    def _a_check(self, session: Any, chair: Chair) -> str:
        if chair.person.role not in IN_THE_BOOKING:
            return "0" * 32  # others never get as far as having one
        check = ConnectionCheck(
            booking_id=self.meeting.circle.booking.id, person_id=chair.person.id
        )
        session.add(check)
        session.flush()
        return check.id


@pytest.fixture
def room(app: Flask, database: Database, meeting: Meeting, chair: Sit) -> Iterator[FullRoom]:
    yield FullRoom(app, database, meeting, chair)


def test_every_event_is_listed_here(app: Flask):
    assert {event.name for event in SOCKET_EVENTS} - {"connect", "disconnect"} == set(ALLOWED)


@pytest.mark.parametrize("role", EVERYBODY.split())
def test_what_each_role_may_send(room: FullRoom, role: str):
    """The events that end something come last in the table; each is sent by one role, so that the
    order among the roles does not matter.
    """
    chair, mistakes = room.people[role], []
    for event, roles in ALLOWED.items():
        answer = chair.says(event, **room.message(event, chair))
        may = role in roles.split()
        expected = {NO_NODE_HERE.get(event)} if may else {404}
        if event == "handover.accept" and may:
            expected = {409}  # nobody offers to hand over
        if answer.get("status") not in expected:
            mistakes.append((event, may, answer))
        if event == "consult.end" and may:
            break  # whoever has ended it has nothing to leave
    assert not mistakes


def test_what_was_refused_has_changed_nothing(room: FullRoom):
    for role in ("patient", "interpreter", "guest"):
        chair = room.people[role]
        for event in ("seat.admit", "seat.send_back", "seat.remove", "consult.end"):
            assert chair.says(event, **room.message(event, chair))["status"] == 404
    seats = room.look(lambda session: session.scalars(select(Seat)).all())
    assert all(seat.is_in_room for seat in seats) and len(seats) == 6
    consult = room.look(lambda session: session.get_one(Consult, room.meeting.consult_id))
    assert (consult.state, consult.ended_at) == ("live", None)


# Whoever still waits to be let in


@pytest.mark.parametrize("role", ["patient", "interpreter", "guest"])
def test_who_waits_to_be_let_in_changes_nothing_inside(room: FullRoom, role: str):
    chair = room.people[role]
    assert room.doctor.says("seat.send_back", seat=chair.seat_id) == {}
    assert chair.seat().place == "waiting"
    held = []
    for event, roles in ALLOWED.items():
        if role not in roles.split() or event in WAITING_MAY.split():
            continue
        if event.startswith("check.") or event in ("recording.stop", "recording.decide"):
            continue  # a test of one's own connection; no longer agreeing is possible at any time
        answer = chair.says(event, **room.message(event, chair))
        if event in ("chat.since", "teach.list"):
            assert not any(answer.values()), event
        elif answer.get("status") != 409:
            held.append((event, answer))
    assert not held
    assert chair.seat().live_on is None


def test_who_waits_changes_no_mode_and_takes_no_screen(room: FullRoom):
    interpreter, patient = room.people["interpreter"], room.people["patient"]
    for one in (interpreter, patient):
        room.doctor.says("seat.send_back", seat=one.seat_id)
    assert interpreter.says("mode.set", mode="consecutive")["status"] == 409
    answer = patient.says("media.devices", mic=True, camera=True, sharing=True)
    assert answer["status"] == 409
    assert patient.seat().sharing is False
    assert room.doctor.says("media.devices", sharing=True) == {}, "the screen is free"


# Between the interpreters alone


def test_the_interpreters_own_chat(room: FullRoom, chair: Sit):
    with room.database.unit_of_work() as session:
        consult = session.get_one(Consult, room.meeting.consult_id)
        office = session.get_one(Person, room.meeting.coordinator.id)
        partner = a_person(session, Role.INTERPRETER, language="ar", speaks=["en"])
        add_interpreter_seat(session, office, consult, partner, ("ar", "en"))
    second = room._enter(chair(partner))  # noqa: SLF001
    for role, one in room.people.items():
        said = one.says("chat.say", client_id="client-1", text="a word", channel="interpreters")
        assert ("line" in said) is (role == "interpreter"), role
        read = one.says("chat.since", channel="interpreters")["chat"]
        assert [line["text"] for line in read] == (["a word"] if role == "interpreter" else [])
    assert [line["text"] for line in second.says("chat.since", channel="interpreters")["chat"]]
