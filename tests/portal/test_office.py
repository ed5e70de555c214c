"""The office takes a case from its arrival to an agreed meeting."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from app.audit.models import AuditEntry
from app.cases.models import Case, CaseMember
from app.cases.states import CaseStage
from app.core import clock
from app.core.outbox import Job
from app.core.permissions import Role
from app.identity.models import Person
from app.scheduling.models import Booking, BookingState
from tests.people import a_case, a_person

STORY, QUESTION = "A lump, found in May.", "Should I have surgery?"


def stage_of(look, case) -> str:
    return look(lambda session: session.get_one(Case, case.id).stage)


def test_from_arrival_to_acceptance(visit, hospital, sent, look):
    office = visit(hospital.coordinator)
    assert sent.number in office.get("/home").text

    office.post(f"/cases/{sent.id}/triage")
    assert stage_of(look, sent) == CaseStage.TRIAGE
    early = office.post(f"/cases/{sent.id}/accept")
    assert early.status_code == 409 and "Assign a specialist first" in early.text

    asked = office.post(f"/cases/{sent.id}/ask", what="The pathology report of May")
    assert (
        "The pathology report of May" in asked.text
        and stage_of(look, sent) == CaseStage.RECORDS_REQUESTED
    )
    patient = visit(hospital.patient)
    assert "The pathology report of May" in patient.get(f"/cases/{sent.id}").text
    once_more = patient.post(f"/cases/{sent.id}/records-sent")
    assert once_more.status_code == 200 and "nothing_more" in once_more.text
    assert "The pathology report of May" in once_more.text
    assert stage_of(look, sent) == CaseStage.RECORDS_REQUESTED
    patient.post(f"/cases/{sent.id}/records-sent", nothing_more="1")
    assert stage_of(look, sent) == CaseStage.TRIAGE

    office.post(f"/cases/{sent.id}/assign", person=hospital.specialist.id)
    office.post(f"/cases/{sent.id}/assign", person=hospital.interpreter.id)
    accepted = office.post(f"/cases/{sent.id}/accept")
    assert accepted.status_code == 200 and "Choose a time" in accepted.text
    case = look(lambda session: session.get_one(Case, sent.id))
    assert case.stage == CaseStage.ACCEPTED and case.needs_interpreter
    assert case.due_at == case.complete_at + timedelta(days=10) and case.act_by == case.due_at
    told = look(
        lambda session: [
            job.payload for job in session.scalars(select(Job).where(Job.kind == "notify"))
        ]
    )
    assert {(one["kind"], one["person_id"]) for one in told} >= {
        ("case_submitted", hospital.coordinator.id),
        ("records_requested", hospital.patient.id),
        ("records_provided", hospital.coordinator.id),
        ("specialist_assigned", hospital.specialist.id),
        ("interpreter_assigned", hospital.interpreter.id),
        ("case_accepted", hospital.patient.id),
    }


def test_asking_for_nothing_and_declining_without_a_reason_are_refused(visit, hospital, sent, look):
    office = visit(hospital.coordinator)
    office.post(f"/cases/{sent.id}/triage")
    nothing = office.post(f"/cases/{sent.id}/ask", what="   ")
    assert nothing.status_code == 422 and "which record is missing" in nothing.text
    silent = office.post(f"/cases/{sent.id}/decline", reason="")
    assert silent.status_code == 422 and "why the hospital cannot take" in silent.text
    assert stage_of(look, sent) == CaseStage.TRIAGE

    office.post(f"/cases/{sent.id}/decline", reason="We have no specialist for this.")
    assert stage_of(look, sent) == CaseStage.DECLINED
    assert (
        "We have no specialist for this." in visit(hospital.patient).get(f"/cases/{sent.id}").text
    )


def test_a_step_that_somebody_else_has_taken_is_a_conflict(visit, hospital, sent):
    office = visit(hospital.coordinator)
    assert office.post(f"/cases/{sent.id}/triage").status_code == 200
    again = office.post(f"/cases/{sent.id}/triage")
    assert again.status_code == 409 and "moved to another stage" in again.text


def test_only_fitting_people_are_put_on_a_case(visit, hospital, sent, person):
    office = visit(hospital.coordinator)
    heart = person(Role.SPECIALIST, specialties=["cardiology"])
    unqualified = person(Role.INTERPRETER, language="ar", speaks=["en"])
    office.post(f"/cases/{sent.id}/triage")
    assert heart.name not in office.get(f"/cases/{sent.id}").text
    assert office.post(f"/cases/{sent.id}/assign", person=heart.id).status_code == 422
    assert (
        office.post(f"/cases/{sent.id}/assign", person=hospital.interpreter.id).status_code == 409
    )
    assert office.post(f"/cases/{sent.id}/assign", person="nobody").status_code == 422
    page = office.post(f"/cases/{sent.id}/assign", person=hospital.specialist.id).text
    assert hospital.interpreter.name in page and unqualified.name not in page
    refused = office.post(f"/cases/{sent.id}/assign", person=unqualified.id)
    assert refused.status_code == 422 and "not qualified for these two languages" in refused.text


def test_no_interpreter_is_offered_where_the_two_share_a_language(visit, hospital, look):
    def arrange(session):
        patient = a_person(session, Role.PATIENT, language="es-MX")
        session.get_one(Person, hospital.specialist.id).speaks = ["es"]
        return a_case(session, patient)

    case, office = look(arrange), visit(hospital.coordinator)
    office.post(f"/cases/{case.id}/triage")
    page = office.post(f"/cases/{case.id}/assign", person=hospital.specialist.id).text
    assert "share a language" in page
    assert look(lambda session: session.get_one(Case, case.id).needs_interpreter) is False
    assert (
        office.post(f"/cases/{case.id}/assign", person=hospital.interpreter.id).status_code == 422
    )


def test_the_office_reads_the_clinical_file_only_for_a_reason_and_for_an_hour(
    visit, hospital, sent, look
):
    office = visit(hospital.coordinator)
    closed = office.get(f"/cases/{sent.id}").text
    assert (
        STORY not in closed
        and QUESTION not in closed
        and "You cannot see the clinical file" in closed
    )

    for fields in ({"why": "other", "reason": " "}, {}, {"why": "other", "reason": "x" * 201}):
        refused = office.post(f"/cases/{sent.id}/open-file", **fields)
        assert refused.status_code == 422 and STORY not in refused.text

    opened = office.post(
        f"/cases/{sent.id}/open-file", why="other", reason="The patient rang about a word"
    )
    assert STORY in opened.text and QUESTION in opened.text
    entry = look(
        lambda session: session.scalars(
            select(AuditEntry).where(AuditEntry.verb == "case.file_opened")
        ).one()
    )
    assert (entry.actor_id, entry.facts["reason"]) == (
        hospital.coordinator.id,
        "The patient rang about a word",
    )
    seen = visit(hospital.patient).get(f"/cases/{sent.id}").text
    assert "The patient rang about a word" in seen and hospital.coordinator.name in seen
    with clock.shift_clock(timedelta(minutes=61)):
        assert STORY not in office.get(f"/cases/{sent.id}").text


def test_every_opening_of_a_case_is_written_down(visit, hospital, accepted, look):
    for one in (hospital.coordinator, hospital.specialist, hospital.patient):
        visit(one).get(f"/cases/{accepted.id}")
    readers = look(
        lambda session: list(
            session.scalars(
                select(AuditEntry.actor_id).where(
                    AuditEntry.verb == "case.read", AuditEntry.case_id == accepted.id
                )
            )
        )
    )
    assert readers == [hospital.coordinator.id, hospital.specialist.id, hospital.patient.id]


def test_taking_a_request_back_cancels_the_meeting_and_closes_the_case_to_others(
    visit, hospital, booked, look
):
    patient = visit(hospital.patient)
    patient.get("/home?lang=en")
    answer = patient.post(f"/cases/{booked.case_id}/withdraw")
    assert "withdrawn" in answer.text

    case, booking = look(
        lambda session: (session.get_one(Case, booked.case_id), session.get_one(Booking, booked.id))
    )
    assert (case.stage, booking.state) == (CaseStage.WITHDRAWN, BookingState.CANCELLED)
    assert case.act_by is None
    for one in (hospital.specialist, hospital.interpreter):
        assert visit(one).get(f"/cases/{booked.case_id}").status_code == 404
    still = look(
        lambda session: list(
            session.scalars(
                select(CaseMember.role).where(
                    CaseMember.case_id == case.id, CaseMember.until.is_(None)
                )
            )
        )
    )
    assert still == [Role.PATIENT]


def test_what_belongs_to_the_office_nobody_else_can_do(visit, hospital, sent, person, look):
    for one in (
        hospital.patient,
        hospital.specialist,
        hospital.interpreter,
        person(Role.ADMINISTRATOR),
        person(Role.AUDITOR),
    ):
        visitor = visit(one)
        for act in ("triage", "accept", "ask", "decline", "assign", "open-file"):
            assert visitor.post(f"/cases/{sent.id}/{act}").status_code == 404, (one.role, act)
        assert visitor.get("/worklist").status_code == 404
    assert visit(person()).post(f"/cases/{sent.id}/withdraw").status_code == 404
    assert stage_of(look, sent) == CaseStage.SUBMITTED
