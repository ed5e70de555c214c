"""The work that the jobs runner would do, done in the test."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask

from app.core.outbox import JobContext, JobHandler
from app.core.slices import get_slices
from app.jobs.runner import JobsRunner


def context_of(app: Flask) -> JobContext:
    return JobContext(
        app.extensions["settings"], app.extensions["blobs"], app.extensions["database"]
    )


def run_jobs(app: Flask, handlers: Mapping[str, JobHandler] | None = None) -> None:
    """Everything that is due, by the real handlers or by those given."""
    runner = JobsRunner(context_of(app), handlers or get_slices().job_handlers)
    while runner.run_one():
        pass
