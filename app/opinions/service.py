"""The verbs of an opinion: save, sign, release, add. What is signed never changes again."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.cases import queries as case_queries
from app.cases import service as cases
from app.cases.models import Case
from app.core.clock import now
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.outbox import enqueue_job
from app.core.text import N_
from app.identity.models import Person
from app.opinions import policy, queries
from app.opinions.content import RecommendationContent
from app.opinions.models import (
    Addendum,
    DiagnosisAgreement,
    Opinion,
    OpinionState,
    QuestionAnswer,
    Recommendation,
    RecommendationUrgency,
)
from app.opinions.verbs import OpinionAuditVerb
from app.records.reading.service import cite_pointers

MAX_OPINION_PART_CHARACTERS = 20_000
MAX_RECOMMENDATIONS = 20
OPINION_CHANGED_ELSEWHERE = N_(
    "This opinion was changed in another window, or by someone else. What you wrote is"
    " still on this page. Copy what you need, then reload the page."
)
OPINION_IS_SIGNED = N_(
    "This opinion is signed and can no longer be changed. You can add a note to it."
)


@dataclass(frozen=True)
class OpinionDraft:
    """What the specialist has on the page. ``answers`` by the number of the question;
    ``version`` is the one that the page was made from.
    """

    version: int
    answers: dict[int, str] = field(default_factory=dict)
    agreement: str | None = None
    diagnosis: str = ""
    recommendations: tuple[RecommendationContent, ...] = ()
    further_tests: str = ""
    limits: str = ""


def save_opinion_draft(session: Session, actor: Person, case: Case, draft: OpinionDraft) -> Opinion:
    """Keeps the draft and counts its version up; saving the same again changes nothing.

    Raises ``Conflict`` when the opinion is signed or was changed since the page was made,
    ``Invalid`` for what is too long or unknown.
    """
    opinion = _lock_opinion_draft(session, actor, case)
    _check_draft(draft)
    if opinion.version != draft.version:
        raise Conflict(OPINION_CHANGED_ELSEWHERE)
    before = queries.build_opinion_content(case, opinion).digest()
    _apply_opinion_draft(session, case, opinion, draft)
    if queries.build_opinion_content(case, opinion).digest() == before and opinion.version > 0:
        return opinion
    opinion.version += 1
    opinion.saved_at, opinion.specialist_id = now(), actor.id
    session.flush()
    audit.record_audit_entry(
        session,
        actor.id,
        OpinionAuditVerb.OPINION_SAVED,
        "opinion",
        opinion.id,
        case.id,
        version=opinion.version,
    )
    return opinion


def sign_opinion(session: Session, actor: Person, case: Case, version: int) -> Opinion:
    """Freezes the opinion as it is at ``version``, and queues its PDF.

    Raises ``Invalid`` while something is missing, ``Conflict`` when it is not the version that the
    specialist confirmed.
    """
    opinion = _lock_opinion_draft(session, actor, case)
    if opinion.version != version:
        raise Conflict(OPINION_CHANGED_ELSEWHERE)
    content = queries.build_opinion_content(case, opinion)
    missing = content.missing()
    if missing:
        sentence, facts = missing[0]
        raise Invalid(sentence, field=None, **facts)
    opinion.state, opinion.signed_at, opinion.content_hash = (
        OpinionState.SIGNED,
        now(),
        content.digest(),
    )
    opinion.specialist_id = actor.id
    session.flush()
    cite_pointers(session, case.id, content.cited_pointers())
    audit.record_audit_entry(
        session,
        actor.id,
        OpinionAuditVerb.OPINION_SIGNED,
        "opinion",
        opinion.id,
        case.id,
        sha256=opinion.content_hash,
    )
    cases.mark_case_signed(session, actor, case)
    enqueue_job(
        session, "opinion.render", {"opinion_id": opinion.id}, key=f"opinion.render:{opinion.id}"
    )
    return opinion


def release_opinion(session: Session, actor: Person, case: Case, opinion: Opinion) -> None:
    """Gives the opinion to the patient, who is told. Releasing twice is harmless; ``Conflict``
    before the PDF is made.
    """
    if opinion.is_released:
        return
    if not policy.can_release_opinion(actor, case, opinion):
        raise Forbidden()
    if not opinion.is_rendered:
        raise Conflict(N_("The PDF is still being prepared. Wait a moment and try again."))
    opinion.state, opinion.released_at, opinion.released_by = OpinionState.RELEASED, now(), actor.id
    session.flush()
    audit.record_audit_entry(
        session, actor.id, OpinionAuditVerb.OPINION_RELEASED, "opinion", opinion.id, case.id
    )
    cases.mark_case_released(session, actor, case)


def add_addendum(
    session: Session, actor: Person, case: Case, opinion: Opinion, text: str
) -> Addendum:
    """Adds a note to a signed opinion; a patient who has the opinion is told."""
    if not policy.can_add_addendum(
        actor, case_queries.find_membership(session, actor, case.id), opinion
    ):
        raise Forbidden()
    text = text.strip()
    if not text:
        raise Invalid(N_("Write what you want to add."), field="text")
    _check_length(text, "text")
    addendum = Addendum(opinion_id=opinion.id, author_id=actor.id, text=text)
    opinion.addenda.append(addendum)
    session.flush()
    audit.record_audit_entry(
        session,
        actor.id,
        OpinionAuditVerb.OPINION_ADDED_TO,
        "addendum",
        addendum.id,
        case.id,
        opinion=opinion.id,
    )
    if opinion.is_released:
        cases.notify_people(session, "opinion_addendum", case, [case.patient_id])
    return addendum


def record_opinion_read(
    session: Session, actor: Person, opinion: Opinion, *, form: str = "page"
) -> None:
    """Reading an opinion is an act on the record: as a page, or as the PDF."""
    audit.record_audit_entry(
        session,
        actor.id,
        OpinionAuditVerb.OPINION_READ,
        "opinion",
        opinion.id,
        opinion.case_id,
        form=form,
    )


def _lock_opinion_draft(session: Session, actor: Person, case: Case) -> Opinion:
    """The draft, locked, begun if need be. Asks the policy again: a verb is also called without a
    page before it.
    """
    session.refresh(case, with_for_update=True)
    opinion = queries.find_opinion(session, case.id)
    member = case_queries.find_membership(session, actor, case.id)
    if (
        opinion is not None
        and not opinion.is_draft
        and policy.can_add_addendum(actor, member, opinion)
    ):
        raise Conflict(OPINION_IS_SIGNED)
    if not policy.can_write_opinion(actor, case, member, opinion):
        raise Forbidden()
    return opinion or _create_opinion(session, actor, case)


def _create_opinion(session: Session, actor: Person, case: Case) -> Opinion:
    opinion = Opinion(case_id=case.id, specialist_id=actor.id, language=case.language, version=0)
    session.add(opinion)
    try:
        session.flush()
    except IntegrityError as error:  # two windows began at once: the other was first
        raise Conflict(OPINION_CHANGED_ELSEWHERE) from error
    return opinion


def _apply_opinion_draft(
    session: Session, case: Case, opinion: Opinion, draft: OpinionDraft
) -> None:
    opinion.agreement, opinion.diagnosis = draft.agreement, draft.diagnosis
    opinion.further_tests, opinion.limits = draft.further_tests, draft.limits
    written = {answer.question_id: answer for answer in opinion.answers}
    for question in case.questions:
        text = draft.answers.get(question.number, "")
        if question.id in written:
            written[question.id].text = text
        else:
            opinion.answers.append(
                QuestionAnswer(question_id=question.id, question=question, text=text)
            )
    opinion.recommendations[len(draft.recommendations) :] = []
    for position, advice in enumerate(draft.recommendations):
        if position == len(opinion.recommendations):
            opinion.recommendations.append(Recommendation(position=position, text=""))
        row = opinion.recommendations[position]
        row.position, row.text, row.rationale = position, advice.text, advice.rationale
        row.urgency, row.citations = advice.urgency, "\n".join(advice.citations)
    session.flush()


def _check_draft(draft: OpinionDraft) -> None:
    if draft.agreement is not None and draft.agreement not in list(DiagnosisAgreement):
        raise Invalid(N_("Choose one of the answers about the diagnosis."), field="agreement")
    if len(draft.recommendations) > MAX_RECOMMENDATIONS:
        raise Invalid(N_("Give at most %(most)s recommendations."), most=MAX_RECOMMENDATIONS)
    if any(advice.urgency not in list(RecommendationUrgency) for advice in draft.recommendations):
        raise Invalid(N_("Choose how soon each recommendation should be followed."))
    for number, text in draft.answers.items():
        _check_length(text, f"answer-{number}")
    for name in ("diagnosis", "further_tests", "limits"):
        _check_length(getattr(draft, name), name)
    for advice in draft.recommendations:
        _check_length(
            "".join((advice.text, advice.rationale, *advice.citations)), "recommendations"
        )


def _check_length(text: str, name: str) -> None:
    if len(text) > MAX_OPINION_PART_CHARACTERS:
        raise Invalid(
            N_("Keep each part under %(most)s characters."),
            field=name,
            most=MAX_OPINION_PART_CHARACTERS,
        )
