"""Guests come by a link of their own: once, in time, to one consult, and are let in like everybody
else.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.audit.models import AuditEntry
from app.cases.models import CaseMember
from app.consults.guests import service as guests
from app.consults.models import Consult, GuestInvitation, Seat
from app.core.clock import freeze_clock, now, shift_clock
from app.core.db import Database
from app.core.permissions import Role
from app.identity.models import Person
from tests.consults.conftest import Chair, Meeting
from tests.consults.meeting import an_open_meeting
from tests.people import Visitor

Sit = Callable[[Person], Chair]


@pytest.fixture
def link(meeting: Meeting, database: Database) -> str:
    """The address of an invitation for the patient's aunt."""
    with database.unit_of_work() as session:
        consult = session.get_one(Consult, meeting.consult_id)
        _, token = guests.invite_guest(
            session, consult.booking.patient, consult, "Aunt Huda", "relative", "en"
        )
    return f"/consults/guest/{token}"


def comes(app: Flask, link: str) -> Visitor:
    """Somebody with nothing but the link."""
    one = Visitor(app)
    one.get(link)
    return one


def refusals(database: Database) -> list[str]:
    with database.sessions() as session:
        return [
            entry.facts["sentence"]
            for entry in session.scalars(
                select(AuditEntry).where(AuditEntry.verb == "consult.refused")
            )
        ]


def test_a_guest_comes_under_their_name_and_waits_to_be_let_in(
    app: Flask, database: Database, meeting: Meeting, chair: Sit, link: str
) -> None:
    one = comes(app, link)
    room = one.post(link)
    assert room.status_code == 200 and room.request.path == f"/consults/{meeting.consult_id}"
    with database.sessions() as session:
        seat = session.scalars(select(Seat).where(Seat.role == "guest")).one()
        assert (seat.person.name, seat.kind, seat.admitted) == ("Aunt Huda", "relative", False)
        member = session.scalars(
            select(CaseMember).where(CaseMember.person_id == seat.person_id)
        ).one()
        assert member.until is not None
    doctor = chair(meeting.circle.specialist)
    state = doctor.sits()["state"]
    assert "Aunt Huda" in [one["name"] for one in state["seats"]]


def test_a_guest_sees_the_room_and_nothing_of_the_case(
    app: Flask, meeting: Meeting, link: str
) -> None:
    one = comes(app, link)
    one.post(link)
    case = meeting.circle.case.id
    for path in (
        f"/cases/{case}",
        f"/consults/{meeting.consult_id}/guests",
        "/worklist",
        "/account",
    ):
        assert one.get(path).status_code == 404, path
    assert one.get("/home").request.path == f"/consults/{meeting.consult_id}"
    assert one.get(link).request.path == f"/consults/{meeting.consult_id}", (
        "their own link leads them back"
    )


def test_a_link_that_was_used_opens_nothing_for_anybody_else(
    app: Flask, database: Database, link: str
) -> None:
    comes(app, link).post(link)
    second = Visitor(app)
    assert second.get(link).status_code == 409
    answer = second.post(link)
    assert answer.status_code == 409 and "already been used" in answer.text
    assert refusals(database) == [guests.INVITATION_USED]


def test_a_link_that_expired_or_was_taken_back(
    app: Flask, database: Database, meeting: Meeting, visit: Callable[..., Visitor], link: str
) -> None:
    with shift_clock(guests.INVITATION_LIFETIME + timedelta(days=1)):
        assert comes(app, link).post(link).status_code == 409
    with database.sessions() as session:
        invitation = session.scalars(select(GuestInvitation)).one()
    patient = visit(meeting.circle.patient)
    patient.get("/home")
    assert patient.get(link).status_code == 200, "it holds until it is taken back"
    patient.post(f"/consults/{meeting.consult_id}/guests/{invitation.id}/revoke")
    assert comes(app, link).post(link).status_code == 409
    assert refusals(database) == [guests.INVITATION_EXPIRED, guests.INVITATION_EXPIRED]


@pytest.mark.parametrize("kept_open_for", [timedelta(days=30), timedelta(days=3)])
def test_a_link_ends_after_two_weeks_or_with_the_consultation(
    app: Flask, database: Database, meeting: Meeting, kept_open_for: timedelta
) -> None:
    """Each end shown alone: a consultation that stays open for long, and one that closes before."""
    start = now()
    with freeze_clock(start), database.unit_of_work() as session:
        consult = session.get_one(Consult, meeting.consult_id)
        consult.closes_at = start + kept_open_for
        invited = [
            guests.invite_guest(
                session, consult.booking.patient, consult, f"Aunt {number}", "relative", "en"
            )
            for number in range(2)
        ]
        assert invited[0][0].expires_at == start + min(timedelta(days=14), kept_open_for)
    early, late = (f"/consults/guest/{token}" for _, token in invited)
    end = start + min(timedelta(days=14), kept_open_for)
    with freeze_clock(end - timedelta(seconds=1)):
        assert comes(app, early).post(early).status_code == 200
    with freeze_clock(end):
        assert comes(app, late).post(late).status_code == 409


def test_a_guest_of_one_consult_finds_nothing_of_another(
    app: Flask, database: Database, meeting: Meeting, link: str
) -> None:
    with database.unit_of_work() as session:
        other, _ = an_open_meeting(session)
    one = comes(app, link)
    one.post(link)
    assert one.get(f"/consults/{other.consult.id}").status_code == 404
    assert Visitor(app).get("/consults/guest/made-up").status_code == 404


def test_who_may_invite(app: Flask, meeting: Meeting, visit: Callable[..., Visitor]) -> None:
    address = f"/consults/{meeting.consult_id}/guests"
    invited = visit(meeting.circle.patient).post(
        address, name="Dr Amal", kind="doctor", language="ar"
    )
    assert invited.status_code == 200 and "/consults/guest/" in invited.text
    assert (
        visit(meeting.circle.interpreter)
        .post(address, name="X", kind="other", language="en")
        .status_code
        == 404
    )
    assert (
        visit(meeting.circle.specialist)
        .post(address, name="", kind="other", language="en")
        .status_code
        == 422
    )
    assert (
        visit(meeting.circle.specialist)
        .post(address, name="X", kind="boss", language="en")
        .status_code
        == 422
    )
    assert (
        visit(meeting.circle.specialist)
        .post(address, name="X", kind="other", language="tlh")
        .status_code
        == 422
    )


def test_there_are_eight_places(app: Flask, database: Database, meeting: Meeting) -> None:
    answers = []
    for number in range(6):
        with database.unit_of_work() as session:
            consult = session.get_one(Consult, meeting.consult_id)
            _, token = guests.invite_guest(
                session, consult.booking.patient, consult, f"Guest {number}", "relative", "en"
            )
        answers.append(
            comes(app, f"/consults/guest/{token}").post(f"/consults/guest/{token}").status_code
        )
    assert answers == [200, 200, 200, 200, 200, 409], "three are booked, five guests fit"
    with database.sessions() as session:
        seats = session.scalars(select(Seat).where(Seat.consult_id == meeting.consult_id)).all()
    assert sorted(seat.number for seat in seats) == list(range(8))
    assert {seat.role for seat in seats} >= {Role.GUEST}
