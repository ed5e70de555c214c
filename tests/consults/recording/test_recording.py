"""Recording only with everyone's agreement: asking, agreeing for oneself, who comes in later,
withdrawing, purging; and what the node is told meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.audit.models import AuditEntry
from app.consults.interpreting.channels import InterpretingMode, SeatVoice
from app.consults.models import Consult, ConsultEvent, MediaNode
from app.consults.nodes import commands
from app.consults.recording import service as recording
from app.consults.recording.models import Recording, RecordingConsent, RecordingState
from app.consults.room import service
from app.core.db import Database
from app.core.errors import Forbidden
from app.core.outbox import Job
from app.core.permissions import Role
from app.identity.models import Person
from tests.consults.conftest import Chair, Meeting, let_in
from tests.people import Visitor, a_person

Sit = Callable[[Person], Chair]


@pytest.fixture
def told(
    monkeypatch: pytest.MonkeyPatch, database: Database, meeting: Meeting
) -> list[dict[str, Any]]:
    """What a node that carries the room is told to record."""
    messages: list[dict[str, Any]] = []

    def send_later(
        node: MediaNode | None, command: object, message: Any, *, tries: int = 1
    ) -> Callable[[], None]:
        return lambda: messages.append(message.model_dump()) if command == "recording.set" else None

    monkeypatch.setattr(commands, "defer_node_command", send_later)
    return messages


@pytest.fixture
def everyone(
    doctor: Chair, patient: Chair, interpreter: Chair, told: list[dict[str, Any]]
) -> list[Chair]:
    return [doctor, patient, interpreter]


def stands(chair: Chair) -> dict[str, Any]:
    """The recording as the page of this seat last saw it."""
    return chair.heard("state")[-1]["recording"]


def everyone_agrees(everyone: list[Chair]) -> None:
    doctor, *others = everyone
    assert doctor.says("recording.ask") == {}
    for one in others:
        assert one.says("recording.answer", agrees=True) == {}


def kinds(database: Database) -> list[str]:
    with database.sessions() as session:
        events = session.scalars(select(ConsultEvent).order_by(ConsultEvent.at, ConsultEvent.id))
        return [event.kind for event in events if event.kind.startswith("recording")]


def state_of(database: Database) -> str:
    with database.sessions() as session:
        return (
            session.scalars(select(Recording.state).order_by(Recording.number.desc())).first() or ""
        )


def test_it_begins_when_the_last_one_has_agreed(
    everyone: list[Chair], told: list[dict[str, Any]], database: Database
) -> None:
    doctor, patient, interpreter = everyone
    doctor.says("recording.ask")
    asked = stands(patient)
    assert (asked["state"], asked["agreed"], asked["by"]) == ("asked", False, doctor.person.name)
    patient.says("recording.answer", agrees=True)
    assert told == [], "the interpreter has not agreed"
    assert stands(doctor)["waitingFor"] == [interpreter.person.name]
    interpreter.says("recording.answer", agrees=True)
    assert stands(patient)["state"] == "running"
    order = told[-1]
    assert order["recording"] and order["key"] and order["begin_ms"] < 1000
    assert set(order["voices"][2]) == {one.seat_id for one in everyone}, (
        "in turn, everyone hears everyone"
    )
    assert set(order["pictures"]) == {doctor.seat_id, patient.seat_id}
    assert kinds(database)[-1] == "recording_started"


def test_nobody_agrees_for_somebody_else_and_the_attempt_is_written_down(
    everyone: list[Chair], database: Database, meeting: Meeting
) -> None:
    doctor, patient, interpreter = everyone
    doctor.says("recording.ask")
    refused = interpreter.says("recording.answer", agrees=True, seat=patient.seat_id)
    assert refused["status"] == Forbidden.status
    with database.sessions() as session:
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.verb == "consult.refused")
        ).one()
        assert entry.actor_id == interpreter.person.id
        assert entry.facts["sentence"] == recording.CONSENT_IS_PERSONAL
        assert session.scalars(select(RecordingConsent.seat_id)).all() == [doctor.seat_id]
    assert state_of(database) == RecordingState.ASKED


def test_who_comes_in_later_pauses_it_until_they_agree(
    everyone: list[Chair],
    chair: Sit,
    meeting: Meeting,
    told: list[dict[str, Any]],
    database: Database,
) -> None:
    everyone_agrees(everyone)
    late = let_in(chair, everyone[0], meeting.coordinator)
    assert told[-1]["recording"] is None, "the node stops before anything of them can be heard"
    assert stands(late)["agreed"] is False
    assert stands(everyone[1])["state"] == "paused"
    late.says("recording.answer", agrees=True)
    assert told[-1]["recording"] is not None
    assert stands(everyone[1])["state"] == "running"
    assert kinds(database)[-3:] == ["recording_paused", "recording_agreed", "recording_resumed"]


def test_it_goes_on_when_the_one_who_has_not_agreed_leaves(
    everyone: list[Chair], chair: Sit, meeting: Meeting, database: Database
) -> None:
    everyone_agrees(everyone)
    late = let_in(chair, everyone[0], meeting.coordinator)
    assert state_of(database) == RecordingState.PAUSED
    late.says("seat.leave")
    assert state_of(database) == RecordingState.RUNNING


def test_an_agreement_survives_another_connection(
    everyone: list[Chair],
    chair: Sit,
    meeting: Meeting,
    told: list[dict[str, Any]],
    database: Database,
) -> None:
    everyone_agrees(everyone)
    everyone[1].socket.disconnect("/consult")
    again = chair(meeting.circle.patient)
    back = again.sits("another tab")
    assert back["state"]["recording"]["agreed"] is True
    assert again.goes_in()["state"]["recording"]["state"] == "running"
    assert state_of(database) == RecordingState.RUNNING
    assert told[-1]["recording"] is not None


def test_a_refusal_leaves_nothing_and_one_can_ask_again(
    everyone: list[Chair], told: list[dict[str, Any]], database: Database
) -> None:
    doctor, patient, _ = everyone
    doctor.says("recording.ask")
    patient.says("recording.answer", agrees=False)
    assert stands(doctor)["state"] == "none"
    assert all(order["recording"] is None for order in told)
    assert kinds(database)[-1] == "recording_declined"
    assert patient.says("recording.answer", agrees=True)["status"] == 409, (
        "nobody is asking any more"
    )
    assert doctor.says("recording.ask") == {}
    assert state_of(database) == RecordingState.ASKED


@pytest.mark.parametrize("purges", [True, False])
def test_who_withdraws_stops_it_and_alone_decides_what_becomes_of_it(
    everyone: list[Chair], told: list[dict[str, Any]], database: Database, purges: bool
) -> None:
    doctor, patient, interpreter = everyone
    everyone_agrees(everyone)
    interpreter.says("recording.answer", agrees=False)
    assert told[-1]["recording"] is None
    assert stands(patient)["mayPurge"] is False
    seen = stands(interpreter)
    assert (seen["state"], seen["mayPurge"]) == ("stopped", True)
    assert doctor.says("recording.decide", purges=True)["status"] == Forbidden.status
    assert interpreter.says("recording.decide", purges=purges) == {}
    with database.sessions() as session:
        verbs = session.scalars(select(AuditEntry.verb)).all()
        jobs = session.scalars(
            select(Job.kind).where(Job.kind == recording.RECORDING_PURGE_JOB)
        ).all()
    assert ("recording.purged" in verbs) is purges
    assert len(jobs) == purges
    assert kinds(database)[-1] == ("recording_purged" if purges else "recording_left")
    assert state_of(database) == (RecordingState.PURGED if purges else RecordingState.STOPPED)


def test_what_was_stopped_may_be_asked_for_anew_and_everyone_is_asked_again(
    everyone: list[Chair], told: list[dict[str, Any]], database: Database
) -> None:
    doctor, patient, interpreter = everyone
    everyone_agrees(everyone)
    patient.says("recording.stop")
    before = told[-2]["recording"] if told[-1]["recording"] is None else None
    doctor.says("recording.ask")
    assert state_of(database) == RecordingState.ASKED
    assert set(stands(doctor)["waitingFor"]) == {patient.person.name, interpreter.person.name}
    for one in (patient, interpreter):
        one.says("recording.answer", agrees=True)
    assert told[-1]["recording"] == before, "one recording for the consultation"


def test_who_may_not_ask_is_told_so(everyone: list[Chair]) -> None:
    assert everyone[2].says("recording.ask")["status"] == Forbidden.status
    everyone[0].says("recording.ask")
    assert everyone[1].says("recording.ask")["status"] == 409
    assert everyone[2].says("recording.stop")["status"] == Forbidden.status


def test_the_end_makes_it_a_record_and_what_comes_later_is_refused(
    everyone: list[Chair], database: Database, app: Flask
) -> None:
    doctor, patient, _ = everyone
    everyone_agrees(everyone)
    doctor.says("consult.end")
    assert state_of(database) == RecordingState.CLOSING
    with database.sessions() as session:
        assert session.scalars(select(Job).where(Job.kind == recording.RECORDING_CLOSE_JOB)).one()
    for event, message in (
        ("recording.ask", {}),
        ("recording.answer", {"agrees": False}),
        ("recording.stop", {}),
        ("recording.decide", {"purges": True}),
    ):
        refused = patient.says(event, **message)
        assert (refused["status"], bool(refused["error"])) == (409, True), event
    with database.sessions() as session:
        refusals = session.scalars(
            select(AuditEntry).where(AuditEntry.verb == "consult.refused")
        ).all()
        assert {entry.facts["event"] for entry in refusals} >= {
            "recording.ask",
            "recording.answer",
            "recording.decide",
        }


def test_where_the_recording_stands_leaves_its_pauses_out(
    everyone: list[Chair], database: Database
) -> None:
    everyone_agrees(everyone)
    with database.unit_of_work() as session:
        one = session.scalars(select(Recording)).one()
        one.runs = [
            ["2026-01-01T10:00:00+00:00", "2026-01-01T10:00:10+00:00"],
            ["2026-01-01T10:05:00+00:00", None],
        ]
        assert one.milliseconds(datetime(2026, 1, 1, 10, 0, 4, tzinfo=UTC)) == 4000
        assert one.milliseconds(datetime(2026, 1, 1, 10, 3, tzinfo=UTC)) == 10_000
        assert one.milliseconds(datetime(2026, 1, 1, 10, 5, 2, tzinfo=UTC)) == 12_000
        assert not one.was_on(datetime(2026, 1, 1, 10, 3, tzinfo=UTC))


def voice(name: str, number: int, speaks: str, **more: Any) -> SeatVoice:
    return SeatVoice(id=name, number=number, speaks=speaks, listens=speaks, **more)


@pytest.mark.parametrize(
    ("mode", "live_on", "arabic", "english"),
    [
        (
            InterpretingMode.CONSECUTIVE,
            None,
            {"patient", "doctor", "interpreter"},
            {"patient", "doctor", "interpreter"},
        ),
        (InterpretingMode.SIMULTANEOUS, "ar", {"patient", "interpreter"}, {"doctor"}),
        (InterpretingMode.SIMULTANEOUS, "en", {"patient"}, {"doctor", "interpreter"}),
    ],
)
def test_each_track_holds_what_its_listeners_hear(
    mode: InterpretingMode, live_on: str | None, arabic: set[str], english: set[str]
) -> None:
    seats = [
        voice("patient", 0, "ar"),
        voice("doctor", 1, "en"),
        voice("interpreter", 2, "ar", pair=("ar", "en"), live_on=live_on),
    ]
    tracks = recording.assign_voice_tracks(seats, mode, ["ar", "en"])
    assert {number: set(names) for number, names in tracks.items()} == {2: arabic, 3: english}


def test_without_an_interpreter_for_it_a_track_holds_the_original() -> None:
    seats = [voice("patient", 0, "ar"), voice("doctor", 1, "en")]
    assert set(
        recording.assign_voice_tracks(seats, InterpretingMode.SIMULTANEOUS, ["ar", "en"])[2]
    ) == {"patient", "doctor"}


def test_a_guest_is_asked_like_everybody_else(
    everyone: list[Chair],
    chair: Sit,
    meeting: Meeting,
    told: list[dict[str, Any]],
    database: Database,
) -> None:
    with database.unit_of_work() as session:
        aunt = a_person(session, Role.GUEST, name="Aunt Huda", language="ar")
        consult = session.get_one(Consult, meeting.consult_id)
        service.add_guest_seat(session, consult, aunt, "relative")
    everyone_agrees(everyone)
    guest = let_in(chair, everyone[0], aunt)
    assert stands(everyone[0])["state"] == "paused"
    assert guest.says("recording.ask")["status"] == Forbidden.status, (
        "to ask is for those whose meeting it is"
    )
    assert guest.says("recording.answer", agrees=True) == {}
    assert told[-1]["recording"]
    assert any(guest.seat_id in seats for seats in told[-1]["voices"].values())
    guest.says("recording.answer", agrees=False)
    assert told[-1]["recording"] is None
    assert stands(guest)["mayPurge"] is True


def test_the_record_of_the_meeting_tells_of_it(
    everyone: list[Chair], database: Database, meeting: Meeting, visit: Callable[..., Visitor]
) -> None:
    everyone_agrees(everyone)
    everyone[1].says("recording.answer", agrees=False)
    everyone[0].says("consult.end")
    told = visit(meeting.circle.patient).get(f"/consults/{meeting.consult_id}/timeline.json").json
    found = [
        (event["kind"], event["seat"])
        for event in told["events"]
        if event["kind"].startswith("recording")
    ]
    doctor, patient, interpreter = (one.seat_id for one in everyone)
    assert found == [
        ("recording_asked", doctor),
        ("recording_agreed", doctor),
        ("recording_agreed", patient),
        ("recording_agreed", interpreter),
        ("recording_started", None),
        ("recording_withdrawn", patient),
        ("recording_stopped", patient),
    ]


def test_a_fault_of_the_node_takes_the_sign_away(everyone: list[Chair], database: Database) -> None:
    everyone_agrees(everyone)
    with database.unit_of_work() as session:
        one = session.scalars(select(Recording)).one()
        assert recording.note_recording_failure(session, one)
        assert not recording.note_recording_failure(session, one)
    assert state_of(database) == RecordingState.STOPPED
    assert kinds(database)[-2:] == ["recording_broke", "recording_stopped"]
