"""Clocks that are not what they were: a person who moves house, and a country that changes its
rules.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.db import Database
from app.core.errors import Invalid
from app.core.outbox import Job
from app.core.permissions import Role
from app.identity.models import Person
from app.scheduling import jobs, queries
from app.scheduling.availability import hours, moving_zone
from app.scheduling.availability.hours import WeeklyHours
from app.scheduling.availability.moving_zone import ZoneMoveWay
from app.scheduling.availability.queries import availability_windows_of
from app.scheduling.bookings import rescue
from app.scheduling.models import AvailabilityWindow, Booking
from app.scheduling.time.calendar import WeeklyWindow, split_at_clock_changes, window_bits
from app.scheduling.time.quarters import Horizon
from tests.people import a_person
from tests.scheduling.clinic import Clinic
from tests.scheduling.time.test_calendar import ZONES


@pytest.fixture
def new_rules(tmp_path: Path) -> Iterator[Callable[[str, str], None]]:
    """``new_rules("Africa/Cairo", "Asia/Riyadh")``: from now on the one zone has the rules of the
    other, on the disk.
    """
    before = zoneinfo.TZPATH

    def bring(zone: str, like: str) -> None:
        source = resources.files("tzdata").joinpath("zoneinfo", *like.split("/"))
        (tmp_path / "zones" / zone).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "zones" / zone).write_bytes(source.read_bytes())
        zoneinfo.reset_tzpath([str(tmp_path / "zones"), *before])

    yield bring
    zoneinfo.reset_tzpath(before)
    ZoneInfo.clear_cache()
    split_at_clock_changes.cache_clear()


def told(session: Session) -> list[str]:
    return [
        job.payload["person_id"]
        for job in session.query(Job).filter_by(kind="notify")
        if job.payload["kind"] == "clock_rules_changed"
    ]


def minutes(zone: str, at: datetime) -> int:
    shift = at.astimezone(ZoneInfo(zone)).utcoffset()
    assert shift is not None
    return int(shift.total_seconds()) // 60


class TestACountryChangesItsClocks:
    def test_the_meeting_keeps_its_instant_and_everyone_learns_their_time(
        self, session: Session, clinic: Clinic, booking: Booking, new_rules
    ):
        was, sequence = booking.starts_at, booking.sequence
        before = minutes("Africa/Cairo", was)
        jobs.check_clock_rules(session, {}, None)  # type: ignore[arg-type]
        assert (
            told(session) == []
            and queries.bookings_with_changed_clocks(session, clinic.coordinator) == []
        )
        new_rules("Africa/Cairo", "Asia/Dubai")
        for _ in range(2):
            jobs.check_clock_rules(session, {}, None)  # type: ignore[arg-type]
        assert (booking.starts_at, booking.sequence) == (was, sequence + 1)
        assert (
            set(told(session))
            == {
                clinic.patient.id,
                clinic.specialist.id,
                clinic.interpreter.id,
                clinic.coordinator.id,
            }
            and len(told(session)) == 4
        )
        assert queries.bookings_with_changed_clocks(session, clinic.coordinator) == [booking]
        assert booking.clocks_changed == {clinic.patient.id: [before, 240]}
        rescue.acknowledge_clock_change(session, clinic.coordinator, booking)
        assert queries.bookings_with_changed_clocks(session, clinic.coordinator) == []

    def test_who_moves_house_is_no_country(
        self, session: Session, clinic: Clinic, booking: Booking, new_rules
    ):
        clinic.patient.timezone = "Asia/Tokyo"
        jobs.check_clock_rules(session, {}, None)  # type: ignore[arg-type]
        assert told(session) == [] and booking.zones[clinic.patient.id] == "Asia/Tokyo"
        new_rules("Asia/Tokyo", "Asia/Dubai")
        jobs.check_clock_rules(session, {}, None)  # type: ignore[arg-type]
        assert booking.clocks_changed == {clinic.patient.id: [540, 240]}

    def test_a_meeting_that_was_agreed_before_zones_were_kept(
        self, session: Session, clinic: Clinic, booking: Booking
    ):
        booking.zones = {}
        jobs.check_clock_rules(session, {}, None)  # type: ignore[arg-type]
        assert told(session) == [] and set(booking.zones) == {
            person.id for person in booking.people
        }

    def test_the_office_sees_it_on_its_board(self, database: Database, visit, new_rules):
        from app.scheduling.bookings import service
        from tests.scheduling import clinic as c

        with database.unit_of_work() as session:
            made = c.a_clinic(session)
            office = a_person(session, Role.COORDINATOR)
            booking = service.book_slot(session, made.patient, made.case, made.wish(), "t")
        visitor = visit(office)
        assert "changed its clock rules" not in visitor.get("/board").text
        new_rules("Africa/Cairo", "Asia/Dubai")
        with database.unit_of_work() as session:
            jobs.check_clock_rules(session, {}, None)  # type: ignore[arg-type]
        page = visitor.get("/board").text
        assert "changed its clock rules" in page and booking.case.number in page
        assert (
            "changed its clock rules"
            not in visitor.post(f"/bookings/{booking.id}/clocks-seen").text
        )


class TestMovingHouse:
    def test_each_way(self, session: Session, clinic: Clinic):
        """From Berlin to Tokyo, with a window over midnight and one that is valid for a while."""
        owner, tokyo = clinic.specialist, "Asia/Tokyo"
        first, last = date(2027, 1, 4), date(2027, 2, 26)
        made = [WeeklyHours(0, 9 * 60, 17 * 60, first, last), WeeklyHours(6, 20 * 60, 23 * 60)]
        hours.set_availability(session, owner, owner, made, "Europe/Berlin")
        both = moving_zone.list_opening_moves(session, owner, tokyo)
        assert [one.wall for one in both] == made
        apart = 540 - minutes("Europe/Berlin", now())
        assert both[0].moments == WeeklyHours(
            0, 17 * 60, 60, first, last
        )  # in winter, when it is valid
        assert both[1].moments == WeeklyHours(0, (20 * 60 + apart) % 1440, (23 * 60 + apart) % 1440)
        assert moving_zone.has_varying_zone_offset(
            "Europe/Berlin", tokyo
        ) and not moving_zone.has_varying_zone_offset("Asia/Seoul", tokyo)
        moving_zone.move_hours_to_zone(session, owner, owner, tokyo, "leave")
        assert {row.zone for row in availability_windows_of(session, owner)} == {"Europe/Berlin"}
        moving_zone.move_hours_to_zone(session, owner, owner, tokyo, "wall")
        assert [
            (row.weekday, row.start_minute, row.zone)
            for row in availability_windows_of(session, owner)
        ] == [(0, 540, tokyo), (6, 1200, tokyo)]
        with pytest.raises(Invalid):
            moving_zone.move_hours_to_zone(session, owner, owner, tokyo, "perhaps")

    def test_meetings_that_would_lie_outside_are_named(
        self, session: Session, clinic: Clinic, booking: Booking
    ):
        one = moving_zone.list_zone_move_meetings(
            session, clinic.specialist, "America/Los_Angeles"
        )[0]
        assert one.booking is booking and one.outside == (ZoneMoveWay.WALL,)

    def test_the_account_asks_and_shows_both(self, database: Database, visit):
        with database.unit_of_work() as session:
            doctor = a_person(
                session, Role.SPECIALIST, specialties=["oncology"], timezone="Europe/Berlin"
            )
            hours.set_availability(
                session, doctor, doctor, [WeeklyHours(0, 540, 600)], doctor.timezone
            )
        visitor = visit(doctor)
        asked = visitor.post(
            "/account", name="Anna", language="en", country="JP", timezone="Asia/Tokyo"
        )
        assert (
            "Should your availability move with you?" in asked.text and "09:00–10:00" in asked.text
        )
        assert visitor.post("/hours/zone", to="Asia/Tokyo", way="").status_code == 422
        saved = visitor.post("/hours/zone", to="Asia/Tokyo", way="wall")
        assert "Your availability is saved" in saved.text
        with database.sessions() as session:
            assert [row.zone for row in availability_windows_of(session, doctor)] == ["Asia/Tokyo"]
        same = {"start-0-0": "09:00", "end-0-0": "10:00"}
        assert (
            "Should your availability move with you?"
            in visitor.post("/hours", zone="Asia/Kolkata", **same).text
        )
        other = same | {"end-0-0": "11:00"}
        assert (
            "Your availability is saved"
            in visitor.post("/hours", zone="Asia/Kolkata", **other).text
        )
        assert visitor.get("/hours/zone?to=Mars/Olympus").request.path == "/hours"


@given(
    st.sampled_from(ZONES),
    st.sampled_from(ZONES),
    st.integers(0, 6),
    st.integers(0, 95),
    st.integers(1, 95),
)
@settings(deadline=None, max_examples=200)
def test_moments_kept_are_the_same_quarters_in_the_week_to_come(
    zone, other, weekday, start, length
):
    """Bit for bit, in the first week in which neither zone changes its clock from the day of
    reference on.
    """
    end = (start * 15 + length * 15) % 1440 or 1440
    row = AvailabilityWindow(
        id="w", person_id="p", weekday=weekday, start_minute=start * 15, end_minute=end, zone=zone
    )
    moved = moving_zone._hours_at_same_moments(row, other)
    day = now().astimezone(ZoneInfo(zone)).date()
    day += timedelta(days=(weekday - day.weekday()) % 7)
    around = Horizon.between(
        datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=2),
        datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=4),
    )
    if any(len(split_at_clock_changes(one, around.start, around.end)) > 1 for one in (zone, other)):
        return
    was = WeeklyWindow(weekday, start * 15, end, zone)
    now_is = WeeklyWindow(moved.weekday, moved.start, moved.end, other)
    assert window_bits([was], around) == window_bits([now_is], around)


def test_everybody_keeps_their_own_zone(session: Session, clinic: Clinic, booking: Booking):
    assert booking.zones == {
        one.id: one.timezone for one in booking.people if isinstance(one, Person)
    }
