"""Puts a DICOM file into the index of its case, and holds its patient against the case's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.cases.models import Case
from app.core.db import Base
from app.identity.models import Person
from app.records.imaging.dicom_file import DicomFacts
from app.records.imaging.models import (
    IdentityVerdict,
    ImagingIdentity,
    ImagingInstance,
    ImagingSeries,
    ImagingStudy,
)
from app.records.imaging.patient_identity import ImagePatient, find_differences
from app.records.models import Record, RecordState

Row = TypeVar("Row", bound=Base)


def index_dicom_record(session: Session, record: Record, case: Case, facts: DicomFacts) -> None:
    """Adds the file to its study and series. In whatever order files arrive, the index is the same.

    A file that says that it is of another patient is quarantined, and stays so until a coordinator
    has decided (``imaging.service``). What they decided holds for every file that says the same.
    """
    identity = _find_or_add_identity(session, case, facts.patient)
    study = _find_or_add_study(session, case, facts)
    series = _find_or_add_series(session, study, facts)
    session.add(
        ImagingInstance(
            series_id=series.id,
            record_id=record.id,
            identity_id=identity.id,
            uid=facts.uid,
            sop_class=facts.sop_class,
            transfer_syntax=facts.transfer_syntax,
            number=facts.number,
            frames=facts.frames,
            rows=facts.rows,
            columns=facts.columns,
            position=facts.position,
            burned_in=facts.burned_in,
            layout=facts.layout,
            header=facts.header,
        )
    )
    if identity.verdict == IdentityVerdict.DIFFERS:
        record.state, record.reason = RecordState.QUARANTINED, "other_patient"
    elif identity.verdict == IdentityVerdict.REJECTED:
        record.state, record.reason = RecordState.REFUSED, "not_this_patient"
    session.flush()


def list_identities(session: Session, case_id: str) -> list[ImagingIdentity]:
    return list(
        session.scalars(
            select(ImagingIdentity)
            .where(ImagingIdentity.case_id == case_id)
            .order_by(ImagingIdentity.created_at, ImagingIdentity.id)
        )
    )


def patient_of(identity: ImagingIdentity) -> ImagePatient:
    return ImagePatient(identity.name, identity.birth_date, identity.sex, identity.patient_id)


def accepted_patients(identities: Sequence[ImagingIdentity]) -> list[ImagePatient]:
    """The patients whose images are part of the case."""
    accepted = (IdentityVerdict.MATCHES, IdentityVerdict.ACCEPTED)
    return [patient_of(one) for one in identities if one.verdict in accepted]


def _find_or_add_identity(session: Session, case: Case, patient: ImagePatient) -> ImagingIdentity:
    identities = list_identities(session, case.id)
    for identity in reversed(identities):  # the latest decision holds
        if patient_of(identity) == patient:
            return identity
    name = session.scalars(select(Person.name).where(Person.id == case.patient_id)).one()
    differences = find_differences(patient, name, accepted_patients(identities))
    verdict = IdentityVerdict.MATCHES if patient.has_name else IdentityVerdict.UNSTATED
    identity = ImagingIdentity(
        case_id=case.id,
        name=patient.name,
        birth_date=patient.birth_date,
        sex=patient.sex,
        patient_id=patient.patient_id,
        verdict=IdentityVerdict.DIFFERS if differences else verdict,
        differences=differences,
    )
    session.add(identity)
    session.flush()
    return identity


def _find_or_add_study(session: Session, case: Case, facts: DicomFacts) -> ImagingStudy:
    return _find_or_add(
        session,
        ImagingStudy,
        {"case_id": case.id, "uid": facts.study_uid},
        {
            "date": facts.study_date,
            "time": facts.study_time,
            "description": facts.study_description,
            "accession": facts.accession,
        },
    )


def _find_or_add_series(session: Session, study: ImagingStudy, facts: DicomFacts) -> ImagingSeries:
    return _find_or_add(
        session,
        ImagingSeries,
        {"study_id": study.id, "uid": facts.series_uid},
        {
            "modality": facts.modality,
            "number": facts.series_number,
            "body_part": facts.body_part,
            "description": facts.series_description,
        },
    )


def _find_or_add(
    session: Session, table: type[Row], key: dict[str, str], facts: dict[str, object]
) -> Row:
    """The row with this key; where another file of the same study brings it at this moment, that
    one's.
    """
    wanted = select(table).filter_by(**key)
    row = session.scalars(wanted).first()
    if row is not None:
        return row
    try:
        with session.begin_nested():
            row = table(**key, **facts)
            session.add(row)
    except IntegrityError:
        return session.scalars(wanted).one()
    return row
