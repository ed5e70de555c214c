"""Who may send, see and open records: pure functions over the person, the case and their
membership.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, or_

from app.cases.models import Case, CaseMember
from app.cases.policy import can_add_records, can_read_file, is_current_member
from app.cases.states import CaseStage
from app.cases.visibility import is_office_case
from app.core.clock import now
from app.core.permissions import Role
from app.identity.models import Person
from app.records.models import ReasonedAccess, Record, RecordState, Upload

STAGES_BEFORE_ACCEPTED = (
    CaseStage.DRAFT,
    CaseStage.SUBMITTED,
    CaseStage.TRIAGE,
    CaseStage.RECORDS_REQUESTED,
)


def can_list_records(person: Person, case: Case, member: CaseMember | None) -> bool:
    """That a record is there, and its name, is known to those who may read the file and to the
    office.
    """
    return can_read_file(person, case, member) or can_open_with_reason(person, case)


def can_see_record(person: Person, record: Record, case: Case, member: CaseMember | None) -> bool:
    """The specialist sees what has passed the inspection; who sent it and the office see it all the
    way.

    A record of which nothing has arrived is no record yet: its line may have broken before the
    first byte.
    """
    if record.removed_at is not None or not can_list_records(person, case, member):
        return False
    if record.state == RecordState.ARRIVING and record.upload.received == 0:
        return False
    return record.is_ready or person.role != Role.SPECIALIST


def visible_record_condition(person: Person) -> ColumnElement[bool]:
    """The same as ``can_see_record``, for a query of records joined with their uploads, of a case
    whose records the person may list.
    """
    has_begun = and_(
        Record.removed_at.is_(None),
        or_(Record.state != RecordState.ARRIVING, Upload.received > 0),
    )
    if person.role == Role.SPECIALIST:
        return and_(has_begun, Record.state == RecordState.READY)
    return has_begun


def can_open_record(
    person: Person,
    record: Record,
    case: Case,
    member: CaseMember | None,
    access: ReasonedAccess | None = None,
) -> bool:
    """Nothing is opened before it has passed; the office needs a reason that still holds."""
    if not record.is_ready:
        return False
    if can_read_file(person, case, member):
        return True
    return (
        can_open_with_reason(person, case)
        and access is not None
        and access.since <= now() < access.until
    )


def can_open_with_reason(person: Person, case: Case) -> bool:
    return is_office_case(person, case)


def can_continue_upload(
    person: Person, upload: Upload, case: Case, member: CaseMember | None
) -> bool:
    """Only who began an upload goes on with it, for as long as they may add records at all."""
    return upload.person_id == person.id and can_add_records(person, case, member)


def can_remove_record(
    person: Person, record: Record, case: Case, member: CaseMember | None
) -> bool:
    """The patient may take a file back until the specialist works with it; one that was not
    accepted, always.
    """
    if (
        record.removed_at is not None
        or not is_current_member(member)
        or person.id != case.patient_id
    ):
        return False
    return record.state == RecordState.REFUSED or (
        case.stage in STAGES_BEFORE_ACCEPTED and record.state == RecordState.READY
    )
