"""Everything the page of a case shows to one reader, gathered from the slices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.cases import policy
from app.cases import queries as cases
from app.cases.models import Case, CaseEvent, CaseMember, RecordRequest
from app.cases.states import ENDS, TABLE, Move, Stage
from app.consults import queries as consults
from app.consults.queries import Meeting
from app.core.clock import now
from app.core.permissions import Role
from app.identity.models import Person
from app.opinions import queries as opinions
from app.portal import journey
from app.portal.journey import Line, Milestone
from app.portal.next_steps import NextStep, next_step
from app.portal.queries import facts_of, names_of
from app.records import queries as records
from app.scheduling import queries as scheduling

ROLE_ORDER = (Role.PATIENT, Role.SPECIALIST, Role.INTERPRETER)


@dataclass(frozen=True)
class CasePage:
    """The case as one reader may see it. What the reader may not see is empty here, not hidden in
    the template.
    """

    case: Case
    role: str
    may_read_file: bool
    file_open_until: datetime | None
    people: list[tuple[str, Person]]
    milestones: list[Milestone]
    step: NextStep
    lines: list[Line]
    meeting: Meeting | None
    requests: list[RecordRequest]
    records: Any
    looks: list[Any]
    openings: list[CaseMember]
    opinion: Any
    due: str
    moves: frozenset[str]


def build(session: Session, person: Person, case: Case) -> CasePage:
    """Gathers the page for somebody who may read the case."""
    member = cases.membership(session, person, case.id)
    role = member.role if member is not None and person.role != Role.COORDINATOR else person.role
    members = cases.members_of(session, case.id)
    by_role = {one.role: one.person for one in members}
    meeting = consults.meeting_of_case(session, case.id)
    events = cases.timeline(session, case.id)
    is_patient, is_office = role == Role.PATIENT, role == Role.COORDINATOR
    may_read = policy.can_read_file(person, case, member)
    sees_records = role != Role.INTERPRETER
    opinion = opinions.panel(session, person, case) if sees_records else None
    facts = replace(
        facts_of(case, by_role.get(Role.SPECIALIST), meeting),
        can_release=opinion is not None and opinion.can_release and opinion.is_rendered,
    )
    return CasePage(
        case=case,
        role=role,
        may_read_file=may_read,
        file_open_until=member.until if is_office and member is not None else None,
        people=[
            (one.role, one.person) for role in ROLE_ORDER for one in members if one.role == role
        ],
        milestones=journey.milestones(case, events, meeting.booking.starts_at if meeting else None),
        step=next_step(case, role, facts),
        lines=journey.timeline(events, _names(session, events)) if sees_records else [],
        meeting=meeting,
        requests=cases.open_record_requests(session, case.id) if sees_records else [],
        records=records.panel(session, person, case) if sees_records else None,
        looks=records.looks_at(session, person, case) if is_patient else [],
        openings=cases.office_openings(session, case.id) if is_patient else [],
        opinion=opinion,
        due=journey.due_state(case),
        moves=_moves(case, role),
    )


@dataclass(frozen=True)
class Candidates:
    """Who could be put on a case: specialists, the fitting first, and interpreters for the pair of
    languages.
    """

    specialists: list[tuple[Person, bool]]
    interpreters: list[Person]
    pair: tuple[str, str] | None


def candidates(session: Session, case: Case, specialist: Person | None) -> Candidates:
    """For the office, while people can still be put on the case."""
    fitting = scheduling.specialists_for(session, case.specialty)
    if specialist is None:
        return Candidates([(one, True) for one in fitting], [], None)
    source, target, needed = scheduling.pair_of(case.language, specialist)
    able = (
        scheduling.qualified_interpreters(session, source, target, now().date()) if needed else []
    )
    return Candidates([(one, True) for one in fitting], able, (source, target) if needed else None)


def _names(session: Session, events: list[CaseEvent]) -> dict[str, str]:
    return {
        one.id: one.name for one in names_of(session, (event.actor_id for event in events)).values()
    }


def _moves(case: Case, role: str) -> frozenset[str]:
    """The moves that this role can make from here, for the buttons beside the one next action."""
    if case.stage in ENDS:
        return frozenset()
    return frozenset(
        str(move)
        for (stage, move), (_, who) in TABLE.items()
        if stage == Stage(case.stage) and role in who and isinstance(move, Move)
    )
