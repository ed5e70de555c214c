"""Who may read messages."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.permissions import SIGNED_IN_ROLES, Permission, Role


class NoticePermission(Permission):
    NOTICE_READ = "person:notice:read"
    NOTICE_WRITE = "person:notice:write"
    OUTBOX_READ = "demo:outbox:read"


NOTICE_PERMISSION_ROLES: Mapping[Permission, frozenset[Role]] = {
    NoticePermission.NOTICE_READ: SIGNED_IN_ROLES,
    NoticePermission.NOTICE_WRITE: SIGNED_IN_ROLES,
    NoticePermission.OUTBOX_READ: SIGNED_IN_ROLES,
}
