"""Calendar files, read back by parsers that are not ours: the zones by dateutil, the lines by a
dozen lines of code.
"""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.tz import tzical
from hypothesis import given, settings
from hypothesis import strategies as st
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
from app.scheduling.time.zone_files import build_vtimezone
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


def read_zone(component: bytes, zone: str):
    """The zone as dateutil understands it."""
    wrapped = b"BEGIN:VCALENDAR\r\n" + component + b"END:VCALENDAR\r\n"
    return tzical(io.StringIO(wrapped.decode())).get(zone)


@pytest.mark.parametrize("zone", ZONES)
@given(minutes=st.integers(0, 365 * 24 * 60))
@settings(deadline=None, max_examples=15)
def test_every_zone_reads_back_as_it_is(zone: str, minutes: int):
    """At any moment of the event's year another parser finds the offset that zoneinfo has."""
    at = datetime(2026, 6, 1, tzinfo=UTC)
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    other = read_zone(build_vtimezone(zone, at).to_ical(), zone)
    assert moment.astimezone(other).utcoffset() == moment.astimezone(ZoneInfo(zone)).utcoffset()


@pytest.mark.parametrize("zone", ZONES)
def test_around_every_change_of_the_clock(zone: str):
    other = read_zone(build_vtimezone(zone, datetime(2026, 6, 1, tzinfo=UTC)).to_ical(), zone)
    year = split_at_clock_changes(
        zone,
        quarter_of(datetime(2026, 1, 1, tzinfo=UTC)),
        quarter_of(datetime(2027, 1, 1, tzinfo=UTC)),
    )
    for begin, _, _ in year[1:]:
        for hours in (-3, -1, 0, 1, 3):
            moment = instant_of(begin) + timedelta(hours=hours)
            assert (
                moment.astimezone(other).utcoffset()
                == moment.astimezone(ZoneInfo(zone)).utcoffset()
            ), moment


def test_yearly_rules_are_written_as_rules():
    text = build_vtimezone("Europe/Berlin", datetime(2026, 6, 1, tzinfo=UTC)).to_ical().decode()
    assert "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3" in text and "DTSTART:20250330T020000" in text
    assert (
        "RRULE"
        not in build_vtimezone("Africa/Casablanca", datetime(2026, 6, 1, tzinfo=UTC))
        .to_ical()
        .decode()
    )


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

    def test_the_time_is_the_readers_own(self, booking: Booking):
        text, cairo = (
            build_meeting_calendar(booking, booking.patient, site=SITE),
            ZoneInfo("Africa/Cairo"),
        )
        assert (
            f"DTSTART;TZID=Africa/Cairo:{next_noon().astimezone(cairo):%Y%m%dT%H%M%S}"
            in lines_of(text)
        )
        assert event_of(text)["DTEND"] == f"{booking.ends_at.astimezone(cairo):%Y%m%dT%H%M%S}"

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
