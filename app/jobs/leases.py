"""Who holds which job. Each function is one short transaction of its own.

A lease is a promise with an end: a runner that dies lets go of its job when the lease runs out.
`finish` belongs to the handler's own transaction and fails when the lease was lost, so what a job
does in the database happens once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.db import Database
from app.core.outbox import Job

MOST_ATTEMPTS = 8
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(hours=1)
DIED = "The runner ended in the middle of this job, each time it was tried."


class LeaseLost(Exception):
    """Another runner has the job now; what was done here must not be kept."""


@dataclass(frozen=True)
class Leased:
    """A job in our hands, apart from any session."""

    id: str
    kind: str
    payload: dict[str, Any]
    attempt: int
    holder: str


def take_next(database: Database, holder: str, lease: timedelta) -> Leased | None:
    """Takes the job that has been due longest and that nobody holds, or None when there is none.

    SQLite: the transaction began IMMEDIATE, so nobody else is choosing. PostgreSQL: rows that
    another runner is just taking are skipped.
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
        if job.attempts >= MOST_ATTEMPTS:
            _give_up(job, job.last_error or DIED)
            return None
        job.attempts += 1
        job.leased_by, job.leased_until = holder, moment + lease
        return Leased(job.id, job.kind, dict(job.payload), job.attempts, holder)


def renew(database: Database, held: Leased, lease: timedelta) -> bool:
    """Holds the job for another `lease` from now. False when it is no longer ours."""
    with database.unit_of_work() as session:
        return _touch(session, held, leased_until=now() + lease)


def finish(session: Session, held: Leased) -> None:
    """Marks the job done in the handler's own transaction. Raises `LeaseLost` when it is not ours
    to finish.
    """
    if not _touch(
        session, held, finished_at=now(), leased_until=None, leased_by=None, last_error=None
    ):
        raise LeaseLost(held.id)


def put_back(database: Database, held: Leased, why: str) -> bool:
    """After a failure: the job waits longer each time and is given up after `MOST_ATTEMPTS`. True
    when given up.
    """
    with database.unit_of_work() as session:
        job = session.get(Job, held.id, with_for_update=True)
        if job is None or job.leased_by != held.holder or job.finished_at is not None:
            return False
        job.leased_by = job.leased_until = None
        job.last_error = why
        if job.attempts >= MOST_ATTEMPTS:
            _give_up(job, why)
            return True
        job.run_at = now() + pause_after(job.attempts)
        return False


def pause_after(attempts: int) -> timedelta:
    """How long a job rests after its n-th failure: 2 s, 8 s, 32 s … up to an hour."""
    return min(FIRST_PAUSE * 4 ** (attempts - 1), LONGEST_PAUSE)


def _touch(session: Session, held: Leased, **values: Any) -> bool:
    changed = session.execute(
        update(Job)
        .where(Job.id == held.id, Job.leased_by == held.holder, Job.finished_at.is_(None))
        .values(**values)
    )
    return bool(changed.rowcount)  # type: ignore[attr-defined]


def _give_up(job: Job, why: str) -> None:
    job.failed, job.finished_at, job.last_error = True, now(), why
    job.leased_by = job.leased_until = None
