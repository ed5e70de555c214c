"""Reads of cases, already filtered by who may see them."""
from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.cases import policy
from app.cases.models import Case, CaseEvent, CaseMember, Consent, RecordRequest
from app.cases.states import Stage
from app.core.clock import now
from app.core.errors import Forbidden, NotFound
from app.core.permissions import Role
from app.identity.models import Person

CasePolicy = Callable[[Person, Case, CaseMember | None], bool]


def membership(session: Session, person: Person, case_id: str) -> CaseMember | None:
    """The person's membership of the case that holds now, if any."""
    return session.scalars(
        select(CaseMember).where(CaseMember.case_id == case_id, CaseMember.person_id == person.id, _holds_now())
        .order_by(CaseMember.since.desc())
    ).first()


def case_for(session: Session, person: Person, case_id: str, can: CasePolicy = policy.can_read_case) -> Case:
    """The case, if the person may (`can` is a policy of three arguments). Raises `NotFound` or `Forbidden`."""
    case = session.get(Case, case_id)
    if case is None:
        raise NotFound()
    if not can(person, case, membership(session, person, case_id)):
        raise Forbidden()
    return case


def cases_of(session: Session, person: Person) -> list[Case]:
    """The cases that the person is a member of now, latest change first."""
    return list(session.scalars(_with_people(
        select(Case).where(Case.id.in_(
            select(CaseMember.case_id).where(CaseMember.person_id == person.id, _holds_now())
        ))
    ).order_by(Case.changed_at.desc()).limit(200)))


def worklist(
    session: Session, *, stages: Sequence[str] | None = None, specialty: str | None = None, offset: int = 0,
    limit: int = 50,
) -> list[Case]:
    """The office's cases, most urgent first: by due date, then by how long nobody has touched them."""
    wanted = _with_people(select(Case).where(Case.stage != Stage.DRAFT))
    if stages:
        wanted = wanted.where(Case.stage.in_(list(stages)))
    if specialty:
        wanted = wanted.where(Case.specialty == specialty)
    return list(session.scalars(
        wanted.order_by(Case.due_at.is_(None), Case.due_at, Case.changed_at).offset(offset).limit(limit)))


def count_by_stage(session: Session) -> dict[str, int]:
    """How many cases stand at each stage."""
    return dict(session.execute(select(Case.stage, func.count()).group_by(Case.stage)).tuples())


def timeline(session: Session, case_id: str) -> list[CaseEvent]:
    return list(session.scalars(
        select(CaseEvent).where(CaseEvent.case_id == case_id).order_by(CaseEvent.at, CaseEvent.id)))


def open_record_requests(session: Session, case_id: str) -> list[RecordRequest]:
    return list(session.scalars(
        select(RecordRequest).where(RecordRequest.case_id == case_id, RecordRequest.provided_at.is_(None))
        .order_by(RecordRequest.asked_at)))


def consents_of(session: Session, case_id: str) -> list[Consent]:
    return list(session.scalars(select(Consent).where(Consent.case_id == case_id).order_by(Consent.given_at)))


def members_of(session: Session, case_id: str) -> list[CaseMember]:
    """Who is on the case now, with their people loaded."""
    return list(session.scalars(
        select(CaseMember).options(joinedload(CaseMember.person))
        .where(CaseMember.case_id == case_id, _holds_now()).order_by(CaseMember.since)))


def member_of_role(session: Session, case_id: str, role: Role) -> Person | None:
    """The person who holds this role on the case now."""
    return next((member.person for member in members_of(session, case_id) if member.role == role), None)


def _holds_now():  # type: ignore[no-untyped-def]
    moment = now()
    return (CaseMember.since <= moment) & or_(CaseMember.until.is_(None), CaseMember.until > moment)


def _with_people(wanted: Select[tuple[Case]]) -> Select[tuple[Case]]:
    return wanted.options(joinedload(Case.patient), selectinload(Case.members).joinedload(CaseMember.person))
