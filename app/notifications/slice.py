"""Messages to people, on the page and by mail."""

from __future__ import annotations

from app.core.slices import SliceManifest
from app.notifications import jobs
from app.notifications.permissions import NOTICE_PERMISSION_ROLES
from app.notifications.verbs import NOTICE_AUDIT_VERB_LABELS

MANIFEST = SliceManifest(
    name="notifications",
    office_sources=(
        "verbs.py",
        "templates/notifications/outbox.html",
    ),
    after=("opinions",),
    permissions=NOTICE_PERMISSION_ROLES,
    audit_verbs=NOTICE_AUDIT_VERB_LABELS,
    jobs=jobs.HANDLERS,
    blueprint="app.notifications.routes:blueprint",
)
