"""The jobs that keep the jobs runner itself in order."""

from __future__ import annotations

from app.core.slices import SliceManifest
from app.jobs import periodic

MANIFEST = SliceManifest(
    name="jobs",
    after=("portal",),
    jobs=periodic.HANDLERS,
    periodic=periodic.PERIODIC,
)
