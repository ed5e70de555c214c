"""Who may do what with records."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.permissions import CASE_ROLES, OFFICE_ROLES, Permission, Role


class RecordPermission(Permission):
    RECORD_READ = "case:record:read"
    RECORD_WRITE = "case:record:write"
    RECORD_DECIDE = "office:record:decide"


RECORD_PERMISSION_ROLES: Mapping[Permission, frozenset[Role]] = {
    RecordPermission.RECORD_READ: CASE_ROLES,
    RecordPermission.RECORD_WRITE: frozenset({Role.PATIENT, Role.COORDINATOR}),
    RecordPermission.RECORD_DECIDE: OFFICE_ROLES,
}
