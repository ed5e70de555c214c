"""Hours, bookings and engagements of interpreters."""

from __future__ import annotations

from app.core.slices import SliceManifest
from app.scheduling import jobs
from app.scheduling.permissions import SCHEDULING_PERMISSION_ROLES
from app.scheduling.verbs import SCHEDULING_AUDIT_VERB_LABELS

MANIFEST = SliceManifest(
    name="scheduling",
    after=("records",),
    permissions=SCHEDULING_PERMISSION_ROLES,
    audit_verbs=SCHEDULING_AUDIT_VERB_LABELS,
    jobs=jobs.HANDLERS,
    periodic=jobs.PERIODIC,
)
