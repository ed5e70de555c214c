"""Tickets for seats: whose, for which seat, for how long."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime

import pytest
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from app.consults.room.tickets import (
    SEAT_TICKET_STALE,
    build_ice_servers,
    issue_seat_ticket,
    redeem_seat_ticket,
)
from app.core.clock import freeze_clock
from app.core.errors import Forbidden, Invalid
from tests.consults.conftest import Chair, Meeting, Sit
from tests.processes import SECRET_KEY

TWELVE_HOURS = 12 * 3600


def a_ticket_issued(monkeypatch: pytest.MonkeyPatch, seconds_ago: int, **facts: str) -> str:
    facts = {"seat_id": "seat", "person_id": "person"} | facts
    with monkeypatch.context() as patch:
        issued_at = int(time.time()) - seconds_ago
        patch.setattr(TimestampSigner, "get_timestamp", lambda _self: issued_at)
        return issue_seat_ticket(SECRET_KEY, **facts)


@pytest.mark.parametrize("seconds_ago", [0, 60, TWELVE_HOURS - 60])
def test_a_ticket_names_the_seat_for_twelve_hours(monkeypatch, seconds_ago: int):
    ticket = a_ticket_issued(monkeypatch, seconds_ago)
    assert redeem_seat_ticket(SECRET_KEY, ticket, "person") == "seat"


@pytest.mark.parametrize("seconds_ago", [TWELVE_HOURS + 60, 10 * TWELVE_HOURS])
def test_a_stale_ticket_is_refused_in_words(monkeypatch, seconds_ago: int):
    ticket = a_ticket_issued(monkeypatch, seconds_ago)
    with pytest.raises(Invalid) as refusal:
        redeem_seat_ticket(SECRET_KEY, ticket, "person")
    assert refusal.value.sentence == SEAT_TICKET_STALE


def test_somebody_elses_ticket_is_refused(monkeypatch):
    with pytest.raises(Forbidden):
        redeem_seat_ticket(SECRET_KEY, a_ticket_issued(monkeypatch, 0), "another person")


@pytest.mark.parametrize(
    "ticket",
    [
        "",
        "made up",
        issue_seat_ticket("another secret of thirty-two characters", "seat", "person"),
        URLSafeTimedSerializer(SECRET_KEY, salt="another purpose").dumps(["seat", "person"]),
        URLSafeTimedSerializer(SECRET_KEY, salt="consult-seat").dumps("not a pair"),
        URLSafeTimedSerializer(SECRET_KEY, salt="consult-seat").dumps(["seat"]),
        URLSafeTimedSerializer(SECRET_KEY, salt="consult-seat").dumps(7),
    ],
    ids=["empty", "made up", "other secret", "other purpose", "text", "one word", "number"],
)
def test_a_forged_ticket_is_refused(ticket: str):
    with pytest.raises(Invalid):
        redeem_seat_ticket(SECRET_KEY, ticket, "person")


def test_a_page_that_was_open_overnight_is_told_to_reload(
    chair: Sit, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
):
    patient: Chair = chair(meeting.circle.patient)
    seat = next(
        seat for seat in meeting.circle.consult.seats if seat.person_id == meeting.circle.patient.id
    )
    facts = {"seat_id": seat.id, "person_id": patient.person.id}
    stale = a_ticket_issued(monkeypatch, TWELVE_HOURS + 60, **facts)
    assert patient.says("seat.take", ticket=stale, tab="tab")["status"] == 422
    fresh = a_ticket_issued(monkeypatch, 0, **facts)
    assert "state" in patient.says("seat.take", ticket=fresh, tab="tab")


def test_the_login_for_the_relay_ends_after_a_day():
    """coturn's REST scheme: the user name is the second until which it holds, and is signed."""
    with freeze_clock(datetime(2026, 5, 1, tzinfo=UTC)):
        (server,) = build_ice_servers("turn:a.example, turns:b.example", "secret", "seat")
    until = int(datetime(2026, 5, 2, tzinfo=UTC).timestamp())
    assert server["urls"] == ["turn:a.example", "turns:b.example"]
    assert server["username"] == f"{until}:seat"
    signed = hmac.new(b"secret", f"{until}:seat".encode(), hashlib.sha1).digest()
    assert base64.b64decode(server["credential"]) == signed
    assert build_ice_servers(None, "secret", "seat") == []
    assert build_ice_servers("turn:a.example", None, "seat") == []
