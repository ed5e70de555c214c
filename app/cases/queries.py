"""Reads of cases, already filtered by who may see them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Select, SQLColumnExpression, func, select
from sqlalchemy.orm import Session, defer, joinedload, selectinload

from app.cases import policy
from app.cases.models import Case, CaseEvent, CaseMember, Consent, RecordRequest
from app.cases.states import END_STAGES, CaseStage
from app.cases.visibility import holds_now, visible_cases
from app.core.clock import now
from app.core.errors import Forbidden, NotFound
from app.core.permissions import Role
from app.identity.models import Person

CasePolicy = Callable[[Person, Case, CaseMember | None], bool]
UNASSIGNED_STAGES = (CaseStage.SUBMITTED, CaseStage.TRIAGE, CaseStage.RECORDS_REQUESTED)
LOAD_CASE_PEOPLE = (
    joinedload(Case.patient),
    selectinload(Case.members).joinedload(CaseMember.person),
)


def find_membership(session: Session, person: Person, case_id: str) -> CaseMember | None:
    """The person's membership of the case that holds now, in the role in which they act, if any."""
    return session.scalars(
        select(CaseMember)
        .where(
            CaseMember.case_id == case_id,
            CaseMember.person_id == person.id,
            CaseMember.role == person.role,
            holds_now(CaseMember),
        )
        .order_by(CaseMember.since.desc())
    ).first()


def get_case(
    session: Session, person: Person, case_id: str, can: CasePolicy = policy.can_read_case
) -> Case:
    """The case, if the person may (``can`` is a policy of three arguments). Raises ``NotFound`` or
    ``Forbidden``.
    """
    case = session.get(Case, case_id)
    if case is None:
        raise NotFound()
    if not can(person, case, find_membership(session, person, case_id)):
        raise Forbidden()
    return case


def list_cases(
    session: Session,
    person: Person,
    limit: int = 200,
    stages: Collection[str] | None = None,
) -> list[Case]:
    """The cases that the person may see, latest change first; of all stages unless some are
    named.
    """
    found = select(Case).options(*LOAD_CASE_PEOPLE, defer(Case.story)).where(visible_cases(person))
    if stages is not None:
        found = found.where(Case.stage.in_(list(stages)))
    return list(session.scalars(found.order_by(Case.changed_at.desc()).limit(limit)))


@dataclass(frozen=True)
class WorklistFilter:
    """What the office wants to see of its worklist. With nothing chosen: every case on which
    somebody has to act.

    ``number`` is a case number or the end of one; ``among`` are case ids, from a slice that
    knows more.
    """

    stages: tuple[str, ...] = ()
    specialty: str | None = None
    without_specialist: bool = False
    late: bool = False
    number: str | None = None
    among: tuple[str, ...] | None = None


def list_worklist_cases(
    session: Session,
    reader: Person,
    wanted: WorklistFilter = WorklistFilter(),
    *,
    offset: int = 0,
    limit: int = 50,
) -> list[Case]:
    """The office's cases, the one that burns most first. Without their clinical text, which a list
    must not read.
    """
    order = _order_by_urgency(wanted)
    page = (
        _filter_worklist(select(Case.id).where(visible_cases(reader)), wanted)
        .order_by(*order)
        .offset(offset)
        .limit(limit)
    )
    return list(
        session.scalars(
            select(Case)
            .where(Case.id.in_(page.scalar_subquery()))
            .order_by(*order)
            .options(
                *LOAD_CASE_PEOPLE,
                defer(Case.story, raiseload=True),
                defer(Case.subject_authority, raiseload=True),
                defer(Case.closing_reason, raiseload=True),
            )
        )
    )


def count_worklist_cases(session: Session, reader: Person, wanted: WorklistFilter) -> int:
    counted = select(func.count()).select_from(Case).where(visible_cases(reader))
    return session.scalar(_filter_worklist(counted, wanted)) or 0


def count_cases_by_stage(session: Session, reader: Person) -> dict[str, int]:
    """How many of the cases that the reader may see stand at each stage."""
    return dict(
        session.execute(
            select(Case.stage, func.count()).where(visible_cases(reader)).group_by(Case.stage)
        ).all()
    )


# ``Any``: a query for cases, or one that counts them
WorklistQuery = TypeVar("WorklistQuery", bound=Select[Any])


