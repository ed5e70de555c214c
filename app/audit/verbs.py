"""Every act that the audit knows. One line each; the value is what lies in the database, so it
never changes.
"""

from __future__ import annotations

from enum import StrEnum


class AuditVerb(StrEnum):
    # identity
    PERSON_REGISTERED = "person.registered"
    PERSON_CHANGED = "person.changed"
    SIGNED_IN = "person.signed_in"
    SIGN_IN_REFUSED = "person.sign_in_refused"
    SIGNED_OUT = "person.signed_out"
    SIGN_IN_REVOKED = "person.sign_in_revoked"
    # cases
    CASE_CREATED = "case.created"
    CASE_CHANGED = "case.changed"
    CASE_READ = "case.read"
    CASE_ADVANCED = "case.advanced"
    FILE_OPENED = "case.file_opened"
    CONSENT_GIVEN = "consent.given"
    CONSENT_WITHDRAWN = "consent.withdrawn"
    MEMBER_GRANTED = "member.granted"
    MEMBER_ENDED = "member.ended"
    RECORDS_REQUESTED = "records.requested"
    # records
    UPLOAD_BEGUN = "upload.begun"
    UPLOAD_CANCELLED = "upload.cancelled"
    RECORD_ARRIVED = "record.arrived"
    RECORD_INSPECTED = "record.inspected"
    RECORD_READ = "record.read"
    RECORD_REMOVED = "record.removed"
    # scheduling
    AVAILABILITY_CHANGED = "availability.changed"
    SLOT_HELD = "slot.held"
    BOOKED = "booking.confirmed"
    BOOKING_CANCELLED = "booking.cancelled"
    BOOKING_MOVED = "booking.moved"
    ENGAGEMENT_CHANGED = "engagement.changed"
    # consults
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
    # opinions
    OPINION_SAVED = "opinion.saved"
    OPINION_READ = "opinion.read"
    OPINION_SIGNED = "opinion.signed"
    OPINION_RENDERED = "opinion.rendered"
    OPINION_RELEASED = "opinion.released"
    OPINION_ADDED_TO = "opinion.added_to"
    # notifications and jobs
    NOTICE_SENT = "notice.sent"
    NOTICE_READ = "notice.read"
