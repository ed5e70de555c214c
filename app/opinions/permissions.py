"""Who may do what with opinions."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.permissions import CASE_ROLES, OFFICE_ROLES, Permission, Role


class OpinionPermission(Permission):
    OPINION_READ = "case:opinion:read"
    OPINION_WRITE = "specialist:opinion:write"
    OPINION_SIGN = "specialist:opinion:sign"
    OPINION_RELEASE = "office:opinion:release"


OPINION_PERMISSION_ROLES: Mapping[Permission, frozenset[Role]] = {
    OpinionPermission.OPINION_READ: CASE_ROLES,
    OpinionPermission.OPINION_WRITE: frozenset({Role.SPECIALIST}),
    OpinionPermission.OPINION_SIGN: frozenset({Role.SPECIALIST}),
    OpinionPermission.OPINION_RELEASE: OFFICE_ROLES,
}
