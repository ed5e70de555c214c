"""Hours on a calendar: what it draws, each change over HTTP, and a hand, a finger and keys in real
Chromium.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.db import Database
from app.core.errors import Forbidden, Invalid
from app.core.permissions import Role
from app.identity.models import Person
from app.scheduling.availability import hours
from app.scheduling.availability.hours import DatedAvailability, WeeklyHours
from app.scheduling.availability.hours_week import CalendarSpanKind, week_of_hours
from app.scheduling.availability.queries import availability_exceptions_of, availability_windows_of
from app.scheduling.matching.queries import find_slots_for_case
from tests.axe import faults
from tests.people import a_person
from tests.processes import wait_for
from tests.scheduling.clinic import Clinic

MONDAY = date(
    2026, 3, 23
)  # of the week that ends with the night on which clocks go forward in Europe


class TestWhatIsDrawn:
    def test_openings_and_exceptions_stand_on_the_wall(self, session: Session, clinic: Clinic):
        owner = clinic.specialist
        hours.set_availability(
            session,
            owner,
            owner,
            [WeeklyHours(0, 9 * 60, 12 * 60), WeeklyHours(6, 22 * 60, 4 * 60)],
            "Europe/Berlin",
        )
        later = (now() + timedelta(days=2)).date()
        weekly = DatedAvailability(MONDAY, MONDAY, start=600, end=660, rule="FREQ=WEEKLY")
        hours.add_availability_exception(session, owner, owner, weekly, owner.timezone)
        hours.add_availability_exception(
            session,
            owner,
            owner,
            DatedAvailability(later, later, opens=True, start=0, end=60),
            owner.timezone,
        )
        drawn = week_of_hours(session, owner, "Europe/Berlin", MONDAY)
        assert [(one.kind, one.starts.isoformat(), one.ends.isoformat()) for one in drawn] == [
            (CalendarSpanKind.WEEKLY, "2026-03-22T22:00:00", "2026-03-23T04:00:00"),
            (CalendarSpanKind.WEEKLY, "2026-03-23T09:00:00", "2026-03-23T12:00:00"),
            (CalendarSpanKind.CLOSED, "2026-03-23T10:00:00", "2026-03-23T11:00:00"),
            (CalendarSpanKind.WEEKLY, "2026-03-29T22:00:00", "2026-03-30T04:00:00"),
        ]

    def test_hours_of_another_zone_stand_where_they_fall_and_are_not_dragged(
        self, session: Session, clinic: Clinic
    ):
        owner = clinic.specialist
        hours.set_availability(
            session, owner, owner, [WeeklyHours(0, 9 * 60, 12 * 60)], "Asia/Tokyo"
        )
        one = week_of_hours(session, owner, "Europe/Berlin", MONDAY)[0]
        assert (one.starts.isoformat(), one.is_movable) == ("2026-03-23T01:00:00", False)

    def test_validity_is_kept_to(self, session: Session, clinic: Clinic):
        owner = clinic.specialist
        hours.set_availability(
            session,
            owner,
            owner,
            [WeeklyHours(2, 540, 600, MONDAY + timedelta(days=7), MONDAY + timedelta(days=13))],
            "Europe/Berlin",
        )
        weeks = [
            len(week_of_hours(session, owner, "Europe/Berlin", MONDAY + timedelta(weeks=n)))
            for n in range(3)
        ]
        assert weeks == [0, 1, 0]


class TestChanges:
    @pytest.mark.parametrize(
        "one, words",
        [
            (WeeklyHours(0, 540, 547), "quarter"),
            (WeeklyHours(0, 540, 540), "after"),
            (WeeklyHours(7, 540, 600), "day"),
            (WeeklyHours(0, 540, 600, date(2026, 5, 2), date(2026, 5, 1)), "last day"),
        ],
    )
    def test_what_cannot_be_is_refused(
        self, session: Session, clinic: Clinic, one: WeeklyHours, words: str
    ):
        with pytest.raises(Invalid, match=words):
            hours.add_opening(session, clinic.specialist, clinic.specialist, one, "Europe/Berlin")

    def test_nobody_changes_anothers(self, session: Session, clinic: Clinic):
        row = availability_windows_of(session, clinic.interpreter)[0]
        for actor, owner in (
            (clinic.specialist, clinic.interpreter),
            (clinic.specialist, clinic.specialist),
        ):
            with pytest.raises(Forbidden):
                hours.change_opening(session, actor, owner, row, WeeklyHours(0, 0, 60))
            with pytest.raises(Forbidden):
                hours.remove_opening(session, actor, owner, row)

    def test_a_change_is_seen_by_the_next_search(self, session: Session, clinic: Clinic):
        owner = clinic.specialist
        for row in availability_windows_of(session, owner):
            hours.remove_opening(session, owner, owner, row)
        assert find_slots_for_case(session, clinic.case).slots == []
        day = (now() + timedelta(days=3)).astimezone(UTC).date()
        row = hours.add_opening(session, owner, owner, WeeklyHours(day.weekday(), 600, 660), "UTC")
        found = find_slots_for_case(session, clinic.case).slots
        assert found and {(slot.starts_at.weekday(), slot.starts_at.hour) for slot in found} == {
            (day.weekday(), 10)
        }
        hours.change_opening(session, owner, owner, row, WeeklyHours(day.weekday(), 720, 780))
        assert {
            slot.starts_at.hour for slot in find_slots_for_case(session, clinic.case).slots
        } == {12}

    def test_most_a_day_is_not_more_than_most_a_week(self, session: Session, clinic: Clinic):
        with pytest.raises(Invalid, match="more than the maximum per week"):
            hours.set_diary_habits(
                session,
                clinic.specialist,
                clinic.specialist,
                hours.DiaryHabits(daily_most=4, weekly_most=3),
            )


@pytest.fixture
def doctor(database: Database) -> Person:
    """A specialist in Berlin with no hours yet."""
    with database.unit_of_work() as session:
        return a_person(
            session, Role.SPECIALIST, specialties=["oncology"], timezone="Europe/Berlin"
        )


def test_over_http(doctor: Person, database: Database, visit: Callable[..., object]):
    """Add, change, remove and put back as a script does; the form keeps validity; bad input is a
    sentence.
    """
    visitor = visit(doctor)
    script = {"headers": {"X-Requested-With": "fetch"}}
    new = visitor.post("/hours/openings", weekday="1", start="09:00", end="00:00", **script)
    row = new.json["row"]
    refused = visitor.post("/hours/openings", weekday="1", start="9 o'clock", end="12:00", **script)
    assert refused.status_code == 422 and "start and an end time" in refused.json["error"]
    changed = visitor.post(
        f"/hours/openings/{row}",
        weekday="2",
        start="10:00",
        end="12:00",
        valid_from="2026-01-05",
        valid_until="2027-12-31",
        **script,
    )
    assert changed.json == {"row": row}
    page = visitor.get("/hours").text
    assert (
        'name="first-2-0" value="2026-01-05"' in page and 'name="start-2-0" value="10:00"' in page
    )
    visitor.post(
        "/hours",
        zone="Europe/Berlin",
        **{
            "start-2-0": "10:00",
            "end-2-0": "12:00",
            "first-2-0": "2026-01-05",
            "last-2-0": "2027-12-31",
        },
    )
    with database.sessions() as session:
        kept = availability_windows_of(session, doctor)[0]
        assert (kept.weekday, kept.valid_from, kept.valid_until) == (
            2,
            date(2026, 1, 5),
            date(2027, 12, 31),
        )
    drawn = visitor.get("/hours/calendar.json?from=2026-11-23").json
    assert drawn["zone"] == "Europe/Berlin" and [one["starts"] for one in drawn["stretches"]] == [
        "2026-11-25T10:00:00"
    ]
    day = (now() + timedelta(days=3)).date().isoformat()
    closed = visitor.post("/hours/days", first=day, kind="closed", **script).json["row"]
    assert visitor.post(
        f"/hours/days/{closed}", first=day, kind="extra", start="18:00", end="19:00", **script
    ).json
    assert visitor.post(f"/hours/openings/{kept.id}/remove", **script).status_code == 200
    with database.sessions() as session:
        assert (
            availability_windows_of(session, doctor) == []
            and availability_exceptions_of(session, doctor)[0].opens
        )


def test_the_form_says_what_is_wrong_with_habits(doctor: Person, visit: Callable[..., object]):
    answer = visit(doctor).post(
        "/hours/habits", buffer="15", notice_hours="4", daily_most="9", weekly_most="3"
    )
    assert (
        answer.status_code == 422
        and "more than the maximum per week" in answer.text
        and 'value="9"' in answer.text
    )


# --- in the browser ---


def at(page: Page, hour: float, column: int = 1) -> tuple[float, float]:
    """Where an hour of a day stands on the screen. Columns count from the start of the line, in
    either direction.
    """
    body = page.locator(".ec-body .ec-day").nth(column)
    body.scroll_into_view_if_needed()
    box, frame = body.bounding_box(), page.locator(".ec-main").bounding_box()
    assert box and frame
    height = box["height"] / 24
    return box["x"] + box["width"] * 0.5, box["y"] + height * hour + 2


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=4)
    page.mouse.move(*end, steps=4)
    page.mouse.up()


def entries(page: Page) -> Locator:
    return page.locator("button.ec-stretch")


def ready(page: Page) -> None:
    expect(page.locator("[data-hours-calendar-target=frame]")).to_have_attribute(
        "data-state", "ready"
    )


def kept(database: Database, owner: Person) -> list[tuple[int, int, int]]:
    with database.sessions() as session:
        return [
            (one.weekday, one.start_minute, one.end_minute)
            for one in availability_windows_of(session, owner)
        ]


def keeps(page: Page, database: Database, owner: Person, rows: list[tuple[int, int, int]]) -> None:
    """Soon; then the calendar has a moment to be drawn anew, and it still is so."""
    wait_for(lambda: kept(database, owner) == rows or page.wait_for_timeout(50), 5)
    page.wait_for_timeout(300)
    assert kept(database, owner) == rows


@pytest.mark.late
@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_week_is_drawn_moved_lengthened_and_undone(
    enter: Callable[..., Page], doctor: Person, database: Database, language: str
):
    page = enter(doctor, "/hours", language=language)
    ready(page)
    drag(page, at(page, 9), at(page, 12))  # Tuesday: the second column
    expect(page.locator("#calendar-start")).to_have_value("09:00")
    page.locator("dialog[open] button[type=submit]").click()
    expect(entries(page)).to_have_count(1)
    assert kept(database, doctor)[0][:2] == (1, 540)
    end = kept(database, doctor)[0][2]
    drag(page, at(page, 10), at(page, 11, column=3))
    expect(page.locator("[data-hours-calendar-target=undo]")).to_be_visible()
    keeps(page, database, doctor, [(3, 600, end + 60)])
    box = entries(page).first.bounding_box()
    assert box
    edge = (box["x"] + box["width"] / 2, box["y"] + box["height"] - 2)
    drag(page, edge, (edge[0], edge[1] + 44))
    keeps(page, database, doctor, [(3, 600, end + 120)])
    page.locator("[data-hours-calendar-target=undo]").click()
    keeps(page, database, doctor, [(3, 600, end + 60)])
    assert faults(page) == []


@pytest.mark.late
def test_with_keys_alone(enter: Callable[..., Page], doctor: Person, database: Database):
    page = enter(doctor, "/hours")
    ready(page)
    page.get_by_role("button", name="Add an opening").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.locator("#calendar-weekday").select_option("1")
    page.locator("#calendar-end").press("Enter")
    expect(entries(page)).to_have_count(1)
    entries(page).first.focus()
    for key in ("ArrowDown", "ArrowRight", "Shift+ArrowDown"):
        expect(entries(page).first).to_be_focused()  # it is drawn anew at each step
        page.keyboard.press(key)
    expect(page.locator("[data-hours-calendar-target=said]")).to_have_text("Changed.")
    assert kept(database, doctor) == [(2, 555, 750)]
    expect(entries(page).first).to_be_focused()
    page.keyboard.press("Delete")
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    assert kept(database, doctor) == []
    page.keyboard.press("Enter")
    expect(entries(page)).to_have_count(1)
    assert kept(database, doctor) == [(2, 555, 750)]
    page.route("**/hours/calendar.json*", lambda route: route.abort())
    page.locator("[data-action*='hours-calendar#later']").press("Enter")
    expect(page.locator("[data-hours-calendar-target=said]")).to_contain_text(
        "We could not reach the hospital"
    )


@pytest.mark.late
@pytest.mark.parametrize("language", ["en", "ar"])
def test_with_a_finger_on_a_phone(
    enter: Callable[..., Page], doctor: Person, database: Database, language: str
):
    """Held still, then drawn: a day closed for two hours. The page stays as wide as the phone."""
    page = enter(doctor, "/hours", width=360, language=language)
    ready(page)
    page.locator("[data-action='hours-calendar#later']").click()
    page.locator(".ec-main").scroll_into_view_if_needed()
    page.evaluate(
        "window.scrollTo(0, document.querySelector('.ec-main').getBoundingClientRect().top +"
        " scrollY - 80)"
    )
    start, end = at(page, 9, column=0), at(page, 11, column=0)
    touch = page.context.new_cdp_session(page)

    def send(kind: str, *points: tuple[float, float]) -> None:
        touch.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]},
        )

    send("touchStart", start)
    page.wait_for_timeout(600)
    for step in range(1, 6):
        send("touchMove", (start[0], start[1] + (end[1] - start[1]) * step / 5))
    send("touchEnd")
    expect(page.locator("dialog[open]")).to_be_visible()
    page.locator("dialog[open] input[value=closed]").check()
    assert faults(page) == []
    page.locator("dialog[open] button[type=submit]").click()
    expect(entries(page)).to_have_count(1)
    with database.sessions() as session:
        row = availability_exceptions_of(session, doctor)[0]
        assert (row.opens, row.start_minute) == (False, 540) and row.first_day > datetime.now(
            UTC
        ).date()
