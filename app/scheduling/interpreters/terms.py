"""The words of the records, gathered once for each record that has passed inspection, for the
interpreters' briefs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import BinaryIO

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.blobs import BlobStore
from app.core.clock import now
from app.core.outbox import enqueue_job
from app.core.runtime.parser_pool import ParserFailed, parse_in_child
from app.records import queries as records
from app.records.models import Record, RecordState
from app.records.reading.content import RecordBytes
from app.scheduling.interpreters import record_text
from app.scheduling.interpreters.glossary import MedicalTerm, TermKind, find_medical_terms
from app.scheduling.models import Booking, BookingState, RecordTerms

log = structlog.get_logger("scheduling")

_TERMS_PARSER = "app.scheduling.interpreters.terms:parse_record_terms"
GATHER_TERMS_JOB = "gather_terms"
MAX_RECORDS_PER_GATHERING = 200  # of a case, at a time


@dataclass(frozen=True)
class UnreadRecord:
    """A record whose words are not gathered yet, and where its bytes are."""

    record_id: str
    case_id: str
    media_type: str | None
    whole: RecordBytes


def request_terms(session: Session, case_id: str) -> None:
    """Has the words of the case's records gathered soon; those that are gathered already stay."""
    if (
        session.scalar(_unread_records_query(case_id).with_only_columns(Record.id).limit(1))
        is not None
    ):
        enqueue_job(session, GATHER_TERMS_JOB, {"case_id": case_id})


def request_all_terms(session: Session) -> int:
    """The same for every case whose interpreted meeting lies ahead: more records may have come
    since it was booked.
    """
    cases = session.scalars(
        select(Booking.case_id)
        .distinct()
        .join(Record, Record.case_id == Booking.case_id)
        .outerjoin(RecordTerms, RecordTerms.record_id == Record.id)
        .where(
            Booking.state == BookingState.CONFIRMED,
            Booking.needs_interpreter,
            Booking.starts_at > now(),
            RecordTerms.record_id.is_(None),
            *_READY_RECORD_CONDITIONS,
        )
    ).all()
    for case_id in cases:
        enqueue_job(session, GATHER_TERMS_JOB, {"case_id": case_id})
    return len(cases)


def list_unread_records(session: Session, blobs: BlobStore, case_id: str) -> list[UnreadRecord]:
    found = session.scalars(_unread_records_query(case_id).limit(MAX_RECORDS_PER_GATHERING))
    return [
        UnreadRecord(
            one.id,
            case_id,
            one.media_type,
            RecordBytes(blobs, records.upload_parts_of(session, one.upload_id)),
        )
        for one in found
    ]


def read_record_terms(unread: UnreadRecord) -> list[MedicalTerm]:
    """Reads the file; needs no database, for it may take a while."""
    if unread.media_type is None or not record_text.has_readable_text(
        unread.media_type, unread.whole.size
    ):
        return []
    try:
        found = parse_in_child(_TERMS_PARSER, unread.whole, {"media_type": unread.media_type})
    except ParserFailed as failed:  # such a file has no words for us
        log.info("The terms of a record could not be read.", reason=failed.reason)
        return []
    return [MedicalTerm(TermKind(kind), text) for kind, text in found]


def parse_record_terms(file: BinaryIO, media_type: str) -> list[list[str]]:
    """A parser for ``parse_in_child``: kind and text of each term."""
    text = record_text.extract_record_text(file, media_type)
    return [[str(term.kind), term.text] for term in find_medical_terms(text)]


def save_record_terms(session: Session, unread: UnreadRecord, found: list[MedicalTerm]) -> None:
    """Notes what was found, and with an empty list that there was nothing. Twice is harmless."""
    if session.get(RecordTerms, unread.record_id) is None:
        session.add(
            RecordTerms(
                record_id=unread.record_id,
                case_id=unread.case_id,
                terms=json.dumps([[term.kind, term.text] for term in found]),
            )
        )
        session.flush()


def terms_of_case(session: Session, case_id: str) -> list[MedicalTerm]:
    """What was found in the case's records that are still there."""
    kept = session.scalars(
        select(RecordTerms.terms)
        .join(Record, Record.id == RecordTerms.record_id)
        .where(RecordTerms.case_id == case_id, *_READY_RECORD_CONDITIONS)
    )
    return [MedicalTerm(TermKind(kind), text) for row in kept for kind, text in json.loads(row)]


_READY_RECORD_CONDITIONS = (Record.state == RecordState.READY, Record.removed_at.is_(None))


def _unread_records_query(case_id: str):  # type: ignore[no-untyped-def]
    return (
        select(Record)
        .outerjoin(RecordTerms, RecordTerms.record_id == Record.id)
        .where(
            Record.case_id == case_id, RecordTerms.record_id.is_(None), *_READY_RECORD_CONDITIONS
        )
        .order_by(Record.created_at)
    )
