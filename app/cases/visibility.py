"""Who sees which case: one predicate, in SQL and in Python.

The two forms stand side by side; a test holds them against each other.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import object_session

from app.cases.models import Case, CaseMember, CaseShare
from app.cases.states import CaseStage
from app.core.clock import now
from app.core.permissions import Role
from app.identity.models import Person
from app.organizations.queries import get_office_ids, list_people_of_role, select_office_ids


def visible_cases(actor: Person) -> ColumnElement[bool]:
    """The condition on ``Case`` that the actor may see it, in the role and for the office for which
    they act.
    """
    member = Case.id.in_(
        select(CaseMember.case_id).where(
            CaseMember.person_id == actor.id, CaseMember.role == actor.role, holds_now(CaseMember)
        )
    )
    if actor.role != Role.COORDINATOR:
        return member if actor.active else false()
    return office_cases(actor)


def office_cases(actor: Person) -> ColumnElement[bool]:
    """The condition on ``Case`` that it was sent to the actor's office or is shared with it."""
    if actor.role != Role.COORDINATOR:
        return false()
    offices = select_office_ids(actor)
    shared = select(CaseShare.case_id).where(CaseShare.office_id.in_(offices), holds_now(CaseShare))
    return and_(
        or_(Case.office_id.in_(offices), Case.id.in_(shared)),
        Case.stage != CaseStage.DRAFT,
        Case.patient_id != actor.id,
    )


def is_office_case(actor: Person, case: Case) -> bool:
    """As ``office_cases``, for one case. Nobody runs their own case."""
    return (
        actor.role == Role.COORDINATOR
        and case.stage != CaseStage.DRAFT
        and case.patient_id != actor.id
        and bool(get_office_ids(actor, object_session(case)) & list_case_office_ids(case))
    )


def list_case_office_ids(case: Case) -> frozenset[str]:
    """The offices that see the case: its own, and those with which it is shared now."""
    moment = now()
    return frozenset(
        [
            case.office_id,
            *(
                one.office_id
                for one in case.shares
                if one.since <= moment and (one.until is None or moment < one.until)
            ),
        ]
    )


def list_case_coordinator_ids(case: Case) -> list[str]:
    """The ids of everybody who coordinates the case."""
    session = object_session(case)
    if session is None:
        return []
    found = list_people_of_role(session, Role.COORDINATOR, list_case_office_ids(case))
    return [person.id for person in found if person.id != case.patient_id]


def holds_now(row: type[CaseMember] | type[CaseShare]) -> ColumnElement[bool]:
    """The condition that a membership or a share has begun and has not ended."""
    moment = now()
    return and_(row.since <= moment, or_(row.until.is_(None), row.until > moment))
