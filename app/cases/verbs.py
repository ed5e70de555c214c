"""What the audit trail records about cases. Stored: a value never changes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from app.audit.verbs import AuditVerb
from app.core.text import N_


class CaseAuditVerb(AuditVerb):
    CASE_CREATED = "case.created"
    CASE_CHANGED = "case.changed"
    CASE_READ = "case.read"
    CASE_ADVANCED = "case.advanced"
    FILE_OPENED = "case.file_opened"
    CONSENT_GIVEN = "consent.given"
    CONSENT_WITHDRAWN = "consent.withdrawn"
    MEMBER_GRANTED = "member.granted"
    MEMBER_ENDED = "member.ended"
    CASE_SHARED = "case.shared"
    CASE_SHARE_ENDED = "case.share_ended"
    RECORDS_REQUESTED = "records.requested"


CASE_AUDIT_VERB_LABELS: Mapping[StrEnum, str] = {
    CaseAuditVerb.CASE_CREATED: N_("Started a case"),
    CaseAuditVerb.CASE_CHANGED: N_("Changed a case"),
    CaseAuditVerb.CASE_READ: N_("Read a case"),
    CaseAuditVerb.CASE_ADVANCED: N_("Moved a case to another stage"),
    CaseAuditVerb.FILE_OPENED: N_("Opened a clinical file for a stated reason"),
    CaseAuditVerb.CONSENT_GIVEN: N_("Gave a consent"),
    CaseAuditVerb.CONSENT_WITHDRAWN: N_("Withdrew a consent"),
    CaseAuditVerb.MEMBER_GRANTED: N_("Gave a person access to a case"),
    CaseAuditVerb.MEMBER_ENDED: N_("Ended a person’s access to a case"),
    CaseAuditVerb.CASE_SHARED: N_("Shared a case with another office"),
    CaseAuditVerb.CASE_SHARE_ENDED: N_("Stopped sharing a case"),
    CaseAuditVerb.RECORDS_REQUESTED: N_("Asked for missing records"),
}
