"""The brief: the words to prepare, the patient's wishes, and nothing once the hour after the
meeting is over.
"""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import Forbidden, Invalid
from app.core.permissions import Role
from app.scheduling.interpreters import briefs, ladder
from app.scheduling.interpreters.glossary import TermKind, find_medical_terms
from app.scheduling.matching.queries import find_slots_for_case
from app.scheduling.models import Booking, BriefPreference, InterpreterProfile
from tests.people import a_person, an_accepted_case
from tests.scheduling.clinic import Clinic, a_clinic, an_interpreter


@pytest.fixture
def clinic(session: Session) -> Clinic:
    clinic = a_clinic(session)
    clinic.case.story = (
        "Mrs HADDAD takes pembrolizumab and aspirin. The MRI shows two nodes in the left lung"
        " (HER2)."
    )
    session.flush()
    return clinic


@pytest.mark.parametrize(
    "text, kind, expected",
    [
        (
            "Since May I take Atorvastatin and metoprolol.",
            TermKind.DRUG,
            {"atorvastatin", "metoprolol"},
        ),
        ("The reason in April was no lesson for this person.", TermKind.DRUG, set()),
        (
            "MRI and CT of the LIVER, PSA 4.1, T2 N0, CA-125, HER2.",
            TermKind.ABBREVIATION,
            {"MRI", "CT", "PSA", "T2", "N0", "CA-125", "HER2"},
        ),
        ("AMAL HADDAD lives in CAIRO with her son ALI.", TermKind.ABBREVIATION, set()),
        (
            "both kidneys, the ovaries, two vertebrae and the valves",
            TermKind.ANATOMY,
            {"kidneys", "ovaries", "vertebrae", "valves"},
        ),
        ("", TermKind.ANATOMY, set()),
    ],
)
def test_terms_are_found_and_names_are_not(text: str, kind: TermKind, expected: set[str]):
    assert {term.text for term in find_medical_terms(text) if term.kind == kind} == expected


def test_terms_are_there_and_the_story_is_not(session: Session, clinic: Clinic, booking: Booking):
    brief = briefs.load_interpreter_brief(session, clinic.interpreter, booking.engagement)
    assert {entry.term for entry in brief.entries} == {
        "pembrolizumab",
        "aspirin",
        "MRI",
        "lung",
        "HER2",
    }


def test_renderings_are_kept_for_the_next_time(session: Session, clinic: Clinic, booking: Booking):
    briefs.save_renderings(
        session, clinic.interpreter, booking.engagement, {"lung": "رئة", "unknown": "x"}
    )
    brief = briefs.load_interpreter_brief(session, clinic.interpreter, booking.engagement)
    assert {entry.term: entry.rendering for entry in brief.entries if entry.rendering} == {
        "lung": "رئة"
    }
    with pytest.raises(Invalid):
        briefs.save_renderings(session, clinic.interpreter, booking.engagement, {"lung": "x" * 201})


def test_it_is_gone_an_hour_after_the_meeting(session: Session, clinic: Clinic, booking: Booking):
    with clock.freeze_clock(booking.ends_at + timedelta(minutes=59)):
        assert briefs.load_interpreter_brief(session, clinic.interpreter, booking.engagement)
    with clock.freeze_clock(booking.ends_at + timedelta(hours=1)), pytest.raises(Forbidden):
        briefs.load_interpreter_brief(session, clinic.interpreter, booking.engagement)


def test_it_is_gone_for_one_who_declined_and_for_everybody_else(
    session: Session, clinic: Clinic, booking: Booking
):
    engagement, second = booking.engagement, an_interpreter(session, clinic.coordinator)
    for stranger in (second, clinic.patient, clinic.coordinator):
        with pytest.raises(Forbidden):
            briefs.load_interpreter_brief(session, stranger, engagement)
    ladder.decline_engagement(session, clinic.interpreter, engagement)
    with pytest.raises(Forbidden):
        briefs.load_interpreter_brief(session, clinic.interpreter, engagement)
    assert briefs.load_interpreter_brief(session, second, booking.engagement)


def test_the_patient_says_how_they_want_to_be_told(
    session: Session, clinic: Clinic, booking: Booking
):
    briefs.set_brief_preference(session, clinic.patient, clinic.case, "family", False, "")
    wish = briefs.load_interpreter_brief(session, clinic.interpreter, booking.engagement).preference
    assert (wish.tell, wish.numbers) == ("family", False)
    with pytest.raises(Forbidden):
        briefs.set_brief_preference(session, clinic.interpreter, clinic.case, "me", True, "")
    with pytest.raises(Invalid):
        briefs.set_brief_preference(session, clinic.patient, clinic.case, "nobody", True, "")


def test_the_form_knows_rather_and_only(database, visit):
    with database.unit_of_work() as session:
        made = a_clinic(session)
        patient = a_person(session, Role.PATIENT, language="en")
        case = an_accepted_case(session, patient, made.coordinator, made.specialist)
    visitor = visit(patient)
    for value, kept in (
        ("female-only", ("female", True)),
        ("male", ("male", False)),
        ("", (None, False)),
    ):
        visitor.post(f"/cases/{case.id}/wishes", tell="me", numbers="no", gender=value)
        with database.sessions() as session:
            row = session.get(BriefPreference, case.id)
            assert (row.interpreter_gender, row.gender_only) == kept
        page = visitor.get(f"/cases/{case.id}/wishes").text
        assert re.search(rf'name="gender" value="{value}" checked', page)


def test_whom_the_patient_would_rather_have_is_asked_first(session: Session, clinic: Clinic):
    woman = an_interpreter(session, clinic.coordinator)
    session.add(InterpreterProfile(person_id=woman.id, gender="female"))
    session.add(InterpreterProfile(person_id=clinic.interpreter.id, gender="male"))
    for gender, expected in (("female", woman), ("male", clinic.interpreter)):
        briefs.set_brief_preference(session, clinic.patient, clinic.case, "me", True, gender)
        assert {
            slot.interpreter_id for slot in find_slots_for_case(session, clinic.case).slots
        } == {expected.id}
