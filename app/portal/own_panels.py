"""The panels that the portal adds to the page of a case: the office's work, the people, what
happened, and the ways to end the case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.cases import queries as cases
from app.cases.models import Case, CaseEvent
from app.cases.page.panels import CasePanel, CaseReading, PanelColumn
from app.cases.service import ASSIGNABLE_STAGES
from app.core.clock import now
from app.core.permissions import OFFICE_ROLES, Role
from app.identity.models import Person
from app.portal import case_page, journey
from app.portal.journey import TimelineEntry
from app.portal.queries import find_people_by_id
from app.scheduling.matching.candidates import language_pair_of
from app.scheduling.matching.fits import SpecialistFit, list_specialist_fits
from app.scheduling.matching.queries import qualified_interpreters


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
    specialist = dict(case_page.list_people_on_case(reading)).get(Role.SPECIALIST)
    candidates = (
        list_case_candidates(reading.session, reading.case, specialist)
        if reading.case.stage in ASSIGNABLE_STAGES
        else None
    )
    return OfficePanel(candidates, case_page.find_file_opening_end(reading))


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
    CasePanel("portal/_people.html", 10, case_page.list_people_on_case, SIDE),
    CasePanel("portal/_timeline.html", 20, gather_timeline, SIDE),
    CasePanel("portal/_closing.html", 50, lambda reading: reading.case, SIDE),
)
