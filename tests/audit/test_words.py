"""The auditor reads every act in words."""

from app.audit.verbs import AuditVerb
from app.audit.words import AUDIT_VERB_LABELS


def test_every_act_has_its_own_words():
    assert set(AUDIT_VERB_LABELS) == set(AuditVerb)
    assert len(set(AUDIT_VERB_LABELS.values())) == len(AUDIT_VERB_LABELS)
