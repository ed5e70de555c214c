"""What the audit trail records about people and their sign-ins. Stored: a value never changes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from app.audit.verbs import AuditVerb
from app.core.text import N_


class IdentityAuditVerb(AuditVerb):
    PERSON_REGISTERED = "person.registered"
    PERSON_CHANGED = "person.changed"
    SIGNED_IN = "person.signed_in"
    SIGN_IN_REFUSED = "person.sign_in_refused"
    SIGNED_OUT = "person.signed_out"
    SIGN_IN_REVOKED = "person.sign_in_revoked"
    PERSON_INVITED = "person.invited"
    PASSWORD_RESET_REQUESTED = "person.password_reset_requested"
    PASSWORD_CHANGED = "person.password_changed"


IDENTITY_AUDIT_VERB_LABELS: Mapping[StrEnum, str] = {
    IdentityAuditVerb.PERSON_REGISTERED: N_("Registered"),
    IdentityAuditVerb.PERSON_CHANGED: N_("Changed a person’s details"),
    IdentityAuditVerb.SIGNED_IN: N_("Signed in"),
    IdentityAuditVerb.SIGN_IN_REFUSED: N_("Was refused at sign-in"),
    IdentityAuditVerb.SIGNED_OUT: N_("Signed out"),
    IdentityAuditVerb.SIGN_IN_REVOKED: N_("Signed out a device"),
    IdentityAuditVerb.PERSON_INVITED: N_("Invited a person"),
    IdentityAuditVerb.PASSWORD_RESET_REQUESTED: N_("Asked for a new password"),
    IdentityAuditVerb.PASSWORD_CHANGED: N_("Changed a password"),
}
