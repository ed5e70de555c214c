"""Roles, and the question whether a role holds a permission.

Each slice declares its permissions as a subclass of `Permission` in its `permissions.py` and lists
there which roles hold them; its `slice.py` hands both to the registry. A permission that no slice
lists is held by nobody.

A permission says what a role may do in general. Whether this person may touch this case, record or
booking is decided by the slice's policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from app.core.slices import get_slices


class Role(StrEnum):
    PATIENT = "patient"
    SPECIALIST = "specialist"
    INTERPRETER = "interpreter"
    COORDINATOR = "coordinator"
    REFERRER = "referrer"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"
    GUEST = "guest"


class Permission(StrEnum):
    """The base of every slice's permissions. A value names who, what and how: `office:case:close`.

    Two slices cannot use the same value: `SliceConflict` stops the start.
    """


SIGNED_IN_ROLES = frozenset(Role) - {Role.GUEST}
OFFICE_ROLES = frozenset({Role.COORDINATOR})
CASE_ROLES = frozenset({Role.PATIENT, Role.SPECIALIST, Role.COORDINATOR})
CASE_AND_INTERPRETER_ROLES = CASE_ROLES | {Role.INTERPRETER}
CONSULT_ROLES = CASE_AND_INTERPRETER_ROLES | {Role.GUEST}


def get_roles_by_permission() -> Mapping[Permission, frozenset[Role]]:
    """Every permission of every slice, with the roles that hold it."""
    return get_slices().roles_by_permission


def has_permission(role: str, permission: Permission) -> bool:
    """Whether people of this role hold the permission."""
    return role in get_roles_by_permission().get(permission, frozenset())
