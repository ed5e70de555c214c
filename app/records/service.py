"""The verbs of records. Each changes, records and queues what follows; none commits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.cases.models import Case
from app.cases.service import notify_people
from app.core.blobs import StoredBlob
from app.core.clock import now
from app.core.errors import Conflict, Forbidden, Invalid, TooLarge
from app.core.ids import new_id
from app.core.outbox import enqueue_job
from app.core.text import N_
from app.identity.models import Person
from app.records import policy, queries
from app.records.imaging.indexing import index_dicom_record
from app.records.inspection import kinds
from app.records.inspection.verdicts import InspectionFinding
from app.records.models import ReasonedAccess, Record, RecordState, Upload, UploadKind, UploadPart
from app.records.receiving import tus
from app.records.verbs import RecordAuditVerb
from app.records.words import REASONS

MAX_FILE_BYTES = 100 * 10**9
MAX_RECORDS_PER_CASE = 20_000
UPLOAD_LIFETIME = timedelta(days=14)
UNTOUCHED_UPLOAD_LIFETIME = timedelta(days=1)
REASONED_ACCESS_DURATION = timedelta(hours=1)
_OBJECTS_PER_JOB = 500


class FileKindRefused(Invalid):
    """A file that is not of a kind that we accept; the sentence says why."""

    status = 415


@dataclass(frozen=True)
class NewUpload:
    """What somebody is about to send. ``head`` is the file's beginning and ``sha256`` the digest of
    the whole, where the sender already showed them. ``again`` says that they want to keep it beside
    a record with the same content.
    """

    kind: str
    name: str
    size: int
    head: bytes = b""
    joins: tuple[str, ...] = ()
    metadata: str = ""
    folder: str | None = None
    sha256: str | None = None
    client_key: str | None = None
    again: bool = False


class DuplicateUpload(Conflict):
    """The case already has a record with this content; ``record_id`` says which."""

    status = 422
    default = N_("We already have this file, as “%(name)s”, so it was not sent again.")

    def __init__(self, record: Record) -> None:
        super().__init__(name=record.name)
        self.record_id = record.id


@dataclass(frozen=True)
class StoredPart:
    """An encrypted object that holds an upload's bytes from ``start`` on."""

    id: str
    start: int
    blob: StoredBlob


def begin_upload(session: Session, actor: Person, case: Case, new: NewUpload) -> Upload:
    """A place for a file to arrive in, and unless it is a piece of one, its record. Where the same
    person has begun to send the same file, from whatever device, it is that upload.

    Raises ``Invalid`` for an empty file, ``TooLarge``, ``DuplicateUpload``, and ``FileKindRefused``
    where the beginning already shows that the file is of no kind that we accept.
    """
    if new.size == 0:
        raise Invalid(N_("This file is empty, so there is nothing to send. Choose another file."))
    begun = _find_begun_upload(session, actor, case, new)
    if begun is not None:
        return begun
    _refuse_too_much(session, case, new.size)
    if new.sha256 and not new.again:
        twin = queries.find_record_with_content(session, case, new.sha256, new.size)
        if twin is not None:
            raise DuplicateUpload(twin)
    if new.kind == UploadKind.SINGLE and new.head:
        _refuse_kind(new.head, new.name, whole=len(new.head) >= new.size)
    upload = _new_upload(session, actor, case, new, new.size)
    if new.kind == UploadKind.SINGLE:
        _new_record(session, actor, upload, new.name, new.folder)
    return upload


def join_uploads(session: Session, actor: Person, case: Case, new: NewUpload) -> Upload:
    """One upload out of complete partial ones, in the order named; these end by it. Raises
    ``Conflict``, ``TooLarge``.
    """
    pieces = queries.uploads_to_join(session, actor, case, list(new.joins))
    if not all(piece.is_complete for piece in pieces):
        raise Conflict(N_("Some parts of the file have not arrived yet."))
    size = sum(piece.size for piece in pieces)
    _refuse_too_much(session, case, size)
    whole = _new_upload(session, actor, case, new, size)
    _new_record(session, actor, whole, new.name, new.folder)
    for piece in pieces:
        for part in queries.upload_parts_of(session, piece.id):
            part.upload_id, part.start = whole.id, whole.received
            whole.received += part.size
            session.flush()
        piece.ended_at = now()
    whole.joined_from = list(new.joins)
    _finish_upload(session, actor, whole)
    return whole


