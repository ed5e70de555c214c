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
    EMAIL_CONFIRMED = "person.email_confirmed"
    EMAIL_CHANGE_REQUESTED = "person.email_change_requested"
    EMAIL_CHANGED = "person.email_changed"
    SIGNED_OUT_EVERYWHERE = "person.signed_out_everywhere"
    FACTOR_ADDED = "person.factor_added"
    FACTOR_RENAMED = "person.factor_renamed"
    FACTOR_REMOVED = "person.factor_removed"
    FACTOR_PROVED = "person.factor_proved"
    FACTOR_REFUSED = "person.factor_refused"
    FACTORS_RESET = "person.factors_reset"
    RECOVERY_CODES_MADE = "person.recovery_codes_made"
    IDENTITY_CONFIRMED = "person.identity_confirmed"


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
    IdentityAuditVerb.EMAIL_CONFIRMED: N_("Confirmed an e-mail address"),
    IdentityAuditVerb.EMAIL_CHANGE_REQUESTED: N_("Asked to change the e-mail address"),
    IdentityAuditVerb.EMAIL_CHANGED: N_("Changed the e-mail address"),
    IdentityAuditVerb.SIGNED_OUT_EVERYWHERE: N_("Signed out all other devices"),
    IdentityAuditVerb.FACTOR_ADDED: N_("Added a second step"),
    IdentityAuditVerb.FACTOR_RENAMED: N_("Renamed a second step"),
    IdentityAuditVerb.FACTOR_REMOVED: N_("Removed a second step"),
    IdentityAuditVerb.FACTOR_PROVED: N_("Completed the second step"),
    IdentityAuditVerb.FACTOR_REFUSED: N_("Was refused at the second step"),
    IdentityAuditVerb.FACTORS_RESET: N_("Reset a person’s second step"),
    IdentityAuditVerb.RECOVERY_CODES_MADE: N_("Made new recovery codes"),
    IdentityAuditVerb.IDENTITY_CONFIRMED: N_("Entered the password again"),
}
