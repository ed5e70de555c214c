"""The office finds a specialist: who fits the specialty and the language, and why."""

from __future__ import annotations

import re

import pytest
from lxml import html

from app.core.permissions import Role
from app.identity.models import Person
from app.scheduling.interpreters import credentials
from app.scheduling.interpreters.credentials import InterpreterCredential
from tests.people import a_case


def shown_candidates(page) -> dict[str, str]:
    """Each candidate's note by their name, in the order of the page."""
    tree = html.fromstring(page.text)
    return {
        entry.findtext(".//span[@class='person-name']/bdi"): re.sub(
            r"\s+", " ", entry.findtext(".//span[@class='person-role']")
        ).strip()
        for entry in tree.iterfind(".//ul[@class='candidates']/li")
    }


@pytest.fixture
def clinicians(person) -> None:
    """Three oncologists beside the hospital's, and somebody of another field."""
    person(Role.SPECIALIST, name="Dr Farsi", specialties=["oncology"], language="fa")
    person(Role.SPECIALIST, name="Dr Arabic", specialties=["oncology"], speaks=["ar"])
    person(Role.SPECIALIST, name="Dr Heart", specialties=["cardiology"], speaks=["ar"])


def test_those_who_fit_come_first_and_each_says_why(visit, hospital, sent, clinicians):
    office = visit(hospital.coordinator)
    office.post(f"/cases/{sent.id}/triage")
    found = shown_candidates(office.get(f"/cases/{sent.id}?lang=en"))
    assert list(found.items()) == [
        ("Dr Arabic", "Suitable · Covers the specialty · Speaks Arabic with the patient"),
        (
            "Anna Bergmann",
            "Suitable · Covers the specialty · Interpreters are available for Arabic and English",
        ),
        ("Dr Farsi", "Not suitable · Covers the specialty · No interpreter for Arabic and Persian"),
    ]


def test_a_new_credential_makes_somebody_fit(visit, hospital, sent, clinicians, look):
    office = visit(hospital.coordinator)
    office.post(f"/cases/{sent.id}/triage")
    look(
        lambda session: credentials.add_qualification(
            session,
            session.get_one(Person, hospital.coordinator.id),
            session.get_one(Person, hospital.interpreter.id),
            InterpreterCredential("ar", "fa"),
        )
    )
    found = shown_candidates(office.get(f"/cases/{sent.id}?lang=en"))
    assert found["Dr Farsi"] == (
        "Suitable · Covers the specialty · Interpreters are available for Arabic and Persian"
    )


def test_a_case_without_a_specialty_or_a_meeting_says_so(visit, hospital, clinicians, look):
    case = look(
        lambda session: a_case(
            session,
            session.get_one(Person, hospital.patient.id),
            specialty="general",
            written_only=True,
        )
    )
    office = visit(hospital.coordinator)
    office.post(f"/cases/{case.id}/triage")
    found = shown_candidates(office.get(f"/cases/{case.id}?lang=en"))
    assert found["Dr Farsi"] == "Suitable · No specialty requested · Written opinion only"
    assert found["Dr Heart"] == (
        "Suitable · No specialty requested · Speaks Arabic with the patient"
    )


def test_the_reasons_are_said_in_the_readers_language(visit, hospital, sent, clinicians):
    office = visit(hospital.coordinator)
    office.post(f"/cases/{sent.id}/triage")
    spanish = shown_candidates(office.get(f"/cases/{sent.id}?lang=es"))
    assert spanish["Dr Farsi"].startswith("No adecuado · ")
    arabic = shown_candidates(office.get(f"/cases/{sent.id}?lang=ar"))
    assert not re.search(r"[A-Za-z]", arabic["Dr Farsi"])
