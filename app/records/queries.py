"""Reads of records and uploads, already filtered by who may see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, func, or_, select
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
RECORDS_PER_PAGE = 50
UNCOMMITTED_PERIOD = timedelta(seconds=3)


def count_visible_records(session: Session, person: Person, case: Case) -> int:
    """How many records of the case the person may know of."""
    return (
        session.scalar(select(func.count()).select_from(_visible_records(person, case).subquery()))
        or 0
    )


def list_records(
    session: Session, person: Person, case: Case, page: int = 1, per_page: int = RECORDS_PER_PAGE
) -> list[Record]:
    """One page of the case's records that the person may know of, newest first. Only for those who
    may list them.
    """
    ids = _visible_records(person, case)
    return _load_in_order(session, ids.limit(per_page).offset((page - 1) * per_page))


def list_changed_records(
    session: Session, person: Person, case: Case, since: datetime
) -> list[Record]:
    """The newest of the visible records that began, arrived or were inspected after
    ``since``, at most one page of them.
    """
    changed = or_(Record.created_at > since, Record.arrived_at > since, Record.inspected_at > since)
    return _load_in_order(
        session, _visible_records(person, case).where(changed).limit(RECORDS_PER_PAGE)
    )


def list_removed_record_ids(session: Session, case: Case, since: datetime) -> list[str]:
    return list(
        session.scalars(
            select(Record.id).where(Record.case_id == case.id, Record.removed_at > since)
        )
    )


def _visible_records(person: Person, case: Case) -> Select[str]:
    return (
        select(Record.id)
        .join(Upload, Record.upload_id == Upload.id)
        .where(Record.case_id == case.id, policy.visible_record_condition(person))
        .order_by(Record.created_at.desc(), Record.id)
    )


def _load_in_order(session: Session, ids: Select[str]) -> list[Record]:
    return list(
        session.scalars(
            select(Record)
            .options(joinedload(Record.uploader), joinedload(Record.upload))
            .where(Record.id.in_(ids))
            .order_by(Record.created_at.desc(), Record.id)
        )
    )


def has_sent_since(session: Session, person: Person, case: Case, since: datetime) -> bool:
    """Whether the person has sent something for the case after ``since`` that was not refused or
    taken back.
    """
    found = select(Record.id).where(
        Record.case_id == case.id,
        Record.uploaded_by == person.id,
        Record.arrived_at > since,
        Record.removed_at.is_(None),
        Record.state != RecordState.REFUSED,
    )
    return session.scalars(found.limit(1)).first() is not None


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


def find_upload_by_key(
    session: Session, person: Person, case: Case, client_key: str
) -> Upload | None:
    """The person's upload of this attempt, which may have ended."""
    return session.scalars(
        select(Upload).where(
            Upload.person_id == person.id,
            Upload.client_key == client_key,
            Upload.case_id == case.id,
        )
    ).one_or_none()


def unfinished_uploads_of_content(
    session: Session, person: Person, case: Case, sha256: str
) -> list[Upload]:
    """What the person has begun to send of a file with this content and can go on with."""
    return list(
        session.scalars(
            select(Upload)
            .options(joinedload(Upload.record))
            .where(
                Upload.case_id == case.id,
                Upload.claimed_sha256 == sha256,
                Upload.person_id == person.id,
                Upload.finished_at.is_(None),
                Upload.ended_at.is_(None),
                Upload.expires_at > now(),
            )
            .order_by(Upload.received.desc())
        )
    )


def find_record_with_content(session: Session, case: Case, sha256: str, size: int) -> Record | None:
    """A record of the case that arrived whole and has exactly this content, if there is one."""
    return session.scalars(
        select(Record)
        .join(Upload, Record.upload_id == Upload.id)
        .where(
            Record.case_id == case.id,
            Record.size == size,
            Record.removed_at.is_(None),
            Record.state.in_((RecordState.INSPECTING, RecordState.READY)),
            or_(Record.sha256 == sha256, Upload.claimed_sha256 == sha256),
        )
        .order_by(Record.created_at)
    ).first()


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
    """What the records' part of a case page shows to one person: one page of them, or only what
    changed. ``as_of`` is the time up to which ``records`` tells everything.
    """

    case: Case
    records: list[Record]
    total: int
    page: int
    as_of: datetime
    may_list: bool
    may_add: bool
    may_open: bool
    removable: frozenset[str]
    removed_ids: tuple[str, ...] = ()

    @property
    def last_page(self) -> int:
        return max(1, -(-self.total // RECORDS_PER_PAGE))

    @property
    def is_changing(self) -> bool:
        return any(record.state == RecordState.INSPECTING for record in self.records)


def load_records_panel(
    session: Session, person: Person, case: Case, page: int = 1, since: datetime | None = None
) -> RecordsPanel:
    """The panel with one page of records, or with those that changed ``since`` then."""
    as_of = now()
    member = find_membership(session, person, case.id)
    may_list = policy.can_list_records(person, case, member)
    total = count_visible_records(session, person, case) if may_list else 0
    page = min(max(page, 1), max(1, -(-total // RECORDS_PER_PAGE)))
    removed: tuple[str, ...] = ()
    if not may_list:
        records = []
    elif since is None:
        records = list_records(session, person, case, page)
    else:
        # What was written before this time may be committed after it.
        begin = since - UNCOMMITTED_PERIOD
        records = list_changed_records(session, person, case, begin)
        removed = tuple(list_removed_record_ids(session, case, begin))
    return RecordsPanel(
        case=case,
        records=records,
        total=total,
        page=page,
        as_of=as_of,
        may_list=may_list and person.may(RecordPermission.RECORD_READ),
        may_add=can_add_records(person, case, member) and person.may(RecordPermission.RECORD_WRITE),
        may_open=can_read_file(person, case, member),
        removable=frozenset(
            record.id
            for record in records
            if policy.can_remove_record(person, record, case, member)
        ),
        removed_ids=removed,
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
