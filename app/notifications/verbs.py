"""What the audit trail records about messages. Stored: a value never changes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from app.audit.verbs import AuditVerb
from app.core.text import N_


class NoticeAuditVerb(AuditVerb):
    NOTICE_SENT = "notice.sent"
    NOTICE_READ = "notice.read"


NOTICE_AUDIT_VERB_LABELS: Mapping[StrEnum, str] = {
    NoticeAuditVerb.NOTICE_SENT: N_("Sent a message"),
    NoticeAuditVerb.NOTICE_READ: N_("Read a message"),
}
