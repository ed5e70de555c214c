"""Saving, signing, releasing: what each verb does, and what it refuses."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.audit.models import AuditEntry
from app.cases import queries as case_queries
from app.cases import service as cases
from app.cases.models import Case
from app.core.clock import now
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.outbox import Job
from app.core.permissions import Role
from app.identity.models import Person
from app.opinions import queries, service
from app.opinions.content import RecommendationContent
from app.records.models import Record, Upload
from app.records.reading.models import RecordPointer
from tests.opinions.conftest import Clinic, a_draft
from tests.people import a_person


def verbs(clinic: Clinic) -> list[str]:
    with clinic.database.unit_of_work() as session:
        return [
            entry.verb
            for entry in session.scalars(
                select(AuditEntry)
                .where(AuditEntry.case_id == clinic.case_id)
                .order_by(AuditEntry.number)
            )
            if entry.verb.startswith("opinion.")
        ]


def test_a_draft_is_kept_and_counted(clinic: Clinic):
    assert clinic.save(a_draft(0)).version == 1
    assert clinic.save(a_draft(1, diagnosis="Something else.")).version == 2
    opinion = clinic.opinion()
    assert opinion.diagnosis == "Something else."
    assert [
        answer.text for answer in sorted(opinion.answers, key=lambda one: one.question.number)
    ] == ["Yes, the biopsy leaves no doubt.", "Not now. See the first recommendation."]
    assert verbs(clinic) == ["opinion.saved", "opinion.saved"]


def test_saving_the_same_again_changes_nothing(clinic: Clinic):
    clinic.save(a_draft(0))
    assert clinic.save(a_draft(1)).version == 1
    assert verbs(clinic) == ["opinion.saved"]


def test_a_second_window_that_is_behind_is_told_and_loses_nothing(clinic: Clinic):
    clinic.save(a_draft(0))
    clinic.save(a_draft(1, diagnosis="From the first window."))
    with pytest.raises(Conflict, match="another window"):
        clinic.save(a_draft(1, diagnosis="From the second window."))
    assert clinic.opinion().diagnosis == "From the first window."


def test_recommendations_keep_their_order_and_can_go(clinic: Clinic):
    one, two, three = (
        RecommendationContent(text, "", "routine", ()) for text in ("One.", "Two.", "Three.")
    )
    clinic.save(a_draft(0, recommendations=(one, two, three)))
    clinic.save(a_draft(1, recommendations=(three, one)))
    assert [row.text for row in clinic.opinion().recommendations] == ["Three.", "One."]


def test_it_cannot_be_signed_while_something_is_missing(clinic: Clinic):
    clinic.save(a_draft(0, answers={1: "Yes."}))
    with pytest.raises(Invalid, match="Question 2 has no answer yet"):
        clinic.sign(1)
    clinic.save(a_draft(1, agreement=None))
    with pytest.raises(Invalid, match="whether you agree"):
        clinic.sign(2)
    clinic.save(a_draft(2, limits=" "))
    with pytest.raises(Invalid, match="in person"):
        clinic.sign(3)


def test_only_what_was_confirmed_is_signed(clinic: Clinic):
    clinic.save(a_draft(0))
    clinic.save(a_draft(1, diagnosis="Written in another window meanwhile."))
    with pytest.raises(Conflict):
        clinic.sign(1)


def test_a_signed_opinion_keeps_the_marked_places_that_it_cites(clinic: Clinic):
    with clinic.database.unit_of_work() as session:
        case = clinic.case(session)
        upload = Upload(case_id=case.id, person_id=case.patient_id, size=1, expires_at=now())
        session.add(upload)
        session.flush()
        record = Record(
            case_id=case.id, upload_id=upload.id, uploaded_by=case.patient_id, name="CT", size=1
        )
        session.add(record)
        session.flush()
        cited, other = (
            RecordPointer(
                case_id=case.id,
                record_id=record.id,
                person_id=clinic.specialist.id,
                kind="page",
                place="{}",
                note="Nodule",
            )
            for _ in range(2)
        )
        session.add_all([cited, other])
        session.flush()
        ids = [cited.id, other.id]
    clinic.save(a_draft(0, diagnosis=f"A nodule, see https://hospital.example/pointers/{ids[0]}."))
    clinic.sign(1)
    with clinic.database.sessions() as session:
        pointers = [session.get_one(RecordPointer, one) for one in ids]
        assert [pointer.cited_at is not None for pointer in pointers] == [True, False]


def test_a_signature_freezes_every_word(clinic: Clinic):
    clinic.save(a_draft(0))
    signed = clinic.sign(1)
    with pytest.raises(Conflict, match="signed"):
        clinic.save(a_draft(1, diagnosis="Changed my mind."))
    with pytest.raises(Conflict, match="signed"):
        clinic.sign(1)
    opinion = clinic.opinion()
    assert opinion.diagnosis == "Ductal carcinoma, grade 2."
    with clinic.database.unit_of_work() as session:
        case = clinic.case(session)
        assert case.stage == "opinion_signed"
        assert (
            queries.build_opinion_content(case, opinion).digest()
            == signed.content_hash
            == opinion.content_hash
        )
        assert session.scalars(select(Job).where(Job.kind == "opinion.render")).one()


def test_it_waits_for_the_meeting_unless_it_is_written_only(clinic: Clinic):
    with clinic.database.unit_of_work() as session:
        session.get_one(Case, clinic.case_id).written_only = False
    with pytest.raises(Forbidden):
        clinic.save(a_draft(0))


def test_nobody_else_writes(clinic: Clinic):
    with clinic.database.unit_of_work() as session:
        stranger = a_person(session, Role.SPECIALIST, specialties=["oncology"])
    for person in (clinic.patient, clinic.coordinator, clinic.interpreter, stranger):
        with pytest.raises(Forbidden):
            clinic.save(a_draft(0), actor=person)


def test_a_specialist_who_left_the_case_writes_no_more_and_the_next_one_goes_on(clinic: Clinic):
    clinic.save(a_draft(0))
    with clinic.database.unit_of_work() as session:
        follower = a_person(session, Role.SPECIALIST, specialties=["oncology"])
        cases.assign_person_to_case(session, clinic.coordinator, clinic.case(session), follower)
    with pytest.raises(Forbidden):
        clinic.save(a_draft(1, diagnosis="Too late."))
    assert (
        clinic.save(a_draft(1, diagnosis="Going on."), actor=follower).specialist_id == follower.id
    )


def test_it_is_released_once_its_document_is_made(clinic: Clinic):
    clinic.save(a_draft(0))
    clinic.sign(1)
    with pytest.raises(Conflict, match="still being prepared"):
        clinic.release()
    clinic.run_jobs()
    clinic.release()
    clinic.release()  # a double click
    assert clinic.opinion().is_released
    assert verbs(clinic).count("opinion.released") == 1
    with clinic.database.unit_of_work() as session:
        assert clinic.case(session).stage == "released"


def test_only_the_office_releases(clinic: Clinic):
    clinic.save(a_draft(0))
    clinic.sign(1)
    clinic.run_jobs()
    with clinic.database.unit_of_work() as session:
        opinion = queries.find_opinion(session, clinic.case_id)
        for person in (clinic.specialist, clinic.patient, clinic.interpreter):
            with pytest.raises(Forbidden):
                service.release_opinion(session, person, clinic.case(session), opinion)


def test_what_comes_after_the_signature_is_a_note(clinic: Clinic):
    clinic.save(a_draft(0))
    clinic.sign(1)
    with clinic.database.unit_of_work() as session:
        opinion = queries.find_opinion(session, clinic.case_id)
        service.add_addendum(
            session,
            clinic.specialist,
            clinic.case(session),
            opinion,
            "The slides have come: nothing changes.",
        )
        with pytest.raises(Forbidden):
            service.add_addendum(
                session, clinic.coordinator, clinic.case(session), opinion, "From the office."
            )
        with pytest.raises(Invalid):
            service.add_addendum(session, clinic.specialist, clinic.case(session), opinion, "  ")
    opinion = clinic.opinion()
    assert [note.text for note in opinion.addenda] == ["The slides have come: nothing changes."]
    with clinic.database.unit_of_work() as session:
        assert (
            queries.build_opinion_content(clinic.case(session), opinion).digest()
            == opinion.content_hash
        )


def test_only_the_specialist_who_signed_adds_a_note(clinic: Clinic):
    """Not the one who follows on the case, not the one who has left it, and not a stranger."""
    clinic.save(a_draft(0))
    clinic.sign(1)
    with clinic.database.unit_of_work() as session:
        follower = a_person(session, Role.SPECIALIST, specialties=["oncology"])
        stranger = a_person(session, Role.SPECIALIST, specialties=["oncology"])
        case = clinic.case(session)
        cases.grant_membership(
            session, clinic.coordinator, case, follower, Role.SPECIALIST, reason="took over"
        )

    def add(author: Person) -> None:
        with clinic.database.unit_of_work() as session:
            opinion = queries.find_opinion(session, clinic.case_id)
            service.add_addendum(session, author, clinic.case(session), opinion, "A word more.")

    for other in (follower, stranger):
        with pytest.raises(Forbidden):
            add(other)
    add(clinic.specialist)
    with clinic.database.unit_of_work() as session:
        case = clinic.case(session)
        for member in case_queries.list_members(session, case.id):
            if member.person_id == clinic.specialist.id:
                cases.end_membership(session, clinic.coordinator, member, reason="replaced")
    with pytest.raises(Forbidden):
        add(clinic.specialist)
    assert [note.author_id for note in clinic.opinion().addenda] == [clinic.specialist.id]


def test_too_long_or_unknown_input_is_refused(clinic: Clinic):
    with pytest.raises(Invalid, match="20000 characters"):
        clinic.save(a_draft(0, diagnosis="x" * 20_001))
    with pytest.raises(Invalid, match="about the diagnosis"):
        clinic.save(a_draft(0, agreement="maybe"))
    with pytest.raises(Invalid, match="at most 20"):
        clinic.save(a_draft(0, recommendations=(RecommendationContent("x", "", "soon", ()),) * 21))
    with pytest.raises(Invalid, match="how soon"):
        clinic.save(a_draft(0, recommendations=(RecommendationContent("x", "", "yesterday", ()),)))
