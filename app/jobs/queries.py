"""What other slices may ask about jobs."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.outbox import Job
from app.jobs.models import RunnerHeartbeat

# A runner reports every two seconds.
RUNNER_SILENCE_TIMEOUT = timedelta(seconds=20)


def is_any_runner_alive(session: Session) -> bool:
    """Whether at least one runner has reported within ``RUNNER_SILENCE_TIMEOUT``."""
    seen = session.scalar(
        select(func.count())
        .select_from(RunnerHeartbeat)
        .where(RunnerHeartbeat.seen_at > now() - RUNNER_SILENCE_TIMEOUT)
    )
    return bool(seen)


def count_waiting_jobs(session: Session) -> int:
    """How many jobs are due and not finished."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Job)
            .where(Job.finished_at.is_(None), Job.run_at <= now())
        )
        or 0
    )


def list_failed_jobs(session: Session, limit: int = 100) -> list[Job]:
    """The jobs that were given up, newest first."""
    return list(
        session.scalars(select(Job).where(Job.failed).order_by(Job.finished_at.desc()).limit(limit))
    )
