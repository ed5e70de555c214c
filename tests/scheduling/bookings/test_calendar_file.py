"""Calendar files, read back by readers that are not ours: the times by dateutil, the lines by a
dozen lines of code.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from dateutil.parser import isoparse
from sqlalchemy.orm import Session

from app.scheduling.bookings import service
from app.scheduling.bookings.calendar_file import (
    CalendarMethod,
    build_meeting_calendar,
    build_subscription_calendar,
)
from app.scheduling.models import Booking
from app.scheduling.time.calendar import split_at_clock_changes
from app.scheduling.time.quarters import instant_of, quarter_of
from tests.scheduling.clinic import next_noon
from tests.scheduling.time.test_calendar import ZONES


def lines_of(text: bytes) -> list[str]:
    """Unfolded content lines (RFC 5545 section 3.1), each at most 75 octets before."""
    assert all(len(line) <= 75 for line in text.split(b"\r\n"))
    return re.sub(rb"\r\n[ \t]", b"", text).decode().split("\r\n")


def event_of(text: bytes) -> dict[str, str]:
    """Names and values of the first event, parameters stripped."""
    lines = lines_of(text)
    inside = lines[lines.index("BEGIN:VEVENT") + 1 : lines.index("END:VEVENT")]
    return {line.partition(":")[0].partition(";")[0]: line.partition(":")[2] for line in inside}


def clock_changes_of(zone: str) -> list[int]:
    """The quarters of 2026 in which a zone's clock changes."""
    first, last = (quarter_of(datetime(year, 1, 1, tzinfo=UTC)) for year in (2026, 2027))
    return [begin for begin, _, _ in split_at_clock_changes(zone, first, last)[1:]]


SITE = "https://c.example"
INVITE = {"site": SITE, "method": CalendarMethod.REQUEST, "organizer": "o@c.example"}


class TestMeeting:
    def test_a_move_replaces_and_a_cancellation_takes_away(
        self, session: Session, booking: Booking
    ):
        reader = booking.specialist
        first = event_of(build_meeting_calendar(booking, reader, **INVITE))
        service.move_booking(session, booking.patient, booking, next_noon(days=4))
        second = event_of(build_meeting_calendar(booking, reader, **INVITE))
        service.cancel_booking(session, booking.patient, booking)
        last = build_meeting_calendar(
            booking, reader, site=SITE, method=CalendarMethod.CANCEL, organizer="o@c.example"
        )
        third = event_of(last)
        assert first["UID"] == second["UID"] == third["UID"]
        assert [int(one["SEQUENCE"]) for one in (first, second, third)] == [0, 1, 2]
        assert (first["STATUS"], second["STATUS"], third["STATUS"]) == (
            "CONFIRMED",
            "CONFIRMED",
            "CANCELLED",
        )
        assert "METHOD:CANCEL" in lines_of(last)
        assert first["DTSTART"] != second["DTSTART"] == third["DTSTART"]

    @pytest.mark.parametrize("zone", ZONES)
    def test_times_around_every_clock_change_read_back_as_the_same_instants(
        self, booking: Booking, zone: str
    ):
        booking.patient.timezone = zone
        for begin in clock_changes_of(zone):
            for quarters in range(-8, 9):
                booking.starts_at = instant_of(begin + quarters)
                event = event_of(build_meeting_calendar(booking, booking.patient, site=SITE))
                assert isoparse(event["DTSTART"]) == booking.starts_at
                assert isoparse(event["DTEND"]) == booking.ends_at

    def test_nothing_clinical_and_everyones_time(self, booking: Booking):
        for reader in booking.people:
            text = "\n".join(lines_of(build_meeting_calendar(booking, reader, site=SITE)))
            assert booking.case.number in text
            for word in ("lump", "oncology", "diagnosis", "surgery", booking.patient.name):
                assert word not in text
        english = event_of(build_meeting_calendar(booking, booking.specialist, site=SITE))[
            "DESCRIPTION"
        ]
        assert all(word in english for word in ("Patient", "Specialist", "Interpreter", "Europe"))

    def test_an_invitation_names_who_asks_and_who_is_asked(self, booking: Booking):
        event = event_of(build_meeting_calendar(booking, booking.specialist, **INVITE))
        assert event["ORGANIZER"] == "mailto:o@c.example"
        assert event["ATTENDEE"] == f"mailto:{booking.specialist.email}"

    def test_a_subscription_holds_them_all(self, booking: Booking):
        lines = lines_of(build_subscription_calendar([booking], booking.specialist, site=SITE))
        assert lines.count("BEGIN:VEVENT") == 1 and "METHOD:PUBLISH" in lines
