"""Modes, the switch, hand-over, listening, signals, and the guard over the interpreter's line."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.consults.interpreting import service as interpreting
from app.consults.interpreting.channels import InterpretingMode, SeatVoice, is_anyone_cut_off
from app.consults.models import MEDIA_LOSS_GRACE_PERIOD, Consult, ConsultEvent, Seat
from app.consults.queries import lock_consult
from app.consults.room import service, views, watch
from app.core.clock import shift_clock
from app.core.db import Database
from app.core.permissions import Role
from app.identity.models import Person
from tests.consults.conftest import Chair, Meeting, Sit, let_in
from tests.people import a_person

A_WHILE = MEDIA_LOSS_GRACE_PERIOD + timedelta(seconds=0.5)


@pytest.fixture
def partner(
    chair: Sit, meeting: Meeting, doctor: Chair, interpreter: Chair, database: Database
) -> Chair:
    """A second interpreter of the same pair."""
    with database.unit_of_work() as session:
        person = another_interpreter(session, meeting, ("ar", "en"))
    return let_in(chair, doctor, person)


def another_interpreter(session: Session, meeting: Meeting, pair: tuple[str, str]) -> Person:
    person = a_person(session, Role.INTERPRETER, language=pair[0], speaks=[pair[1]])
    consult = lock_consult(session, meeting.consult_id)
    service.add_interpreter_seat(session, meeting.coordinator, consult, person, pair)
    return person


def state_of(chair: Chair) -> dict[str, Any]:
    """How the room stands now, from this chair."""
    with chair._database.sessions() as session:
        seat = session.get(Seat, chair.seat_id)
        assert seat is not None
        return views.build_seat_state(seat)


def hears(chair: Chair) -> dict[str, tuple[str, float]]:
    return {
        seat["role"]: (str(seat["sound"]), seat["gain"])
        for seat in state_of(chair)["seats"]
        if seat["gain"]
    }


def routed(chair: Chair, kind: str) -> set[str]:
    """From whom the media node sends this chair something."""
    with chair._database.sessions() as session:
        seat = session.get(Seat, chair.seat_id)
        assert seat is not None
        roles = {one.id: one.role for one in seat.consult.seats}
        return {
            roles[route.source]
            for route in views.build_media_routes(seat.consult)[seat.id]
            if route.kind == kind
        }


# --- modes and the switch ---


def test_in_simultaneous_mode_each_hears_their_own_language(
    doctor: Chair, patient: Chair, interpreter: Chair
) -> None:
    assert hears(patient) == {"specialist": ("original", 1.0), "interpreter": ("original", 1.0)}
    assert doctor.says("mode.set", mode="simultaneous") == {}
    assert hears(patient) == {"specialist": ("ducked", 0.15), "interpreter": ("interpreter", 1.0)}
    assert hears(doctor) == {"patient": ("ducked", 0.15)}
    assert interpreter.says("channel.take", language="en") == {}
    assert hears(patient) == {"specialist": ("ducked", 0.15)}
    assert hears(doctor) == {"patient": ("ducked", 0.15), "interpreter": ("interpreter", 1.0)}
    assert routed(patient, "audio") == {"specialist"}, "what is not heard is not sent"
    assert routed(patient, "video") == {"specialist", "interpreter"}, "pictures stay as they were"


def test_the_patient_does_not_choose_the_mode(patient: Chair, interpreter: Chair) -> None:
    assert patient.says("mode.set", mode="simultaneous")["status"] == 404
    assert interpreter.says("mode.set", mode="simultaneous") == {}


def test_an_interpreter_without_the_pair_gets_no_channel_and_the_attempt_is_written_down(
    doctor: Chair, interpreter: Chair, patient: Chair, database: Database
) -> None:
    doctor.says("mode.set", mode="simultaneous")
    refused = interpreter.says("channel.take", language="fr")
    assert refused == {"status": 422, "error": refused["error"]}
    assert patient.says("channel.take", language="en")["status"] == 404, (
        "only interpreters have a switch"
    )
    with database.sessions() as session:
        facts = [
            entry.facts
            for entry in session.scalars(
                select(AuditEntry).where(AuditEntry.verb == "consult.refused")
            )
        ]
    assert {
        "event": "channel.take",
        "status": 422,
        "sentence": interpreting.NOT_BOOKED_FOR_LANGUAGE,
    } in facts


def test_ones_own_slider_and_language(doctor: Chair, patient: Chair, interpreter: Chair) -> None:
    doctor.says("mode.set", mode="simultaneous")
    assert patient.says("listen.set", gain=0.5) == {}
    assert hears(patient)["specialist"] == ("ducked", 0.5)
    patient.says("listen.set", gain=0)
    assert "specialist" not in hears(patient)
    assert patient.says("listen.set", gain=3)["status"] == 422
    assert patient.says("listen.set", listens="ja")["status"] == 422
    assert patient.says("listen.set", listens="en") == {}
    assert hears(patient) == {"specialist": ("original", 1.0)}


# --- two interpreters ---


def test_a_hand_over_is_offered_and_accepted(
    doctor: Chair, patient: Chair, interpreter: Chair, partner: Chair
) -> None:
    doctor.says("mode.set", mode="simultaneous")
    assert (state_of(interpreter)["you"]["liveOn"], state_of(partner)["you"]["liveOn"]) == (
        "ar",
        None,
    )
    taken = partner.says("channel.take", language="ar")
    assert taken["status"] == 409, "the channel is somebody's"
    assert partner.says("handover.accept", giver=interpreter.seat_id)["status"] == 409, (
        "nothing was offered"
    )
    assert interpreter.says("handover.offer") == {}
    assert partner.says("handover.accept", giver=interpreter.seat_id) == {}
    assert (state_of(interpreter)["you"]["liveOn"], state_of(partner)["you"]["liveOn"]) == (
        None,
        "ar",
    )
    assert routed(patient, "audio") >= {"interpreter"}


def test_who_interprets_alone_has_nobody_to_hand_over_to(doctor: Chair, interpreter: Chair) -> None:
    doctor.says("mode.set", mode="simultaneous")
    assert interpreter.says("handover.offer")["status"] == 409


def test_interpreters_write_to_one_another_alone(
    doctor: Chair, patient: Chair, interpreter: Chair, partner: Chair
) -> None:
    line = {"channel": "interpreters", "client_id": "client-1", "text": "take over at ten?"}
    assert interpreter.says("chat.say", **line)["line"]["number"] == 1
    assert [one["text"] for one in partner.heard("chat.line")] == ["take over at ten?"]
    assert doctor.heard("chat.line") == [] and patient.heard("chat.line") == []
    assert doctor.says("chat.since", channel="interpreters")["chat"] == []
    assert doctor.says("chat.say", **{**line, "client_id": "client-2"})["status"] == 404
    doctor.says("chat.say", client_id="client-3", text="to all")
    assert [one["number"] for one in interpreter.heard("chat.line")][-1] == 1, (
        "each channel counts by itself"
    )


def test_a_relay_where_nobody_has_the_direct_pair(
    chair: Sit, meeting: Meeting, doctor: Chair, patient: Chair, database: Database
) -> None:
    with database.unit_of_work() as session:
        one = another_interpreter(session, meeting, ("fr", "en"))
        two = another_interpreter(session, meeting, ("ar", "fr"))
    first, second = let_in(chair, doctor, one), let_in(chair, doctor, two)
    doctor.says("mode.set", mode="simultaneous")
    first.says("channel.take", language="fr")
    second.says("channel.take", language="ar")
    heard = {
        seat["name"]: (str(seat["sound"]), seat["gain"])
        for seat in state_of(patient)["seats"]
        if seat["gain"]
    }
    assert heard[two.name] == ("interpreter", 1.0) and one.name not in heard
    relay = {
        seat["id"]: (str(seat["sound"]), seat["gain"])
        for seat in state_of(second)["seats"]
        if seat["gain"]
    }
    assert relay[first.seat_id] == ("interpreter", 1.0), "the second works from the first"


# --- signals ---


def test_slower_please_is_shown_and_counted(
    doctor: Chair, patient: Chair, database: Database, meeting: Meeting
) -> None:
    for signal in ("slower", "slower", "explain"):
        assert patient.says("signal.raise", signal=signal) == {}
    assert doctor.heard("signal")[-1] == {"seat": patient.seat_id, "signal": "explain"}
    assert patient.says("signal.raise", signal="faster")["status"] == 422
    with database.sessions() as session:
        raised = [
            event.facts["signal"]
            for event in session.scalars(select(ConsultEvent).where(ConsultEvent.kind == "signal"))
        ]
    assert sorted(raised) == ["explain", "slower", "slower"]


# --- the guard ---


def people(*, lost: bool, other: bool = False) -> list[SeatVoice]:
    voices = [
        SeatVoice("p", 0, "ar", "ar"),
        SeatVoice("d", 1, "en", "en"),
        SeatVoice("i", 2, "ar", "ar", ("ar", "en"), "ar", away=lost),
    ]
    return [*voices, SeatVoice("j", 3, "en", "en", ("en", "ar"))] if other else voices


@pytest.mark.parametrize(
    ("voices", "interrupted"),
    [
        pytest.param(people(lost=False), False, id="everyone is here"),
        pytest.param(people(lost=True), True, id="the only interpreter is away"),
        pytest.param(people(lost=True, other=True), False, id="the partner is here"),
        pytest.param(people(lost=True)[1:], False, id="nobody is left to interpret for"),
        pytest.param(
            [*people(lost=False), SeatVoice("g", 4, "ja", "ja")],
            False,
            id="a language that nobody ever brought",
        ),
    ],
)
def test_when_a_meeting_is_interrupted(voices: list[SeatVoice], interrupted: bool) -> None:
    assert is_anyone_cut_off(voices) is interrupted


def test_a_lost_interpreter_pauses_the_meeting_and_its_clock_until_they_are_back(
    app: Flask,
    chair: Sit,
    meeting: Meeting,
    doctor: Chair,
    patient: Chair,
    interpreter: Chair,
    database: Database,
) -> None:
    doctor.says("mode.set", mode="simultaneous")
    interpreter.socket.disconnect("/consult")
    with app.app_context(), shift_clock(A_WHILE), database.unit_of_work() as session:
        watch.watch_consults_once(session)
    assert patient.heard("state")[-1]["pausedAt"] is not None
    with shift_clock(A_WHILE):
        assert hears(patient) == {"specialist": ("original", 1.0)}, (
            "the original is the closest there is"
        )
    with shift_clock(timedelta(seconds=30)):
        back = chair(meeting.circle.interpreter)
        state = back.sits()["state"]
    assert state["pausedAt"] is None and 25 < state["pausedSeconds"] < 35
    assert state["you"]["liveOn"] == "ar", "channels are as they were"
    assert hears(patient) == {"specialist": ("ducked", 0.15), "interpreter": ("interpreter", 1.0)}
    with database.sessions() as session:
        kinds = [
            event.kind for event in session.scalars(select(ConsultEvent).order_by(ConsultEvent.id))
        ]
    assert kinds.index("paused") < kinds.index("resumed")


def test_a_partner_takes_the_channel_of_one_who_is_lost(
    app: Flask,
    doctor: Chair,
    patient: Chair,
    interpreter: Chair,
    partner: Chair,
    database: Database,
) -> None:
    doctor.says("mode.set", mode="simultaneous")
    interpreter.socket.disconnect("/consult")
    with app.app_context(), shift_clock(A_WHILE), database.unit_of_work() as session:
        watch.watch_consults_once(session)
    assert state_of(patient)["pausedAt"] is None
    with shift_clock(A_WHILE):
        assert partner.says("channel.take", language="ar") == {}
    assert interpreter.seat().live_on is None


def test_nothing_is_paused_before_the_interpreter_has_come(
    app: Flask, doctor: Chair, patient: Chair, database: Database, meeting: Meeting
) -> None:
    with app.app_context(), database.unit_of_work() as session:
        watch.watch_consults_once(session)
    with database.sessions() as session:
        consult = session.get(Consult, meeting.consult_id)
        assert (
            consult is not None
            and consult.paused_at is None
            and consult.mode == InterpretingMode.CONSECUTIVE
        )
