"""One jobs process: a few worker threads, and one that keeps their leases.

A handler gets a new session, in one unit of work that also marks its job as finished. On SQLite a
unit of work has the only write lock from its first statement on. So a handler that computes or uses
the network for long does that before it uses its session, and reads what it needs through
``context.database.unit_of_work()``.
"""

from __future__ import annotations

import os
import socket
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.core.clock import monotonic, now
from app.core.db import Database
from app.core.errors import Refusal
from app.core.ids import new_id
from app.core.outbox import JobContext, JobHandler
from app.jobs import leases
from app.jobs.leases import LeasedJob
from app.jobs.models import RunnerHeartbeat
from app.jobs.periodic import PeriodicScheduler

log = structlog.get_logger("jobs")

# How long a runner that died keeps its jobs; renewed at a third of it.
JOB_LEASE_DURATION = timedelta(seconds=60)
JOB_POLL_SECONDS = 0.25
RUNNER_HEARTBEAT_SECONDS = 2.0


class UnknownJobKind(Exception):
    """A job was queued whose kind no slice handles."""


class JobsRunner:
    """Runs due jobs until ``stop()``. Jobs in hand are then finished."""

    def __init__(
        self,
        context: JobContext,
        handlers: Mapping[str, JobHandler],
        periodic: Sequence[tuple[str, timedelta]] = (),
        *,
        lease: timedelta = JOB_LEASE_DURATION,
        poll: float = JOB_POLL_SECONDS,
        workers: int = 2,
    ) -> None:
        self.id = f"{socket.gethostname()[:24]}-{os.getpid()}-{new_id()[-6:]}"
        self._context, self._handlers = context, handlers
        self._database: Database = context.database
        self._clockwork = PeriodicScheduler(periodic)
        self._lease, self._poll = lease, poll
        self._stopping = threading.Event()
        self._held: dict[str, LeasedJob] = {}
        self._threads = [
            threading.Thread(target=self._work, args=(f"{self.id}-{n}",), name=f"worker-{n}")
            for n in range(workers)
        ]
        self._heart = threading.Thread(target=self._beat, name="heart", daemon=True)

    def start(self) -> None:
        for thread in [self._heart, *self._threads]:
            thread.daemon = True
            thread.start()
        log.info(
            "Jobs started.", runner=self.id, workers=len(self._threads), kinds=len(self._handlers)
        )

    def stop(self) -> None:
        """From now on no new job is taken. Safe in a signal handler."""
        self._stopping.set()

    def wait(self) -> None:
        """Returns after ``stop()`` was called."""
        while not self._stopping.wait(1.0):
            pass

    def join(self, within: float) -> bool:
        """Waits up to ``within`` seconds for the jobs in hand. False where one still runs; another
        runner takes it when its lease ends.
        """
        until = monotonic() + within
        for thread in self._threads:
            thread.join(max(0.0, until - monotonic()))
        done = not any(thread.is_alive() for thread in self._threads)
        if done:
            self._safely(self._sign_off)
        log.info("Jobs stopped.", runner=self.id, finished=done)
        return done

    def run_one(self) -> bool:
        """Runs one due job in this thread. False where there is none. For tests and commands."""
        held = leases.lease_next_job(self._database, self.id, self._lease)
        if held is None:
            return False
        self._run(held)
        return True

    def _work(self, holder: str) -> None:
        while not self._stopping.is_set():
            held = None
            try:
                held = leases.lease_next_job(self._database, holder, self._lease)
                if held is not None:
                    self._run(held)
            except SQLAlchemyError as error:  # the database may come back
                log.warning("The database does not answer.", error=type(error).__name__)
                self._stopping.wait(1.0)
            if held is None:
                self._stopping.wait(self._poll)

    def _run(self, held: LeasedJob) -> None:
        began, facts = monotonic(), {"job": held.id, "kind": held.kind, "attempt": held.attempt}
        self._held[held.id] = held
        try:
            handler = self._handlers.get(held.kind)
            if handler is None:
                raise UnknownJobKind(held.kind)
            with self._database.unit_of_work() as session:
                session.info["origin"] = "jobs"
                handler(session, held.payload, replace(self._context, job_id=held.id))
                leases.finish_job(session, held)
            log.debug("Job done.", **facts, ms=round((monotonic() - began) * 1000))
        except leases.JobLeaseLost:
            log.warning("Another runner has taken over the job.", **facts)
        except Exception as error:
            given_up = leases.return_failed_job(self._database, held, describe_job_error(error))
            why = describe_job_error(error)
            if given_up:
                log.error(
                    "The job failed on its last attempt and was abandoned.", **facts, error=why
                )
            else:
                log.warning("The job failed and will be retried.", **facts, error=why)
        finally:
            self._held.pop(held.id, None)

    def _beat(self) -> None:
        """Reports that the runner is alive, renews leases and queues periodic jobs, also after the
        database was away.
        """
        pause = min(RUNNER_HEARTBEAT_SECONDS, self._lease.total_seconds() / 3)
        renewed = monotonic()
        while True:
            self._safely(self._show_alive)
            if monotonic() - renewed >= self._lease.total_seconds() / 3:
                renewed = monotonic()
                for held in list(self._held.values()):
                    self._safely(
                        lambda held=held: leases.renew_lease(self._database, held, self._lease)
                    )
            if self._stopping.is_set() and not any(thread.is_alive() for thread in self._threads):
                return
            if not self._stopping.is_set():
                self._safely(lambda: self._clockwork.tick(self._database))
            (
                self._stopping.wait(pause)
                if not self._stopping.is_set()
                else threading.Event().wait(0.2)
            )

    def _show_alive(self) -> None:
        with self._database.unit_of_work() as session:
            session.merge(RunnerHeartbeat(id=self.id, seen_at=now()))

    def _sign_off(self) -> None:
        self._heart.join(3)
        with self._database.unit_of_work() as session:
            gone = session.get(RunnerHeartbeat, self.id)
            if gone is not None:
                session.delete(gone)

    def _safely(self, act: Callable[[], object]) -> None:
        try:
            act()
        except SQLAlchemyError as error:
            log.warning("The database does not answer.", error=type(error).__name__)


def describe_job_error(error: Exception) -> str:
    """One line for the log and the row: what went wrong and where, without anything clinical.

    The message of an unknown exception may quote data, so only that of our own refusals is used.
    """
    if isinstance(error, UnknownJobKind):
        return f"No slice handles jobs of the kind {error.args[0]!r}."
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if f"{os.sep}app{os.sep}" in frame.filename] or frames
    place = f"{os.path.basename(ours[-1].filename)}:{ours[-1].lineno}" if ours else "?"
    said = f": {error.sentence}" if isinstance(error, Refusal) else ""
    return f"{type(error).__name__} at {place}{said}"
