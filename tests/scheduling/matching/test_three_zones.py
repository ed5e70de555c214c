"""Three local times with their weekday on page, mail and file, around every change of the clock of
every zone.

What is expected is read off zoneinfo by ``strftime``, which shares no code with the house's
formats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask, render_template_string

from app.cases.models import Case
from app.core.clock import now
from app.core.permissions import Role
from app.identity.models import Person
from app.notifications.wording import render_notice_wording
from app.scheduling.bookings.calendar_file import build_meeting_calendar
from app.scheduling.models import Booking, BookingState
from app.scheduling.time.calendar import split_at_clock_changes
from app.scheduling.time.quarters import instant_of, quarter_of
from tests.scheduling.bookings.test_calendar_file import event_of
from tests.scheduling.time.test_calendar import ZONES

PAGE = '{% import "macros/times.html" as times %}{{ times.three(at, others, zone) }}'


def seen(zone: str, at: datetime) -> tuple[str, str]:
    """Weekday and time of day on the wall of a zone."""
    wall = at.astimezone(ZoneInfo(zone))
    return f"{wall:%A}", f"{wall.hour % 12 or 12}:{wall:%M} {wall:%p}"


def around_changes(zone: str) -> Iterator[datetime]:
    """A quarter and an hour before and after each change in three years; for a zone without any,
    two nights.
    """
    first, last = (quarter_of(datetime(year, 1, 1, tzinfo=UTC)) for year in (2026, 2029))
    changes = [instant_of(begin) for begin, _, _ in split_at_clock_changes(zone, first, last)[1:]]
    for change in changes or [
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 1, tzinfo=UTC),
    ]:
        for minutes in (-60, -15, 0, 15, 60):
            yield change + timedelta(minutes=minutes)


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<svg.*?</svg>|<[^>]*>", " ", text, flags=re.S))


def a_meeting(at: datetime, zones: tuple[str, str, str]) -> Booking:
    """Never saved: only what is shown of it."""
    roles = (Role.PATIENT, Role.SPECIALIST, Role.INTERPRETER)
    people = [
        Person(
            id=role, role=role, name=role, email=f"{role}@c.example", language="en", timezone=zone
        )
        for role, zone in zip(roles, zones, strict=True)
    ]
    return Booking(
        id="b" * 32,
        case=Case(id="c" * 32, number="C-2026-00001"),
        patient=people[0],
        patient_id=people[0].id,
        specialist=people[1],
        specialist_id=people[1].id,
        interpreter=people[2],
        interpreter_id=people[2].id,
        starts_at=at,
        length=3,
        state=BookingState.CONFIRMED,
        sequence=0,
        created_at=now(),
        changed_at=now(),
        engagements=[],
    )


@pytest.mark.parametrize("place", range(len(ZONES)), ids=ZONES)
def test_on_page_mail_and_file(app: Flask, place: int):
    zones = (ZONES[place], ZONES[(place + 7) % len(ZONES)], ZONES[(place + 13) % len(ZONES)])
    roles = (Role.PATIENT, Role.SPECIALIST, Role.INTERPRETER)
    for at in around_changes(ZONES[place]):
        with app.test_request_context("/?lang=en"):
            app.preprocess_request()
            others = [(role.value, zone) for role, zone in zip(roles[1:], zones[1:], strict=True)]
            page = plain(render_template_string(PAGE, at=at, others=others, zone=zones[0]))
        mail = render_notice_wording(
            "booking_confirmed",
            {"starts_at": at.isoformat(), "zones": others},
            language="en",
            zone=zones[0],
            case_id="c",
            number="C-2026-00001",
        )
        booking = a_meeting(at, zones)
        file = event_of(build_meeting_calendar(booking, booking.patient, site="https://c.example"))[
            "DESCRIPTION"
        ]
        lines = plain(file.replace("\\n", "\n").replace("\\,", ",").replace("\n", " | ")).split("|")
        for index, zone in enumerate(zones):
            weekday, clock = seen(zone, at)
            where = f"{zone} at {at}"
            assert re.search(rf"{weekday}\b[^|]*?\b{clock}", page), where
            assert weekday in plain(mail.times[index].when) and clock in plain(
                mail.times[index].when
            ), where
            assert weekday in lines[index] and clock in lines[index], where
