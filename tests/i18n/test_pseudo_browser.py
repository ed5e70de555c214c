"""Every page of every role in two pseudo-languages, at 320 and 1440 px: nothing overflows, nothing
is cut off, and no sentence bypasses the translators.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from babel import Locale
from flask import Flask
from playwright.sync_api import Browser, Page

from app import create_app
from app.core.permissions import Role
from app.identity.models import Person
from app.web.limits import limiter
from tests.browsers import sign_in
from tests.conftest import test_settings
from tests.i18n.pseudo import lengthen, mirror, pseudo_languages
from tests.people import a_case, a_person
from tests.servers import serving
from tests.world import Circle, a_circle, furnish

WIDTHS = (320, 1440)
# Text that is wider than its box, or that is cut off by it. Boxes that scroll on purpose say so
# with tabindex; what only a screen reader gets is a pixel wide.
FIND_OVERFLOW = """() => {
  const found = [];
  const page = document.documentElement.scrollWidth - innerWidth;
  if (page > 0) found.push(`the page is ${page} px wider than its window`);
  for (const element of document.querySelectorAll("body *")) {
    const style = getComputedStyle(element);
    if (style.visibility === "hidden" || style.display === "none") continue;
    if (element.clientWidth <= 1 || !element.innerText?.trim()) continue;
    if (element.classList.contains("visually-hidden")) continue;
    if (["visible", "auto", "scroll"].includes(style.overflowX)) continue;
    if (element.scrollWidth - element.clientWidth > 1)
      found.push(`cut off: ${element.tagName} ${element.className} ${element.innerText}`);
  }
  return found;
}"""
LIST_TEXTS = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts = [];
  for (let node; (node = walker.nextNode()); ) {
    const parent = node.parentElement;
    if (parent.closest("script, style, bdi, time, td, [translate=no], select, .pre, [dir=auto]"))
      continue;
    if (!parent.checkVisibility({ visibilityProperty: true })) continue;
    if (node.data.trim()) texts.push(node.data.trim());
  }
  return texts;
}"""
# What stands on a page and is no sentence of ours: days, zones and countries as CLDR names them.
NOT_OURS = re.compile(
    r"\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\w* \d|\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug"
    r"|Sep|Oct|Nov|Dec)\b|\w (Standard|Daylight|Summer|Universal) Time$"
)
COUNTRIES = frozenset(Locale("en").territories.values())


@dataclass
class Scene:
    app: Flask
    url: str
    coordinator: Person
    administrator: Person
    auditor: Person
    draft_id: str
    circle: Circle


@pytest.fixture(scope="module")
def scene(tmp_path_factory, _empty_sqlite) -> Iterator[Scene]:
    patch = pytest.MonkeyPatch()
    with pseudo_languages(tmp_path_factory.mktemp("catalogues"), patch):
        folder = tmp_path_factory.mktemp("pseudo")
        shutil.copy(_empty_sqlite, folder / "consilium.db")
        app = create_app(test_settings(folder))
        database = app.extensions["database"]
        with database.unit_of_work() as session:
            coordinator = a_person(session, Role.COORDINATOR)
            administrator = a_person(session, Role.ADMINISTRATOR)
            auditor = a_person(session, Role.AUDITOR)
            circle = a_circle(session, coordinator)
            draft = a_case(session, circle.patient, sent=False)
            draft_id = draft.id
        furnish(app, database, circle)
        limiter.enabled = False
        with serving(app) as url:
            yield Scene(app, url, coordinator, administrator, auditor, draft_id, circle)
        limiter.enabled = True
        database.close()


def pages_of(scene: Scene, who: str) -> tuple[Person | None, list[str]]:
    """A person and the addresses that they see."""
    ids, circle = scene.circle.ids, scene.circle
    case, booking = f"/cases/{ids['case_id']}", f"/bookings/{ids['booking_id']}"
    draft = f"/cases/{scene.draft_id}/request"
    consult = f"/consults/{ids['consult_id']}"
    return {
        "nobody": (
            None,
            [
                "/",
                "/how-it-works",
                "/start",
                "/emergency",
                "/sign-in",
                "/sign-up",
                "/forgot-password",
                "/nowhere",
            ],
        ),
        "patient": (
            circle.patient,
            [
                "/home",
                "/account",
                "/account/security",
                "/account/security/app",
                "/account/confirm",
                "/account/password",
                "/account/email",
                "/messages",
                "/cases/new",
                case,
                f"{case}/records",
                f"{case}/reading",
                f"{case}/times",
                f"{case}/wishes",
                booking,
                *(f"{draft}/{step}" for step in ("story", "questions", "meeting", "consents")),
                f"{draft}/review",
                f"/consults/check/{ids['booking_id']}",
                f"{consult}/guests",
            ],
        ),
        "specialist": (
            circle.specialist,
            ["/home", case, "/hours", "/calendar", f"{case}/records"],
        ),
        "interpreter": (
            circle.interpreter,
            [
                "/home",
                "/engagements",
                f"/engagements/{ids['engagement_id']}",
                f"/engagements/{ids['engagement_id']}/brief",
                "/interpreter-profile",
                "/statement",
                "/hours",
            ],
        ),
        "coordinator": (
            scene.coordinator,
            ["/home", case, booking, "/board", f"{booking}/series", "/messages", "/people"],
        ),
        "administrator": (
            scene.administrator,
            [
                "/home",
                "/account",
                "/people",
                f"/people/{circle.specialist.id}",
                "/people/invite",
                "/people/import",
                "/institution",
                "/offices/new",
            ],
        ),
        "auditor": (scene.auditor, ["/audit"]),
    }[who]


ROLES = (
    "nobody",
    "patient",
    "specialist",
    "interpreter",
    "coordinator",
    "administrator",
    "auditor",
)


@pytest.mark.parametrize("language", ["en-XA", "ar-XB"])
@pytest.mark.parametrize("who", ROLES)
def test_nothing_overflows_and_everything_is_translated(
    chromium: Browser, scene: Scene, who: str, language: str
):
    person, addresses = pages_of(scene, who)
    context = chromium.new_context(reduced_motion="reduce")
    if person:
        sign_in(context, scene.url, person)
    page = context.new_page()
    page.goto(f"{scene.url}/sign-in?lang={language}")
    found = []
    for address in addresses:
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            answer = page.goto(scene.url + address)
            assert answer and answer.status in (200, 404), f"{address}: {answer and answer.status}"
            assert answer.status == 200 or address == "/nowhere", f"{address} is not there"
            faults = page.evaluate(FIND_OVERFLOW)
            if language == "en-XA" and width == WIDTHS[-1]:
                faults += untranslated(page)
            found += [f"{address} at {width}: {fault}" for fault in faults]
    context.close()
    assert not found, "\n".join(found)


def untranslated(page: Page) -> list[str]:
    """Texts with two words or more and no accent."""
    return [
        f"not translated: {text[:80]}"
        for text in page.evaluate(LIST_TEXTS)
        if text.isascii() and len(re.findall(r"[A-Za-z]{3,}", text)) > 1
        if not NOT_OURS.search(text) and text not in COUNTRIES
    ]


def test_placeholders_and_tags_stay_and_the_text_grows():
    said = "Call <b>now</b>, %(name)s: {count} of 100 %%."
    for change in (lengthen, mirror):
        for kept in ("<b>", "</b>", "%(name)s", "{count}", "%%"):
            assert kept in change(said)
    assert len(lengthen("Choose a time for the consultation")) > 1.35 * 34
    assert not lengthen("Save").isascii()
