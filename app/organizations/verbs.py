"""What the audit trail records about offices. Stored: a value never changes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from app.audit.verbs import AuditVerb
from app.core.text import N_


class OrganizationAuditVerb(AuditVerb):
    AFFILIATION_GRANTED = "affiliation.granted"
    AFFILIATION_ENDED = "affiliation.ended"
    ROLE_SWITCHED = "sign_in.role_switched"
    OFFICE_CHANGED = "office.changed"
    INSTITUTION_CHANGED = "institution.changed"
    PERSON_DEACTIVATED = "person.deactivated"
    PERSON_REACTIVATED = "person.reactivated"
    SIGN_INS_ENDED = "person.sign_ins_ended"


ORGANIZATION_AUDIT_VERB_LABELS: Mapping[StrEnum, str] = {
    OrganizationAuditVerb.AFFILIATION_GRANTED: N_("Gave a role in an office"),
    OrganizationAuditVerb.AFFILIATION_ENDED: N_("Ended a role in an office"),
    OrganizationAuditVerb.ROLE_SWITCHED: N_("Switched to another role"),
    OrganizationAuditVerb.OFFICE_CHANGED: N_("Changed an office"),
    OrganizationAuditVerb.INSTITUTION_CHANGED: N_("Changed the institution’s settings"),
    OrganizationAuditVerb.PERSON_DEACTIVATED: N_("Deactivated an account"),
    OrganizationAuditVerb.PERSON_REACTIVATED: N_("Activated an account again"),
    OrganizationAuditVerb.SIGN_INS_ENDED: N_("Signed a person out on all devices"),
}
