"""What people may do with their own account, and administrators with everyone's."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.permissions import SIGNED_IN_ROLES, Permission, Role


class IdentityPermission(Permission):
    HOME_READ = "person:home:read"
    PROFILE_READ = "person:profile:read"
    PROFILE_WRITE = "person:profile:write"
    SESSION_WRITE = "person:session:write"
    PEOPLE_READ = "office:people:read"
    PEOPLE_WRITE = "admin:people:write"
    SETTINGS_WRITE = "admin:settings:write"


IDENTITY_PERMISSION_ROLES: Mapping[Permission, frozenset[Role]] = {
    IdentityPermission.HOME_READ: frozenset(Role),
    IdentityPermission.PROFILE_READ: SIGNED_IN_ROLES,
    IdentityPermission.PROFILE_WRITE: SIGNED_IN_ROLES,
    IdentityPermission.SESSION_WRITE: frozenset(Role),
    IdentityPermission.PEOPLE_READ: frozenset({Role.COORDINATOR, Role.ADMINISTRATOR}),
    IdentityPermission.PEOPLE_WRITE: frozenset({Role.ADMINISTRATOR}),
    IdentityPermission.SETTINGS_WRITE: frozenset({Role.ADMINISTRATOR}),
}
