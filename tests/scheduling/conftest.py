"""A clinic on both databases for the verbs; a server and Chromium for what is dragged and pressed."""
from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Playwright
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from app.core.db import Database
from app.core.permissions import Role
from app.identity.models import Person
from app.scheduling import service
from app.scheduling.models import Booking
from tests.people import PASSWORD, a_person
from tests.scheduling.clinic import Clinic, a_clinic

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture
def session(any_database: Database) -> Iterator[Session]:
    """On SQLite and on PostgreSQL."""
    with any_database.sessions() as session:
        yield session
        session.rollback()


@pytest.fixture
def clinic(session: Session) -> Clinic:
    return a_clinic(session)


@pytest.fixture
def booking(session: Session, clinic: Clinic) -> Booking:
    return service.book(session, clinic.patient, clinic.case, clinic.wish(), "t")


@pytest.fixture
def with_password(database: Database) -> Callable[[Person], Person]:
    """Somebody of a clinic who can sign in from now on."""

    def give(person: Person) -> Person:
        with database.unit_of_work() as session:
            kept = session.get_one(Person, person.id)
            kept.password = a_person(session, Role.PATIENT).password
        return person

    return give


@pytest.fixture
def live(app: Flask) -> Iterator[str]:
    """The application on a port of its own."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join(5)


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def enter(chromium: Browser, live: str, with_password: Callable[[Person], Person]) -> Iterator[Callable[..., Page]]:
    """`enter(person, "/path", width=360, language="ar")`: that person's page; a narrow one has a touch screen."""
    contexts = []

    def open_(person: Person, path: str, *, width: int = 1280, language: str = "en") -> Page:
        with_password(person)
        context = chromium.new_context(base_url=live, viewport={"width": width, "height": 900}, has_touch=width < 500)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.goto("/sign-in")
        page.locator("[name=email]").fill(person.email)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("main form button").first.click()
        page.wait_for_load_state()
        page.goto(f"{path}{'&' if '?' in path else '?'}lang={language}")
        return page

    yield open_
    for context in contexts:
        context.close()
