"""The verbs of a case. Each checks the stage table, changes, records and tells; none commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.cases import policy, queries
from app.cases.consents import (
    CONSENT_TEXT_VERSION,
    CONSENT_TEXTS,
    REQUIRED_CONSENTS,
    hash_consent_text,
)
from app.cases.models import (
    Case,
    CaseCounter,
    CaseEvent,
    CaseMember,
    Consent,
    Question,
    RecordRequest,
)
from app.cases.specialties import SPECIALTIES
from app.cases.states import END_STAGES, CaseMove, CaseStage, find_next_stage
from app.cases.verbs import CaseAuditVerb
from app.cases.visibility import is_office_case, list_case_coordinator_ids
from app.core.clock import now
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.outbox import enqueue_notice
from app.core.permissions import Role
from app.core.text import N_
from app.i18n.locales import match_language
from app.i18n.translate import make_translator
from app.identity.models import Person
from app.organizations.institution import get_turnaround, is_specialty_offered
from app.organizations.queries import find_office_for_country, has_role
from app.organizations.service import ensure_default_office

# How long a case may rest at a stage before it burns; the stages that are not here follow
# ``due_at``,
# or do not burn.
STAGE_TIME_LIMITS = {
    CaseStage.SUBMITTED: timedelta(days=1),
    CaseStage.TRIAGE: timedelta(days=2),
    CaseStage.RECORDS_REQUESTED: timedelta(days=7),
    CaseStage.OPINION_SIGNED: timedelta(days=1),
    CaseStage.RELEASED: timedelta(days=30),
}
ASSIGNABLE_STAGES = (
    CaseStage.SUBMITTED,
    CaseStage.TRIAGE,
    CaseStage.RECORDS_REQUESTED,
    CaseStage.ACCEPTED,
)
FILE_OPENING_DURATION = timedelta(hours=1)
MAX_FILE_REASON_CHARACTERS = 200
MAX_QUESTIONS = 10
MAX_QUESTION_CHARACTERS = 1_000
MAX_STORY_CHARACTERS = 20_000


@dataclass(frozen=True)
class CaseDraft:
    """What a patient enters. ``questions`` in their order; empty ones are dropped."""

    specialty: str
    story: str
    questions: tuple[str, ...]
    written_only: bool = False
    for_self: bool = True
    subject_name: str | None = None
    subject_relation: str | None = None
    subject_authority: str | None = None


def create_case(session: Session, actor: Person, draft: CaseDraft) -> Case:
    """A new draft that only its patient sees."""
    office = find_office_for_country(session, actor.country) or ensure_default_office(session)
    case = Case(
        number=_next_case_number(session),
        patient_id=actor.id,
        patient=actor,
        office_id=office.id,
        office=office,
        language=actor.language,
        specialty=draft.specialty,
    )
    session.add(case)
    _apply_case_draft(case, draft)
    session.flush()
    grant_membership(session, actor, case, actor, Role.PATIENT, reason="own case")
    audit.record_audit_entry(
        session, actor.id, CaseAuditVerb.CASE_CREATED, "case", case.id, case.id
    )
    _record_event(session, case, "created", actor)
    return case


def change_case_draft(session: Session, actor: Person, case: Case, draft: CaseDraft) -> None:
    """Rewrites a draft. Raises ``Conflict`` once it has been sent."""
    if case.stage != CaseStage.DRAFT:
        raise Conflict(N_("This case has already been sent. To change it, contact the hospital."))
    _apply_case_draft(case, draft)
    case.changed_at = now()
    session.flush()
    audit.record_audit_entry(
        session, actor.id, CaseAuditVerb.CASE_CHANGED, "case", case.id, case.id
    )


def give_consents(
    session: Session, actor: Person, case: Case, kinds: Sequence[str], language: str | None = None
) -> None:
    """Records consent of the actor to each kind not yet given, with the text as it was shown in
    ``language`` (else the actor's own). Raises ``Invalid`` for an unknown kind.
    """
    if actor.id != case.patient_id:
        raise Forbidden()
    unknown = [kind for kind in kinds if kind not in CONSENT_TEXTS]
    if unknown:
        raise Invalid(
            N_("One of these consents is unknown to us. Nothing was changed."), field="consents"
        )
    given = {
        consent.kind
        for consent in queries.list_consents(session, case.id)
        if consent.withdrawn_at is None
    }
    shown_in = match_language(language or actor.language).tag
    say = make_translator(shown_in)
    for kind in kinds:
        if kind not in given:
            text = say(CONSENT_TEXTS[kind])
            session.add(
                Consent(
                    case_id=case.id,
                    person_id=actor.id,
                    kind=kind,
                    text_version=CONSENT_TEXT_VERSION,
                    language=shown_in,
                    text=text,
                    text_hash=hash_consent_text(text),
                )
            )
            audit.record_audit_entry(
                session,
                actor.id,
                CaseAuditVerb.CONSENT_GIVEN,
                "consent",
                kind,
                case.id,
                version=CONSENT_TEXT_VERSION,
                text=hash_consent_text(text),
            )
    session.flush()


def submit_case(session: Session, actor: Person, case: Case) -> None:
    """Sends the case to the office. Raises ``Invalid`` while something that the office needs is
    missing.
    """
    if case.specialty not in SPECIALTIES:
        raise Invalid(
            N_("Choose the medical specialty of your question."),
            field="specialty",
        )
    if not is_specialty_offered(session, case.specialty):
        raise Invalid(
            N_("The hospital does not offer this specialty at present. Choose another one."),
            field="specialty",
        )
    if not case.story:
        raise Invalid(N_("Describe the illness in a few sentences."), field="story")
    if not case.questions:
        raise Invalid(
            N_("Ask at least one question, so that the specialist knows what to answer."),
            field="questions",
        )
    given = {
        consent.kind
        for consent in queries.list_consents(session, case.id)
        if consent.withdrawn_at is None
    }
    if not REQUIRED_CONSENTS <= given:
        raise Invalid(
            N_("Read and agree to each consent before you send your case."), field="consents"
        )
    if case.patient.email_confirmed_at is None:
        raise Invalid(N_("Confirm your e-mail address before you send your case."), field="email")
    _advance_case(session, actor, case, CaseMove.SUBMIT)
    case.submitted_at = now()
    notify_people(session, "case_submitted", case, list_case_coordinator_ids(case))


def begin_triage(session: Session, actor: Person, case: Case) -> None:
    _advance_case(session, actor, case, CaseMove.TRIAGE)


def request_records(session: Session, actor: Person, case: Case, what: str) -> RecordRequest:
    """Asks the patient for something that is missing; the case waits for it."""
    what = what.strip()
    if not what:
        raise Invalid(N_("Say which record is missing."), field="what")
    if len(what) > MAX_QUESTION_CHARACTERS:
        raise Invalid(
            N_("Keep this under %(most)s characters."),
            field="what",
            most=MAX_QUESTION_CHARACTERS,
        )
    _advance_case(session, actor, case, CaseMove.REQUEST_RECORDS)
    request = RecordRequest(case_id=case.id, asked_by=actor.id, what=what)
    session.add(request)
    session.flush()
    audit.record_audit_entry(
        session, actor.id, CaseAuditVerb.RECORDS_REQUESTED, "record_request", request.id, case.id
    )
    notify_people(session, "records_requested", case, [case.patient_id])
    return request


def provide_records(session: Session, actor: Person, case: Case) -> None:
    """The patient says that what was asked for is now here; the office looks again."""
    _advance_case(session, actor, case, CaseMove.PROVIDE_RECORDS)
    for request in queries.list_open_record_requests(session, case.id):
        request.provided_at = now()
    if actor.role == Role.PATIENT:
        notify_people(session, "records_provided", case, list_case_coordinator_ids(case))


def accept_case(session: Session, actor: Person, case: Case) -> None:
    """The records are complete: the turnaround clock starts. A specialist must have been
    assigned.
    """
    if queries.find_member_of_role(session, case.id, Role.SPECIALIST) is None:
        raise Conflict(N_("Assign a specialist first, then accept the case."))
    _advance_case(session, actor, case, CaseMove.ACCEPT)
    complete = now()
    case.complete_at, case.due_at = complete, complete + get_turnaround(session)
    case.act_by = case.due_at
    notify_people(session, "case_accepted", case, [case.patient_id])


def assign_person_to_case(
    session: Session, actor: Person, case: Case, person: Person
) -> CaseMember:
    """Puts a specialist or an interpreter on the case, in the place of one who was there before."""
    if not is_office_case(actor, case):
        raise Forbidden()
    if case.stage not in ASSIGNABLE_STAGES:
        raise Conflict(
            N_(
                "The people on this case can no longer be changed here. If a consultation"
                " is booked, cancel it first."
            )
        )
    role = _find_assignable_role(person)
    if role is None or person.id == case.patient_id:
        raise Invalid(N_("This person cannot be assigned to a case."), field="person")
    if (
        role == Role.SPECIALIST
        and case.specialty not in person.specialties
        and case.specialty != "general"
    ):
        raise Invalid(
            N_("%(name)s does not cover this specialty."), field="person", name=person.name
        )
    for member in queries.list_members(session, case.id):
        if member.role == role and member.person_id == person.id:
            return member
        if member.role == role:
            end_membership(session, actor, member, reason="replaced")
    member = grant_membership(session, actor, case, person, role, reason="assigned")
    if role == Role.SPECIALIST:
        case.needs_interpreter = policy.is_interpreter_needed(case.patient, person)
    case.changed_at = now()
    _record_event(session, case, f"{role}_assigned", actor)
    notify_people(session, f"{role}_assigned", case, [person.id])
    return member


def _find_assignable_role(person: Person) -> Role | None:
    """What the person could be on a case; their own first role where they could be both."""
    roles = [one for one in (Role.SPECIALIST, Role.INTERPRETER) if has_role(person, one)]
    if not roles or not person.active:
        return None
    return next((one for one in roles if one == person.home_role), roles[0])


def grant_membership(
    session: Session,
    actor: Person | None,
    case: Case,
    person: Person,
    role: Role,
    *,
    reason: str,
    since: datetime | None = None,
    until: datetime | None = None,
) -> CaseMember:
    """Lets a person in on a case from ``since`` until ``until``."""
    actor_id = actor.id if actor else None
    member = CaseMember(
        case_id=case.id,
        person_id=person.id,
        person=person,
        role=role,
        since=since or now(),
        until=until,
        granted_by=actor_id,
        reason=reason,
    )
    session.add(member)
    session.flush()
    audit.record_audit_entry(
        session,
        actor_id,
        CaseAuditVerb.MEMBER_GRANTED,
        "member",
        member.id,
        case.id,
        person=person.id,
        role=str(role),
        reason=reason,
    )
    return member


def end_membership(
    session: Session, actor: Person | None, member: CaseMember, *, reason: str
) -> None:
    """Closes the way to the case, at once."""
    member.until = now()
    session.flush()
    audit.record_audit_entry(
        session,
        actor.id if actor else None,
        CaseAuditVerb.MEMBER_ENDED,
        "member",
        member.id,
        member.case_id,
        person=member.person_id,
        reason=reason,
    )


def mark_case_scheduled(session: Session, actor: Person, case: Case) -> None:
    _advance_case(session, actor, case, CaseMove.SCHEDULE)


def mark_case_unscheduled(session: Session, actor: Person, case: Case) -> None:
    _advance_case(session, actor, case, CaseMove.UNSCHEDULE)


def mark_case_consulted(session: Session, actor: Person, case: Case) -> None:
    _advance_case(session, actor, case, CaseMove.CONSULT)


def mark_case_signed(session: Session, actor: Person, case: Case) -> None:
    _advance_case(session, actor, case, CaseMove.SIGN)


def mark_case_released(session: Session, actor: Person, case: Case) -> None:
    _advance_case(session, actor, case, CaseMove.RELEASE)
    notify_people(session, "opinion_released", case, [case.patient_id])


def close_case(session: Session, actor: Person, case: Case) -> None:
    _advance_case(session, actor, case, CaseMove.CLOSE)


def decline_case(session: Session, actor: Person, case: Case, reason: str) -> None:
    """The office cannot take the case; the patient is told why, in the office's own words."""
    if not reason.strip():
        raise Invalid(
            N_("Tell the patient why the hospital cannot take this case."), field="reason"
        )
    _advance_case(session, actor, case, CaseMove.DECLINE)
    case.closing_reason = reason.strip()
    for member in queries.list_members(session, case.id):
        if member.role != Role.PATIENT:
            end_membership(session, actor, member, reason="declined")
    notify_people(session, "case_declined", case, [case.patient_id])


def withdraw_case(session: Session, actor: Person, case: Case) -> None:
    """The patient no longer wants it. What was sent stays sealed with the case."""
    if actor.role == Role.PATIENT and actor.id != case.patient_id:
        raise Forbidden()
    _advance_case(session, actor, case, CaseMove.WITHDRAW)
    others = [
        member for member in queries.list_members(session, case.id) if member.role != Role.PATIENT
    ]
    for member in others:
        end_membership(session, actor, member, reason="withdrawn")
    told = [*(member.person_id for member in others), case.patient_id]
    notify_people(
        session, "case_withdrawn", case, [person_id for person_id in told if person_id != actor.id]
    )


def open_clinical_file(session: Session, actor: Person, case: Case, reason: str) -> CaseMember:
    """The office reads the clinical file: for an hour, with a reason that patient and auditor see.

    Raises ``Invalid`` without a reason. An opening that still holds is not opened twice.
    """
    if not policy.can_run_office(actor, case):
        raise Forbidden()
    reason = reason.strip()
    if not reason:
        raise Invalid(N_("Say why you need to open the clinical file."), field="reason")
    if len(reason) > MAX_FILE_REASON_CHARACTERS:
        raise Invalid(
            N_("Keep this under %(most)s characters."),
            field="reason",
            most=MAX_FILE_REASON_CHARACTERS,
        )
    held = queries.find_membership(session, actor, case.id)
    if held is not None:
        return held
    member = grant_membership(
        session,
        actor,
        case,
        actor,
        Role.COORDINATOR,
        reason=reason,
        until=now() + FILE_OPENING_DURATION,
    )
    audit.record_audit_entry(
        session, actor.id, CaseAuditVerb.FILE_OPENED, "case", case.id, case.id, reason=reason
    )
    record_case_event(session, case.id, "file_opened", actor)
    notify_people(session, "file_opened", case, [case.patient_id])
    return member


def record_case_read(session: Session, actor: Person, case: Case) -> None:
    """Opening a case is itself an act on the record."""
    audit.record_audit_entry(session, actor.id, CaseAuditVerb.CASE_READ, "case", case.id, case.id)


def notify_people(
    session: Session, kind: str, case: Case, person_ids: Sequence[str], **facts: object
) -> None:
    """Queues a message to each person; the words, the language and the zone are the reader's."""
    for person_id in dict.fromkeys(person_ids):
        enqueue_notice(session, kind, person_id, facts, case_id=case.id)


def record_case_event(
    session: Session, case_id: str, kind: str, actor: Person | None, **facts: object
) -> None:
    """Adds a line to the case's timeline."""
    session.add(
        CaseEvent(case_id=case_id, kind=kind, actor_id=actor.id if actor else None, facts=facts)
    )
    session.flush()


def _record_event(session: Session, case: Case, kind: str, actor: Person | None) -> None:
    record_case_event(session, case.id, kind, actor)


def _advance_case(session: Session, actor: Person, case: Case, move: CaseMove) -> None:
    was = case.stage
    case.stage = find_next_stage(case.stage, move, actor.role, written_only=case.written_only)
    case.changed_at = now()
    case.act_by = _compute_act_by(case)
    _record_event(session, case, str(move), actor)
    audit.record_audit_entry(
        session,
        actor.id,
        CaseAuditVerb.CASE_ADVANCED,
        "case",
        case.id,
        case.id,
        move=str(move),
        was=was,
        now=str(case.stage),
    )


def _compute_act_by(case: Case) -> datetime | None:
    stage = CaseStage(case.stage)
    if stage in STAGE_TIME_LIMITS:
        return now() + STAGE_TIME_LIMITS[stage]
    return None if stage in END_STAGES else case.due_at


def _apply_case_draft(case: Case, draft: CaseDraft) -> None:
    from_form = [text.strip() for text in draft.questions if text.strip()]
    if len(from_form) > MAX_QUESTIONS:
        raise Invalid(N_("Ask at most %(most)s questions."), field="questions", most=MAX_QUESTIONS)
    if any(len(text) > MAX_QUESTION_CHARACTERS for text in from_form):
        raise Invalid(
            N_("Keep each question under %(most)s characters."),
            field="questions",
            most=MAX_QUESTION_CHARACTERS,
        )
    if len(draft.story) > MAX_STORY_CHARACTERS:
        raise Invalid(
            N_("Keep your story under %(most)s characters."),
            field="story",
            most=MAX_STORY_CHARACTERS,
        )
    if not draft.for_self and not (draft.subject_name or "").strip():
        raise Invalid(N_("Enter the name of the person you are asking for."), field="subject_name")
    case.specialty, case.story, case.written_only = (
        draft.specialty,
        draft.story.strip(),
        draft.written_only,
    )
    case.for_self = draft.for_self
    case.subject_name = None if draft.for_self else draft.subject_name
    case.subject_relation = None if draft.for_self else draft.subject_relation
    case.subject_authority = None if draft.for_self else draft.subject_authority
    kept = case.questions[: len(from_form)]
    for question, text in zip(kept, from_form, strict=False):
        question.text = text
    case.questions[len(from_form) :] = []
    for number in range(len(kept) + 1, len(from_form) + 1):
        case.questions.append(Question(number=number, text=from_form[number - 1]))


def _next_case_number(session: Session) -> str:
    """C-2026-00042: the year and a running number. The counter's row makes whoever comes second
    wait.
    """
    year = now().year
    if session.get(CaseCounter, year) is None:
        try:
            with session.begin_nested():
                session.add(CaseCounter(year=year, last=0))
        except IntegrityError:
            pass  # somebody else has just begun this year's count
    last = session.execute(
        update(CaseCounter)
        .where(CaseCounter.year == year)
        .values(last=CaseCounter.last + 1)
        .returning(CaseCounter.last),
        execution_options={"synchronize_session": False},
    ).scalar_one()
    return f"C-{year}-{last:05d}"
