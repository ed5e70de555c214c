"""Panels of the page of a case. The portal draws them; each slice declares its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from app.cases.models import Case, CaseMember
from app.cases.page.facts import CaseFacts
from app.core.permissions import CASE_ROLES, Role
from app.core.slices import get_slices
from app.identity.models import Person


@dataclass(frozen=True)
class CaseReading:
    """Somebody who may read a case opens its page.

    ``role`` is the part that they have in it, and ``members`` are the people on the case now.
    """

    session: Session
    reader: Person
    case: Case
    role: str
    may_read_file: bool
    members: Sequence[CaseMember]
    facts: CaseFacts


class PanelColumn(StrEnum):
    TOP = "top"
    MAIN = "main"
    SIDE = "side"


@dataclass(frozen=True)
class CasePanel:
    """A part of the page of a case, for people of some roles.

    ``load`` gathers what the template shows; the template finds it as ``panel``. None means that
    there is nothing to show. Panels of a column stand in the order of their positions.
    """

    template: str
    position: int
    load: Callable[[CaseReading], object | None]
    column: PanelColumn = PanelColumn.MAIN
    roles: frozenset[Role] = CASE_ROLES


@dataclass(frozen=True)
class LoadedPanel:
    template: str
    panel: object


def load_case_panels(reading: CaseReading) -> dict[PanelColumn, list[LoadedPanel]]:
    """The panels that this reader sees, by column. Every column is there."""
    panels = sorted(get_slices().list_extensions(CasePanel), key=lambda panel: panel.position)
    loaded: dict[PanelColumn, list[LoadedPanel]] = {column: [] for column in PanelColumn}
    for panel in panels:
        if reading.role in panel.roles and (content := panel.load(reading)) is not None:
            loaded[panel.column].append(LoadedPanel(panel.template, content))
    return loaded
