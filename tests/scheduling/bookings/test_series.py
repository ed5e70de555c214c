"""Follow-ups: the same time on one wall, all or none, and a word at every date on which a clock has
changed.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.db import Database
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.outbox import Job
from app.core.permissions import Role
from app.identity.models import Person
from app.scheduling.availability import hours
from app.scheduling.bookings import calendar_file, series, service
from app.scheduling.bookings.series import DateTaken, SeriesPlan
from app.scheduling.bookings.slot_request import SlotRequest
from app.scheduling.models import Booking, BookingState, Claim
from tests.people import a_person
from tests.scheduling import clinic as c
from tests.scheduling.clinic import Clinic, another_case, next_noon
from tests.scheduling.time.test_calendar import ZONES


def plan_of(
    clinic: Clinic, booking: Booking, count: int = 3, every: int = 2, zone: str | None = None
) -> SeriesPlan:
    zone = zone or clinic.patient.timezone
    return SeriesPlan(
        series.compute_series_instants(SeriesPlan(booking.starts_at, every, 2, zone))[1],
        every,
        count,
        zone,
    )


def wishes_of(proposed: list[series.ProposedDate]) -> list[SlotRequest]:
    return [
        SlotRequest(one.slot.starts_at, one.slot.specialist_id, one.slot.interpreter_id)
        for one in proposed
        if one.slot
    ]


@pytest.mark.parametrize("zone", ZONES)
def test_the_time_of_day_stays_on_that_wall(zone: str):
    """Half a year of weeks over every change of the clock: the wall shows ten, whatever UTC
    does.
    """
    first = datetime(2026, 2, 3, 10, 0, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    for year in range(3):
        begin = first.replace(year=first.year + year)
        wall = begin.astimezone(ZoneInfo(zone)).time()
        found = series.compute_series_instants(SeriesPlan(begin, 2, series.MAX_FOLLOW_UPS, zone))
        assert len(found) == series.MAX_FOLLOW_UPS
        assert {at.astimezone(ZoneInfo(zone)).time() for at in found} == {wall}
        weekdays = {at.astimezone(ZoneInfo(zone)).weekday() for at in found}
        assert len(weekdays) == 1


def test_a_time_that_the_night_does_not_have_is_an_hour_later():
    at = datetime(2026, 3, 15, 2, 30, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    found = series.compute_series_instants(SeriesPlan(at, 2, 2, "Europe/Berlin"))
    assert found[1] == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 03:30 in summer


class TestBooking:
    def test_all_of_them_with_claims_messages_and_entries_of_their_own(
        self, session: Session, clinic: Clinic, booking: Booking
    ):
        proposed = series.propose_series(session, booking, plan_of(clinic, booking))
        assert [one.why for one in proposed] == [None] * 3
        made = series.book_series(session, clinic.coordinator, booking, wishes_of(proposed), "s")
        again = series.book_series(session, clinic.coordinator, booking, wishes_of(proposed), "s")
        assert [one.id for one in again] == [one.id for one in made] and len(
            {one.id for one in made}
        ) == 3
        assert {one.series_id for one in [booking, *made]} == {booking.id}
        assert session.query(Claim).count() == 4 * 9
        told = [
            job.payload["facts"]["booking_id"]
            for job in session.query(Job).filter_by(kind="notify")
            if job.payload["kind"] == "booking_confirmed"
            and job.payload["person_id"] == clinic.patient.id
        ]
        assert sorted(told) == sorted(one.id for one in [booking, *made])
        files = {
            calendar_file.build_meeting_calendar(one, clinic.patient, site="https://c.example")
            for one in made
        }
        assert len(files) == 3 and all(f"UID:{one.id}@".encode() in b"".join(files) for one in made)
        assert (
            series.list_following_bookings(session, booking) == made
            and series.list_following_bookings(session, made[0]) == made[1:]
        )

    def test_one_that_is_taken_meanwhile_takes_all_with_it(
        self, session: Session, clinic: Clinic, booking: Booking
    ):
        wishes = wishes_of(series.propose_series(session, booking, plan_of(clinic, booking)))
        other = another_case(session, clinic)
        service.book_slot(session, clinic.coordinator, other, wishes[1], "other")
        session.commit()
        with pytest.raises(DateTaken) as refused:
            series.book_series(session, clinic.coordinator, booking, wishes, "s")
        assert refused.value.starts_at == wishes[1].starts_at
        assert (
            session.query(Booking).filter_by(case_id=clinic.case.id).count() == 1
            and booking.series_id is None
        )

    def test_a_conflict_is_named_and_times_near_it_are_offered(
        self, session: Session, clinic: Clinic, booking: Booking
    ):
        plan = plan_of(clinic, booking)
        other = another_case(session, clinic)
        at = series.compute_series_instants(plan)[1]
        service.book_slot(session, clinic.coordinator, other, clinic.wish(at), "other")
        proposed = series.propose_series(session, booking, plan)
        assert [one.slot is not None for one in proposed] == [True, False, True]
        refused = proposed[1]
        assert refused.why and clinic.specialist.name in str(refused.why)
        assert 0 < len(refused.others) <= 4
        assert all(abs(slot.starts_at - at) < timedelta(days=4) for slot in refused.others)

    def test_a_date_out_of_reach_is_said(self, session: Session, clinic: Clinic, booking: Booking):
        proposed = series.propose_series(
            session, booking, plan_of(clinic, booking, count=4, every=12)
        )
        assert [one.slot is not None for one in proposed][:1] == [True]
        assert "ahead" in str(proposed[-1].why)

    def test_what_cannot_be(self, session: Session, clinic: Clinic, booking: Booking):
        plan = plan_of(clinic, booking)
        for bad in (
            SeriesPlan(plan.first, 2, 0, plan.zone),
            SeriesPlan(plan.first, 2, 13, plan.zone),
            SeriesPlan(plan.first, 5, 3, plan.zone),
            SeriesPlan(now() - timedelta(days=1), 2, 3, plan.zone),
        ):
            with pytest.raises(Invalid):
                series.propose_series(session, booking, bad)
        with pytest.raises(Invalid):
            series.book_series(session, clinic.coordinator, booking, [], "s")
        with pytest.raises(Forbidden):
            series.book_series(session, clinic.patient, booking, [clinic.wish()], "s")
        with pytest.raises(
            Conflict, match="already booked"
        ):  # without a series, a case has one meeting ahead
            service.book_slot(
                session, clinic.coordinator, clinic.case, clinic.wish(next_noon(9)), "another"
            )


class TestLater:
    @pytest.fixture
    def made(self, session: Session, clinic: Clinic, booking: Booking) -> list[Booking]:
        proposed = series.propose_series(session, booking, plan_of(clinic, booking))
        return [
            booking,
            *series.book_series(session, clinic.coordinator, booking, wishes_of(proposed), "s"),
        ]

    def test_one_or_all_that_follow_are_cancelled(
        self, session: Session, clinic: Clinic, made: list[Booking]
    ):
        service.cancel_booking(session, clinic.coordinator, made[1])
        series.cancel_series(session, clinic.coordinator, made[2])
        assert [one.state for one in made] == [
            BookingState.CONFIRMED,
            *[BookingState.CANCELLED] * 3,
        ]
        assert session.query(Claim).count() == 9

    def test_all_that_follow_move_as_far_on_the_wall(
        self, session: Session, clinic: Clinic, made: list[Booking]
    ):
        zone = ZoneInfo(clinic.patient.timezone)
        was = [one.starts_at.astimezone(zone) for one in made]
        series.move_series(
            session, clinic.coordinator, made[1], made[1].starts_at + timedelta(hours=1)
        )
        is_now = [one.starts_at.astimezone(zone) for one in made]
        assert is_now[0] == was[0]
        assert [(one.date(), one.hour) for one in is_now[1:]] == [
            (one.date(), one.hour + 1) for one in was[1:]
        ]
        assert [one.sequence for one in made] == [0, 1, 1, 1]

    def test_or_none_of_them(self, session: Session, clinic: Clinic, made: list[Booking]):
        other = another_case(session, clinic)
        service.book_slot(
            session,
            clinic.coordinator,
            other,
            clinic.wish(made[3].starts_at + timedelta(hours=1)),
            "other",
        )
        session.commit()
        was = [one.starts_at for one in made]
        with pytest.raises(DateTaken):
            series.move_series(
                session, clinic.coordinator, made[1], made[1].starts_at + timedelta(hours=1)
            )
        session.rollback()
        assert [one.starts_at for one in made] == was and session.query(Claim).count() == 5 * 9


def a_change_of_the_clock_within(days: int) -> tuple[str, str] | None:
    """A zone that changes its clock in the days to come, and one that does not."""
    for zone in ("America/New_York", "Europe/Berlin", "Australia/Sydney", "America/Santiago"):
        info = ZoneInfo(zone)
        if (
            now().astimezone(info).utcoffset()
            != (now() + timedelta(days=days)).astimezone(info).utcoffset()
        ):
            return zone, "Asia/Dubai"
    return None


def test_the_page_warns_books_and_says_which_date_is_taken(database: Database, visit):
    """The office's way: a look at the dates, a warning where a clock changes, all of them at
    once.
    """
    zones = a_change_of_the_clock_within(120)
    with database.unit_of_work() as session:
        made = c.a_clinic(session)
        office = a_person(session, Role.COORDINATOR)
        if zones:
            made.specialist.timezone, made.patient.timezone = zones
            for person in (made.specialist, made.interpreter):
                hours.set_availability(session, person, person, c.NINE_TO_FIVE, "Asia/Dubai")
        noon = next_noon().replace(hour=8)
        booking = service.book_slot(
            session, office, made.case, made.wish(noon), "t", override_reason="test"
        )
    visitor = visit(office)
    assert "Book follow-ups" in visitor.get(f"/bookings/{booking.id}").text
    page = visitor.get(f"/bookings/{booking.id}/series?count=8&every=2&whose={made.patient.id}")
    dates = re.findall(r'name="date-(\d)" value="([^"]+)" checked', page.text)
    assert len(dates) == 8
    if zones:
        assert (
            "The clocks change during this series" in page.text and "the clocks change" in page.text
        )
    fields = {f"date-{number}": value for number, value in dates}
    assert (
        "8 follow-ups are booked"
        in visitor.post(
            f"/bookings/{booking.id}/series", form_token="s", count="8", every="2", **fields
        ).text
    )
    with database.sessions() as session:
        assert session.query(Booking).filter_by(series_id=booking.id).count() == 9
    assert "Later consultations in this series" in visitor.get(f"/bookings/{booking.id}").text
    taken = visitor.post(
        f"/bookings/{booking.id}/series", form_token="z", count="8", every="2", **fields
    )
    assert (
        taken.status_code == 409
        and "Nothing was changed" in taken.text
        and "is not available" in taken.text
    )
    assert visitor.get(f"/bookings/{booking.id}/series?count=99&every=2").status_code == 422
    assert (
        visitor.get(f"/bookings/{booking.id}/series?count=2&every=2&time=09:07").status_code == 422
    )
    gone = visitor.post(f"/bookings/{booking.id}/series/cancel", reason="")
    assert "9 consultations are cancelled" in gone.text
    stranger = visit(_another_patient(database))
    assert stranger.get(f"/bookings/{booking.id}/series").status_code == 404
    assert stranger.post(f"/bookings/{booking.id}/series/cancel").status_code == 404


def _another_patient(database: Database) -> Person:
    with database.unit_of_work() as session:
        return a_person(session, Role.PATIENT)
