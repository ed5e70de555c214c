"""Who may read the audit trail."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.permissions import Permission, Role


class AuditPermission(Permission):
    AUDIT_READ = "audit:entry:read"


AUDIT_PERMISSION_ROLES: Mapping[Permission, frozenset[Role]] = {
    AuditPermission.AUDIT_READ: frozenset({Role.ADMINISTRATOR, Role.AUDITOR}),
}