def _filter_worklist(query: WorklistQuery, wanted: WorklistFilter) -> WorklistQuery:
    if wanted.number:
        return query.where(
            Case.stage != CaseStage.DRAFT, Case.number.in_(_read_case_numbers(wanted.number))
        )
    if wanted.stages:
        query = query.where(
            Case.stage.in_([stage for stage in wanted.stages if stage != CaseStage.DRAFT])
        )
    else:
        query = query.where(Case.act_by.is_not(None))
    if wanted.specialty:
        query = query.where(Case.specialty == wanted.specialty)
    if wanted.late:
        query = query.where(Case.act_by < now())
    if wanted.without_specialist:
        query = query.where(
            Case.stage.in_(UNASSIGNED_STAGES), Case.needs_interpreter.is_(None)
        )  # known from the first one on
    if wanted.among is not None:
        query = query.where(Case.id.in_(wanted.among))
    return query


def _order_by_urgency(wanted: WorklistFilter) -> Sequence[SQLColumnExpression[Any]]:
    if wanted.stages and set(wanted.stages) <= END_STAGES:
        return [Case.changed_at.desc(), Case.id]
    return [Case.act_by, Case.id]


def find_case_ids_by_number(session: Session, entered: str) -> list[str]:
    """The ids of the cases whose number somebody may mean; see ``_read_case_numbers``."""
    return list(
        session.scalars(
            select(Case.id)
            .where(Case.number.in_(_read_case_numbers(entered)))
            .order_by(Case.number.desc())
        )
    )


def get_case_numbers(session: Session, case_ids: Iterable[str]) -> dict[str, str]:
    """The numbers of cases, by id."""
    return dict(
        session.execute(select(Case.id, Case.number).where(Case.id.in_(list(case_ids)))).all()
    )


def _read_case_numbers(entered: str) -> list[str]:
    """The case numbers that somebody may mean: «C-2026-00042», «2026-42» or «42» of this year or
    the two before.
    """
    digits = re.findall(r"\d+", entered)
    if not digits:
        return []
    number = int(digits[-1][:9])
    years = [int(digits[0][:4])] if len(digits) > 1 else [now().year - back for back in range(3)]
    return [f"C-{year}-{number:05d}" for year in years]


def list_case_events(session: Session, case_id: str) -> list[CaseEvent]:
    return list(
        session.scalars(
            select(CaseEvent)
            .where(CaseEvent.case_id == case_id)
            .order_by(CaseEvent.at, CaseEvent.id)
        )
    )


def list_open_record_requests(session: Session, case_id: str) -> list[RecordRequest]:
    return list(
        session.scalars(
            select(RecordRequest)
            .where(RecordRequest.case_id == case_id, RecordRequest.provided_at.is_(None))
            .order_by(RecordRequest.asked_at)
        )
    )


def list_consents(session: Session, case_id: str) -> list[Consent]:
    return list(
        session.scalars(
            select(Consent).where(Consent.case_id == case_id).order_by(Consent.given_at)
        )
    )


def list_members(session: Session, case_id: str) -> list[CaseMember]:
    """Who is on the case now, with their people loaded."""
    return list(
        session.scalars(
            select(CaseMember)
            .options(joinedload(CaseMember.person))
            .where(CaseMember.case_id == case_id, holds_now(CaseMember))
            .order_by(CaseMember.since)
        )
    )


def list_office_openings(session: Session, case_id: str) -> list[CaseMember]:
    """When the office opened the clinical file, who did and why, newest first."""
    return list(
        session.scalars(
            select(CaseMember)
            .options(joinedload(CaseMember.person))
            .where(CaseMember.case_id == case_id, CaseMember.role == Role.COORDINATOR)
            .order_by(CaseMember.since.desc())
            .limit(50)
        )
    )


def find_member_of_role(session: Session, case_id: str, role: Role) -> Person | None:
    """The person who holds this role on the case now."""
    return next(
        (member.person for member in list_members(session, case_id) if member.role == role), None
    )


def select_open_staff_memberships() -> Select[CaseMember]:
    """The memberships of specialists and interpreters in cases that have not ended."""
    return (
        select(CaseMember)
        .join(CaseMember.case)
        .where(
            CaseMember.role.in_((Role.SPECIALIST, Role.INTERPRETER)),
            holds_now(CaseMember),
            Case.stage.not_in(list(END_STAGES)),
        )
    )
