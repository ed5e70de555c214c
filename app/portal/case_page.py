"""The page of a case for one reader: what the portal shows itself, and the panels of the slices.

The portal has panels of its own: the office's work, the people, what happened, and the ways to end
the case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.cases import policy
from app.cases import queries as cases
from app.cases.models import Case, CaseEvent
from app.cases.page.facts import load_case_facts
from app.cases.page.next_steps import NextStep, choose_next_step
from app.cases.page.panels import CasePanel, CaseReading, LoadedPanel, PanelColumn, load_case_panels
from app.cases.service import ASSIGNABLE_STAGES
from app.cases.states import END_STAGES, STAGE_MOVES, CaseMove, CaseStage
from app.consults.queries import BookedConsult
from app.core.clock import now
from app.core.permissions import OFFICE_ROLES, Role
from app.identity.models import Person
from app.portal import journey
from app.portal.journey import CaseMilestone, TimelineEntry
from app.portal.queries import find_people_by_id
from app.scheduling.matching.candidates import language_pair_of
from app.scheduling.matching.fits import SpecialistFit, list_specialist_fits
from app.scheduling.matching.queries import qualified_interpreters

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


# --- the portal's own panels ---


@dataclass(frozen=True)
class CaseCandidates:
    """Who could be put on a case: specialists, those who fit first, and interpreters for the pair
    of languages.
    """

    specialists: Sequence[SpecialistFit]
    interpreters: Sequence[Person]
    pair: tuple[str, str] | None


@dataclass(frozen=True)
class OfficePanel:
    candidates: CaseCandidates | None
    file_open_until: datetime | None


def gather_office_panel(reading: CaseReading) -> OfficePanel:
    specialist = dict(list_people_on_case(reading)).get(Role.SPECIALIST)
    candidates = (
        list_case_candidates(reading.session, reading.case, specialist)
        if reading.case.stage in ASSIGNABLE_STAGES
        else None
    )
    return OfficePanel(candidates, find_file_opening_end(reading))


def list_case_candidates(session: Session, case: Case, specialist: Person | None) -> CaseCandidates:
    """For the office, while people can still be put on the case."""
    fits = list_specialist_fits(session, case)
    if specialist is None:
        return CaseCandidates(fits, [], None)
    source, target, needed = language_pair_of(case.language, specialist)
    able = qualified_interpreters(session, source, target, now().date()) if needed else []
    return CaseCandidates(fits, able, (source, target) if needed else None)


def gather_timeline(reading: CaseReading) -> list[TimelineEntry]:
    events = cases.list_case_events(reading.session, reading.case.id)
    return journey.list_timeline_entries(events, _find_actor_names(reading.session, events))


def _find_actor_names(session: Session, events: Sequence[CaseEvent]) -> dict[str, str]:
    people = find_people_by_id(session, (event.actor_id for event in events))
    return {one.id: one.name for one in people.values()}


SIDE = PanelColumn.SIDE
PORTAL_PANELS = (
    CasePanel("portal/_office.html", 10, gather_office_panel, roles=OFFICE_ROLES),
    CasePanel("portal/_people.html", 10, list_people_on_case, SIDE),
    CasePanel("portal/_timeline.html", 20, gather_timeline, SIDE),
    CasePanel("portal/_closing.html", 50, lambda reading: reading.case, SIDE),
)
