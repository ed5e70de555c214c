"""What the audit trail records about hours, bookings and engagements.

Stored: a value never changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from app.audit.verbs import AuditVerb
from app.core.text import N_


class SchedulingAuditVerb(AuditVerb):
    AVAILABILITY_CHANGED = "availability.changed"
    SLOT_HELD = "slot.held"
    BOOKED = "booking.confirmed"
    BOOKING_CANCELLED = "booking.cancelled"
    BOOKING_MOVED = "booking.moved"
    ENGAGEMENT_CHANGED = "engagement.changed"


SCHEDULING_AUDIT_VERB_LABELS: Mapping[StrEnum, str] = {
    SchedulingAuditVerb.AVAILABILITY_CHANGED: N_("Changed availability"),
    SchedulingAuditVerb.SLOT_HELD: N_("Held a time"),
    SchedulingAuditVerb.BOOKED: N_("Booked a consultation"),
    SchedulingAuditVerb.BOOKING_CANCELLED: N_("Cancelled a consultation"),
    SchedulingAuditVerb.BOOKING_MOVED: N_("Moved a consultation"),
    SchedulingAuditVerb.ENGAGEMENT_CHANGED: N_("Changed an interpreter’s engagement"),
}
