"""What becomes of the cases of somebody who leaves."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.cases.models import CaseMember
from app.cases.queries import select_open_staff_memberships
from app.cases.service import end_membership, notify_people
from app.cases.visibility import list_case_coordinator_ids
from app.core.text import N_
from app.identity.models import Person
from app.organizations.people.departure import DeparturePart

PERSON_LEFT_NOTICE = "person_left_case"


def _list_open_memberships(session: Session, person: Person) -> Sequence[CaseMember]:
    return session.scalars(
        select_open_staff_memberships().where(CaseMember.person_id == person.id)
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