def add_generated_record(
    session: Session,
    owner: Person,
    case: Case,
    name: str,
    media_type: str,
    parts: Sequence[StoredPart],
    sha256: str,
) -> Record:
    """A record that Consilium made itself, from parts that are already in the store: it needs no
    inspection.
    """
    size = sum(part.blob.size for part in parts)
    upload = _new_upload(session, owner, case, NewUpload(UploadKind.SINGLE, name, size), size)
    for part in parts:
        session.add(
            UploadPart(
                id=part.id,
                upload_id=upload.id,
                start=part.start,
                size=part.blob.size,
                sha256=part.blob.sha256,
                wrapped_key=part.blob.wrapped_key,
            )
        )
    upload.received, upload.finished_at = size, now()
    _new_record(session, owner, upload, name)
    record = upload.record
    assert record is not None
    record.state, record.media_type, record.sha256 = RecordState.READY, media_type, sha256
    record.arrived_at = record.inspected_at = now()
    session.flush()
    audit.record_audit_entry(
        session,
        owner.id,
        RecordAuditVerb.RECORD_ARRIVED,
        "record",
        record.id,
        case.id,
        size=size,
        made=True,
    )
    return record


def remove_generated_record(session: Session, actor: Person, record: Record) -> None:
    """Takes such a record back for good: its bytes are dropped, that it was there stays on the
    record.
    """
    record.removed_at = now()
    session.flush()
    _drop_bytes(session, record.upload_id)
    audit.record_audit_entry(
        session, actor.id, RecordAuditVerb.RECORD_REMOVED, "record", record.id, record.case_id
    )


def take_over_upload(session: Session, upload: Upload, offset: int) -> str:
    """Makes the caller the one who may append from ``offset`` on; whoever was at it before is no
    longer.

    Gives the writer's token. Raises ``Gone``, ``Finished``, ``WrongOffset``.
    """
    if upload.is_gone:
        raise tus.UploadGone()
    if upload.kind == UploadKind.FINAL:
        raise tus.JoinedUpload()
    if upload.finished_at is not None:
        raise tus.UploadFinished()
    if offset != upload.received:
        raise tus.WrongUploadOffset()
    upload.writer = writer = new_id()
    session.flush()
    return writer


def append_parts(
    session: Session, actor: Person, upload: Upload, writer: str, parts: Sequence[StoredPart]
) -> None:
    """Adds parts that are already in the store. Raises ``WrongOffset`` when another writer has
    taken over.
    """
    for part in parts:
        grown = session.execute(
            update(Upload)
            .where(
                Upload.id == upload.id,
                Upload.writer == writer,
                Upload.received == part.start,
                Upload.ended_at.is_(None),
                Upload.received + part.blob.size <= Upload.size,
            )
            .values(received=part.start + part.blob.size, expires_at=now() + UPLOAD_LIFETIME)
            .execution_options(synchronize_session="fetch")
        )
        if grown.rowcount != 1:  # type: ignore[attr-defined]
            raise tus.WrongUploadOffset()
        session.add(
            UploadPart(
                id=part.id,
                upload_id=upload.id,
                start=part.start,
                size=part.blob.size,
                sha256=part.blob.sha256,
                wrapped_key=part.blob.wrapped_key,
            )
        )
    session.flush()
    session.refresh(upload)
    if upload.is_complete and upload.finished_at is None:
        _finish_upload(session, actor, upload)


def refuse_arriving_upload(
    session: Session, actor: Person, upload: Upload, head: bytes
) -> FileKindRefused | None:
    """Looks at a file's first bytes as they arrive. When they are of no kind that we accept, ends
    the upload and gives the refusal, for the caller to raise once this has been committed.
    """
    if upload.record is None or upload.received:
        return None
    reason, details = _kind_fault_of(head, upload.record.name, whole=len(head) >= upload.size)
    if reason is None:
        return None
    record = upload.record
    record.state, record.reason, record.reason_details = (
        RecordState.REFUSED,
        reason,
        json.dumps(details),
    )
    record.inspected_at = upload.ended_at = now()
    session.flush()
    audit.record_audit_entry(
        session,
        actor.id,
        RecordAuditVerb.RECORD_INSPECTED,
        "record",
        record.id,
        record.case_id,
        state="refused",
        reason=reason,
    )
    return FileKindRefused(REASONS[reason], field=None, **record.reason_facts)


