"""The consents of a case: their texts, and the version that people agree to now.

A change of words is a new version. What somebody agreed to stays in ``Consent``: the version, and
the text itself as it was shown, with its hash.
"""

from __future__ import annotations

import hashlib

from app.core.text import N_

CONSENT_TEXT_VERSION = "2026-12"

CONSENT_TEXTS: dict[str, str] = {
    "telehealth": N_(
        "I agree to a medical consultation by video. I understand that the specialist"
        " cannot examine me in person. I understand that a second opinion does not replace"
        " the care of my own doctors."
    ),
    "sharing": N_(
        "I agree that the hospital shares my records with the specialist, who may work in"
        " another country. The hospital records every time someone opens a record, and I"
        " can see who opened it."
    ),
    "interpreter": N_(
        "I agree that a qualified medical interpreter takes part in the consultation if we"
        " need one. The interpreter must keep everything confidential."
    ),
}
CONSENT_LABELS: dict[str, str] = {
    "telehealth": N_("Consultation by video"),
    "sharing": N_("Sharing my records with the specialist"),
    "interpreter": N_("An interpreter takes part"),
}
REQUIRED_CONSENTS = frozenset(CONSENT_TEXTS)


def hash_consent_text(text: str) -> str:
    """SHA-256 of the text as it was shown, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()
