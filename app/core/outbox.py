"""The transactional outbox: whatever has an effect outside the database is first a row, written
with the change that causes it.

The jobs runner leases these rows. When a worker dies, its job is leased again after the lease ends,
so every handler may run twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Index, String, Text, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.clock import now
from app.core.columns import Json, UtcDateTime
from app.core.db import Base, Database
from app.core.ids import new_id

if TYPE_CHECKING:
    from app.core.blobs import BlobStore
    from config import Settings


class Job(Base):
    """A piece of work to be done once, later. ``key``, where given, keeps a second one from being
    queued.
    """

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_due", "finished_at", "run_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(64))
    payload: Mapped[dict[str, object]] = mapped_column(Json, default=dict)
    key: Mapped[str | None] = mapped_column(String(200), unique=True)
    run_at: Mapped[datetime] = mapped_column(UtcDateTime)
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    leased_by: Mapped[str | None] = mapped_column(String(64))
    attempts: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failed: Mapped[bool] = mapped_column(default=False)
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


@dataclass(frozen=True)
class JobContext:
    """What a job handler may use beside its session."""

    settings: Settings
    blobs: BlobStore
    database: Database
    job_id: str | None = None


JobPayload = Mapping[str, object]
"""What a job has to know, fit for JSON: ids and small facts, never what they are about."""

JobHandler = Callable[[Session, JobPayload, JobContext], None]


def read_payload_text(payload: JobPayload, name: str) -> str:
    """A text of a payload, an id as a rule. Raises ``KeyError`` where it is missing, ``TypeError``
    where it is no text.
    """
    value = payload[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} of this job is no text")
    return value


def enqueue_job(
    session: Session,
    kind: str,
    payload: JobPayload,
    *,
    run_at: datetime | None = None,
    delay: timedelta | None = None,
    key: str | None = None,
) -> Job | None:
    """Queues a job in the caller's transaction, to run at ``run_at`` (now) plus ``delay``.

    Returns None, and queues nothing, when a job with this ``key`` is queued or done already.
    """
    if key is not None and session.scalar(select(Job.id).where(Job.key == key)) is not None:
        return None
    job = Job(
        kind=kind,
        payload=dict(payload),
        key=key,
        run_at=(run_at or now()) + (delay or timedelta(0)),
    )
    session.add(job)
    session.flush()
    return job


def enqueue_notice(
    session: Session,
    kind: str,
    person_id: str,
    facts: Mapping[str, object],
    *,
    case_id: str | None = None,
    key: str | None = None,
) -> None:
    """Queues a message to one person; the words, the language and the zone are the reader's."""
    payload = {"kind": kind, "person_id": person_id, "case_id": case_id, "facts": dict(facts)}
    enqueue_job(session, "notify", payload, key=key)


def withdraw_job(session: Session, key: str) -> bool:
    """Takes back a queued job that has not begun. True when there was one."""
    gone = session.execute(
        delete(Job).where(Job.key == key, Job.finished_at.is_(None), Job.leased_until.is_(None))
    )
    return bool(gone.rowcount)  # type: ignore[attr-defined]
