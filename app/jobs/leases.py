"""Which runner has which job. Except for ``finish_job``, each function is one short transaction.

A lease ends by itself, so the job of a runner that died goes to another. ``finish_job`` is part of
the handler's own transaction and fails where the lease was lost, so what a job changes in the
database is changed once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.db import Database
from app.core.outbox import Job, JobPayload

MAX_JOB_ATTEMPTS = 8
FIRST_RETRY_PAUSE = timedelta(seconds=2)
MAX_RETRY_PAUSE = timedelta(hours=1)
RUNNER_DIED_MESSAGE = "The runner ended during this job, each time it was tried."


class JobLeaseLost(Exception):
    """Another runner has the job now. What was done here must be rolled back."""


@dataclass(frozen=True)
class LeasedJob:
    """A job that this runner has, detached from any session."""

    id: str
    kind: str
    payload: JobPayload
    attempt: int
    holder: str


def lease_next_job(database: Database, holder: str, lease: timedelta) -> LeasedJob | None:
    """Takes the job that has been due longest and that no runner has, or None where there is none.

    On SQLite the transaction began IMMEDIATE, so no other runner chooses at the same time. On
    PostgreSQL, rows that another runner is taking are skipped.
    """
    with database.unit_of_work() as session:
        moment = now()
        job = session.scalars(
            select(Job)
            .where(
                Job.finished_at.is_(None),
                Job.run_at <= moment,
                or_(Job.leased_until.is_(None), Job.leased_until <= moment),
            )
            .order_by(Job.run_at, Job.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).first()
        if job is None:
            return None
        if job.attempts >= MAX_JOB_ATTEMPTS:
            _give_up_job(job, job.last_error or RUNNER_DIED_MESSAGE)
            return None
        job.attempts += 1
        job.leased_by, job.leased_until = holder, moment + lease
        return LeasedJob(job.id, job.kind, dict(job.payload), job.attempts, holder)


def renew_lease(database: Database, held: LeasedJob, lease: timedelta) -> bool:
    """Keeps the job for another ``lease`` from now. False where it is no longer ours."""
    with database.unit_of_work() as session:
        return _update_leased_job(session, held, leased_until=now() + lease)


def finish_job(session: Session, held: LeasedJob) -> None:
    """Marks the job as finished, in the handler's transaction. Raises ``JobLeaseLost`` where it is
    no longer ours.
    """
    if not _update_leased_job(
        session, held, finished_at=now(), leased_until=None, leased_by=None, last_error=None
    ):
        raise JobLeaseLost(held.id)


def return_failed_job(database: Database, held: LeasedJob, why: str) -> bool:
    """After a failure: the job waits longer each time, and is given up after ``MAX_JOB_ATTEMPTS``.
    Returns whether it was given up.
    """
    with database.unit_of_work() as session:
        job = session.get(Job, held.id, with_for_update=True)
        if job is None or job.leased_by != held.holder or job.finished_at is not None:
            return False
        job.leased_by = job.leased_until = None
        job.last_error = why
        if job.attempts >= MAX_JOB_ATTEMPTS:
            _give_up_job(job, why)
            return True
        job.run_at = now() + compute_retry_pause(job.attempts)
        return False


def compute_retry_pause(attempts: int) -> timedelta:
    """How long a job waits after this many failures: 2 s, 8 s, 32 s … up to an hour."""
    return min(FIRST_RETRY_PAUSE * 4 ** (attempts - 1), MAX_RETRY_PAUSE)


def _update_leased_job(session: Session, held: LeasedJob, **values: object) -> bool:
    changed = session.execute(
        update(Job)
        .where(Job.id == held.id, Job.leased_by == held.holder, Job.finished_at.is_(None))
        .values(**values)
    )
    return bool(changed.rowcount)  # type: ignore[attr-defined]


def _give_up_job(job: Job, why: str) -> None:
    job.failed, job.finished_at, job.last_error = True, now(), why
    job.leased_by = job.leased_until = None
