"""The signed opinion of the demo."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.cases.demo import find_demo_case
from app.cases.models import Case
from app.core.demo import DemoDiary
from app.identity.demo import load_demo_people
from app.identity.models import Person
from app.opinions import service as opinions
from app.opinions.content import RecommendationContent


def seed_demo_opinion(diary: DemoDiary) -> None:
    session, people = diary.session, load_demo_people(diary.session)
    diary.on(
        1,
        lambda: _write_and_sign(
            session, people["cardiologist"], find_demo_case(session, people["patient9"])
        ),
    )


def _write_and_sign(session: Session, specialist: Person, case: Case) -> None:
    draft = opinions.OpinionDraft(
        version=0,
        agreement="partly",
        answers={
            1: (
                "Ablation is a good choice if the palpitations trouble you or medicines do not"
                " help. It is not urgent."
            ),
            2: (
                "Yes. Your risk of stroke is high enough that an anticoagulant is advised, with or"
                " without an ablation."
            ),
        },
        diagnosis="Paroxysmal atrial fibrillation with well controlled blood pressure.",
        recommendations=(
            RecommendationContent(
                text="Begin an oral anticoagulant after your kidney values have been checked.",
                rationale=(
                    "The score of your risk factors is above the threshold of current guidelines."
                ),
                urgency="soon",
                citations=("Ambulatory electrocardiogram",),
            ),
        ),
        further_tests="Echocardiogram, thyroid values, kidney values.",
        limits="This opinion rests on the records that were sent. I have not examined you.",
    )
    opinion = opinions.save_opinion_draft(session, specialist, case, draft)
    opinions.sign_opinion(session, specialist, case, opinion.version)
