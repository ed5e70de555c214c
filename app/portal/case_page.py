"""The page of a case for one reader: what the portal shows itself, and the panels of the slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.cases import policy
from app.cases import queries as cases
from app.cases.models import Case
from app.cases.page.facts import load_case_facts
from app.cases.page.next_steps import NextStep, choose_next_step
from app.cases.page.panels import CaseReading, LoadedPanel, PanelColumn, load_case_panels
from app.cases.states import END_STAGES, STAGE_MOVES, CaseMove, CaseStage
from app.consults.queries import BookedConsult
from app.core.permissions import Role
from app.identity.models import Person
from app.portal import journey
from app.portal.journey import CaseMilestone

MEMBER_ROLE_ORDER = (Role.PATIENT, Role.SPECIALIST, Role.INTERPRETER)


@dataclass(frozen=True)
class CasePage:
    """The case as one reader may see it. What the reader may not see is left out here, not hidden
    in the template.
    """

    case: Case
    role: str
    may_read_file: bool
    people: Sequence[tuple[str, Person]]
    milestones: Sequence[CaseMilestone]
    step: NextStep
    meeting: BookedConsult | None
    due: str
    moves: frozenset[str]
    panels: Mapping[PanelColumn, Sequence[LoadedPanel]]


def build_case_page(session: Session, person: Person, case: Case) -> CasePage:
    """Gathers the page for somebody who may read the case."""
    member = cases.find_membership(session, person, case.id)
    role = member.role if member is not None and person.role != Role.COORDINATOR else person.role
    facts = load_case_facts(session, [case])[case.id]
    meeting = facts.find(BookedConsult)
    reading = CaseReading(
        session=session,
        reader=person,
        case=case,
        role=role,
        may_read_file=policy.can_read_file(person, case, member),
        members=cases.list_members(session, case.id),
        facts=facts,
    )
    return CasePage(
        case=case,
        role=role,
        may_read_file=reading.may_read_file,
        people=list_people_on_case(reading),
        milestones=journey.list_milestones(
            case,
            cases.list_case_events(session, case.id),
            meeting.booking.starts_at if meeting else None,
        ),
        step=choose_next_step(case, role, facts),
        meeting=meeting,
        due=journey.classify_turnaround(case),
        moves=_list_moves(case, role),
        panels=load_case_panels(reading),
    )


def list_people_on_case(reading: CaseReading) -> list[tuple[str, Person]]:
    """Patient, specialist and interpreters, each with their role."""
    return [
        (member.role, member.person)
        for role in MEMBER_ROLE_ORDER
        for member in reading.members
        if member.role == role
    ]


def find_file_opening_end(reading: CaseReading) -> datetime | None:
    """Until when the clinical file is open to this member of the office."""
    return next((one.until for one in reading.members if one.person_id == reading.reader.id), None)


def _list_moves(case: Case, role: str) -> frozenset[str]:
    """The moves that this role can make from here, for the buttons beside the one next action."""
    if case.stage in END_STAGES:
        return frozenset()
    return frozenset(
        str(move)
        for (stage, move), (_, who) in STAGE_MOVES.items()
        if stage == CaseStage(case.stage) and role in who and isinstance(move, CaseMove)
    )
