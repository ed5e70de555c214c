"""Consultations: the room, interpreting, recording."""

from __future__ import annotations

from app.consults import jobs
from app.consults.permissions import CONSULT_PERMISSION_ROLES
from app.consults.verbs import CONSULT_AUDIT_VERB_LABELS
from app.core.slices import SliceManifest

MANIFEST = SliceManifest(
    name="consults",
    after=("scheduling",),
    permissions=CONSULT_PERMISSION_ROLES,
    audit_verbs=CONSULT_AUDIT_VERB_LABELS,
    jobs=jobs.HANDLERS,
)
