"""Words that an interpreter does well to prepare: drugs, parts of the body, abbreviations. Pure.

Only words from closed lists and shapes are taken (`glossary_words`), so that no name of a person
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
    SHORT_STEM_LEAST,
    WITH_DIGITS,
)

MOST_TERMS = 200


class Kind(StrEnum):
    DRUG = "drug"
    ANATOMY = "anatomy"
    ABBREVIATION = "abbreviation"


@dataclass(frozen=True, order=True)
class Term:
    kind: Kind
    text: str


_STEM = re.compile(rf"[a-z]{{3,}}(?:{'|'.join(DRUG_STEMS)})")
_WITH_DIGITS = re.compile(rf"(?<![\w-])(?:{'|'.join(WITH_DIGITS)})(?![\w-])")
_CAPITALS = re.compile(r"(?<!\w)[A-Z]{2,6}(?![\w])")
_WORD = re.compile(r"[^\W\d_]+")
_PLURALS = (
    ("ies", "y"),
    ("ves", "f"),
    ("es", ""),
    ("s", ""),
    ("ae", "a"),
    ("es", "is"),
    ("i", "us"),
    ("ses", "sis"),
)


def terms_in(*texts: str) -> list[Term]:
    """The terms of some texts, each once, sorted by kind and alphabet."""
    found: set[Term] = set()
    for text in texts:
        words = {word.lower() for word in _WORD.findall(text)}
        found |= {Term(Kind.DRUG, word) for word in words if _is_drug(word)}
        found |= {Term(Kind.ANATOMY, word) for word in words if _is_anatomy(word)}
        short = {one for one in _CAPITALS.findall(text) if one in ABBREVIATIONS} | set(
            _WITH_DIGITS.findall(text)
        )
        found |= {Term(Kind.ABBREVIATION, " ".join(one.split())) for one in short}
    return sorted(found)[:MOST_TERMS]


def joined(groups: Iterable[Iterable[Term]]) -> list[Term]:
    """The terms of several sources, each once."""
    return sorted({term for group in groups for term in group})[:MOST_TERMS]


def meaning_of(term: str) -> str:
    """What an abbreviation stands for, in English; "" where we do not know."""
    return ABBREVIATIONS.get(term, "")


def _is_drug(word: str) -> bool:
    if word in DRUGS:
        return True
    if word in NOT_DRUGS:
        return False
    is_long = len(word) >= SHORT_STEM_LEAST and word.endswith(DRUG_STEMS_AFTER_SHORT)
    return is_long or _STEM.fullmatch(word) is not None


def _is_anatomy(word: str) -> bool:
    return word in ANATOMY or any(
        word.endswith(end) and word[: -len(end)] + instead in ANATOMY for end, instead in _PLURALS
    )
