"""The board over HTTP: rows and loads, a move under the same rules as everywhere, and what each
refusal asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from app.core.clock import now
from app.core.db import Database
from app.core.permissions import Role
from app.scheduling.bookings import board, rescue, service
from app.scheduling.models import Booking
from app.scheduling.time.quarters import instant_of, quarter_of
from tests.people import Visitor, a_person
from tests.scheduling import clinic as c
from tests.scheduling.clinic import next_noon

SCRIPT = {"headers": {"X-Requested-With": "fetch"}}


@dataclass
class Office:
    """A coordinator whose wall is UTC, one meeting at noon and another at two, of the same
    specialist.
    """

    visitor: Visitor
    booking: Booking
    other: Booking

    def move(
        self, hour: int, minute: int = 0, booking: Booking | None = None, **fields: str
    ) -> Any:
        at = self.booking.starts_at.replace(hour=hour, minute=minute)
        return self.visitor.post(
            f"/board/meetings/{(booking or self.booking).id}/move",
            wall=at.strftime("%Y-%m-%dT%H:%M"),
            **fields,
            **SCRIPT,
        )


@pytest.fixture
def office(database: Database, visit) -> Office:  # type: ignore[no-untyped-def]
    with database.unit_of_work() as session:
        made = c.a_clinic(session)
        coordinator = a_person(session, Role.COORDINATOR, timezone="UTC")
        booking = service.book_slot(session, coordinator, made.case, made.wish(), "t")
        second = c.another_case(session, made)
        other = service.book_slot(
            session, coordinator, second, made.wish(next_noon() + timedelta(hours=2)), "u"
        )
    return Office(visit(coordinator), booking, other)


def test_rows_and_loads(office: Office):
    week = office.booking.starts_at.date() - timedelta(days=office.booking.starts_at.weekday())
    drawn = office.visitor.get(f"/board/meetings.json?from={week}&days=7").json
    assert [(one["role"], one["meetings"], one["minutes"]) for one in drawn["people"]] == [
        ("Specialist", 2, 90),
        ("Interpreter", 2, 90),
    ]
    assert [(one["starts"][11:], one["standing"], one["movable"]) for one in drawn["meetings"]] == [
        ("12:00", "asked", True),
        ("14:00", "asked", True),
    ]
    page = office.visitor.get(f"/board?week={week}").text
    assert "Workload this week" in page and "No interpreter has accepted yet" in page
    assert office.visitor.get("/board/meetings.json?from=never&days=x").status_code == 200


def test_a_move_and_its_refusals(office: Office, database: Database):
    assert "moved from" in office.move(13).json["said"]
    with database.sessions() as session:
        assert session.get_one(Booking, office.booking.id).starts_at.hour == 13
    taken = office.move(14)
    assert (taken.status_code, taken.json["needs"]) == (
        409,
        None,
    ) and "another one at that time" in taken.json["error"]
    outside = office.move(20)
    assert (outside.status_code, outside.json["needs"]) == (409, "override")
    assert office.booking.specialist.name in outside.json["error"]
    assert office.move(20, override_reason="The only flight").status_code == 200
    taken = office.move(14, override_reason="Nobody else counts")  # what is taken stays taken
    assert taken.status_code == 409 and taken.json["needs"] is None
    assert office.move(13, 7).status_code == 422
    assert (
        office.visitor.post(
            f"/board/meetings/{office.booking.id}/move", wall="soon", **SCRIPT
        ).status_code
        == 422
    )


def test_what_is_near_moves_with_a_reason(office: Office, database: Database):
    with database.unit_of_work() as session:
        booking = session.get_one(Booking, office.booking.id)
        booking.starts_at = instant_of(quarter_of(now()) + 20)
    asked = office.move(13)
    assert (asked.status_code, asked.json["needs"]) == (422, "reason")
    assert office.move(13, reason="The lift is broken").status_code == 200


def test_nobody_else_drags(office: Office, visit, person) -> None:  # type: ignore[no-untyped-def]
    for role in (Role.PATIENT, Role.SPECIALIST, Role.INTERPRETER):
        stranger = visit(person(role))
        assert stranger.get("/board/meetings.json").status_code == 404
        assert (
            stranger.post(
                f"/board/meetings/{office.booking.id}/move", wall="2030-01-01T10:00"
            ).status_code
            == 404
        )


def test_who_did_not_come_is_listed(session, clinic: c.Clinic, booking: Booking) -> None:  # type: ignore[no-untyped-def]
    assert (
        board.describe_interpreter_status(booking) == "asked"
        and board.list_recent_no_shows(session, clinic.coordinator) == []
    )
    booking.starts_at = now() - timedelta(minutes=5)
    gone = booking.interpreter
    rescue.report_no_show(session, clinic.coordinator, booking)
    assert [one.interpreter for one in board.list_recent_no_shows(session, clinic.coordinator)] == [
        gone
    ]
    assert board.describe_interpreter_status(booking) == "none"
    assert [one.person for one in board.list_staff_loads([booking], "en")] == [clinic.specialist]
