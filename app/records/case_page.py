"""What records add to the page of a case."""

from __future__ import annotations

from collections.abc import Mapping

from app.cases.models import Case
from app.cases.page.next_steps import StepButton
from app.cases.page.panels import CasePanel, CaseReading, PanelColumn
from app.core.permissions import Role
from app.core.text import N_
from app.records import queries
from app.records.imaging.queries import IdentityQuestion, list_identity_questions
from app.records.queries import RecordAccess, RecordsPanel
from app.records.reading.queries import has_readable_records

READ_FILE_BUTTON = StepButton("read_file", N_("Read the records"), anchor="#records")


def gather_records_panel(reading: CaseReading) -> RecordsPanel:
    return queries.load_records_panel(reading.session, reading.reader, reading.case)


def gather_record_accesses(reading: CaseReading) -> list[RecordAccess]:
    return queries.list_record_accesses(reading.session, reading.reader, reading.case)


def gather_reading_link(reading: CaseReading) -> Case | None:
    """The case, where the reader may open its reading room and there is something to read."""
    if reading.may_read_file and has_readable_records(reading.session, reading.case.id):
        return reading.case
    return None


def gather_identity_questions(reading: CaseReading) -> list[IdentityQuestion] | None:
    return list_identity_questions(reading.session, reading.case.id) or None


RECORD_PANELS = (
    CasePanel(
        "records/_identities.html",
        5,
        gather_identity_questions,
        PanelColumn.TOP,
        frozenset({Role.COORDINATOR}),
    ),
    CasePanel("records/_reading_link.html", 39, gather_reading_link),
    CasePanel("records/_panel.html", 40, gather_records_panel),
    CasePanel(
        "records/_looked.html",
        30,
        gather_record_accesses,
        PanelColumn.SIDE,
        frozenset({Role.PATIENT}),
    ),
)

RECORD_EVENT_LABELS: Mapping[str, str] = {
    "record_added": N_("A record was sent."),
    "record_arrived": N_("A record was sent."),
    "record_ready": N_("A record passed its check."),
    "record_refused": N_("A record could not be accepted."),
    "record_removed": N_("A record was removed."),
}
