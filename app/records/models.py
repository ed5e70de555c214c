"""Records, the uploads that bring them, and the encrypted parts that they lie in."""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.clock import now
from app.core.columns import EncryptedText, Json, UtcDateTime
from app.core.db import Base
from app.core.ids import new_id
from app.core.rotation import describe_wrapped_key
from app.identity.models import Person


class RecordState(StrEnum):
    ARRIVING = "arriving"
    INSPECTING = "inspecting"
    READY = "ready"
    REFUSED = "refused"
    QUARANTINED = "quarantined"


class UploadKind(StrEnum):
    """``single`` brings a record; ``partial`` ones are joined by a ``final`` one (tus
    concatenation).
    """

    SINGLE = "single"
    PARTIAL = "partial"
    FINAL = "final"


class Upload(Base):
    """One tus upload, and afterwards the place where its record's bytes lie.

    ``received`` counts the bytes kept so far. ``writer`` names the request that may append now;
    a newer request takes it over, so that a connection which hangs can never keep its owner out.
    ``claimed_sha256`` (hex) is what the sender's device computed over the whole file; the
    inspection compares it. ``client_key`` names the sender's attempt, so that a creation whose
    answer was lost finds the same upload again.
    """

    __tablename__ = "uploads"
    __table_args__ = (
        Index("ix_uploads_expiry", "finished_at", "expires_at"),
        Index("ix_uploads_content", "case_id", "claimed_sha256"),
        UniqueConstraint("person_id", "client_key"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    kind: Mapped[str] = mapped_column(String(8), default=UploadKind.SINGLE)
    size: Mapped[int] = mapped_column(BigInteger)
    received: Mapped[int] = mapped_column(BigInteger, default=0)
    metadata_sent: Mapped[str] = mapped_column(EncryptedText, default="")
    joined_from: Mapped[list[str] | None] = mapped_column(Json)
    writer: Mapped[str | None] = mapped_column(String(32))
    claimed_sha256: Mapped[str | None] = mapped_column(String(64))
    client_key: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    record: Mapped[Record | None] = relationship(back_populates="upload")

    @property
    def is_complete(self) -> bool:
        return self.received == self.size

    @property
    def is_gone(self) -> bool:
        """Ended, or not continued in time, whether or not the job that ends it has run."""
        return self.ended_at is not None or (self.finished_at is None and self.expires_at <= now())


class UploadPart(Base):
    """A run of an upload's bytes from ``start`` on: one encrypted object, whose id is the part's
    id.
    """

    __tablename__ = "upload_parts"
    __table_args__ = (UniqueConstraint("upload_id", "start"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    upload_id: Mapped[str] = mapped_column(ForeignKey("uploads.id"))
    start: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    wrapped_key: Mapped[str] = mapped_column(String(200), info=describe_wrapped_key("id"))


class Record(Base):
    """One file of a case. ``folder`` is where it lay on the sender's disk, such as ``CD/DICOM``,
    None where it was chosen alone. ``reason`` is a key of ``words.REASONS``, set where the record
    was refused or quarantined; ``reason_details`` fill its sentence, as JSON.
    """

    __tablename__ = "records"
    __table_args__ = (Index("ix_records_case", "case_id", "removed_at", "created_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    upload_id: Mapped[str] = mapped_column(ForeignKey("uploads.id"), unique=True)
    uploaded_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    name: Mapped[str] = mapped_column(EncryptedText)
    folder: Mapped[str | None] = mapped_column(EncryptedText)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
    media_type: Mapped[str | None] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(16), default=RecordState.ARRIVING)
    reason: Mapped[str | None] = mapped_column(String(40))
    reason_details: Mapped[str | None] = mapped_column(EncryptedText)
    scan: Mapped[str | None] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    arrived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    inspected_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    upload: Mapped[Upload] = relationship(back_populates="record")
    uploader: Mapped[Person] = relationship()

    @property
    def is_ready(self) -> bool:
        return self.state == RecordState.READY and self.removed_at is None

    @property
    def reason_facts(self) -> dict[str, object]:
        return {"name": self.name, **json.loads(self.reason_details or "{}")}


class ReasonedAccess(Base):
    """Break-glass: a coordinator who gave a reason may open one record until ``until``."""

    __tablename__ = "reasoned_accesses"
    __table_args__ = (Index("ix_reasoned_accesses_record", "record_id", "person_id", "until"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    record_id: Mapped[str] = mapped_column(ForeignKey("records.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    reason: Mapped[str] = mapped_column(EncryptedText)
    since: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
