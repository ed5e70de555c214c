"""Pointers: places in records that somebody marked."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.cases.models import Case
from app.core.clock import now
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.text import N_
from app.identity.models import Person
from app.records.imaging.queries import list_live_instances
from app.records.models import Record
from app.records.reading import queries
from app.records.reading.models import PointerKind, RecordPointer
from app.records.reading.places import ImagePlace, PagePlace
from app.records.verbs import RecordAuditVerb


def add_pointer(
    session: Session, actor: Person, case: Case, place: ImagePlace | PagePlace, note: str
) -> RecordPointer:
    """Marks a place in a record of the case. Raises ``NotFound`` where the record is not there."""
    if isinstance(place, ImagePlace):
        kind, record = PointerKind.IMAGE, _record_of_image(session, case, place)
    else:
        kind = PointerKind.PAGE
        record = queries.find_readable_record(session, case, place.record)
    pointer = RecordPointer(
        case_id=case.id,
        record_id=record.id,
        person_id=actor.id,
        kind=kind,
        place=place.as_text(),
        note=note,
    )
    session.add(pointer)
    session.flush()
    audit.record_audit_entry(
        session,
        actor.id,
        RecordAuditVerb.POINTER_ADDED,
        "record_pointer",
        pointer.id,
        case.id,
        record=record.id,
    )
    return pointer


def remove_pointer(session: Session, actor: Person, pointer: RecordPointer) -> None:
    """Raises ``Forbidden`` for a pointer of somebody else, ``Conflict`` for one that an opinion
    cites.
    """
    if pointer.person_id != actor.id:
        raise Forbidden()
    session.refresh(pointer, with_for_update=True)
    if pointer.cited_at is not None:
        raise Conflict(N_("An opinion cites this place, so it cannot be removed."))
    pointer.removed_at = now()
    session.flush()
    audit.record_audit_entry(
        session,
        actor.id,
        RecordAuditVerb.POINTER_REMOVED,
        "record_pointer",
        pointer.id,
        pointer.case_id,
    )


def cite_pointers(session: Session, case_id: str, pointer_ids: set[str]) -> int:
    """An opinion of the case that is signed now cites these pointers: from now on they stay. Gives
    how many of them there are.
    """
    cited = [
        pointer for pointer in queries.list_pointers(session, case_id) if pointer.id in pointer_ids
    ]
    for pointer in cited:
        pointer.cited_at = pointer.cited_at or now()
    session.flush()
    return len(cited)


def _record_of_image(session: Session, case: Case, place: ImagePlace) -> Record:
    for instance in list_live_instances(session, case.id, series_uid=place.series):
        if instance.uid == place.instance and place.frame <= instance.frames:
            return instance.record
    raise NotFound()
