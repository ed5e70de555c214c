"""What people do with the index: decide whose images they are, and read them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.cases.models import Case
from app.cases.service import notify_people
from app.core.clock import now
from app.core.errors import Conflict
from app.core.text import N_
from app.identity.models import Person
from app.records.imaging.indexing import list_identities, patient_of
from app.records.imaging.models import (
    IdentityVerdict,
    ImagingIdentity,
    ImagingInstance,
    ImagingSitting,
    ImagingStudy,
)
from app.records.models import Record, RecordState
from app.records.service import settle_quarantine
from app.records.verbs import RecordAuditVerb

SITTING_DURATION = timedelta(minutes=30)


def decide_identity(
    session: Session, actor: Person, case: Case, identity: ImagingIdentity, *, is_patient: bool
) -> int:
    """A coordinator says whether the images are of the case's patient. Every quarantined file that
    states the same is released, or refused and its bytes dropped. Gives their number.

    Raises ``Conflict`` where another coordinator has decided.
    """
    session.refresh(identity, with_for_update=True)
    if identity.verdict != IdentityVerdict.DIFFERS:
        raise Conflict(N_("Another coordinator has already decided about these images."))
    same = [
        other
        for other in list_identities(session, case.id)
        if patient_of(other) == patient_of(identity)
    ]
    for one in same:
        one.verdict = IdentityVerdict.ACCEPTED if is_patient else IdentityVerdict.REJECTED
        one.decided_by, one.decided_at = actor.id, now()
    records = session.scalars(
        select(Record)
        .join(ImagingInstance, ImagingInstance.record_id == Record.id)
        .where(
            ImagingInstance.identity_id.in_([one.id for one in same]),
            Record.state == RecordState.QUARANTINED,
            Record.reason == "other_patient",
            Record.removed_at.is_(None),
        )
    ).all()
    for record in records:
        settle_quarantine(session, record, case, None if is_patient else "not_this_patient")
    audit.record_audit_entry(
        session,
        actor.id,
        RecordAuditVerb.IDENTITY_DECIDED,
        "imaging_identity",
        identity.id,
        case.id,
        verdict=str(identity.verdict),
        records=len(records),
    )
    if not is_patient:
        notify_people(session, "record_refused", case, [one.uploaded_by for one in records])
    return len(records)


def note_imaging_sitting(
    session: Session, actor: Person, case: Case, study: ImagingStudy, record_id: str
) -> bool:
    """Writes down that the person reads the study; all requests of half an hour are one entry of
    the audit trail. Gives whether this one made it.
    """
    sitting = select(ImagingSitting.id).where(
        ImagingSitting.person_id == actor.id,
        ImagingSitting.study_id == study.id,
        ImagingSitting.until > now(),
    )
    if session.scalars(sitting).first() is not None:
        return False
    session.add(
        ImagingSitting(study_id=study.id, person_id=actor.id, until=now() + SITTING_DURATION)
    )
    session.flush()
    audit.record_audit_entry(
        session,
        actor.id,
        RecordAuditVerb.RECORD_READ,
        "record",
        record_id,
        case.id,
        how="viewed",
        study=study.id,
    )
    return True
