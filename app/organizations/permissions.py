"""Who may switch between their roles."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.permissions import SIGNED_IN_ROLES, Permission, Role


class OrganizationPermission(Permission):
    ROLE_SWITCH = "person:role:switch"


ORGANIZATION_PERMISSION_ROLES: Mapping[Permission, frozenset[Role]] = {
    OrganizationPermission.ROLE_SWITCH: SIGNED_IN_ROLES,
}
