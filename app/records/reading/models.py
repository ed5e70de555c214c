"""Marked places in records."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.clock import now
from app.core.columns import EncryptedText, UtcDateTime
from app.core.db import Base
from app.core.ids import new_id
from app.identity.models import Person
from app.records.models import Record


class PointerKind(StrEnum):
    IMAGE = "image"
    PAGE = "page"


class RecordPointer(Base):
    """A place in a record that somebody marked, with a note.

    ``place`` is JSON (``reading.places``): of an image the frame, the window and the measurements,
    of a page its number and a region. A pointer that an opinion cites (``cited_at``) stays.
    """

    __tablename__ = "record_pointers"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    record_id: Mapped[str] = mapped_column(ForeignKey("records.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    kind: Mapped[str] = mapped_column(String(8))
    place: Mapped[str] = mapped_column(EncryptedText)
    note: Mapped[str] = mapped_column(EncryptedText)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    cited_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    record: Mapped[Record] = relationship()
    person: Mapped[Person] = relationship()
