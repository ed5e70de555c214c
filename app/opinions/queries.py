"""Reads of opinions, already filtered by who may see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.cases import policy as case_policy
from app.cases import queries as cases
from app.cases.models import Case
from app.cases.states import CaseStage
from app.core.errors import Forbidden, NotFound
from app.identity.models import Person
from app.opinions import policy
from app.opinions.content import AnsweredQuestion, OpinionContent, RecommendationContent
from app.opinions.models import Opinion, QuestionAnswer


@dataclass(frozen=True)
class OpinionPanel:
    """What the case page shows of the opinion to this person; never a word of it."""

    case_id: str
    exists: bool
    is_draft: bool
    is_rendered: bool
    can_write: bool
    can_read: bool
    can_release: bool
    saved_at: datetime | None
    signed_at: datetime | None
    released_at: datetime | None


@dataclass(frozen=True)
class SignedOpinion:
    """An opinion that is signed and waits for its release."""

    is_rendered: bool


def find_signed_opinions(session: Session, found: Sequence[Case]) -> dict[str, SignedOpinion]:
    """Of those of the cases that wait for the release of their opinion, by case."""
    ids = [case.id for case in found if case.stage == CaseStage.OPINION_SIGNED]
    if not ids:
        return {}
    opinions = session.scalars(select(Opinion).where(Opinion.case_id.in_(ids)))
    return {one.case_id: SignedOpinion(one.is_rendered) for one in opinions}


def find_opinion(session: Session, case_id: str) -> Opinion | None:
    """The case's opinion with all its parts. For services and jobs: it asks nobody's leave."""
    return session.scalars(
        select(Opinion)
        .where(Opinion.case_id == case_id)
        .options(
            joinedload(Opinion.specialist),
            selectinload(Opinion.recommendations),
            selectinload(Opinion.answers).joinedload(QuestionAnswer.question),
            selectinload(Opinion.addenda),
        )
    ).first()


def get_opinion_to_write(
    session: Session, person: Person, case_id: str
) -> tuple[Case, Opinion | None]:
    """The case and the draft as far as there is one. Raises ``NotFound`` or ``Forbidden``."""
    case = cases.get_case(session, person, case_id)
    opinion = find_opinion(session, case_id)
    if not policy.can_write_opinion(
        person, case, cases.find_membership(session, person, case_id), opinion
    ):
        raise Forbidden()
    return case, opinion


def get_opinion_to_read(session: Session, person: Person, case_id: str) -> tuple[Case, Opinion]:
    """The case and its opinion. Raises ``NotFound`` where there is none that the person may see."""
    case = cases.get_case(session, person, case_id)
    opinion = find_opinion(session, case_id)
    if opinion is None:
        raise NotFound()
    if not policy.can_read_opinion(
        person, case, cases.find_membership(session, person, case_id), opinion
    ):
        raise Forbidden()
    return case, opinion


def get_opinion_to_release(session: Session, person: Person, case_id: str) -> tuple[Case, Opinion]:
    """For the office, which releases without reading. Raises ``NotFound`` or ``Forbidden``."""
    case = cases.get_case(session, person, case_id)
    opinion = session.scalars(select(Opinion).where(Opinion.case_id == case_id)).first()
    if opinion is None or not case_policy.can_run_office(person, case):
        raise NotFound()
    return case, opinion


def build_opinion_panel(session: Session, person: Person, case: Case) -> OpinionPanel:
    """How the opinion of this case stands, for this person. An unreleased one does not exist for
    the patient.
    """
    opinion = session.scalars(select(Opinion).where(Opinion.case_id == case.id)).first()
    member = cases.find_membership(session, person, case.id)
    reads = opinion is not None and policy.can_read_opinion(person, case, member, opinion)
    releases = opinion is not None and policy.can_release_opinion(person, case, opinion)
    office = (
        opinion is not None and not opinion.is_draft and case_policy.can_run_office(person, case)
    )
    seen = opinion if opinion is not None and (reads or releases or office) else None
    return OpinionPanel(
        case_id=case.id,
        exists=seen is not None,
        is_draft=bool(seen and seen.is_draft),
        is_rendered=bool(seen and seen.is_rendered),
        can_write=policy.can_write_opinion(person, case, member, opinion),
        can_read=reads,
        can_release=releases,
        saved_at=seen.saved_at if seen else None,
        signed_at=seen.signed_at if seen else None,
        released_at=seen.released_at if seen else None,
    )


def build_opinion_content(case: Case, opinion: Opinion | None) -> OpinionContent:
    """What the opinion says now, every question of the case in its order; of none, the empty
    page.
    """
    said = {answer.question_id: answer.text for answer in opinion.answers} if opinion else {}
    return OpinionContent(
        answers=tuple(
            AnsweredQuestion(question.number, question.text, said.get(question.id, ""))
            for question in case.questions
        ),
        agreement=opinion.agreement if opinion else None,
        diagnosis=opinion.diagnosis if opinion else "",
        recommendations=(
            tuple(
                RecommendationContent(
                    one.text, one.rationale, one.urgency, tuple(one.citations.splitlines())
                )
                for one in opinion.recommendations
            )
            if opinion
            else ()
        ),
        further_tests=opinion.further_tests if opinion else "",
        limits=opinion.limits if opinion else "",
    )