def cancel_upload(session: Session, actor: Person, upload: Upload) -> None:
    """Ends an upload and drops what had arrived, also the whole as long as nobody can have seen it:
    who stops a file does not know yet that its last byte has arrived. Raises ``UploadFinished``
    once it has been inspected.
    """
    if upload.ended_at is not None:
        raise tus.UploadGone()
    record = upload.record
    if (
        upload.finished_at is not None
        and upload.kind != UploadKind.PARTIAL
        and (record is None or record.state != RecordState.INSPECTING)
    ):
        raise tus.UploadFinished()
    _end_upload(session, upload)
    audit.record_audit_entry(
        session, actor.id, RecordAuditVerb.UPLOAD_CANCELLED, "upload", upload.id, upload.case_id
    )


def expire_uploads(session: Session) -> int:
    """Ends every upload that nobody has gone on with in time; gives their number."""
    expired = queries.expired_uploads(session)
    for upload in expired:
        _end_upload(session, upload)
        audit.record_audit_entry(
            session,
            None,
            RecordAuditVerb.UPLOAD_CANCELLED,
            "upload",
            upload.id,
            upload.case_id,
            reason="expired",
        )
    return len(expired)


def settle_inspection(
    session: Session, record: Record, case: Case, finding: InspectionFinding
) -> None:
    """Writes down what the inspection found; a second finding about the same record changes
    nothing. What differs from what the sender's device had is never shown to anybody.
    """
    if record.state != RecordState.INSPECTING:
        return
    claimed = record.upload.claimed_sha256
    if claimed is not None and claimed != finding.sha256:
        finding = replace(finding, state=RecordState.REFUSED, reason="changed", details={})
    record.state, record.reason, record.media_type = (
        finding.state,
        finding.reason,
        finding.media_type,
    )
    record.reason_details = json.dumps(finding.details) if finding.details else None
    record.sha256, record.scan, record.inspected_at = finding.sha256, finding.scan, now()
    session.flush()
    if finding.dicom is not None and finding.state == RecordState.READY:
        index_dicom_record(session, record, case, finding.dicom)
    audit.record_audit_entry(
        session,
        None,
        RecordAuditVerb.RECORD_INSPECTED,
        "record",
        record.id,
        record.case_id,
        state=str(record.state),
        sha256=finding.sha256,
        scan=finding.scan,
        reason=record.reason,
    )
    if record.state == RecordState.REFUSED:
        _drop_bytes(session, record.upload_id)
    if record.state != RecordState.READY:
        notify_people(session, f"record_{record.state}", case, [record.uploaded_by])


def settle_quarantine(session: Session, record: Record, case: Case, refusal: str | None) -> None:
    """Ends the quarantine of a record, which a coordinator has looked at: it is ready, or refused
    for the reason ``refusal``, a key of ``words.REASONS``. Its bytes are then dropped.
    """
    record.state = RecordState.REFUSED if refusal else RecordState.READY
    record.reason = refusal
    session.flush()
    audit.record_audit_entry(
        session,
        None,
        RecordAuditVerb.RECORD_INSPECTED,
        "record",
        record.id,
        record.case_id,
        state=str(record.state),
        reason=refusal,
    )
    if refusal:
        _drop_bytes(session, record.upload_id)


def open_record(
    session: Session, actor: Person, record: Record, case: Case, **facts: object
) -> None:
    """Writes down that the person opens the record, in the transaction that lets them. Raises
    ``Forbidden``.
    """
    if not queries.can_open_record_now(session, actor, record, case):
        raise Forbidden()
    audit.record_audit_entry(
        session, actor.id, RecordAuditVerb.RECORD_READ, "record", record.id, case.id, **facts
    )


def grant_reasoned_access(
    session: Session, actor: Person, record: Record, case: Case, reason: str
) -> ReasonedAccess:
    """Break-glass: lets a coordinator open one record for an hour. The patient is told, and the
    audit keeps why.
    """
    if not policy.can_open_with_reason(actor, case):
        raise Forbidden()
    access = ReasonedAccess(
        record_id=record.id,
        person_id=actor.id,
        reason=reason,
        since=now(),
        until=now() + REASONED_ACCESS_DURATION,
    )
    session.add(access)
    session.flush()
    audit.record_audit_entry(
        session,
        actor.id,
        RecordAuditVerb.RECORD_READ,
        "record",
        record.id,
        case.id,
        reason=reason,
        until=access.until.isoformat(),
    )
    notify_people(
        session,
        "record_opened_with_reason",
        case,
        [case.patient_id],
        record_id=record.id,
        access_id=access.id,
    )
    return access


