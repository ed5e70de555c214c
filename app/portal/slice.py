"""Home pages, the page of a case, the office's worklist, the demo."""

from __future__ import annotations

from app.core.slices import SliceManifest
from app.portal.permissions import PORTAL_PERMISSION_ROLES

MANIFEST = SliceManifest(
    name="portal",
    after=("notifications",),
    permissions=PORTAL_PERMISSION_ROLES,
)
