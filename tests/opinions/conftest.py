"""A case that waits for its opinion, with everyone around it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.cases.models import Case
from app.core.db import Database
from app.core.outbox import Job, JobContext
from app.core.permissions import Role
from app.identity.models import Person
from app.opinions import queries, service
from app.opinions.content import RecommendationContent
from app.opinions.models import Opinion
from app.opinions.service import OpinionDraft
from tests.people import a_person, an_accepted_case
from tests.work import context_of, run_jobs

QUESTIONS = ("هل التشخيص صحيح؟", "هل أحتاج إلى عملية جراحية؟")


@dataclass
class Clinic:
    """The people and the case; ``case`` and the people belong to no session."""

    database: Database
    app: Flask
    patient: Person
    specialist: Person
    coordinator: Person
    interpreter: Person
    case_id: str

    def case(self, session: Session) -> Case:
        return session.get_one(Case, self.case_id)

    def opinion(self) -> Opinion:
        with self.database.unit_of_work() as session:
            opinion = queries.find_opinion(session, self.case_id)
            assert opinion is not None
            return opinion

    def save(self, draft: OpinionDraft, actor: Person | None = None) -> Opinion:
        with self.database.unit_of_work() as session:
            return service.save_opinion_draft(
                session, actor or self.specialist, self.case(session), draft
            )

    def sign(self, version: int = 1) -> Opinion:
        with self.database.unit_of_work() as session:
            return service.sign_opinion(session, self.specialist, self.case(session), version)

    def release(self) -> None:
        with self.database.unit_of_work() as session:
            opinion = queries.find_opinion(session, self.case_id)
            assert opinion is not None
            service.release_opinion(session, self.coordinator, self.case(session), opinion)

    @property
    def context(self) -> JobContext:
        return context_of(self.app)

    def run_jobs(self) -> None:
        run_jobs(self.app)

    def pdf(self) -> bytes:
        opinion = self.opinion()
        return b"".join(self.app.extensions["blobs"].read(opinion.pdf_object, opinion.pdf_key))


def a_draft(version: int = 0, **changes: object) -> OpinionDraft:
    """A whole opinion, ready to be signed."""
    facts = {
        "answers": {
            1: "Yes, the biopsy leaves no doubt.",
            2: "Not now. See the first recommendation.",
        },
        "agreement": "partly",
        "diagnosis": "Ductal carcinoma, grade 2.",
        "recommendations": (
            RecommendationContent(
                "Begin with endocrine therapy.",
                "The tumour is hormone sensitive.",
                "soon",
                ("Pathology report, page 2", "ESMO guideline 2024"),
            ),
        ),
        "further_tests": "Ki-67 on the core biopsy.",
        "limits": "I could not examine you, nor see the slides.",
    }
    return OpinionDraft(version=version, **(facts | changes))  # type: ignore[arg-type]


@pytest.fixture
def clinic(app: Flask, database: Database) -> Clinic:
    with database.unit_of_work() as session:
        patient = a_person(
            session, Role.PATIENT, name="أمل حسن", language="ar", timezone="Africa/Cairo"
        )
        specialist = a_person(
            session,
            Role.SPECIALIST,
            name="Dr. Ingrid Weiss",
            title="Professor of Oncology",
            language="en",
            timezone="Europe/Berlin",
            specialties=["oncology"],
        )
        coordinator = a_person(session, Role.COORDINATOR)
        interpreter = a_person(session, Role.INTERPRETER, speaks=["ar"])
        case = an_accepted_case(
            session,
            patient,
            coordinator,
            specialist,
            interpreter,
            questions=QUESTIONS,
            written_only=True,
        )
        clinic = Clinic(database, app, patient, specialist, coordinator, interpreter, case.id)
    with (
        database.unit_of_work() as session
    ):  # what the journey so far has queued is not this test's concern
        session.execute(update(Job).values(finished_at=Job.created_at))
    return clinic
