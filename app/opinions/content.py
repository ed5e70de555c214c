"""What an opinion says, apart from any database: one value that is shown, hashed, signed and made
into a PDF.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from dataclasses import asdict, dataclass

from app.core.text import N_
from app.opinions.models import DiagnosisAgreement, RecommendationUrgency

_POINTER_LINK = re.compile(r"/pointers/([0-9a-f]{32})\b")


@dataclass(frozen=True)
class AnsweredQuestion:
    number: int
    question: str
    answer: str


@dataclass(frozen=True)
class RecommendationContent:
    """A recommendation; ``citations`` one source each."""

    text: str
    rationale: str
    urgency: str
    citations: tuple[str, ...]


@dataclass(frozen=True)
class OpinionContent:
    answers: tuple[AnsweredQuestion, ...]
    agreement: str | None
    diagnosis: str
    recommendations: tuple[RecommendationContent, ...]
    further_tests: str
    limits: str

    def digest(self) -> str:
        """SHA-256, in hex, over every word: what a signature freezes."""
        return hashlib.sha256(
            json.dumps(asdict(self), sort_keys=True, ensure_ascii=False).encode()
        ).hexdigest()

    def cited_pointers(self) -> set[str]:
        """The ids of marked places in records whose links stand anywhere in the words."""
        return set(_POINTER_LINK.findall(json.dumps(asdict(self), ensure_ascii=False)))

    def missing(self) -> list[tuple[str, dict[str, int]]]:
        """What keeps it from being signed: sentences with their facts, in the order of the page."""
        faults: list[tuple[str, dict[str, int]]] = [
            (N_("Question %(number)s has no answer yet."), {"number": one.number})
            for one in self.answers
            if not one.answer.strip()
        ]
        if self.agreement is None:
            faults.append((N_("Say whether you agree with the diagnosis."), {}))
        if not self.diagnosis.strip():
            faults.append((N_("The diagnosis is empty."), {}))
        if not self.limits.strip():
            faults.append(
                (
                    N_(
                        "Say what this opinion cannot judge, because you did not see the patient in"
                        " person."
                    ),
                    {},
                )
            )
        return faults


AGREEMENT_LABELS: dict[str, str] = {
    DiagnosisAgreement.AGREE: N_("I agree with the diagnosis"),
    DiagnosisAgreement.PARTLY: N_("I agree in part"),
    DiagnosisAgreement.DISAGREE: N_("I do not agree with the diagnosis"),
}
URGENCY_LABELS: dict[str, str] = {
    RecommendationUrgency.NOW: N_("Without delay"),
    RecommendationUrgency.SOON: N_("Within weeks"),
    RecommendationUrgency.ROUTINE: N_("When convenient"),
}


def detect_text_direction(text: str) -> str:
    """``rtl`` or ``ltr``, by the first letter that has a direction (Unicode annex 9, rules P2 and
    P3).
    """
    for character in text:
        kind = unicodedata.bidirectional(character)
        if kind in ("R", "AL"):
            return "rtl"
        if kind == "L":
            return "ltr"
    return "ltr"
