"""Words that an interpreter does well to prepare: drugs, parts of the body, abbreviations. Pure.

Only words from closed lists and shapes are taken (``glossary_words``), so that no name of a person
can slip into a brief: an unknown word in capitals is not an abbreviation here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from app.scheduling.interpreters.glossary_words import (
    ABBREVIATIONS,
    ANATOMY,
    DRUG_STEMS,
    DRUG_STEMS_AFTER_SHORT,
    DRUGS,
    NOT_DRUGS,
    SHORT_STEM_MIN_LETTERS,
    TERM_WITH_DIGITS_PATTERNS,
)

MAX_GLOSSARY_TERMS = 200


class TermKind(StrEnum):
    DRUG = "drug"
    ANATOMY = "anatomy"
    ABBREVIATION = "abbreviation"


@dataclass(frozen=True, order=True)
class MedicalTerm:
    kind: TermKind
    text: str


_DRUG_STEM_PATTERN = re.compile(rf"[a-z]{{3,}}(?:{'|'.join(DRUG_STEMS)})")
_WITH_DIGITS_PATTERN = re.compile(rf"(?<![\w-])(?:{'|'.join(TERM_WITH_DIGITS_PATTERNS)})(?![\w-])")
_CAPITALS_PATTERN = re.compile(r"(?<!\w)[A-Z]{2,6}(?![\w])")
_WORD_PATTERN = re.compile(r"[^\W\d_]+")
_PLURAL_ENDINGS = (
    ("ies", "y"),
    ("ves", "f"),
    ("es", ""),
    ("s", ""),
    ("ae", "a"),
    ("es", "is"),
    ("i", "us"),
    ("ses", "sis"),
)


def find_medical_terms(*texts: str) -> list[MedicalTerm]:
    """The terms of some texts, each once, sorted by kind and alphabet."""
    found: set[MedicalTerm] = set()
    for text in texts:
        words = {word.lower() for word in _WORD_PATTERN.findall(text)}
        found |= {MedicalTerm(TermKind.DRUG, word) for word in words if _is_drug(word)}
        found |= {MedicalTerm(TermKind.ANATOMY, word) for word in words if _is_anatomy(word)}
        short = {one for one in _CAPITALS_PATTERN.findall(text) if one in ABBREVIATIONS} | set(
            _WITH_DIGITS_PATTERN.findall(text)
        )
        found |= {MedicalTerm(TermKind.ABBREVIATION, " ".join(one.split())) for one in short}
    return sorted(found)[:MAX_GLOSSARY_TERMS]


def merge_terms(groups: Iterable[Iterable[MedicalTerm]]) -> list[MedicalTerm]:
    """The terms of several sources, each once."""
    return sorted({term for group in groups for term in group})[:MAX_GLOSSARY_TERMS]


def explain_abbreviation(term: str) -> str:
    """What an abbreviation stands for, in English; "" where we do not know."""
    return ABBREVIATIONS.get(term, "")


def _is_drug(word: str) -> bool:
    if word in DRUGS:
        return True
    if word in NOT_DRUGS:
        return False
    is_long = len(word) >= SHORT_STEM_MIN_LETTERS and word.endswith(DRUG_STEMS_AFTER_SHORT)
    return is_long or _DRUG_STEM_PATTERN.fullmatch(word) is not None


def _is_anatomy(word: str) -> bool:
    return word in ANATOMY or any(
        word.endswith(end) and word[: -len(end)] + instead in ANATOMY
        for end, instead in _PLURAL_ENDINGS
    )
