"""One meeting, however it is asked for: a double click, a request that is sent again, two tabs. And
honest answers.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect

from app.core.clock import now
from app.core.db import Database
from app.core.permissions import Role
from app.scheduling.availability.queries import qualifications_of
from app.scheduling.interpreters import credentials
from app.scheduling.interpreters.credentials import InterpreterCredential
from app.scheduling.matching import reasons
from app.scheduling.models import Booking, BookingState, Claim
from tests.people import a_person, an_accepted_case
from tests.scheduling import clinic as c

AGAIN = """async () => {
  const form = document.querySelector("form.slots");
  const body = new FormData(form);
  body.set("slot", form.querySelector("button.slot").value);
  const post = () => fetch(form.action, { method: "POST", body });
  const answers = await Promise.all([1, 2, 3].map(post));
  return answers.map((one) => one.status);
}"""


@pytest.fixture
def clinic(database: Database) -> c.Clinic:
    with database.unit_of_work() as session:
        made = c.a_clinic(session)
        made.patient = a_person(session, Role.PATIENT, language="ar", timezone="Africa/Cairo")
        made.case = an_accepted_case(session, made.patient, made.coordinator, made.specialist)
        return made


def bookings(database: Database) -> list[str]:
    with database.sessions() as session:
        return sorted(one.state for one in session.query(Booking))


def claims(database: Database) -> int:
    with database.sessions() as session:
        return session.query(Claim).count()


@pytest.mark.late
def test_a_double_click_and_a_request_sent_again(
    enter: Callable[..., Page], clinic: c.Clinic, database: Database
):
    page = enter(clinic.patient, f"/cases/{clinic.case.id}/times", width=360)
    assert page.evaluate(AGAIN) == [200] * 3
    assert bookings(database) == [BookingState.HELD] and claims(database) == 9
    page.locator("button.slot:visible").first.dblclick()
    page.wait_for_url("**/confirm")
    assert claims(database) == 9
    before = page.locator(".countdown").text_content()
    expect(page.locator(".countdown")).not_to_have_text(before or "")  # it counts down
    page.locator("form[action$='/confirm'] button").dblclick()
    page.wait_for_url("**/bookings/*")
    assert bookings(database).count(BookingState.CONFIRMED) == 1 and claims(database) == 9


@pytest.mark.late
def test_two_tabs_make_one_meeting(
    enter: Callable[..., Page], clinic: c.Clinic, database: Database
):
    one = enter(clinic.patient, f"/cases/{clinic.case.id}/times")
    other = one.context.new_page()
    other.goto(f"/cases/{clinic.case.id}/times")
    for page, place in ((one, 0), (other, 1)):
        page.locator("button.slot:visible").nth(place).click()
        page.wait_for_url("**/confirm")
    assert bookings(database) == [BookingState.EXPIRED, BookingState.HELD] and claims(database) == 9
    for page in (other, one):
        page.locator("form[action$='/confirm'] button").click()
        page.wait_for_load_state()
    expect(one.locator("main")).to_contain_text("already booked")
    assert bookings(database).count(BookingState.CONFIRMED) == 1 and claims(database) == 9


def test_the_nearest_credential_is_named(clinic: c.Clinic, database: Database, visit):
    """Nobody before a day: said to all; whose it is, to the office. An expired one is named when
    none is ahead.
    """
    today = now().date()
    with database.unit_of_work() as session:
        coordinator, interpreter = (
            session.merge(clinic.coordinator),
            session.merge(clinic.interpreter),
        )
        office = a_person(session, Role.COORDINATOR)
        for held in qualifications_of(session, interpreter):
            session.delete(held)
        credentials.add_qualification(
            session,
            coordinator,
            interpreter,
            InterpreterCredential("ar", "en", valid_until=today - timedelta(days=2)),
        )
        over = reasons.find_nearest_credential(session, "ar", "en", today)
        assert over and (over.is_ahead, over.day) == (False, today - timedelta(days=2))
        assert reasons.find_nearest_credential(session, "ar", "fr", today) is None
    path = f"/cases/{clinic.case.id}/times?lang=en"
    assert f"{clinic.interpreter.name}, expired on" in visit(office).get(path).text
    first = today + timedelta(days=40)
    with database.unit_of_work() as session:
        credentials.add_qualification(
            session,
            session.merge(clinic.coordinator),
            session.merge(clinic.interpreter),
            InterpreterCredential("en", "ar", valid_from=first),
        )
        _one_that_begins_never(session, clinic, first)
    seen, told = visit(office).get(path).text, visit(clinic.patient).get(path).text
    for page in (seen, told):
        assert "has a valid credential before" in page and str(first.day) in page
    assert clinic.interpreter.name in seen and clinic.interpreter.name not in told
    assert "The next time that suits everyone" in told


def _one_that_begins_never(session, clinic: c.Clinic, first: date) -> None:  # type: ignore[no-untyped-def]
    """A later one does not count, nor does one that would end before it begins to matter."""
    other = c.an_interpreter(session, session.merge(clinic.coordinator), source="es")
    credentials.add_qualification(
        session,
        session.merge(clinic.coordinator),
        other,
        InterpreterCredential("ar", "en", valid_from=first + timedelta(days=30)),
    )
