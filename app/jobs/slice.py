"""The jobs that keep the jobs runner itself in order."""

from __future__ import annotations

from app.core.slices import SliceManifest
from app.jobs import periodic
from app.jobs.queries import is_any_runner_alive

MANIFEST = SliceManifest(
    name="jobs",
    after=("portal",),
    jobs=periodic.HANDLERS,
    periodic=periodic.PERIODIC,
    readiness={"jobs": is_any_runner_alive},
)
