"""What becomes of the cases of somebody who leaves."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cases.models import Case, CaseMember
from app.cases.service import end_membership, notify_people
from app.cases.states import END_STAGES
from app.cases.visibility import list_case_coordinator_ids
from app.core.clock import now
from app.core.permissions import Role
from app.core.text import N_
from app.identity.models import Person
from app.organizations.people.departure import DeparturePart

PERSON_LEFT_NOTICE = "person_left_case"


def _list_open_memberships(session: Session, person: Person) -> Sequence[CaseMember]:
    return session.scalars(
        select(CaseMember)
        .join(CaseMember.case)
        .where(
            CaseMember.person_id == person.id,
            CaseMember.role.in_((Role.SPECIALIST, Role.INTERPRETER)),
            CaseMember.until.is_(None) | (CaseMember.until > now()),
            Case.stage.not_in(list(END_STAGES)),
        )
    ).all()


def _count_open_cases(session: Session, person: Person) -> int:
    return len({one.case_id for one in _list_open_memberships(session, person)})


def _leave_cases(session: Session, actor: Person, person: Person) -> None:
    for member in _list_open_memberships(session, person):
        end_membership(session, actor, member, reason="account deactivated")
        notify_people(
            session, PERSON_LEFT_NOTICE, member.case, list_case_coordinator_ids(member.case)
        )


OPEN_CASES_PART = DeparturePart(
    N_("Open cases"),
    N_("Their access ends. The coordinators of these cases are told to assign another person."),
    _count_open_cases,
    _leave_cases,
)