def remove_record(session: Session, actor: Person, record: Record, case: Case) -> None:
    """Takes a file back; its bytes are dropped, that it was there stays on the record."""
    if not queries.can_remove_record_now(session, actor, record, case):
        raise Forbidden()
    record.removed_at = now()
    session.flush()
    _drop_bytes(session, record.upload_id)
    audit.record_audit_entry(
        session, actor.id, RecordAuditVerb.RECORD_REMOVED, "record", record.id, case.id
    )


def _refuse_too_much(session: Session, case: Case, size: int) -> None:
    if size > MAX_FILE_BYTES:
        raise TooLarge(
            N_(
                "This file is larger than %(most)s GB, which is the most that we can take."
                " Send it in smaller parts."
            ),
            most=MAX_FILE_BYTES // 10**9,
        )
    if queries.count_records(session, case.id) >= MAX_RECORDS_PER_CASE:
        raise TooLarge(
            N_("This case already has %(most)s files. Send the others together as a ZIP folder."),
            most=MAX_RECORDS_PER_CASE,
        )


def _kind_fault_of(head: bytes, name: str, *, whole: bool) -> tuple[str | None, dict[str, str]]:
    if kinds.sniff_file_kind(head, name, whole=whole) is not None:
        return None, {}
    return kinds.explain_refusal(head)


def _refuse_kind(head: bytes, name: str, *, whole: bool) -> None:
    reason, details = _kind_fault_of(head, name, whole=whole)
    if reason is not None:
        raise FileKindRefused(REASONS[reason], name=name, **details)


def _new_upload(session: Session, actor: Person, case: Case, new: NewUpload, size: int) -> Upload:
    upload = Upload(
        case_id=case.id,
        person_id=actor.id,
        kind=new.kind,
        size=size,
        received=0,
        metadata_sent=new.metadata,
        claimed_sha256=new.sha256,
        client_key=new.client_key,
        expires_at=now() + UNTOUCHED_UPLOAD_LIFETIME,
    )
    session.add(upload)
    session.flush()
    audit.record_audit_entry(
        session, actor.id, RecordAuditVerb.UPLOAD_BEGUN, "upload", upload.id, case.id, size=size
    )
    return upload


def _find_begun_upload(
    session: Session, actor: Person, case: Case, new: NewUpload
) -> Upload | None:
    """The upload that this creation asks for once more: its answer was lost, or the person goes on
    from another page or device.
    """
    if new.client_key is not None:
        known = queries.find_upload_by_key(session, actor, case, new.client_key)
        if known is not None and not known.is_gone:
            return known
        if known is not None:
            known.client_key = None  # ended: the same attempt may begin anew
            session.flush()
    if new.sha256 is None or new.again:
        return None
    return next(
        (
            upload
            for upload in queries.unfinished_uploads_of_content(session, actor, case, new.sha256)
            if upload.record is not None
            and (upload.size, upload.record.name, upload.record.folder)
            == (new.size, new.name, new.folder)
        ),
        None,
    )


def _new_record(
    session: Session, actor: Person, upload: Upload, name: str, folder: str | None = None
) -> None:
    session.add(
        Record(
            case_id=upload.case_id,
            upload_id=upload.id,
            upload=upload,
            uploaded_by=actor.id,
            name=name,
            folder=folder,
            size=upload.size,
        )
    )
    session.flush()


def _finish_upload(session: Session, actor: Person, upload: Upload) -> None:
    upload.finished_at, upload.writer = now(), None
    record = upload.record
    if record is None:
        return
    record.state, record.arrived_at = RecordState.INSPECTING, now()
    session.flush()
    audit.record_audit_entry(
        session,
        actor.id,
        RecordAuditVerb.RECORD_ARRIVED,
        "record",
        record.id,
        record.case_id,
        size=record.size,
    )
    enqueue_job(
        session, "inspect_record", {"record_id": record.id}, key=f"inspect_record:{record.id}"
    )


def _end_upload(session: Session, upload: Upload) -> None:
    upload.ended_at, upload.writer = now(), None
    if upload.record is not None:
        upload.record.removed_at = now()
    session.flush()
    _drop_bytes(session, upload.id)


def _drop_bytes(session: Session, upload_id: str) -> None:
    """The rows go now, the objects by a job once this has been committed."""
    parts = queries.upload_parts_of(session, upload_id)
    ids = [part.id for part in parts]
    for part in parts:
        session.delete(part)
    session.flush()
    for begin in range(0, len(ids), _OBJECTS_PER_JOB):
        enqueue_job(session, "delete_objects", {"ids": ids[begin : begin + _OBJECTS_PER_JOB]})
