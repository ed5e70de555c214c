"""``python -m app.jobs``: runs due jobs until SIGTERM or Ctrl-C, then finishes those in hand."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from datetime import timedelta

from app.core import crypto
from app.core.blobs import BlobStore
from app.core.db import Database
from app.core.outbox import JobContext
from app.core.runtime.logs import configure_logging, is_verbose
from app.core.slices import get_slices
from app.jobs.runner import JOB_LEASE_DURATION, JOB_POLL_SECONDS, JobsRunner
from config import Settings

# How long the jobs in hand may take to finish; the supervisor gives all three processes ten.
JOBS_SHUTDOWN_TIMEOUT_SECONDS = 7.0


def run_jobs_process(arguments: list[str] | None = None) -> int:
    """Returns 0 once it was told to stop, whether or not a job was still in hand."""
    asked = _parse_arguments(arguments)
    configure_logging("jobs", verbose=is_verbose())
    settings = Settings.load()
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
        sys.stderr.flush()
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
        help="seconds for which a worker keeps a job without renewing its claim",
    )
    parser.add_argument(
        "--poll",
        type=float,
        default=JOB_POLL_SECONDS,
        help="seconds between looks for due jobs",
    )
    parser.add_argument("--workers", type=int, default=2, help="jobs at the same time")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(run_jobs_process())
