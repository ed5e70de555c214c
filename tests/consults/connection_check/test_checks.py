"""The test before the meeting: its verdict, who may run it, and who sees what came of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from app.consults.connection_check.checks import (
    ConnectionMeasurement,
    ConnectionVerdict,
    judge_connection,
    list_abandoned_checks,
    list_connection_advice,
)
from app.consults.models import ConnectionCheck
from app.core.clock import now
from app.core.db import Database
from app.core.permissions import Role
from app.identity.models import Person
from tests.consults.conftest import Chair, Meeting
from tests.consults.room.test_sockets import SDP

GOOD = {
    "camera": True,
    "microphone": True,
    "speaker": True,
    "rtt_ms": 60,
    "loss": 0.0,
    "rate_up": 900_000,
    "rate_down": 900_000,
}


@pytest.mark.parametrize(
    ("change", "verdict", "first"),
    [
        pytest.param({}, ConnectionVerdict.VIDEO, None, id="all is well"),
        pytest.param({"loss": 0.05}, ConnectionVerdict.AUDIO, "wifi", id="some is lost"),
        pytest.param({"rate_up": 90_000}, ConnectionVerdict.AUDIO, "narrow", id="a narrow way up"),
        pytest.param({"rtt_ms": 600}, ConnectionVerdict.AUDIO, "far", id="slow to answer"),
        pytest.param({"camera": False}, ConnectionVerdict.AUDIO, "camera", id="no camera"),
        pytest.param(
            {"speaker": False}, ConnectionVerdict.VIDEO, "speaker", id="the notes were not heard"
        ),
        pytest.param({"loss": 0.4}, ConnectionVerdict.POOR, "wifi", id="most is lost"),
        pytest.param(
            {"rate_down": 10_000}, ConnectionVerdict.POOR, "narrow", id="too narrow for a voice"
        ),
        pytest.param(
            {"microphone": False}, ConnectionVerdict.POOR, "microphone", id="no microphone"
        ),
        pytest.param(
            {"rtt_ms": None, "loss": None}, ConnectionVerdict.POOR, "blocked", id="no way through"
        ),
    ],
)
def test_the_verdict(
    change: dict[str, object], verdict: ConnectionVerdict, first: str | None
) -> None:
    measured = ConnectionMeasurement(**(GOOD | change))  # type: ignore[arg-type]
    assert judge_connection(measured) is verdict
    assert next(iter(list_connection_advice(measured)), None) == first


def a_check(database: Database, meeting: Meeting, person: Person) -> str:
    with database.unit_of_work() as session:
        check = ConnectionCheck(
            booking_id=meeting.circle.booking.id,
            person_id=person.id,
            node_id="n1",
            at=now() - timedelta(minutes=5),
        )
        session.add(check)
        session.flush()
        return check.id


def test_the_office_sees_the_verdict(
    chair: Callable[[Person], Chair], meeting: Meeting, database: Database
) -> None:
    patient, office = chair(meeting.circle.patient), chair(meeting.coordinator)
    check_id = a_check(database, meeting, meeting.circle.patient)
    answer = patient.says("check.done", check=check_id, **(GOOD | {"loss": 0.05}))
    assert answer == {"verdict": "audio", "advice": ["wifi"]}
    page = office.visitor.get(f"/cases/{meeting.circle.case.id}").text
    assert "Sound only" in page and "Not tested yet" in page
    with database.sessions() as session:
        check = session.get(ConnectionCheck, check_id)
        assert check is not None and check.node_id is None, "its room at the node was given back"


def test_a_loop_that_nobody_finishes_is_found(meeting: Meeting, database: Database) -> None:
    check_id = a_check(database, meeting, meeting.circle.patient)
    with database.sessions() as session:
        assert [check.id for check in list_abandoned_checks(session)] == [check_id]


def test_only_ones_own_booking_is_tested(
    chair: Callable[[Person], Chair],
    meeting: Meeting,
    database: Database,
    person: Callable[..., Person],
) -> None:
    stranger = chair(person(Role.PATIENT))
    booking = meeting.circle.booking.id
    assert stranger.visitor.get(f"/consults/check/{booking}").status_code == 404
    offer = {"booking": booking, "sdp": SDP, "lines": {"mic": "0"}, "connection": "connection-1"}
    assert stranger.says("check.offer", **offer)["status"] == 404
    somebody_elses = a_check(database, meeting, meeting.circle.patient)
    assert stranger.says("check.done", check=somebody_elses, **GOOD)["status"] == 404
    own = chair(meeting.circle.patient)
    assert own.visitor.get(f"/consults/check/{booking}").status_code == 200
    assert own.says("check.offer", **offer)["status"] == 503, "there is no media node here"
    assert own.says("check.offer", **(offer | {"sdp": "hello"}))["status"] == 422
