"""The index of DICOM files, and whose images they say they are.

UIDs and technical facts lie in plain columns, because queries select by them. What describes the
patient is encrypted.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.clock import now
from app.core.columns import EncryptedText, Json, UtcDateTime
from app.core.db import Base
from app.core.ids import new_id
from app.records.models import Record


class IdentityVerdict(StrEnum):
    """``differs`` waits for a coordinator; ``accepted`` and ``rejected`` are their decision."""

    MATCHES = "matches"
    UNSTATED = "unstated"
    DIFFERS = "differs"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class ImagingIdentity(Base):
    """A patient as DICOM files of a case name them. All files that say the same share one row.

    ``birth_date`` is YYYYMMDD, ``sex`` M, F or O (DICOM PS3.3, C.7.1.1); each may be empty.
    """

    __tablename__ = "imaging_identities"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    name: Mapped[str] = mapped_column(EncryptedText, default="")
    birth_date: Mapped[str] = mapped_column(EncryptedText, default="")
    sex: Mapped[str] = mapped_column(EncryptedText, default="")
    patient_id: Mapped[str] = mapped_column(EncryptedText, default="")
    verdict: Mapped[str] = mapped_column(String(16))
    differences: Mapped[list[str]] = mapped_column(Json, default=list)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ImagingStudy(Base):
    __tablename__ = "imaging_studies"
    __table_args__ = (UniqueConstraint("case_id", "uid"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    uid: Mapped[str] = mapped_column(String(64))
    date: Mapped[str] = mapped_column(String(8), default="")
    time: Mapped[str] = mapped_column(String(16), default="")
    description: Mapped[str] = mapped_column(EncryptedText, default="")
    accession: Mapped[str] = mapped_column(EncryptedText, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ImagingSeries(Base):
    __tablename__ = "imaging_series"
    __table_args__ = (UniqueConstraint("study_id", "uid"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    study_id: Mapped[str] = mapped_column(ForeignKey("imaging_studies.id"))
    uid: Mapped[str] = mapped_column(String(64))
    modality: Mapped[str] = mapped_column(String(16), default="")
    number: Mapped[int | None]
    body_part: Mapped[str] = mapped_column(String(64), default="")
    description: Mapped[str] = mapped_column(EncryptedText, default="")

    study: Mapped[ImagingStudy] = relationship()


class ImagingInstance(Base):
    """One DICOM file. The same instance may have come on two CDs, so ``uid`` is not unique here:
    queries take the first record that is there.

    ``layout`` says where the frames lie in the file (``pixel_layout``); ``header`` is the data set
    as DICOM JSON, without pixels.
    """

    __tablename__ = "imaging_instances"
    __table_args__ = (Index("ix_imaging_instances_series", "series_id", "uid"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    series_id: Mapped[str] = mapped_column(ForeignKey("imaging_series.id"))
    record_id: Mapped[str] = mapped_column(ForeignKey("records.id"), unique=True)
    identity_id: Mapped[str] = mapped_column(ForeignKey("imaging_identities.id"), index=True)
    uid: Mapped[str] = mapped_column(String(64))
    sop_class: Mapped[str] = mapped_column(String(64), default="")
    transfer_syntax: Mapped[str] = mapped_column(String(64), default="")
    number: Mapped[int | None]
    frames: Mapped[int] = mapped_column(default=0)
    rows: Mapped[int] = mapped_column(default=0)
    columns: Mapped[int] = mapped_column(default=0)
    position: Mapped[float | None]
    burned_in: Mapped[bool] = mapped_column(default=False)
    layout: Mapped[dict[str, object] | None] = mapped_column(Json)
    header: Mapped[str] = mapped_column(EncryptedText)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    series: Mapped[ImagingSeries] = relationship()
    record: Mapped[Record] = relationship()


class ImagingSitting(Base):
    """One person reads one study for up to half an hour: the audit trail has one entry for it."""

    __tablename__ = "imaging_sittings"
    __table_args__ = (Index("ix_imaging_sittings_person", "person_id", "study_id", "until"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    study_id: Mapped[str] = mapped_column(ForeignKey("imaging_studies.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    since: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
