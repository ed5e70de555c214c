"""A hospital's first day: from an empty database, without the demo, to people in a waiting room.

Everything is done as its people would, in real browsers: the first administrator comes in with the
link of the command line, everybody sets up a second step, and a patient signs up and confirms their
address.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page, Playwright, expect

from app.core.clock import now
from app.core.db import Database
from app.identity.models import Person
from app.organizations.models import Office as OfficeRow
from app.scheduling.availability import hours
from tests.axe import faults
from tests.consults.meeting import DESK, guest
from tests.journeys.test_the_journey import (
    TRAVELLERS,
    a_stranger,
    assign,
    interpreter_accepts,
    patient_asks,
    patient_chooses_a_time,
    press,
)
from tests.processes import ROOT, House, running
from tests.world import ALWAYS

pytestmark = pytest.mark.journey

STAFF_PASSWORD = "seven quiet lamps over water"


class Hospital:
    """The processes on an empty database. Its people appear as they come in."""

    def __init__(self, house: House, database: Database) -> None:
        self.house, self.database, self.url = house, database, house.url
        self.traveller = TRAVELLERS[0]
        self.coordinator: Any = None
        self.specialist: Any = None
        self.interpreter: Any = None

    def one(self, model: Any, **facts: Any) -> Any:
        return self.all(model, **facts)[0]

    def all(self, model: Any, **facts: Any) -> list[Any]:
        with self.database.sessions() as session:
            return list(session.query(model).filter_by(**facts))

    def person(self, email: str) -> Person:
        person: Person = self.one(Person, email=email)
        return person


@pytest.fixture
def hospital(tmp_path: Path, settings: Any) -> Iterator[Hospital]:
    database = Database(settings.database_url)
    with running(House(tmp_path, settings.database_url, mode="production")) as house:
        yield Hospital(house, database)
    database.close()


def first_link(hospital: Hospital) -> str:
    """What ``./consilium people invite`` prints."""
    command = [sys.executable, "-m", "flask", "people", "invite", "--email", "jonas@test.example"]
    answer = subprocess.run(
        [*command, "--name", "Jonas Weber", "--role", "administrator"],
        cwd=ROOT,
        env=hospital.house.environment(hospital.house.ports[0]),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return re.findall(r"http\S+/set-password/\S+", answer.stdout)[0]


def come_in(page: Page, link: str) -> None:
    """The link, a password, and the second step that staff must set up before anything else."""
    page.goto(link)
    page.fill("#f-password", STAFF_PASSWORD)
    page.locator("main form button.btn-primary").click()
    expect(page.locator("main a[href*='/account/security/app']").first).to_be_visible()
    page.locator("main a[href*='/account/security/app']").first.click()
    secret = page.locator("main code").first.inner_text().replace(" ", "")
    page.fill("#f-code", pyotp.TOTP(secret).at(now()))
    page.locator("main form button.btn-primary").click()
    expect(page.locator(".recovery-codes li")).to_have_count(10)
    page.locator("main a.btn-primary").click()
    page.wait_for_load_state()
    expect(page.locator("main h1").first).to_be_visible()


def invite(page: Page, hospital: Hospital, name: str, role: str, language: str) -> str:
    """The administrator's form; the link that it shows once."""
    page.goto(hospital.url + "/people/invite")
    page.fill("#f-email", f"{name.split()[0].lower()}@test.example")
    page.fill("#f-name", name)
    page.select_option("#f-role", role)
    page.select_option("#f-language", language)
    press(page, "/people/invite")
    return page.locator("main input[readonly]").input_value()


def set_up_the_hospital(page: Page, hospital: Hospital) -> None:
    """Its name, and its office."""
    page.goto(hospital.url + "/institution")
    assert faults(page) == []
    page.fill("#f-name", "St. Luke’s Hospital")
    page.fill("#f-contact_phone", "+49 30 450 0")
    press(page, "/institution")
    expect(page.locator("footer")).to_contain_text("St. Luke’s Hospital")
    page.locator("main a[href*='/offices/']").first.click()
    page.fill("#f-name", "Berlin office")
    page.select_option("#f-timezone", "Europe/Berlin")
    page.fill("#f-phone", "+49 30 450 1")
    page.locator("main form button.btn-primary").click()
    page.wait_for_load_state()
    assert [one.name for one in hospital.all(OfficeRow)] == ["Berlin office"]


def give_specialty(page: Page, hospital: Hospital, specialist: Person) -> None:
    page.goto(f"{hospital.url}/people/{specialist.id}")
    page.locator("#details summary").click()
    page.locator("#details input[value=oncology]").check()
    press(page, "/details")
    expect(page.locator(".facts")).to_contain_text("Cancer (oncology)")
    assert faults(page) == []


def certify(page: Page, hospital: Hospital, interpreter: Person) -> None:
    """The coordinator finds the interpreter in the directory and enters their credential."""
    page.goto(f"{hospital.url}/people?role=interpreter")
    page.locator("table a", has_text=interpreter.name).click()
    page.locator(f"main a[href*='/hours?person={interpreter.id}']").click()
    page.select_option("[name=source]", hospital.traveller.interpreted)
    page.select_option("[name=target]", "en")
    page.select_option("[name=credential]", "CHI")
    page.locator("main form:has([name=credential]) button:visible").last.click()
    page.wait_for_load_state()
    expect(page.locator("#pairs li")).to_have_count(1)


@pytest.mark.timeout(420)
def test_from_an_empty_database_to_a_first_consultation(
    playwright: Playwright, hospital: Hospital, tmp_path: Path
) -> None:
    with ExitStack() as doors:

        def newcomer(role: str) -> Page:
            page: Page = doors.enter_context(
                guest(playwright, "", None, tmp_path, viewport=DESK, role=role)
            ).page
            return page

        admin = newcomer("administrator")
        come_in(admin, first_link(hospital))
        set_up_the_hospital(admin, hospital)
        pages = {}
        for name, role, language in (
            ("Maria Ortega", "coordinator", "en"),
            ("Anna Bergmann", "specialist", "en"),
            ("Omar Haddad", "interpreter", "ar"),
        ):
            link = invite(admin, hospital, name, role, language)
            pages[role] = newcomer(role)
            come_in(pages[role], link)
            setattr(hospital, role, hospital.person(f"{name.split()[0].lower()}@test.example"))
        give_specialty(admin, hospital, hospital.specialist)
        certify(pages["coordinator"], hospital, hospital.interpreter)
        with hospital.database.unit_of_work() as session:  # the hours page has stories of its own
            for one in (hospital.specialist, hospital.interpreter):
                person = session.get_one(Person, one.id)
                hours.set_availability(session, person, person, ALWAYS, "Europe/Berlin")
        patient = doors.enter_context(a_stranger(playwright, tmp_path, hospital.traveller)).page
        case = patient_asks(patient, hospital, tmp_path)  # type: ignore[arg-type]
        office = pages["coordinator"]
        office.goto(hospital.url + "/home")
        office.locator(f"a[href*='/cases/{case.id}']").first.click()
        press(office, "/triage")
        assign(office, hospital.specialist)
        assign(office, hospital.interpreter)
        press(office, "/accept")
        booking = patient_chooses_a_time(patient, hospital, case)  # type: ignore[arg-type]
        interpreter_accepts(pages["interpreter"], hospital)  # type: ignore[arg-type]
        patient.goto(f"{hospital.url}/cases/{case.id}")
        expect(patient.locator("main")).to_contain_text("Berlin office")
        assert booking.specialist_id == hospital.specialist.id
