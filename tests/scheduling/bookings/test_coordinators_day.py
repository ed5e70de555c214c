"""The coordinator's day in Chromium, in English and in Arabic: book, look, drag, fill, report,
follow up, cancel.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from app.cases.models import Case
from app.core.clock import now
from app.core.db import Database
from app.core.permissions import Role
from app.identity.models import Person
from app.scheduling.availability.hours import set_availability
from app.scheduling.bookings import service, slot_request
from app.scheduling.interpreters import ladder
from app.scheduling.models import Booking, BookingState, Claim, EngagementState
from app.scheduling.time.quarters import instant_of, quarter_of
from tests.axe import faults
from tests.people import an_accepted_case
from tests.processes import wait_for
from tests.scheduling import clinic as c
from tests.scheduling.clinic import Clinic, next_noon

pytestmark = pytest.mark.journey
OFFICE_ZONE = "Europe/Berlin"
HOUR = 64  # pixels of the week's board


@dataclass
class Day:
    """Three cases: one to book, one whose interpreter has said no, one that waits for its
    interpreter right now.
    """

    clinic: Clinic
    unfilled: Booking
    waiting: Booking
    missing: Person


@pytest.fixture
def day(database: Database) -> Day:
    with database.unit_of_work() as session:
        made = c.a_clinic(session)
        made.coordinator.timezone = OFFICE_ZONE
        other = c.another_case(session, made)
        unfilled = service.book_slot(
            session, made.coordinator, other, made.wish(next_noon() + timedelta(hours=1)), "u"
        )
        ladder.decline_engagement(session, made.interpreter, unfilled.engagement)  # type: ignore[arg-type]
        waiting = _that_begins_now(session, made)
        return Day(made, unfilled, waiting, waiting.interpreter)  # type: ignore[arg-type]


def _that_begins_now(session, made: Clinic) -> Booking:  # type: ignore[no-untyped-def]
    """With a specialist and interpreters of its own, who work at all hours."""
    always = [c.WeeklyHours(weekday, 0, 24 * 60) for weekday in range(7)]
    specialist = c.a_specialist(session, language="fr")
    people = [
        c.an_interpreter(session, made.coordinator, source="ar", target="fr") for _ in range(2)
    ]
    for person in (specialist, *people):
        set_availability(session, person, person, always, "UTC")
    patient = c.a_person(session, Role.PATIENT, language="ar", timezone="Africa/Cairo")
    case = an_accepted_case(session, patient, made.coordinator, specialist)
    soon = instant_of(quarter_of(now()) + 2)
    booking = service.book_slot(
        session,
        made.coordinator,
        case,
        slot_request.SlotRequest(soon, specialist.id, people[0].id),
        "w",
    )
    begun = quarter_of(
        now()
    )  # a claim cannot be taken in the past, so the clock of the story goes back
    for claim in session.query(Claim).filter_by(booking_id=booking.id).order_by(Claim.quarter):
        claim.quarter -= quarter_of(soon) - begun
        session.flush()
    booking.starts_at = instant_of(begun)
    return booking


def is_well(page: Page) -> None:
    assert faults(page) == [], page.url


def press(page: Page, action: str) -> None:
    """Presses the button of a form, after opening the question before it where there is one."""
    form = page.locator(f"main form[method=post][action$='{action}']").first
    if not form.is_visible():
        page.locator(f"details:has(form[action$='{action}']) summary").first.click()
    form.locator("button[type=submit], button:not([type])").first.click()
    page.wait_for_load_state()


def on_board(page: Page, booking: Booking | str) -> Locator:
    return page.locator(
        f"button[data-booking='{booking if isinstance(booking, str) else booking.id}']"
    ).first


def board(page: Page, at: datetime, language: str) -> None:
    page.goto(f"/board?week={at.astimezone(ZoneInfo(OFFICE_ZONE)).date()}&lang={language}")
    expect(page.locator("[data-board-target=frame]")).to_have_attribute("data-state", "ready")


def drag(page: Page, entry: Locator, hours: float, language: str) -> None:
    """Along its row, towards the later end of the line, which is the left one in Arabic."""
    entry.hover()  # waits until it is drawn, in view and at rest; starts anew when it is redrawn
    box = entry.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    far = x + HOUR * hours * (-1 if language == "ar" else 1)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move((x + far) / 2, y, steps=5)
    page.mouse.move(far, y, steps=5)
    page.mouse.up()


def at_hour(database: Database, booking_id: str) -> int:
    with database.sessions() as session:
        return session.get_one(Booking, booking_id).starts_at.hour


@pytest.mark.timeout(180)
@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_coordinators_day(
    enter: Callable[..., Page], day: Day, database: Database, language: str
):
    page = enter(day.clinic.coordinator, "/home", language=language)
    booking_id = books_from_the_worklist(page, day.clinic.case, database)
    with database.sessions() as session:
        booking = session.get_one(Booking, booking_id)
        starts_at = booking.starts_at
    drags_on_the_board(page, booking_id, starts_at, database, language)
    moves_without_dragging(page, booking_id, starts_at, database, language)
    fills_what_is_unfilled(page, day, database, language)
    reports_who_did_not_come(page, day, language)
    follows_up_and_cancels(page, booking_id, database)


def books_from_the_worklist(page: Page, case: Case, database: Database) -> str:
    """A slot of the day on which the other case meets at one: ten o'clock, UTC."""
    is_well(page)
    page.locator(f"a[href*='/cases/{case.id}']").first.click()
    page.wait_for_load_state()
    page.locator(f"main a[href*='/cases/{case.id}/times']").first.click()
    wanted = next_noon().replace(hour=10).strftime("%Y-%m-%dT%H:%M")
    slot = page.locator(f"button.slot[value^='{wanted}']")
    expect(slot.locator(".slot-other")).to_have_count(
        3
    )  # patient, specialist and interpreter, beside the office's own
    is_well(page)
    slot.click()
    expect(page.locator(".countdown")).to_have_text(re.compile(r"[\d٠-٩]+[:：][\d٠-٩]{2}"))
    is_well(page)
    press(page, "/confirm")
    with database.sessions() as session:
        booking = (
            session.query(Booking).filter_by(case_id=case.id, state=BookingState.CONFIRMED).one()
        )
        return booking.id


