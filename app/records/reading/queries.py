"""What the reading room of a case shows: its contents and the pointers into them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.cases.models import Case
from app.cases.policy import can_read_file
from app.cases.queries import get_case
from app.core.errors import NotFound
from app.identity.models import Person
from app.records.imaging.models import ImagingInstance
from app.records.imaging.queries import StudySummary, list_study_summaries
from app.records.inspection import kinds
from app.records.models import Record, RecordState
from app.records.reading.models import RecordPointer

SHOWN_IN_READING_ROOM = ("pdf", "image")


@dataclass(frozen=True)
class ReadingRoom:
    """``documents`` open in the viewer, ``others`` on their own page."""

    case: Case
    studies: list[StudySummary]
    documents: list[Record]
    others: list[Record]
    pointers: Sequence[RecordPointer]

    @property
    def is_empty(self) -> bool:
        return not (self.studies or self.documents or self.others)


def load_reading_room(session: Session, case: Case) -> ReadingRoom:
    """The records of the case that have passed their inspection, in the order of a specialist:
    images by study, then documents and the rest by date, newest first.
    """
    imaged = select(ImagingInstance.record_id).where(ImagingInstance.frames > 0)
    records = session.scalars(
        select(Record)
        .where(
            Record.case_id == case.id,
            Record.state == RecordState.READY,
            Record.removed_at.is_(None),
            Record.id.not_in(imaged),
        )
        .order_by(Record.created_at.desc(), Record.id)
    ).all()
    documents = [record for record in records if _shown_as(record) in SHOWN_IN_READING_ROOM]
    return ReadingRoom(
        case=case,
        studies=[
            study
            for study in list_study_summaries(session, case.id)
            if any(one.has_images for one in study.series)
        ],
        documents=documents,
        others=[record for record in records if record not in documents],
        pointers=list_pointers(session, case.id),
    )


def has_readable_records(session: Session, case_id: str) -> bool:
    """Whether the reading room of the case has anything in it."""
    ready = select(Record.id).where(
        Record.case_id == case_id,
        Record.state == RecordState.READY,
        Record.removed_at.is_(None),
    )
    return session.scalar(select(ready.exists())) is True


def list_pointers(session: Session, case_id: str) -> Sequence[RecordPointer]:
    """Newest first; those into records that were taken back are not there."""
    return session.scalars(
        select(RecordPointer)
        .join(Record, Record.id == RecordPointer.record_id)
        .options(joinedload(RecordPointer.person), joinedload(RecordPointer.record))
        .where(
            RecordPointer.case_id == case_id,
            RecordPointer.removed_at.is_(None),
            Record.removed_at.is_(None),
        )
        .order_by(RecordPointer.created_at.desc(), RecordPointer.id)
    ).all()


def load_pointer(session: Session, person: Person, pointer_id: str) -> RecordPointer:
    """A pointer in a case whose file the person may read. Raises ``NotFound`` or ``Forbidden``."""
    pointer = session.get(RecordPointer, pointer_id)
    if pointer is None or pointer.removed_at is not None:
        raise NotFound()
    get_case(session, person, pointer.case_id, can_read_file)
    return pointer


def find_readable_record(session: Session, case: Case, record_id: str) -> Record:
    """A record of the case that has passed its inspection. Raises ``NotFound``."""
    record = session.get(Record, record_id)
    if record is None or record.case_id != case.id or not record.is_ready:
        raise NotFound()
    return record


def _shown_as(record: Record) -> str | None:
    kind = kinds.KIND_BY_MEDIA_TYPE.get(record.media_type or "")
    return kind.shown if kind else None
