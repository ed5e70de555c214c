"""The auditor reads every act in words."""

from app.audit.verbs import AuditVerb
from app.core.slices import get_slices


def test_every_act_has_its_own_words():
    labels = get_slices().audit_verb_labels
    declared = {
        verb
        for verbs in AuditVerb.__subclasses__()
        if verbs.__module__.startswith("app.")
        for verb in verbs
    }
    assert declared and declared == set(labels)
    assert len(set(labels.values())) == len(labels)
