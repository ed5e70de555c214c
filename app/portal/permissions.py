"""Who may see the office's worklist."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.permissions import OFFICE_ROLES, Permission, Role


class PortalPermission(Permission):
    WORKLIST_READ = "office:worklist:read"


PORTAL_PERMISSION_ROLES: Mapping[Permission, frozenset[Role]] = {
    PortalPermission.WORKLIST_READ: OFFICE_ROLES,
}
