"""A whole meeting in real browsers: the processes, and everyone at a Chromium of their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import sync_playwright

from app.core.db import Database
from app.identity.models import Person
from config import Settings
from tests.consults.meeting import PHONE, Guest, an_open_meeting, guest
from tests.processes import House, running
from tests.world import Circle

PATIENCE = 30.0  # seconds; the tests share two cores with four browsers


@dataclass
class Scene:
    """Everyone at their browsers, before the waiting room. ``seat(person, role=…)`` opens one
    more.
    """

    house: House
    database: Database
    circle: Circle
    coordinator: Person
    consult_id: str
    doctor: Guest
    patient: Guest
    interpreter: Guest
    seat: Callable[..., Guest]

    def seat_of(self, one: Guest) -> str:
        return str(one.page.evaluate("window.consilium.state.you.seat"))

    @property
    def all(self) -> list[Guest]:
        return [self.doctor, self.patient, self.interpreter]

    def weather(self, **conditions: object) -> None:
        """Spoils lines at the media node from now on: see ``spoilt_node``. Without conditions
        all are clear.
        """
        new = self.house.folder / "weather.new"
        new.write_text(json.dumps(conditions))
        new.replace(self.house.folder / "weather.json")

    def everyone_is_inside(self) -> None:
        for one in self.all:
            one.open(self.house.url, self.consult_id)
            one.enter()
        self.doctor.is_inside()
        for one in (self.patient, self.interpreter):
            self.let_in(one)

    def let_in(self, one: Guest) -> None:
        """The doctor opens the door for somebody who has knocked."""
        if not self.doctor.by("people").is_visible():
            self.doctor.by("people-toggle").click()
        seat_id = one.page.evaluate("window.consilium.state.you.seat")
        role = one.by("consult").get_attribute("data-role")
        self.doctor.by("people").locator(f'[data-person="{seat_id}"]').get_by_test_id(
            f"admit-{role}"
        ).click()
        one.is_inside()

    def everyone_meets(self, within: float = PATIENCE) -> None:
        """Each sees and hears each other."""
        for one in self.all:
            for other in self.all:
                if one is not other:
                    one.sees(other.role, within=within)
                    one.hears(other.role, within=within)


@contextmanager
def a_scene(folder: Path, settings: Settings, database: Database) -> Iterator[Scene]:
    """The media node of a scene is one whose lines can be spoilt: see ``Scene.weather``."""
    with database.unit_of_work() as session:
        circle, coordinator = an_open_meeting(session)
    weather = {"WEATHER": str(folder / "weather.json")}
    place = House(
        folder, settings.database_url, media_module="tests.consults.spoilt_node", extra=weather
    )
    with running(place) as house, sync_playwright() as playwright, ExitStack() as stack:

        def seat(person: Person, **options: object) -> Guest:
            return stack.enter_context(guest(playwright, house.url, person, folder, **options))  # type: ignore[arg-type]

        yield Scene(
            house,
            database,
            circle,
            coordinator,
            circle.consult.id,
            seat(circle.specialist),
            seat(circle.patient, viewport=PHONE),
            seat(circle.interpreter),
            seat,
        )
