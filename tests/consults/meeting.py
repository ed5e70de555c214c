"""A meeting for the tests: a case with its three people, its consult open, and browsers that speak
with tones.
"""

from __future__ import annotations

import math
import struct
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect
from sqlalchemy.orm import Session

from app.consults.models import Consult
from app.core.clock import now
from app.core.permissions import Role
from app.identity.models import Person
from tests import browsers
from tests.people import a_person
from tests.world import Circle, a_circle

FLAGS = [
    *browsers.CALLS,
    "--use-fake-device-for-media-stream=device-count=3",
    "--disable-gpu",
    "--auto-select-desktop-capture-source=Entire screen",
    "--auto-accept-this-tab-capture",
]
TONES = {
    "patient": 440,
    "specialist": 880,
    "interpreter": 1320,
    "coordinator": 220,
    "partner": 1760,
}
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 800}


def an_open_meeting(session: Session) -> tuple[Circle, Person]:
    """A confirmed meeting whose waiting room is open now, and a coordinator of the office."""
    coordinator = a_person(session, Role.COORDINATOR)
    circle = a_circle(session, coordinator)
    consult = session.get(Consult, circle.consult.id)
    assert consult is not None
    consult.opens_at, consult.closes_at = now() - timedelta(hours=1), now() + timedelta(days=5)
    session.flush()
    return circle, coordinator


def tone(path: Path, hertz: int, seconds: float = 2.0, loudness: float = 0.3) -> Path:
    """A WAV file with one steady tone; Chromium plays it over and over as the microphone."""
    rate = 48000
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        samples = (
            int(32767 * loudness * math.sin(2 * math.pi * hertz * n / rate))
            for n in range(int(rate * seconds))
        )
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return path


@dataclass
class Guest:
    """One person at a browser of their own."""

    role: str
    browser: Browser
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)

    def by(self, testid: str) -> Any:
        return self.page.get_by_test_id(testid)

    def open(self, url: str, consult_id: str) -> None:
        self.page.goto(f"{url}/consults/{consult_id}")
        expect(self.by("consult")).to_have_attribute("data-phase", "lobby", timeout=20000)

    def enter(self) -> None:
        expect(self.by("enter")).to_be_enabled(timeout=20000)
        self.by("enter").click()

    def is_inside(self, timeout: float = 20000) -> None:
        expect(self.by("consult")).to_have_attribute("data-phase", "room", timeout=timeout)

    def stats(self) -> dict[str, Any]:
        return self.page.evaluate("() => window.consilium.stats()")  # type: ignore[no-any-return]

    def wait(self, ms: float) -> None:
        self.page.wait_for_timeout(ms)

    def until(self, script: str, within: float = 20.0) -> None:
        """Waits until the expression holds in the page."""
        for _ in range(int(within * 5)):
            if self.page.evaluate(script):
                return
            self.wait(200)
        raise AssertionError(f"{self.role}: never so: {script}")

    def sees(self, role: str, *, frames: int = 5, within: float = 10.0) -> float:
        """Waits until ``frames`` more pictures of ``role`` are decoded here; returns the seconds
        that it took.
        """
        return self._grows(
            lambda: self._seat(role).get("frames", 0), frames, within, f"frames of {role}"
        )

    def hears_tones(self) -> dict[str, dict[str, float]]:
        """By name: which tone comes in, how loud, and with which gain it is played."""
        return self.page.evaluate("() => window.consilium.heard()")  # type: ignore[no-any-return]

    def comes_to_hear(self, expected: dict[str, tuple[int, float]], within: float = 15.0) -> None:
        """Waits until exactly these people are heard: name -> (tone in hertz, gain)."""
        spent = 0.0
        while True:
            tones = self.hears_tones()
            heard = {
                name: one for name, one in tones.items() if one["loudness"] * one["gain"] > 1e-4
            }
            if heard.keys() == expected.keys() and all(
                abs(heard[name]["hertz"] - hertz) < 30 and abs(heard[name]["gain"] - gain) < 0.02
                for name, (hertz, gain) in expected.items()
            ):
                return
            if spent > within:
                raise AssertionError(f"{self.role} should hear {expected} and hears {tones}")
            self.wait(200)
            spent += 0.2

    def hears(self, role: str, *, energy: float = 1e-4, within: float = 10.0) -> float:
        """Waits until sound of ``role`` is played out here; returns the seconds that it took."""
        return self._grows(
            lambda: self._seat(role).get("energy", 0.0), energy, within, f"sound of {role}"
        )

    def _seat(self, role: str) -> dict[str, Any]:
        return self.stats()["seats"].get(role, {})  # type: ignore[no-any-return]

    def _grows(self, read: Any, by: float, within: float, what: str) -> float:
        start = read()
        spent = 0.0
        while spent < within:
            value = read()
            if value < start:  # a new connection counts from nought
                start = 0
            if value - start >= by:
                return spent
            self.wait(100)
            spent += 0.1
        raise AssertionError(f"{self.role} did not get {what} within {within} s: {self.stats()}")


@contextmanager
def guest(
    playwright: Playwright,
    url: str,
    person: Person | None,
    folder: Path,
    *,
    viewport: dict[str, int] | None = None,
    role: str | None = None,
    **context_options: Any,
) -> Iterator[Guest]:
    """``person``, signed in (or nobody yet), in a Chromium process of their own whose microphone
    plays their own tone.
    """
    role = role or (person.role if person else "stranger")
    sound = tone(folder / f"{role}.wav", TONES.get(role, 660))
    with browsers.chromium(
        playwright, [*FLAGS, f"--use-file-for-fake-audio-capture={sound}"]
    ) as browser:
        context = browser.new_context(
            viewport=viewport or DESK, permissions=["camera", "microphone"], **context_options
        )
        page = context.new_page()
        one = Guest(role, browser, context, page)
        page.on(
            "console",
            lambda message: (
                one.complaints.append(message.text) if message.type == "error" else None
            ),
        )
        page.on("pageerror", lambda error: one.complaints.append(str(error)))
        if person is not None:
            browsers.sign_in(context, url, person)
        yield one
