"""Reads of records and uploads, already filtered by who may see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload

from app.audit.models import AuditEntry
from app.cases.models import Case
from app.cases.policy import can_add_records, can_read_file
from app.cases.queries import find_membership, get_case
from app.core.clock import now
from app.core.errors import Forbidden, NotFound
from app.identity.models import Person
from app.records import policy
from app.records.models import ReasonedAccess, Record, RecordState, Upload, UploadKind, UploadPart
from app.records.permissions import RecordPermission
from app.records.verbs import RecordAuditVerb

SAME_VISIT_PERIOD = timedelta(minutes=30)


def records_of(session: Session, person: Person, case: Case) -> list[Record]:
    """The case's records that the person may know of, newest first; none for those who may know of
    none.
    """
    member = find_membership(session, person, case.id)
    if not policy.can_list_records(person, case, member):
        return []
    records = session.scalars(
        select(Record)
        .options(joinedload(Record.uploader), joinedload(Record.upload))
        .where(Record.case_id == case.id, Record.removed_at.is_(None))
        .order_by(Record.created_at.desc(), Record.id)
    )
    return [record for record in records if policy.can_see_record(person, record, case, member)]


def count_records(session: Session, case_id: str) -> int:
    return (
        session.scalar(
            select(func.count())
            .select_from(Record)
            .where(Record.case_id == case_id, Record.removed_at.is_(None))
        )
        or 0
    )


def load_record(session: Session, person: Person, record_id: str) -> tuple[Record, Case]:
    """A record that the person may know of. Raises ``NotFound`` or ``Forbidden``."""
    record = session.get(Record, record_id)
    if record is None:
        raise NotFound()
    case = get_case(session, person, record.case_id, policy.can_list_records)
    if not policy.can_see_record(person, record, case, find_membership(session, person, case.id)):
        raise Forbidden()
    return record, case


def can_open_record_now(session: Session, person: Person, record: Record, case: Case) -> bool:
    """Whether the person may open the record now; see ``policy.can_open``."""
    member, access = (
        find_membership(session, person, case.id),
        reasoned_access_of(session, person, record),
    )
    return policy.can_open_record(person, record, case, member, access)


def can_remove_record_now(session: Session, person: Person, record: Record, case: Case) -> bool:
    return policy.can_remove_record(person, record, case, find_membership(session, person, case.id))


def reasoned_access_of(session: Session, person: Person, record: Record) -> ReasonedAccess | None:
    """The reason that lets this person open the record now, if they gave one."""
    return session.scalars(
        select(ReasonedAccess)
        .where(
            ReasonedAccess.record_id == record.id,
            ReasonedAccess.person_id == person.id,
            ReasonedAccess.until > now(),
        )
        .order_by(ReasonedAccess.until.desc())
    ).first()


def load_upload(session: Session, person: Person, upload_id: str) -> Upload:
    """An upload that the person began and may still go on with. Raises ``NotFound`` or
    ``Forbidden``.
    """
    upload = session.get(Upload, upload_id, populate_existing=True)
    if upload is None:
        raise NotFound()
    case = session.get(Case, upload.case_id, populate_existing=True)
    if case is None or not policy.can_continue_upload(
        person, upload, case, find_membership(session, person, upload.case_id)
    ):
        raise Forbidden()
    return upload


def upload_parts_of(session: Session, upload_id: str) -> list[UploadPart]:
    """The parts in the order of their bytes."""
    return list(
        session.scalars(
            select(UploadPart).where(UploadPart.upload_id == upload_id).order_by(UploadPart.start)
        )
    )


def uploads_to_join(session: Session, person: Person, case: Case, ids: list[str]) -> list[Upload]:
    """The named partial uploads, in this order. Raises ``NotFound`` when one is not the
    person's, or not there.
    """
    found = {
        upload.id: upload
        for upload in session.scalars(
            select(Upload).where(
                Upload.id.in_(ids),
                Upload.case_id == case.id,
                Upload.person_id == person.id,
                Upload.kind == UploadKind.PARTIAL,
                Upload.ended_at.is_(None),
            )
        )
    }
    if not set(ids) <= set(found):
        raise NotFound()
    return [found[one] for one in ids]


def expired_uploads(session: Session, limit: int = 200) -> list[Upload]:
    """Uploads that nobody continued in time, and pieces that nobody joined in time."""
    return list(
        session.scalars(
            select(Upload)
            .where(
                or_(Upload.finished_at.is_(None), Upload.kind == UploadKind.PARTIAL),
                Upload.ended_at.is_(None),
                Upload.expires_at <= now(),
            )
            .order_by(Upload.expires_at)
            .limit(limit)
        )
    )


@dataclass(frozen=True)
class RecordsPanel:
    """What the records' part of a case page shows to one person."""

    case: Case
    records: list[Record]
    may_list: bool
    may_add: bool
    may_open: bool
    removable: frozenset[str]

    @property
    def is_changing(self) -> bool:
        return any(record.state == RecordState.INSPECTING for record in self.records)


def load_records_panel(session: Session, person: Person, case: Case) -> RecordsPanel:
    member = find_membership(session, person, case.id)
    records = records_of(session, person, case)
    return RecordsPanel(
        case=case,
        records=records,
        may_list=policy.can_list_records(person, case, member)
        and person.may(RecordPermission.RECORD_READ),
        may_add=can_add_records(person, case, member) and person.may(RecordPermission.RECORD_WRITE),
        may_open=can_read_file(person, case, member),
        removable=frozenset(
            record.id
            for record in records
            if policy.can_remove_record(person, record, case, member)
        ),
    )


@dataclass(frozen=True)
class RecordAccess:
    """Somebody opened a record. ``reason`` is what a coordinator typed before they could."""

    at: datetime
    person: Person
    record: Record
    reason: str | None


def list_record_accesses(
    session: Session, person: Person, case: Case, limit: int = 100
) -> list[RecordAccess]:
    """Who opened which record when, newest first; one visit of half an hour counts once.

    Empty for those who may not know of the records.
    """
    if not policy.can_list_records(person, case, find_membership(session, person, case.id)):
        return []
    entries = session.scalars(
        select(AuditEntry)
        .where(AuditEntry.case_id == case.id, AuditEntry.verb == str(RecordAuditVerb.RECORD_READ))
        .order_by(AuditEntry.number.desc())
        .limit(limit * 20)
    ).all()
    people = _load_by_id(session, Person, {entry.actor_id for entry in entries})
    records = _load_by_id(session, Record, {entry.object_id for entry in entries})
    looks: list[RecordAccess] = []
    latest: dict[tuple[str | None, str], datetime] = {}
    for entry in entries:
        pair = (entry.actor_id, entry.object_id)
        if (
            pair in latest
            and latest[pair] - entry.at < SAME_VISIT_PERIOD
            and "reason" not in entry.facts
        ):
            latest[pair] = entry.at
            continue
        if entry.actor_id in people and entry.object_id in records and len(looks) < limit:
            looks.append(
                RecordAccess(
                    entry.at,
                    people[entry.actor_id],
                    records[entry.object_id],
                    str(entry.facts["reason"]) if "reason" in entry.facts else None,
                )
            )
        latest[pair] = entry.at
    return looks


def _load_by_id(session, table, ids):  # type: ignore[no-untyped-def]
    return {
        row.id: row
        for row in session.scalars(select(table).where(table.id.in_([one for one in ids if one])))
    }
