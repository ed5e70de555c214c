"""The panels that cases add to their own page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from app.cases import queries
from app.cases.consents import CONSENT_LABELS
from app.cases.forms import RELATION_LABELS
from app.cases.models import CaseMember, Consent, RecordRequest
from app.cases.page.panels import CasePanel, CaseReading, PanelColumn
from app.cases.sharing import CaseOffices, load_case_offices
from app.cases.states import CaseMove
from app.core.clock import now
from app.core.permissions import OFFICE_ROLES, Role
from app.core.text import N_
from app.i18n.formats import convert_to_zone
from app.organizations.models import Office

CLOSED_DAYS_AHEAD = timedelta(days=30)


@dataclass(frozen=True)
class GivenConsent:
    """A consent with its label, as a msgid."""

    label: str
    consent: Consent


def load_open_requests(reading: CaseReading) -> list[RecordRequest] | None:
    """The records that the office has asked for and that are still missing."""
    return queries.list_open_record_requests(reading.session, reading.case.id) or None


def load_clinical_file(reading: CaseReading) -> dict[str, str] | None:
    """Questions and story, for those who may read them: how the patient is related to whom."""
    return RELATION_LABELS if reading.may_read_file else None


def load_office_openings(reading: CaseReading) -> list[CaseMember] | None:
    return queries.list_office_openings(reading.session, reading.case.id) or None


def load_given_consents(reading: CaseReading) -> list[GivenConsent] | None:
    """What the patient agreed to, with the text as it was shown."""
    return [
        GivenConsent(CONSENT_LABELS.get(one.kind, one.kind), one)
        for one in queries.list_consents(reading.session, reading.case.id)
        if one.withdrawn_at is None
    ] or None


def load_offices(reading: CaseReading) -> CaseOffices | None:
    return load_case_offices(reading.session, reading.reader, reading.case)


@dataclass(frozen=True)
class OfficeContact:
    """The office that looks after a case, and on which days it is closed soon."""

    office: Office
    closed: list[date]


def load_office_contact(reading: CaseReading) -> OfficeContact | None:
    """The office of the case, once it says how it can be reached."""
    office = reading.case.office
    if not (office.hours or office.phone or office.sender or office.emergency_text):
        return None
    today = convert_to_zone(now(), office.timezone).date()
    holidays = [date.fromisoformat(day) for day in office.holidays]
    soon = [day for day in holidays if today <= day < today + CLOSED_DAYS_AHEAD]
    return OfficeContact(office, soon)


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
    CasePanel(
        "cases/_consents_panel.html",
        60,
        load_given_consents,
        PanelColumn.SIDE,
        frozenset({Role.PATIENT}),
    ),
    CasePanel(
        "cases/_office_contact_panel.html",
        30,
        load_office_contact,
        PanelColumn.SIDE,
        frozenset({Role.PATIENT}),
    ),
    CasePanel("cases/_offices_panel.html", 70, load_offices, PanelColumn.SIDE, OFFICE_ROLES),
)

CASE_EVENT_LABELS: Mapping[str, str] = {
    "created": N_("The request was started."),
    CaseMove.SUBMIT: N_("The request was sent to the hospital."),
    CaseMove.TRIAGE: N_("The hospital started to check the request."),
    CaseMove.REQUEST_RECORDS: N_("The hospital asked for a missing record."),
    CaseMove.PROVIDE_RECORDS: N_("The missing records were sent."),
    CaseMove.ACCEPT: N_(
        "The records are complete. The hospital accepted the case, and the turnaround time started."
    ),
    CaseMove.SCHEDULE: N_("A time for the consultation was booked."),
    CaseMove.UNSCHEDULE: N_("The consultation was cancelled."),
    CaseMove.CONSULT: N_("The consultation took place."),
    CaseMove.SIGN: N_("The specialist signed the opinion."),
    CaseMove.RELEASE: N_("The opinion was released to the patient."),
    CaseMove.CLOSE: N_("The case was closed."),
    CaseMove.DECLINE: N_("The hospital could not take the case."),
    CaseMove.WITHDRAW: N_("The request was withdrawn."),
    "specialist_assigned": N_("A specialist was assigned."),
    "interpreter_assigned": N_("An interpreter was assigned."),
    "shared": N_("The hospital’s office shared the case with another office of the hospital."),
    "file_opened": N_("The office opened the clinical file and gave a reason."),
}
