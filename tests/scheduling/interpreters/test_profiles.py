"""An interpreter's profile: entered by them and by the office, refused in words, and counted in the
statement.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from app.core.db import Database
from app.core.errors import Forbidden, Invalid
from app.core.outbox import Job
from app.core.permissions import Role
from app.identity.models import Person
from app.scheduling.bookings import service
from app.scheduling.interpreters import credentials, profiles, statements
from app.scheduling.interpreters.credentials import InterpreterCredential
from app.scheduling.interpreters.profiles import InterpreterProfileEntry
from app.scheduling.matching.candidates import load_qualified_interpreters
from app.scheduling.matching.queries import find_free_interpreters, find_slots_for_case
from app.scheduling.models import Booking, InterpreterProfile, Qualification
from tests.people import Visitor, a_person
from tests.scheduling import clinic as c


@pytest.fixture
def clinic(database: Database) -> c.Clinic:
    with database.unit_of_work() as session:
        made = c.a_clinic(session)
        made.coordinator = a_person(session, Role.COORDINATOR, language="en")
        made.interpreter = a_person(session, Role.INTERPRETER, language="en", speaks=["ar"])
        credentials.add_qualification(
            session, made.coordinator, made.interpreter, InterpreterCredential("ar", "en", "CHI")
        )
        return made


def kept(database: Database, person: Person) -> InterpreterProfile:
    with database.sessions() as session:
        return profiles.interpreter_profile_of(session, person)


def test_the_interpreter_says_who_they_are_and_the_office_the_rate(
    clinic: c.Clinic, database: Database, visit: Callable[..., Visitor]
):
    interpreter = visit(clinic.interpreter)
    page = interpreter.get("/interpreter-profile")
    assert (
        page.status_code == 200
        and 'name="rate"' not in page.text
        and "has not entered a rate yet" in page.text
    )
    said = interpreter.post(
        "/interpreter-profile",
        gender="female",
        dialects=["ar-EG", "ar-SD"],
        specialties="oncology",
        rate="900",
        currency="USD",
    )
    assert "The profile is saved" in said.text
    row = kept(database, clinic.interpreter)
    assert (row.gender, row.dialects, row.specialties) == (
        "female",
        ["ar-EG", "ar-SD"],
        ["oncology"],
    )
    assert row.hourly_rate is None  # what they are paid is not theirs to enter
    office = visit(clinic.coordinator)
    office.post(
        "/interpreter-profile",
        person=clinic.interpreter.id,
        gender="female",
        dialects="ar-EG",
        rate="48,5",
        currency="EUR",
    )
    row = kept(database, clinic.interpreter)
    assert (row.hourly_rate, row.currency) == (4850, "EUR")
    assert "€48.50 per hour" in interpreter.get("/interpreter-profile").text
    assert office.get(f"/interpreter-profile?person={clinic.interpreter.id}").status_code == 200


@pytest.mark.parametrize(
    "field, given, sentence",
    [
        ("dialects", "egyptian!", "Choose one of the answers"),
        ("dialects", "ar", "Choose one of the answers"),
        ("gender", "other", "Choose one of the answers"),
        ("specialties", "astrology", "Choose one of the answers"),
        ("rate", "-5", "the hourly rate"),
        ("rate", "48.505", "the hourly rate"),
        ("rate", "much", "the hourly rate"),
        ("rate", "1e9", "the hourly rate"),
        ("rate", "1000001", "the hourly rate"),
        ("currency", "XXX", "currency"),
    ],
)
def test_what_cannot_be_is_said_and_what_was_entered_is_kept(
    clinic: c.Clinic,
    database: Database,
    visit: Callable[..., Visitor],
    field: str,
    given: str,
    sentence: str,
):
    office = visit(clinic.coordinator)
    entered = {"gender": "", "dialects": "", "rate": "30", "currency": "EUR"} | {field: given}
    answer = office.post("/interpreter-profile", person=clinic.interpreter.id, **entered)
    assert (
        answer.status_code == 422
        and sentence in answer.text
        and f'href="#f-{field}"' in answer.text
    )
    assert kept(database, clinic.interpreter).hourly_rate is None
    if field == "rate":
        assert f'value="{given}"' in answer.text


def test_dialects_are_chosen_by_the_names_of_countries_in_the_readers_words(
    clinic: c.Clinic, database: Database, visit: Callable[..., Visitor]
):
    interpreter = visit(clinic.interpreter)
    page = interpreter.get("/interpreter-profile").text
    assert (
        'value="ar-EG"' in page
        and ">Egypt<" in page
        and ">Arabic<" in page
        and 'placeholder="ar-EG' not in page
    )
    assert ">مصر<" in interpreter.get("/interpreter-profile?lang=ar").text
    with database.unit_of_work() as session:
        profiles.change_interpreter_profile(
            session,
            clinic.interpreter,
            clinic.interpreter,
            InterpreterProfileEntry("", "apc-SY, ar-EG", ()),
        )
    page = interpreter.get("/interpreter-profile?lang=en").text
    assert 'value="ar-EG" checked' in page and 'value="apc-SY" checked' in page, (
        "what was kept can be kept"
    )


def test_nobody_else(clinic: c.Clinic, database: Database, visit: Callable[..., Visitor]):
    with database.unit_of_work() as session:
        other = a_person(session, Role.INTERPRETER)
        with pytest.raises(Forbidden):
            profiles.change_interpreter_profile(
                session, other, clinic.interpreter, InterpreterProfileEntry("", "", ())
            )
    assert (
        visit(other).get(f"/interpreter-profile?person={clinic.interpreter.id}").status_code == 404
    )
    assert (
        visit(clinic.coordinator)
        .get(f"/interpreter-profile?person={clinic.specialist.id}")
        .status_code
        == 404
    )


@pytest.mark.parametrize(
    "text, currency, minor",
    [
        ("48.50", "EUR", 4850),
        ("٤٨٫٥٠", "EGP", 4850),
        ("5000", "JPY", 5000),
        ("12.345", "KWD", 12345),
        ("", "EUR", None),
    ],
)
def test_amounts_in_any_currency_and_any_digits(
    database: Database, clinic: c.Clinic, text, currency, minor
):
    with database.unit_of_work() as session:
        entered = InterpreterProfileEntry("", "", (), text, currency)
        row = profiles.change_interpreter_profile(
            session, clinic.coordinator, clinic.interpreter, entered
        )
        assert row.hourly_rate == minor
        assert profiles.format_plain_amount(row.hourly_rate, currency) == (
            "" if minor is None else {"٤٨٫٥٠": "48.50"}.get(text, text)
        )
    with pytest.raises(Invalid), database.unit_of_work() as session:
        profiles.change_interpreter_profile(
            session,
            clinic.coordinator,
            clinic.interpreter,
            InterpreterProfileEntry("", "", (), "5.5", "JPY"),
        )


def test_the_statement_adds_up_and_counts_in_sentences(
    clinic: c.Clinic, database: Database, visit: Callable[..., Visitor]
):
    with database.unit_of_work() as session:
        case = session.merge(clinic.case)
        profiles.change_interpreter_profile(
            session,
            clinic.coordinator,
            clinic.interpreter,
            InterpreterProfileEntry("", "", (), "50", "EUR"),
        )
        booking = service.book_slot(
            session, clinic.coordinator, case, clinic.wish(), "t", override_reason="test"
        )
        statements.record_minutes_worked(session, None, booking, clinic.interpreter.id, 1)
        month: date = booking.starts_at.date()
    interpreter = visit(clinic.interpreter)
    page = interpreter.get(f"/statement?month={month:%Y-%m}").text
    assert (
        "1 minute<" in page
        and "1 consultation" in page
        and "1 consultations" not in page
        and "€0.83" in page
    )
    with database.unit_of_work() as session:
        statements.record_minutes_worked(
            session, None, session.query(Booking).one(), clinic.interpreter.id, 47
        )
    assert "47 minutes<" in interpreter.get(f"/statement?month={month:%Y-%m}").text
    table = interpreter.get(f"/statement.csv?month={month:%Y-%m}").text.lstrip("\ufeff")
    rows = list(csv.reader(io.StringIO(table)))
    assert rows[0][-3:] == ["Hourly rate", "Amount", "Currency"] and rows[1][5:] == [
        "47",
        "50.00",
        "39.17",
        "EUR",
    ]


def test_who_interprets_simultaneously_alone_is_not_asked_to_take_turns(
    database: Database, clinic: c.Clinic
):
    with database.unit_of_work() as session:
        person = a_person(session, Role.INTERPRETER)
        held = InterpreterCredential("es", "en", "CHI", modes=("simultaneous",))
        credentials.add_qualification(session, clinic.coordinator, person, held)
        day = c.next_noon().date()
        assert load_qualified_interpreters(session, "es", "en", day, day) == []


def test_the_office_books_simultaneous_interpreting_and_only_who_does_it_is_asked(
    clinic: c.Clinic, database: Database, visit: Callable[..., Visitor]
):
    with database.unit_of_work() as session:
        case = session.merge(clinic.case)
        takes_turns = c.an_interpreter(session, clinic.coordinator)
        session.query(Qualification).filter_by(person_id=takes_turns.id).one().modes = [
            "consecutive"
        ]
        found = find_slots_for_case(session, case, mode="simultaneous").slots
        assert found and takes_turns.id not in {slot.interpreter_id for slot in found}
        wish = replace(clinic.wish(), mode="simultaneous")
        with pytest.raises(Forbidden):
            service.hold_slot(session, clinic.patient, case, wish, "p")
        with pytest.raises(Invalid):
            service.hold_slot(session, clinic.coordinator, case, replace(wish, mode="mime"), "m")
        with pytest.raises(Invalid):
            service.hold_slot(
                session,
                clinic.coordinator,
                case,
                replace(wish, interpreter_id=takes_turns.id),
                "t",
            )
        booking = service.book_slot(
            session, clinic.coordinator, case, wish, "t", override_reason="test"
        )
        assert booking.mode == "simultaneous" and takes_turns not in find_free_interpreters(
            session, booking
        )
        engagement = booking.engagement.id
        told = [job.payload["facts"] for job in session.query(Job).filter_by(kind="notify")]
        assert {facts["mode"] for facts in told if "starts_at" in facts} == {"simultaneous"}
    assert ">Simultaneous<" in visit(clinic.interpreter).get(f"/engagements/{engagement}").text
