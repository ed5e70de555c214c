"""`python -m app.jobs`: starts a runner, ends it in order on SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from datetime import timedelta

import structlog

from app.core import crypto
from app.core.blobs import BlobStore
from app.core.db import Database
from app.core.outbox import JobContext
from app.core.slices import get_slices
from app.jobs.runner import JOB_LEASE_DURATION, JOB_POLL_SECONDS, JobsRunner
from config import Settings

JOBS_SHUTDOWN_TIMEOUT_SECONDS = (
    7.0  # seconds for the jobs in hand; the supervisor allows ten for all three processes
)


def run_jobs_process(arguments: list[str] | None = None) -> int:
    asked = _parse_arguments(arguments)
    settings = Settings.load()
    _configure_logging()
    keyring = crypto.Keyring(settings.master_keys)
    crypto.set_field_keyring(keyring)
    database = Database(settings.database_url)
    blobs = BlobStore(settings.storage_url, keyring)
    slices = get_slices()
    runner = JobsRunner(
        JobContext(settings, blobs, database),
        slices.job_handlers,
        slices.periodic_jobs,
        lease=timedelta(seconds=asked.lease),
        poll=asked.poll,
        workers=asked.workers,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: runner.stop())
    runner.start()
    runner.wait()
    if not runner.join(JOBS_SHUTDOWN_TIMEOUT_SECONDS):
        sys.stdout.flush()
        os._exit(0)  # a worker is still busy; its job runs again when the lease ends
    database.close()
    return 0


def _parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m app.jobs", description="Runs the jobs that are due."
    )
    parser.add_argument(
        "--lease",
        type=float,
        default=JOB_LEASE_DURATION.total_seconds(),
        help="seconds that a job is held for",
    )
    parser.add_argument(
        "--poll", type=float, default=JOB_POLL_SECONDS, help="seconds between looks for work"
    )
    parser.add_argument("--workers", type=int, default=2, help="jobs at the same time")
    return parser.parse_args(arguments)


def _configure_logging() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty()),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
    )


if __name__ == "__main__":
    sys.exit(run_jobs_process())
