"""What the audit trail records about consultations. Stored: a value never changes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from app.audit.verbs import AuditVerb
from app.core.text import N_


class ConsultAuditVerb(AuditVerb):
    CONSULT_OPENED = "consult.opened"
    SEAT_ENTERED = "seat.entered"
    SEAT_LEFT = "seat.left"
    SEAT_ADMITTED = "seat.admitted"
    SEAT_REMOVED = "seat.removed"
    CHAT_WRITTEN = "chat.written"
    CONSULT_ENDED = "consult.ended"
    CONSULT_REFUSED = "consult.refused"
    TEACH_BACK_JUDGED = "teach_back.judged"
    TIMELINE_READ = "timeline.read"
    RECORDING_ASKED = "recording.asked"
    RECORDING_STARTED = "recording.started"
    RECORDING_STOPPED = "recording.stopped"
    RECORDING_KEPT = "recording.kept"
    RECORDING_PURGED = "recording.purged"
    GUEST_INVITED = "guest.invited"
    GUEST_ACCEPTED = "guest.accepted"
    GUEST_REVOKED = "guest.revoked"


CONSULT_AUDIT_VERB_LABELS: Mapping[StrEnum, str] = {
    ConsultAuditVerb.CONSULT_OPENED: N_("Opened a consultation"),
    ConsultAuditVerb.SEAT_ENTERED: N_("Entered a consultation"),
    ConsultAuditVerb.SEAT_LEFT: N_("Left a consultation"),
    ConsultAuditVerb.SEAT_ADMITTED: N_("Let a person into a consultation"),
    ConsultAuditVerb.SEAT_REMOVED: N_("Removed a person from a consultation"),
    ConsultAuditVerb.CHAT_WRITTEN: N_("Wrote a message in a consultation"),
    ConsultAuditVerb.CONSULT_ENDED: N_("Ended a consultation"),
    ConsultAuditVerb.CONSULT_REFUSED: N_("Was refused an action in a consultation"),
    ConsultAuditVerb.TEACH_BACK_JUDGED: N_("Judged what the patient explained"),
    ConsultAuditVerb.TIMELINE_READ: N_("Read the events of a consultation"),
    ConsultAuditVerb.RECORDING_ASKED: N_("Asked to record a consultation"),
    ConsultAuditVerb.RECORDING_STARTED: N_(
        "Started to record a consultation, with everyone’s consent"
    ),
    ConsultAuditVerb.RECORDING_STOPPED: N_("Stopped recording a consultation"),
    ConsultAuditVerb.RECORDING_KEPT: N_("Kept the recording of a consultation with the case"),
    ConsultAuditVerb.RECORDING_PURGED: N_("Deleted the recording of a consultation for good"),
    ConsultAuditVerb.GUEST_INVITED: N_("Invited a guest"),
    ConsultAuditVerb.GUEST_ACCEPTED: N_("Accepted a guest’s invitation"),
    ConsultAuditVerb.GUEST_REVOKED: N_("Withdrew a guest’s invitation"),
}
