"""Who may do what with cases."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.permissions import (
    CASE_AND_INTERPRETER_ROLES,
    CASE_ROLES,
    OFFICE_ROLES,
    Permission,
    Role,
)


class CasePermission(Permission):
    CASE_CREATE = "patient:case:create"
    CASE_READ = "case:case:read"
    CASE_WRITE = "case:case:write"
    CASE_WITHDRAW = "case:case:withdraw"
    CASE_TRIAGE = "office:case:triage"
    CASE_ASSIGN = "office:case:assign"
    CASE_CLOSE = "office:case:close"


CASE_PERMISSION_ROLES: Mapping[Permission, frozenset[Role]] = {
    CasePermission.CASE_CREATE: frozenset({Role.PATIENT}),
    CasePermission.CASE_READ: CASE_AND_INTERPRETER_ROLES,
    CasePermission.CASE_WRITE: CASE_ROLES,
    CasePermission.CASE_WITHDRAW: frozenset({Role.PATIENT, Role.COORDINATOR}),
    CasePermission.CASE_TRIAGE: OFFICE_ROLES,
    CasePermission.CASE_ASSIGN: OFFICE_ROLES,
    CasePermission.CASE_CLOSE: OFFICE_ROLES,
}