def drags_on_the_board(
    page: Page, booking_id: str, at: datetime, database: Database, language: str
) -> None:
    board(page, at, language)
    expect(page.locator("#unfilled")).to_be_visible()
    is_well(page)
    expect(page.locator(f"button[data-booking='{booking_id}']")).to_have_count(
        2
    )  # in the rows of both who work
    drag(page, on_board(page, booking_id), 1, language)
    expect(page.locator("[data-board-target=said]")).not_to_have_text("")
    assert at_hour(database, booking_id) == 11
    expect(on_board(page, booking_id)).to_contain_text("12:00")  # on the wall in Berlin
    drag(
        page, on_board(page, booking_id), 2, language
    )  # where the specialist meets another patient
    expect(on_board(page, booking_id)).to_contain_text("12:00")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.locator("[data-board-target=said]")).not_to_have_text(re.compile("^$"))
    assert at_hour(database, booking_id) == 11
    drag(
        page, on_board(page, booking_id), 5, language
    )  # after the specialist's hours: with a reason only
    expect(page.locator("#board-override")).to_be_visible()
    is_well(page)
    page.fill("#board-override", "The patient flies home at night")
    page.locator("#board-wall").fill(_wall(at.replace(hour=16)))
    page.locator("dialog[open] button[type=submit]").click()
    expect(on_board(page, booking_id)).to_contain_text("17:00")
    assert at_hour(database, booking_id) == 16


