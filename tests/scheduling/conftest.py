"""A clinic on both databases for the verbs; a server and Chromium for what is dragged and
pressed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy.orm import Session

from app.core.db import Database
from app.core.permissions import Role
from app.identity.models import Person
from app.scheduling.bookings import service
from app.scheduling.models import Booking
from tests import browsers
from tests.people import a_person
from tests.scheduling.clinic import Clinic, a_clinic


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
    return service.book_slot(session, clinic.patient, clinic.case, clinic.wish(), "t")


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
def enter(
    chromium: Browser, live: str, with_password: Callable[[Person], Person]
) -> Iterator[Callable[..., Page]]:
    """``enter(person, "/path", width=360, language="ar")``: that person's page; a narrow one has a
    touch screen.
    """
    contexts = []

    def open_(person: Person, path: str, *, width: int = 1280, language: str = "en") -> Page:
        with_password(person)
        context = chromium.new_context(
            base_url=live, viewport={"width": width, "height": 900}, has_touch=width < 500
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        browsers.sign_in(context, live, person)
        page.goto(f"{path}{'&' if '?' in path else '?'}lang={language}")
        return page

    yield open_
    for context in contexts:
        context.close()
