"""The consult over its sockets: the door, the chat, the end, and everything that is refused with a
sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.audit.models import AuditEntry
from app.cases.models import Case, CaseMember
from app.cases.states import CaseStage
from app.consults.models import ChatMessage, Consult, ConsultState, Seat
from app.consults.nodes.registry import NoMediaNodeFree
from app.consults.room import offers, service, tickets, watch
from app.core.clock import now, shift_clock
from app.core.db import Database
from app.core.permissions import Role
from app.i18n.translate import make_translator
from app.identity.models import Person, SignIn
from app.media import messages
from app.web.sockets import socketio
from tests.consults.conftest import Chair, Meeting, Sit
from tests.processes import SECRET_KEY

arabic = make_translator("ar")  # what the patient reads
SDP = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF"
    " 111\r\na=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv"
    "\r\na=fingerprint:sha-256"
    " 00:11\r\n"
)


# --- the door ---


def test_who_is_early_waits_until_the_doctor_lets_them_in(chair: Sit, meeting: Meeting) -> None:
    patient, doctor = chair(meeting.circle.patient), chair(meeting.circle.specialist)
    patient.sits()
    assert patient.goes_in()["state"]["you"]["place"] == "waiting"
    doctor.sits()
    assert doctor.goes_in()["state"]["you"]["place"] == "in"
    assert patient.seat().place == "waiting"
    assert doctor.says("seat.admit", seat=patient.seat_id) == {}
    assert patient.heard("state")[-1]["you"]["place"] == "in"


def test_the_coordinator_may_open_the_door_too_and_each_person_is_let_in_alone(
    chair: Sit, meeting: Meeting
) -> None:
    patient, interpreter = chair(meeting.circle.patient), chair(meeting.circle.interpreter)
    office = chair(meeting.coordinator)
    for one in (patient, interpreter, office):
        one.sits()
        one.goes_in()
    office.says("seat.admit", seat=patient.seat_id)
    assert patient.seat().place == "in" and interpreter.seat().place == "waiting"


def test_nobody_but_doctor_and_office_lets_people_in(
    chair: Sit, meeting: Meeting, patient: Chair
) -> None:
    interpreter = chair(meeting.circle.interpreter)
    interpreter.sits()
    answer = patient.says("seat.admit", seat=interpreter.seat_id)
    assert answer["status"] == 404 and answer["error"]
    assert interpreter.seat().admitted is False


def test_sent_back_and_removed(chair: Sit, meeting: Meeting, doctor: Chair, patient: Chair) -> None:
    doctor.says("seat.send_back", seat=patient.seat_id)
    assert patient.heard("seat.sent_back") == [{}]
    assert patient.seat().place == "waiting"
    doctor.says("seat.remove", seat=patient.seat_id)
    assert patient.heard("seat.removed") == [{}]
    assert patient.goes_in()["status"] == 404
    assert (
        chair(meeting.circle.patient).visitor.get(f"/consults/{meeting.consult_id}").status_code
        == 404
    )


def test_who_opens_the_door_is_never_locked_out(
    chair: Sit, meeting: Meeting, doctor: Chair
) -> None:
    office = chair(meeting.coordinator)
    office.sits()
    office.goes_in()
    for event in ("seat.send_back", "seat.remove"):
        answer = office.says(event, seat=doctor.seat_id)
        assert answer["status"] == 422
        assert "cannot be removed" in answer["error"]
    assert doctor.seat().place == "in"


def test_another_tab_takes_the_seat_over_and_the_first_is_told(
    chair: Sit, meeting: Meeting, doctor: Chair
) -> None:
    second = chair(meeting.circle.specialist)
    state = second.sits(tab="another tab")["state"]
    assert doctor.heard("seat.taken") == [{}]
    assert state["you"]["place"] == "in", "the seat was inside, and stays so"
    assert doctor.says("chat.say", client_id="12345678", text="am I here?")["status"] == 404


def test_a_lost_line_keeps_the_seat_and_a_reload_returns_to_it(
    chair: Sit, meeting: Meeting, patient: Chair
) -> None:
    patient.socket.disconnect("/consult")
    assert patient.seat().place == "away"
    again = chair(meeting.circle.patient)
    assert again.sits()["state"]["you"]["place"] == "in"


def test_before_the_waiting_room_opens_and_for_strangers(
    chair: Sit, meeting: Meeting, database: Database, person: Callable[..., Person]
) -> None:
    stranger = chair(person(Role.PATIENT))
    assert stranger.visitor.get(f"/consults/{meeting.consult_id}").status_code == 404
    seat_id = meeting.circle.consult.seats[0].id
    forged = stranger.says(
        "seat.take",
        ticket=tickets.issue_seat_ticket(SECRET_KEY, seat_id, meeting.circle.patient.id),
        tab="t",
    )
    assert forged["status"] == 404
    assert stranger.says("seat.take", ticket="made.up.ticket", tab="t")["status"] == 422
    with database.unit_of_work() as session:
        consult = session.get(Consult, meeting.consult_id)
        assert consult is not None
        consult.opens_at = now() + timedelta(hours=1)
    early = chair(meeting.circle.patient).sits()
    assert early == {"status": 409, "error": arabic(service.CONSULT_NOT_OPEN_YET)}


def test_whoever_is_signed_out_elsewhere_loses_the_open_call(
    app: Flask, meeting: Meeting, doctor: Chair, patient: Chair, database: Database
) -> None:
    with database.unit_of_work() as session:
        for sign_in in session.scalars(
            select(SignIn).where(SignIn.person_id == meeting.circle.patient.id)
        ):
            sign_in.ended_at = now()
    assert patient.says("chat.say", client_id="12345678", text="still here")["status"] == 404
    with app.app_context(), database.unit_of_work() as session:
        watch.watch_consults_once(session)
    assert patient.seat().place == "absent"


# --- chat ---


def test_a_line_sent_twice_stands_once_and_what_was_missed_is_brought(
    doctor: Chair, patient: Chair
) -> None:
    for text, name in (
        ("one", "client-1"),
        ("two", "client-2"),
        ("two", "client-2"),
        ("three", "client-3"),
    ):
        assert patient.says("chat.say", client_id=name, text=text)["line"]["text"] == text
    assert [line["number"] for line in doctor.heard("chat.line")] == [1, 2, 2, 3]
    assert [line["text"] for line in doctor.says("chat.since", after=1)["chat"]] == ["two", "three"]
    doctor.socket.disconnect("/consult")
    assert doctor.seat().place == "away"


def test_the_chat_lies_encrypted_and_stands_on_the_case_page(
    doctor: Chair, patient: Chair, meeting: Meeting, database: Database
) -> None:
    patient.says("chat.say", client_id="client-1", text="the tumour marker is 4.2")
    with database.engine.connect() as connection:
        (raw,) = connection.exec_driver_sql("SELECT text FROM chat_messages").one()
    assert b"tumour" not in bytes(raw)
    assert (
        "the tumour marker is 4.2" in patient.visitor.get(f"/cases/{meeting.circle.case.id}").text
    )


def test_chat_that_is_refused_says_why(
    chair: Sit, meeting: Meeting, doctor: Chair, patient: Chair
) -> None:
    too_long = patient.says("chat.say", client_id="client-1", text="x" * 2001)
    assert too_long["status"] == 422 and "2000" in too_long["error"]
    assert patient.says("chat.say", client_id="client-1", text="   ")["status"] == 422
    waiting = chair(meeting.circle.interpreter)
    waiting.sits()
    assert waiting.says("chat.say", client_id="client-1", text="hello")["status"] == 409
    assert waiting.says("chat.since", after=0)["chat"] == []


def test_a_flood_is_limited(
    patient: Chair, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.sockets.monotonic", lambda: 1e9)  # all of them in the same instant
    answers = [patient.says("chat.say", client_id=f"client-{n}", text="!") for n in range(120)]
    limited = [answer for answer in answers if answer.get("status") == 429]
    assert limited and limited[0]["error"]
    with database.sessions() as session:
        assert session.scalar(select(func.count(ChatMessage.id))) == 120 - len(limited)


# --- media ---


@pytest.mark.parametrize("sdp", ["", "hello", "v=0\r\n", SDP.replace("a=ice-pwd", "a=nothing")])
def test_a_malformed_offer_is_refused(patient: Chair, sdp: str) -> None:
    answer = patient.says("media.offer", sdp=sdp, connection="connection-1", lines={"mic": "0"})
    assert answer["status"] == 422
    assert answer["error"]


def test_an_offer_whose_lines_are_not_its_own_is_refused(patient: Chair) -> None:
    answer = patient.says("media.offer", sdp=SDP, connection="connection-1", lines={"mic": "7"})
    assert answer == {"status": 422, "error": arabic(offers.MALFORMED_OFFER)}


def test_without_a_media_node_the_browser_is_told_to_keep_trying(patient: Chair) -> None:
    answer = patient.says("media.offer", sdp=SDP, connection="connection-1", lines={"mic": "0"})
    assert answer == {"status": 503, "error": arabic(NoMediaNodeFree.default)}


def test_one_screen_is_shared_at_a_time(meeting: Meeting, doctor: Chair, patient: Chair) -> None:
    assert doctor.says("media.devices", mic=True, camera=True, sharing=True) == {}
    refused = patient.says("media.devices", mic=True, camera=True, sharing=True)
    assert refused["status"] == 409 and meeting.circle.specialist.name in refused["error"]


def test_a_node_needs_the_secret(app: Flask) -> None:
    def knock(secret: str) -> bool:
        client = socketio.test_client(app, namespace="/node", auth={"node": "n1", "secret": secret})
        return client.is_connected("/node")

    assert not knock("guessed")
    assert knock(messages.derive_node_secret(SECRET_KEY))


# --- the end ---


def test_the_doctor_ends_it_for_everyone_and_the_case_moves_on(
    chair: Sit, meeting: Meeting, doctor: Chair, patient: Chair, database: Database
) -> None:
    assert patient.says("consult.end")["status"] == 404
    assert doctor.says("consult.end") == {}
    assert patient.heard("ended") == [{}]
    with database.sessions() as session:
        assert session.get(Consult, meeting.consult_id).state == ConsultState.ENDED  # type: ignore[union-attr]
        assert session.get(Case, meeting.circle.case.id).stage == CaseStage.CONSULTED  # type: ignore[union-attr]
        assert (
            session.scalar(select(AuditEntry).where(AuditEntry.verb == "consult.ended")) is not None
        )
    for event, message in (
        ("chat.say", {"client_id": "client-9", "text": "one more thing"}),
        ("seat.enter", {"mic": True}),
        ("media.devices", {"mic": True}),
        ("seat.here", {}),
    ):
        answer = patient.says(event, **message)
        assert answer == {"status": 409, "error": arabic(service.CONSULT_IS_OVER)}
    page = patient.visitor.get(f"/consults/{meeting.consult_id}")
    assert page.request.path.endswith("/after")


def test_the_interpreter_never_enters_after_the_session(
    chair: Sit, meeting: Meeting, doctor: Chair, database: Database
) -> None:
    interpreter = chair(meeting.circle.interpreter)
    interpreter.sits()
    doctor.says("consult.end")
    assert interpreter.sits()["status"] == 409
    with database.sessions() as session:
        until = session.scalar(
            select(CaseMember.until).where(CaseMember.person_id == meeting.circle.interpreter.id)
        )
    assert until is not None and until <= now() + service.ACCESS_AFTER_CONSULT_DURATION
    with shift_clock(timedelta(hours=1, minutes=1)):
        assert interpreter.visitor.get(f"/consults/{meeting.consult_id}").status_code == 404


def test_a_consult_that_everybody_left_is_closed_when_its_time_is_over(
    app: Flask, meeting: Meeting, doctor: Chair, database: Database
) -> None:
    doctor.says("seat.leave")
    with app.app_context(), shift_clock(timedelta(days=6)), database.unit_of_work() as session:
        watch.watch_consults_once(session)
    with database.sessions() as session:
        assert session.get(Consult, meeting.consult_id).state == ConsultState.ENDED  # type: ignore[union-attr]


def test_another_interpreter_in_the_booking_gets_the_seat(
    meeting: Meeting, database: Database, person: Callable[..., Person]
) -> None:
    other = person(Role.INTERPRETER, language="ar", speaks=["en"])
    with database.unit_of_work() as session:
        consult = session.get(Consult, meeting.consult_id)
        assert consult is not None
        consult.booking.interpreter_id = other.id
        session.flush()
        session.refresh(consult.booking)
        service.ensure_consult(session, consult.booking)
    with database.sessions() as session:
        seats = session.scalars(
            select(Seat).where(Seat.consult_id == meeting.consult_id, Seat.role == "interpreter")
        )
        taken = {
            seat.person_id: (seat.removed_at is None, seat.number, seat.pair) for seat in seats
        }
    assert taken[other.id] == (True, 2, ["ar", "en"])
    assert taken[meeting.circle.interpreter.id][0] is False
