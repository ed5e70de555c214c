"""The recording of a consult, and who agreed to it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.consults.models import Consult, Seat
from app.core.clock import now
from app.core.columns import EncryptedText, Json, UtcDateTime
from app.core.db import Base
from app.core.ids import new_id


class RecordingState(StrEnum):
    """``PAUSED`` waits for somebody who has not agreed; ``STOPPED`` may be asked for anew as
    long as the consult lasts. The ends: ``DECLINED`` and ``EMPTY`` have nothing, ``KEPT`` is a
    record of the case, ``PURGED`` is gone for good.
    """

    ASKED = "asked"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    DECLINED = "declined"
    CLOSING = "closing"
    KEPT = "kept"
    EMPTY = "empty"
    PURGED = "purged"


class Recording(Base):
    """One recording; a consult has another only after the one before was declined or purged.

    ``key`` is the data key of its segments, lent to the node that records. ``languages`` are its
    tracks of voices, in the order of their numbers from ``webm.FIRST_VOICE`` on. ``runs`` are
    [from, to] in ISO 8601, the last one open while it is running. ``version`` counts what was
    told to nodes, across the consult's recordings. ``purge_asked_of`` is the seat that withdrew
    and has not yet said whether to keep what there is.
    """

    __tablename__ = "recordings"
    __table_args__ = (UniqueConstraint("consult_id", "number"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    consult_id: Mapped[str] = mapped_column(ForeignKey("consults.id"))
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(12), default=RecordingState.ASKED)
    asked_by: Mapped[str] = mapped_column(ForeignKey("seats.id"))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    key: Mapped[str] = mapped_column(EncryptedText)
    languages: Mapped[list[str]] = mapped_column(Json, default=list)
    runs: Mapped[list[tuple[str, str | None]]] = mapped_column(Json, default=list)
    """When it was switched on and off, as ISO instants; off is None while it runs."""
    version: Mapped[int] = mapped_column(default=0)
    stored_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    purge_asked_of: Mapped[str | None] = mapped_column(ForeignKey("seats.id"))
    record_id: Mapped[str | None] = mapped_column(ForeignKey("records.id"), index=True)

    consult: Mapped[Consult] = relationship()
    asker: Mapped[Seat] = relationship(foreign_keys=[asked_by])
    consents: Mapped[list[RecordingConsent]] = relationship(
        back_populates="recording", cascade="all, delete-orphan"
    )

    @property
    def is_running(self) -> bool:
        return self.state == RecordingState.RUNNING

    @property
    def is_open(self) -> bool:
        """Whether it waits for people or records them."""
        return self.state in (RecordingState.ASKED, RecordingState.RUNNING, RecordingState.PAUSED)

    def milliseconds(self, at: datetime) -> int:
        """Where the recording stood at that instant: its pauses are no part of it."""
        total = 0.0
        for begun, ended in self.runs:
            until = min(at, datetime.fromisoformat(ended)) if ended else at
            total += max(0.0, (until - datetime.fromisoformat(begun)).total_seconds())
        return round(total * 1000)

    def was_on(self, at: datetime) -> bool:
        return any(
            datetime.fromisoformat(begun) <= at
            and (ended is None or at <= datetime.fromisoformat(ended))
            for begun, ended in self.runs
        )


class RecordingConsent(Base):
    """One person's own agreement to one recording; withdrawn, it stays on record."""

    __tablename__ = "recording_consents"
    __table_args__ = (UniqueConstraint("recording_id", "seat_id"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    recording_id: Mapped[str] = mapped_column(ForeignKey("recordings.id"))
    seat_id: Mapped[str] = mapped_column(ForeignKey("seats.id"))
    given_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    recording: Mapped[Recording] = relationship(back_populates="consents")
