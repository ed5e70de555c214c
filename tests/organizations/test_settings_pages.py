"""The institution and its offices, over HTTP: what is set takes effect at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app.cases import service as cases
from app.cases.specialties import SPECIALTIES
from app.core.clock import now
from app.core.db import Database
from app.core.permissions import Role
from app.organizations.institution import get_hospital_name
from app.organizations.models import DEFAULT_OFFICE_ID, Office
from tests.people import Visitor, a_case, a_person, an_accepted_case

Look = Callable[[Callable[..., Any]], Any]
INSTITUTION = {
    "name": "Charité International",
    "contact_email": "office@charite.example",
    "contact_phone": "+49 30 450",
    "privacy_notice": "We keep your records for ten years.",
    "turnaround_days": "7",
    "sign_up_open": "1",
    "specialties": list(SPECIALTIES),
}
OFFICE = {
    "name": "Gulf office",
    "timezone": "Asia/Riyadh",
    "countries": ["SA", "KW"],
    "languages": ["ar", "en"],
    "hours": "Sunday to Thursday, 8:00 to 16:00",
    "holidays": "",
    "phone": "+966 11 000",
    "sender": "gulf@charite.example",
    "emergency_text": "Call 997 now.",
}


@pytest.fixture
def admin(visit: Callable[..., Visitor], database: Database) -> Visitor:
    with database.unit_of_work() as session:
        person = a_person(session, Role.ADMINISTRATOR)
    return visit(person)


def test_patients_read_the_hospitals_name_contact_and_privacy_notice(
    admin: Visitor, app: Flask, look: Look
):
    before = Visitor(app)
    assert before.get("/privacy").status_code == 404
    assert "Charité" not in before.get("/").text
    assert "settings are saved" in admin.post("/institution", **INSTITUTION).text
    page = Visitor(app).get("/").text
    for said in ("Charité International", "office@charite.example", "+49 30 450", "/privacy"):
        assert said in page
    assert "ten years" in Visitor(app).get("/privacy").text
    assert look(lambda s: get_hospital_name(s, "x")) == "Charité International"


def test_sign_up_can_be_closed_and_opened_again(admin: Visitor, app: Flask):
    closed = {name: value for name, value in INSTITUTION.items() if name != "sign_up_open"}
    admin.post("/institution", **closed)
    stranger = Visitor(app)
    page = stranger.get("/sign-up")
    assert page.status_code == 403 and "by invitation" in page.text
    assert stranger.post("/sign-up", name="A", email="a@b.example").status_code == 403
    assert stranger.get("/sign-in").status_code == 200
    admin.post("/institution", **INSTITUTION)
    assert stranger.get("/sign-up").status_code == 200


def test_the_turnaround_and_the_specialties_hold_from_now_on(
    admin: Visitor, visit: Callable[..., Visitor], database: Database
):
    admin.post("/institution", **INSTITUTION | {"specialties": ["oncology", "vascular"]})
    with database.unit_of_work() as session:
        coordinator = a_person(session, Role.COORDINATOR)
        patient = a_person(session)
        doctor = a_person(session, Role.SPECIALIST, specialties=["oncology"])
        case = an_accepted_case(session, patient, coordinator, doctor)
        assert case.due_at is not None and case.complete_at is not None
        assert case.due_at - case.complete_at == timedelta(days=7)
        draft = a_case(session, patient, specialty="cardiology", sent=False)
        with pytest.raises(Exception, match="does not offer this specialty"):
            cases.submit_case(session, patient, draft)
        drafts = a_case(session, patient, sent=False).id
    page = visit(patient).get(f"/cases/{drafts}/request/story").text
    assert "within 7 days" in visit().get("/").text
    assert 'value="vascular"' in page and 'value="cardiology"' not in page


@pytest.mark.parametrize(
    "field, value",
    [
        ("name", ""),
        ("name", "x" * 121),
        ("name", "a\u202eb"),
        ("contact_email", "nobody"),
        ("contact_phone", "1" * 41),
        ("turnaround_days", "0"),
        ("turnaround_days", "91"),
        ("turnaround_days", "ten"),
        ("turnaround_days", "9" * 500),
        ("specialties", "astrology"),
        ("privacy_notice", "x" * 20_001),
        ("privacy_notice", "a\x00b"),
    ],
)
def test_a_wrong_setting_is_refused_and_the_rest_is_kept(
    admin: Visitor, look: Look, field: str, value: str
):
    answer = admin.post("/institution", **INSTITUTION | {field: value})
    assert answer.status_code == 422 and "error-summary" in answer.text
    if field != "contact_email":
        assert "office@charite.example" in answer.text, "what was entered stays in the form"
    assert look(lambda s: get_hospital_name(s, "unnamed")) == "unnamed"


def test_an_office_takes_its_countries_and_tells_its_patients(
    admin: Visitor, visit: Callable[..., Visitor], database: Database
):
    holiday = f"{now() + timedelta(days=3):%Y-%m-%d}"
    admin.post("/offices/new", **OFFICE | {"holidays": holiday})
    with database.unit_of_work() as session:
        patient = a_person(session, country="KW", timezone="Asia/Kuwait")
        case = a_case(session, patient)
        assert case.office.name == "Gulf office" and case.office.holidays == [holiday]
        elsewhere = a_case(session, a_person(session, country="DE"))
        assert elsewhere.office_id == DEFAULT_OFFICE_ID
    page = visit(patient).get(f"/cases/{case.id}").text
    for said in ("Gulf office", "Sunday to Thursday", "+966 11 000", "Call 997", "Closed on"):
        assert said in page
    changed = admin.post(f"/offices/{case.office_id}", **OFFICE | {"name": "Riyadh office"})
    assert "The office is saved" in changed.text and "Riyadh office" in changed.text


@pytest.mark.parametrize(
    "field, value",
    [
        ("name", " "),
        ("name", "International OFFICE"),
        ("timezone", "Mars/Olympus"),
        ("countries", "XX"),
        ("languages", "not a tag"),
        ("hours", "x" * 201),
        ("holidays", "tomorrow"),
        ("holidays", "2026-02-30"),
        ("holidays", " ".join(f"2027-01-{day:02d}" for day in range(1, 32)) * 2),
        ("sender", "nobody"),
        ("phone", "1" * 41),
        ("emergency_text", "x" * 501),
    ],
)
def test_a_wrong_office_is_refused_in_words(admin: Visitor, look: Look, field: str, value: str):
    look(lambda session: a_case(session, a_person(session)))
    answer = admin.post("/offices/new", **OFFICE | {field: value})
    assert answer.status_code == 422 and "error-summary" in answer.text
    assert look(lambda s: s.query(Office).count()) == 1
    there = admin.post(f"/offices/{DEFAULT_OFFICE_ID}", **OFFICE | {field: value})
    assert there.status_code == 422 or value == "International OFFICE", "its own name is free"
    assert admin.get("/offices/nowhere").status_code == 404
