"""Jobs that run periodically: one for each kind and period, queued by whichever runner is first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, or_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core import rotation
from app.core.clock import now
from app.core.db import Database
from app.core.outbox import Job, JobContext, JobPayload, enqueue_job
from app.jobs.models import RunnerHeartbeat

FINISHED_JOB_RETENTION = timedelta(days=30)
SILENT_RUNNER_RETENTION = timedelta(hours=1)
PERIODIC_KEY_PREFIX = "periodic:"


class PeriodicScheduler:
    """Queues each periodic kind once in each period.

    The key of the job names the period, so several runners queue one job.
    """

    def __init__(self, periodic: Sequence[tuple[str, timedelta]]) -> None:
        self._periodic = list(periodic)
        self._last: dict[str, int] = {}

    def tick(self, database: Database) -> None:
        """Queues what is due in the present period and was not queued by this runner yet."""
        for kind, interval in self._periodic:
            period = int(now().timestamp() // interval.total_seconds())
            if self._last.get(kind) == period:
                continue
            try:
                with database.unit_of_work() as session:
                    enqueue_job(session, kind, {}, key=f"{PERIODIC_KEY_PREFIX}{kind}:{period}")
            except IntegrityError:
                pass  # another runner was first
            self._last[kind] = period


def sweep_finished_jobs(session: Session, payload: JobPayload, context: JobContext) -> None:
    """Deletes jobs that finished long ago and runners that have been silent for long. Failed jobs
    stay, so that somebody can look at them.
    """
    before = now() - FINISHED_JOB_RETENTION
    session.execute(
        delete(Job).where(
            Job.finished_at < before,
            Job.failed.is_(False),
            or_(Job.key.is_(None), Job.key.startswith(PERIODIC_KEY_PREFIX)),
        )
    )
    session.execute(
        delete(RunnerHeartbeat).where(RunnerHeartbeat.seen_at < now() - SILENT_RUNNER_RETENTION)
    )


def renew_encryption_keys(session: Session, payload: JobPayload, context: JobContext) -> None:
    """Encrypts anew what is still encrypted under an older master key. Queues itself again until
    nothing is.
    """
    if rotation.renew_sealed_values(session, context.blobs.keyring):
        enqueue_job(session, "keys.renew", {})


HANDLERS = {"jobs.sweep": sweep_finished_jobs, "keys.renew": renew_encryption_keys}
PERIODIC = [("jobs.sweep", timedelta(hours=1)), ("keys.renew", timedelta(days=1))]
