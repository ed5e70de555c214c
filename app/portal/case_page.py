"""Everything the page of a case shows to one reader, gathered from the slices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.cases import policy
from app.cases import queries as cases
from app.cases.models import Case, CaseEvent, CaseMember, RecordRequest
from app.cases.states import END_STAGES, STAGE_MOVES, CaseMove, CaseStage
from app.consults import queries as consults
from app.consults.queries import BookedConsult
from app.core.clock import now
from app.core.permissions import Role
from app.identity.models import Person
from app.opinions import queries as opinions
from app.portal import journey
from app.portal.journey import CaseMilestone, TimelineEntry
from app.portal.next_steps import NextStep, choose_next_step
from app.portal.queries import build_next_step_facts, find_people_by_id
from app.records import queries as records
from app.scheduling.matching import candidates
from app.scheduling.matching.queries import list_specialists_for, qualified_interpreters

MEMBER_ROLE_ORDER = (Role.PATIENT, Role.SPECIALIST, Role.INTERPRETER)


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
    milestones: list[CaseMilestone]
    step: NextStep
    lines: list[TimelineEntry]
    meeting: BookedConsult | None
    requests: list[RecordRequest]
    records: Any
    looks: list[Any]
    openings: list[CaseMember]
    opinion: Any
    due: str
    moves: frozenset[str]


def build_case_page(session: Session, person: Person, case: Case) -> CasePage:
    """Gathers the page for somebody who may read the case."""
    member = cases.find_membership(session, person, case.id)
    role = member.role if member is not None and person.role != Role.COORDINATOR else person.role
    members = cases.list_members(session, case.id)
    by_role = {one.role: one.person for one in members}
    meeting = consults.find_booked_consult(session, case.id)
    events = cases.list_case_events(session, case.id)
    is_patient, is_office = role == Role.PATIENT, role == Role.COORDINATOR
    may_read = policy.can_read_file(person, case, member)
    sees_records = role != Role.INTERPRETER
    opinion = opinions.build_opinion_panel(session, person, case) if sees_records else None
    facts = replace(
        build_next_step_facts(case, by_role.get(Role.SPECIALIST), meeting),
        can_release=opinion is not None and opinion.can_release and opinion.is_rendered,
    )
    return CasePage(
        case=case,
        role=role,
        may_read_file=may_read,
        file_open_until=member.until if is_office and member is not None else None,
        people=[
            (one.role, one.person)
            for role in MEMBER_ROLE_ORDER
            for one in members
            if one.role == role
        ],
        milestones=journey.list_milestones(
            case, events, meeting.booking.starts_at if meeting else None
        ),
        step=choose_next_step(case, role, facts),
        lines=journey.list_timeline_entries(events, _find_actor_names(session, events))
        if sees_records
        else [],
        meeting=meeting,
        requests=cases.list_open_record_requests(session, case.id) if sees_records else [],
        records=records.load_records_panel(session, person, case) if sees_records else None,
        looks=records.list_record_accesses(session, person, case) if is_patient else [],
        openings=cases.list_office_openings(session, case.id) if is_patient else [],
        opinion=opinion,
        due=journey.classify_turnaround(case),
        moves=_list_moves(case, role),
    )


@dataclass(frozen=True)
class CaseCandidates:
    """Who could be put on a case: specialists, the fitting first, and interpreters for the pair of
    languages.
    """

    specialists: list[tuple[Person, bool]]
    interpreters: list[Person]
    pair: tuple[str, str] | None


def list_case_candidates(session: Session, case: Case, specialist: Person | None) -> CaseCandidates:
    """For the office, while people can still be put on the case."""
    fitting = list_specialists_for(session, case.specialty)
    if specialist is None:
        return CaseCandidates([(one, True) for one in fitting], [], None)
    source, target, needed = candidates.language_pair_of(case.language, specialist)
    able = qualified_interpreters(session, source, target, now().date()) if needed else []
    return CaseCandidates(
        [(one, True) for one in fitting], able, (source, target) if needed else None
    )


def _find_actor_names(session: Session, events: list[CaseEvent]) -> dict[str, str]:
    return {
        one.id: one.name
        for one in find_people_by_id(session, (event.actor_id for event in events)).values()
    }


def _list_moves(case: Case, role: str) -> frozenset[str]:
    """The moves that this role can make from here, for the buttons beside the one next action."""
    if case.stage in END_STAGES:
        return frozenset()
    return frozenset(
        str(move)
        for (stage, move), (_, who) in STAGE_MOVES.items()
        if stage == CaseStage(case.stage) and role in who and isinstance(move, CaseMove)
    )
