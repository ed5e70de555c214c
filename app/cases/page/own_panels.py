"""The panels that cases add to their own page."""

from __future__ import annotations

from app.cases import queries
from app.cases.forms import RELATION_LABELS
from app.cases.models import CaseMember, RecordRequest
from app.cases.page.panels import CasePanel, CaseReading, PanelColumn
from app.core.permissions import Role


def load_open_requests(reading: CaseReading) -> list[RecordRequest] | None:
    """The records that the office has asked for and that are still missing."""
    return queries.list_open_record_requests(reading.session, reading.case.id) or None


def load_clinical_file(reading: CaseReading) -> dict[str, str] | None:
    """Questions and story, for those who may read them: how the patient is related to whom."""
    return RELATION_LABELS if reading.may_read_file else None


def load_office_openings(reading: CaseReading) -> list[CaseMember] | None:
    return queries.list_office_openings(reading.session, reading.case.id) or None


CASE_PANELS = (
    CasePanel("cases/_missing_panel.html", 10, load_open_requests, PanelColumn.TOP),
    CasePanel("cases/_file_panel.html", 50, load_clinical_file),
    CasePanel(
        "cases/_openings_panel.html",
        40,
        load_office_openings,
        PanelColumn.SIDE,
        frozenset({Role.PATIENT}),
    ),
)
