"""The brief of an interpreter: what to prepare, and no more of the file. It closes with their way
to the case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.cases import queries as case_queries
from app.cases.models import Case
from app.cases.policy import is_current_member
from app.cases.verbs import CaseAuditVerb
from app.core.clock import now
from app.core.errors import Forbidden, Invalid
from app.core.text import N_
from app.identity.models import Person
from app.scheduling.interpreters.glossary import (
    TermKind,
    explain_abbreviation,
    find_medical_terms,
    merge_terms,
)
from app.scheduling.interpreters.terms import terms_of_case
from app.scheduling.matching.languages import primary_language_of
from app.scheduling.models import BriefPreference, Engagement, GlossaryTerm

TELL_CHOICES = ("me", "family")
PREFERRED_GENDER_CHOICES = ("", "female", "male")
MAX_RENDERING_CHARACTERS = 200


@dataclass(frozen=True)
class BriefEntry:
    """A term, what it stands for where it is an abbreviation, and how this interpreter renders
    it.
    """

    kind: TermKind
    term: str
    rendering: str
    meaning: str = ""


@dataclass(frozen=True)
class InterpreterBrief:
    engagement: Engagement
    entries: list[BriefEntry]
    preference: BriefPreference


def load_interpreter_brief(
    session: Session, actor: Person, engagement: Engagement
) -> InterpreterBrief:
    """The brief, for the interpreter who is booked, from the booking until an hour after the
    meeting.

    Raises ``Forbidden`` before and after, and for anybody else.
    """
    _refuse_unless_brief_open(session, actor, engagement)
    case, target = engagement.booking.case, engagement.booking.source
    known = {
        row.term: row.rendering
        for row in session.scalars(
            select(GlossaryTerm).where(
                GlossaryTerm.person_id == actor.id,
                GlossaryTerm.target == primary_language_of(target),
            )
        )
    }
    own = find_medical_terms(case.story, *(question.text for question in case.questions))
    terms = merge_terms([own, terms_of_case(session, case.id)])
    entries = [
        BriefEntry(term.kind, term.text, known.get(term.text, ""), explain_abbreviation(term.text))
        for term in terms
    ]
    return InterpreterBrief(engagement, entries, brief_preference_of(session, case))


def save_renderings(
    session: Session, actor: Person, engagement: Engagement, renderings: Mapping[str, str]
) -> int:
    """Keeps the interpreter's own words for the brief's terms, for this and every later meeting.
    Returns how many.
    """
    brief = load_interpreter_brief(session, actor, engagement)
    target, kept = primary_language_of(engagement.booking.source), 0
    for entry in brief.entries:
        text = renderings.get(entry.term, "").strip()
        if len(text) > MAX_RENDERING_CHARACTERS:
            raise Invalid(
                N_("Keep each term under %(most)s characters."),
                field="term",
                most=MAX_RENDERING_CHARACTERS,
            )
        if text == entry.rendering:
            continue
        row = session.scalars(
            select(GlossaryTerm).where(
                GlossaryTerm.person_id == actor.id,
                GlossaryTerm.target == target,
                GlossaryTerm.term == entry.term,
            )
        ).first()
        if row is None:
            session.add(
                GlossaryTerm(person_id=actor.id, target=target, term=entry.term, rendering=text)
            )
        else:
            row.rendering, row.changed_at = text, now()
        kept += 1
    session.flush()
    return kept


def brief_preference_of(session: Session, case: Case) -> BriefPreference:
    """How the patient wants to be told; what is usual where nothing was said."""
    return session.get(BriefPreference, case.id) or BriefPreference(
        case_id=case.id, tell="me", numbers=True
    )


def set_brief_preference(
    session: Session,
    actor: Person,
    case: Case,
    tell: str,
    numbers: bool,
    interpreter_gender: str,
    *,
    gender_only: bool = False,
) -> BriefPreference:
    """The patient says who is to be told, whether with numbers, and whom they would rather, or
    only, have interpret.

    A meeting that is booked already keeps its interpreter.
    """
    if actor.id != case.patient_id:
        raise Forbidden()
    if tell not in TELL_CHOICES or interpreter_gender not in PREFERRED_GENDER_CHOICES:
        raise Invalid(N_("Choose one of the answers shown."), field="tell")
    row = session.get(BriefPreference, case.id)
    if row is None:
        row = BriefPreference(case_id=case.id)
        session.add(row)
    row.tell, row.numbers, row.interpreter_gender = tell, numbers, interpreter_gender or None
    row.gender_only = gender_only and bool(interpreter_gender)
    session.flush()
    audit.record_audit_entry(
        session, actor.id, CaseAuditVerb.CASE_CHANGED, "brief", case.id, case.id
    )
    return row


def _refuse_unless_brief_open(session: Session, actor: Person, engagement: Engagement) -> None:
    booking = engagement.booking
    member = case_queries.find_membership(session, actor, booking.case_id)
    if (
        actor.id != engagement.interpreter_id
        or actor not in booking.interpreters
        or not booking.is_confirmed
    ):
        raise Forbidden()
    if not engagement.is_live or not is_current_member(member):
        raise Forbidden()
