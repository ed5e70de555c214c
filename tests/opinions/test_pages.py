"""The opinion's pages, by the people who open them."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.audit.models import AuditEntry
from app.cases import service as cases
from app.core.permissions import Role
from tests.opinions.conftest import Clinic, a_draft
from tests.people import a_person

SECRET = "Ductal carcinoma, grade 2."


@pytest.fixture
def at(clinic: Clinic) -> str:
    return f"/cases/{clinic.case_id}/opinion"


def as_typed(version: int, **changes: str) -> dict[str, str]:
    return {
        "version": str(version),
        "answer-1": "Yes.",
        "answer-2": "No.",
        "agreement": "agree",
        "diagnosis": SECRET,
        "rec-0-text": "Rest.",
        "rec-0-urgency": "now",
        "rec-0-citations": "Report, page 2\nGuideline",
        "rec-7-text": "",
        "rec-7-rationale": " ",
        "limits": "No examination.",
    } | changes


def test_the_specialist_writes_reads_it_through_and_signs(clinic: Clinic, at: str, visit):
    doctor = visit(clinic.specialist)
    editor = doctor.get(at)
    assert editor.request.path.endswith("/opinion/edit")
    assert "هل التشخيص صحيح؟" in editor.text
    confirm = doctor.post(f"{at}/draft", **as_typed(0, sign="1"))
    assert confirm.request.path.endswith("/opinion/sign")
    assert SECRET in confirm.text and "Rest." in confirm.text
    signed = doctor.post(f"{at}/sign", version="1")
    assert signed.status_code == 200 and "The opinion is signed." in signed.text
    opinion = clinic.opinion()
    assert [(one.text, one.urgency, one.citations) for one in opinion.recommendations] == [
        ("Rest.", "now", "Report, page 2\nGuideline")
    ]


def test_what_is_missing_is_said_before_the_signature(clinic: Clinic, at: str, visit):
    doctor = visit(clinic.specialist)
    page = doctor.post(f"{at}/draft", **as_typed(0, sign="1", **{"answer-2": ""}))
    assert "Question 2 has no answer yet." in page.text
    assert 'action="' + f"{at}/sign" not in page.text
    assert doctor.post(f"{at}/sign", version="1").status_code == 422


def test_a_script_saves_and_learns_the_version(clinic: Clinic, at: str, visit):
    doctor = visit(clinic.specialist)
    doctor.get(at)
    asks = {"Accept": "application/json", "X-Requested-With": "XMLHttpRequest"}
    first = doctor.post(f"{at}/draft", headers=asks, **as_typed(0))
    assert first.get_json() == {"version": 1}
    behind = doctor.post(
        f"{at}/draft", headers=asks, **as_typed(0, diagnosis="From an old window.")
    )
    assert behind.status_code == 409 and "another window" in behind.get_json()["error"]
    assert clinic.opinion().diagnosis == SECRET


def test_without_scripts_what_was_typed_in_an_old_window_is_still_on_the_page(
    clinic: Clinic, at: str, visit
):
    clinic.save(a_draft(0))
    page = visit(clinic.specialist).post(
        f"{at}/draft", **as_typed(0, diagnosis="From an old window.")
    )
    assert page.status_code == 409
    assert "From an old window." in page.text and "This was not saved" in page.text


def test_nobody_but_its_specialist_sees_a_draft(clinic: Clinic, at: str, visit):
    clinic.save(a_draft(0))
    for person in (clinic.patient, clinic.interpreter, clinic.coordinator):
        visitor = visit(person)
        for page in (at, f"{at}/edit", f"{at}/sign", f"{at}.pdf", f"{at}/state"):
            answer = visitor.get(page)
            assert answer.status_code == 404, (person.role, page)
            assert SECRET not in answer.text
        assert visitor.post(f"{at}/draft", **as_typed(1)).status_code == 404
    case_page = visit(clinic.patient).get(f"/cases/{clinic.case_id}")
    assert SECRET not in case_page.text and at not in case_page.text


def test_the_patient_has_it_once_it_is_released_and_not_before(clinic: Clinic, at: str, visit):
    clinic.save(a_draft(0))
    clinic.sign(1)
    clinic.run_jobs()
    patient = visit(clinic.patient)
    for page in (at, f"{at}.pdf"):
        assert patient.get(page).status_code == 404

    office = visit(clinic.coordinator)
    assert office.post(f"{at}/release").status_code == 200
    page = patient.get(at)
    assert page.status_code == 200 and SECRET in page.text and 'dir="rtl"' in page.text
    pdf = patient.get(f"{at}.pdf")
    assert pdf.mimetype == "application/pdf" and pdf.data.startswith(b"%PDF")
    assert (
        pdf.headers["Content-Disposition"].startswith("attachment")
        and len(pdf.data) == pdf.content_length
    )
    with clinic.database.unit_of_work() as session:
        reads = session.scalars(select(AuditEntry).where(AuditEntry.verb == "opinion.read")).all()
        assert [(read.actor_id, read.facts["form"]) for read in reads] == [
            (clinic.patient.id, "page"),
            (clinic.patient.id, "pdf"),
        ]


def test_the_office_releases_without_reading_and_reads_with_a_reason(
    clinic: Clinic, at: str, visit
):
    clinic.save(a_draft(0))
    clinic.sign(1)
    clinic.run_jobs()
    office = visit(clinic.coordinator)
    assert office.get(at).status_code == 404
    with clinic.database.unit_of_work() as session:
        cases.open_clinical_file(
            session, clinic.coordinator, clinic.case(session), "The patient asks about the dose."
        )
    assert SECRET in office.get(at).text


def test_a_note_is_shown_below_the_opinion(clinic: Clinic, at: str, visit):
    clinic.save(a_draft(0))
    clinic.sign(1)
    doctor = visit(clinic.specialist)
    doctor.get(at)
    page = doctor.post(f"{at}/notes", text="<b>The slides</b> have come.")
    assert "&lt;b&gt;The slides&lt;/b&gt; have come." in page.text
    assert SECRET in page.text


def test_strangers_and_the_uninvited_get_nothing(clinic: Clinic, at: str, visit):
    clinic.save(a_draft(0))
    assert visit().get(at, follow_redirects=False).status_code == 302
    with clinic.database.unit_of_work() as session:
        others = [
            a_person(session, role) for role in (Role.PATIENT, Role.SPECIALIST, Role.INTERPRETER)
        ]
    for other in others:
        assert visit(other).get(at).status_code == 404


@pytest.mark.parametrize(
    "fields", [{"version": "x"}, {"version": ""}, {"version": "0", "agreement": "maybe"}]
)
def test_bad_input_is_refused_with_a_sentence(
    clinic: Clinic, at: str, visit, fields: dict[str, str]
):
    answer = visit(clinic.specialist).post(
        f"{at}/draft", headers={"Accept": "application/json"}, **(as_typed(0) | fields)
    )
    assert answer.status_code == 422 and answer.get_json()["error"]
