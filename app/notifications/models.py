"""What was told to whom, and the mails that carry it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.cases.models import Case
from app.core.clock import now
from app.core.columns import EncryptedText, Json, UtcDateTime
from app.core.db import Base
from app.core.ids import new_id
from app.identity.models import Person


class Notice(Base):
    """One message to one person. The words are found when it is read; ``facts`` hold instants and
    zones, never more.

    ``key`` is that of the job that brought it, so that a job that runs twice tells once.
    """

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_person", "person_id", "read_at", "created_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(200), unique=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    kind: Mapped[str] = mapped_column(String(40))
    case_id: Mapped[str | None] = mapped_column(ForeignKey("cases.id"), index=True)
    facts: Mapped[dict[str, object]] = mapped_column(Json, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    person: Mapped[Person] = relationship()
    case: Mapped[Case | None] = relationship()


class MailState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    KEPT = "kept"  # no mail server is set: it stays in the outbox
    REFUSED = "refused"  # the mail server said that it will never take it


class Mail(Base):
    """A mail as it goes out. The body is the reader's alone, so it lies encrypted."""

    __tablename__ = "mails"
    __table_args__ = (Index("ix_mails_created", "created_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    notice_id: Mapped[str | None] = mapped_column(ForeignKey("notices.id"), unique=True)
    to: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(16), default="en")
    subject: Mapped[str] = mapped_column(String(250))
    body: Mapped[str] = mapped_column(EncryptedText)
    state: Mapped[str] = mapped_column(String(10), default=MailState.QUEUED)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
