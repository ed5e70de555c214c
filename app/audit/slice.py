"""The audit trail: who may read it, and its daily export."""

from __future__ import annotations

from app.audit import jobs
from app.audit.permissions import AUDIT_PERMISSION_ROLES
from app.core.slices import SliceManifest

MANIFEST = SliceManifest(
    name="audit",
    permissions=AUDIT_PERMISSION_ROLES,
    jobs=jobs.HANDLERS,
    periodic=jobs.PERIODIC,
    commands=("app.audit.commands:audit_commands",),
)
