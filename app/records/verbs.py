"""What the audit trail records about records. Stored: a value never changes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from app.audit.verbs import AuditVerb
from app.core.text import N_


class RecordAuditVerb(AuditVerb):
    UPLOAD_BEGUN = "upload.begun"
    UPLOAD_CANCELLED = "upload.cancelled"
    RECORD_ARRIVED = "record.arrived"
    RECORD_INSPECTED = "record.inspected"
    RECORD_READ = "record.read"
    RECORD_REMOVED = "record.removed"
    IDENTITY_DECIDED = "imaging.identity_decided"
    POINTER_ADDED = "pointer.added"
    POINTER_REMOVED = "pointer.removed"


RECORD_AUDIT_VERB_LABELS: Mapping[StrEnum, str] = {
    RecordAuditVerb.UPLOAD_BEGUN: N_("Started an upload"),
    RecordAuditVerb.UPLOAD_CANCELLED: N_("Cancelled an upload"),
    RecordAuditVerb.RECORD_ARRIVED: N_("Received a record"),
    RecordAuditVerb.RECORD_INSPECTED: N_("Inspected a record"),
    RecordAuditVerb.RECORD_READ: N_("Read a record"),
    RecordAuditVerb.RECORD_REMOVED: N_("Removed a record"),
    RecordAuditVerb.IDENTITY_DECIDED: N_("Decided whose images these are"),
    RecordAuditVerb.POINTER_ADDED: N_("Marked a place in a record"),
    RecordAuditVerb.POINTER_REMOVED: N_("Removed a marked place in a record"),
}
