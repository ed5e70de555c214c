"""The record of the meeting: what is in it, how its sums come about, and who may read it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from app.consults.models import ConsultEvent
from app.consults.room.timeline import count_seconds_live, count_seconds_present, count_signals
from app.core.permissions import Role
from app.identity.models import Person
from tests.consults.conftest import Chair, Meeting
from tests.people import Visitor

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def at(minute: float, kind: str, seat: str | None = "one", **facts: object) -> ConsultEvent:
    return ConsultEvent(
        consult_id="c", at=NOON + timedelta(minutes=minute), kind=kind, seat_id=seat, facts=facts
    )


END = NOON + timedelta(minutes=30)


def test_a_lost_line_counts_as_there_and_leaving_does_not() -> None:
    events = [at(0, "joined"), at(5, "lost"), at(6, "returned"), at(10, "left"), at(20, "joined")]
    assert count_seconds_present(events, "one", END) == (10 + 10) * 60
    assert count_seconds_present(events, "another", END) == 0


def test_minutes_of_each_language_and_interpreter() -> None:
    events = [
        at(0, "mode", "doctor", mode="simultaneous"),
        at(0, "live", "one", language="ar"),
        at(4, "live", "one", language="en"),
        at(6, "live", "one", language="ar"),
        at(10, "handed_over", "two", source="one", language="ar"),
        at(15, "resting", "two", language="ar"),
        at(20, "live", "one", language="en"),
        at(25, "mode", "doctor", mode="consecutive"),
    ]
    assert count_seconds_live(events, END) == {
        "one": {"ar": 8 * 60, "en": 7 * 60},
        "two": {"ar": 5 * 60},
    }


def test_signals_are_counted() -> None:
    assert count_signals(
        [at(1, "signal", signal="slower"), at(2, "signal", signal="slower"), at(3, "left")]
    ) == {"slower": 2}


def test_the_people_of_the_case_may_take_it_with_them(
    chair: Callable[[Person], Chair], meeting: Meeting, person: Callable[..., Person], app
) -> None:  # type: ignore[no-untyped-def]
    doctor = chair(meeting.circle.specialist)
    doctor.sits()
    doctor.goes_in()
    doctor.says("signal.raise", signal="repeat")
    doctor.says("consult.end")
    address = f"/consults/{meeting.consult_id}/timeline.json"
    record = doctor.visitor.get(address).get_json()
    assert [event["kind"] for event in record["events"]] == [
        "arrived",
        "started",
        "joined",
        "signal",
        "ended",
    ]
    assert record["signals"] == {"repeat": 1} and record["state"] == "ended"
    assert {one["role"] for one in record["people"]} == {"patient", "specialist", "interpreter"}
    assert Visitor(app, meeting.circle.patient).get(address).status_code == 200
    for other in (meeting.circle.interpreter, person(Role.PATIENT)):
        assert Visitor(app, other).get(address).status_code == 404