def moves_without_dragging(
    page: Page, booking_id: str, at: datetime, database: Database, language: str
) -> None:
    """With keys alone, in the view of one day; then on a phone the same day is a list."""
    with page.expect_response(re.compile(r"meetings\.json.*days=1")):
        page.locator("[data-action='board#day']").click()
    opens_with_enter(page, booking_id)
    page.locator("#board-wall").fill(_wall(at))
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(on_board(page, booking_id)).to_contain_text("11:00")
    assert at_hour(database, booking_id) == 10
    page.set_viewport_size({"width": 360, "height": 800})
    expect(page.locator(".board-calendar")).to_be_hidden()
    expect(page.locator(f".week-board a[href*='{booking_id}']")).to_be_visible()
    is_well(page)
    page.set_viewport_size({"width": 1280, "height": 900})


def opens_with_enter(page: Page, booking_id: str) -> None:
    """Until the dialog is open: an entry that is drawn anew loses the focus."""
    dialog = page.locator("dialog[open]")

    def is_open() -> bool:
        if not dialog.is_visible():
            on_board(page, booking_id).press("Enter")
        return dialog.is_visible()

    wait_for(is_open, 15)


def fills_what_is_unfilled(page: Page, day: Day, database: Database, language: str) -> None:
    with database.unit_of_work() as session:
        helper = c.an_interpreter(session, session.get_one(Person, day.clinic.coordinator.id))
    board(page, day.unfilled.starts_at, language)
    page.locator(f"#unfilled a[href*='{day.unfilled.id}']").first.click()
    page.wait_for_load_state()
    expect(page.locator("main")).to_contain_text(helper.name)  # who would be asked next
    press(page, "/ask-another")
    is_well(page)
    with database.sessions() as session:
        engagement = session.get_one(Booking, day.unfilled.id).engagement
        assert engagement is not None and engagement.state == EngagementState.PROPOSED


def reports_who_did_not_come(page: Page, day: Day, language: str) -> None:
    page.goto(f"/bookings/{day.waiting.id}")
    press(page, "/no-show")
    is_well(page)
    board(page, now(), language)
    expect(page.locator("#no-shows")).to_contain_text(day.missing.name)
    expect(page.locator("#load")).to_be_visible()


def follows_up_and_cancels(page: Page, booking_id: str, database: Database) -> None:
    page.goto(f"/bookings/{booking_id}/series?count=8&every=2")
    expect(page.locator("fieldset[id^=date-]")).to_have_count(8)
    with database.sessions() as session:
        booking = session.get_one(Booking, booking_id)
        changes = any(
            _is_shifted(one, booking.starts_at, booking.patient.timezone)
            for one in (person.timezone for person in booking.people)
        )
    if changes:
        expect(page.locator(".series-shift").first).to_be_visible()
    is_well(page)
    press(page, f"/bookings/{booking_id}/series")
    with database.sessions() as session:
        assert (
            session.query(Booking)
            .filter_by(series_id=booking_id, state=BookingState.CONFIRMED)
            .count()
            == 9
        )
    page.locator("details:has(form[action$='/series/cancel']) summary").click()
    page.fill("#f-series-reason", "The patient is treated at home")
    press(page, "/series/cancel")
    with database.sessions() as session:
        gone = session.query(Booking).filter_by(series_id=booking_id)
        assert {one.state for one in gone} == {BookingState.CANCELLED}
        assert {one.cancel_reason for one in gone} == {"The patient is treated at home"}
        assert (
            not session.query(Claim).filter(Claim.booking_id.in_([one.id for one in gone])).count()
        )


def _is_shifted(zone: str, at: datetime, keeper: str) -> bool:
    last = (at.astimezone(ZoneInfo(keeper)).replace(tzinfo=None) + timedelta(weeks=16)).replace(
        tzinfo=ZoneInfo(keeper)
    )
    return last.astimezone(ZoneInfo(zone)).time() != at.astimezone(ZoneInfo(zone)).time()


def _wall(at: datetime) -> str:
    return at.astimezone(ZoneInfo(OFFICE_ZONE)).strftime("%Y-%m-%dT%H:%M")
