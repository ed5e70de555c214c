"""The auditor reads every act in words."""

from app.audit.verbs import Verb
from app.audit.words import ACT_WORDS


def test_every_act_has_its_own_words():
    assert set(ACT_WORDS) == set(Verb)
    assert len(set(ACT_WORDS.values())) == len(ACT_WORDS)
