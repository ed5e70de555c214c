"""What the audit trail records about opinions. Stored: a value never changes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from app.audit.verbs import AuditVerb
from app.core.text import N_


class OpinionAuditVerb(AuditVerb):
    OPINION_SAVED = "opinion.saved"
    OPINION_READ = "opinion.read"
    OPINION_SIGNED = "opinion.signed"
    OPINION_RENDERED = "opinion.rendered"
    OPINION_RELEASED = "opinion.released"
    OPINION_ADDED_TO = "opinion.added_to"


OPINION_AUDIT_VERB_LABELS: Mapping[StrEnum, str] = {
    OpinionAuditVerb.OPINION_SAVED: N_("Saved an opinion"),
    OpinionAuditVerb.OPINION_READ: N_("Read an opinion"),
    OpinionAuditVerb.OPINION_SIGNED: N_("Signed an opinion"),
    OpinionAuditVerb.OPINION_RENDERED: N_("Made the PDF of an opinion"),
    OpinionAuditVerb.OPINION_RELEASED: N_("Released an opinion to the patient"),
    OpinionAuditVerb.OPINION_ADDED_TO: N_("Added a note to a signed opinion"),
}
