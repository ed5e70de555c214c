"""Whether a DICOM file is of the patient of a case. Pure.

Names come in any script and order: «Amal Haddad», «HADDAD^AMAL», «Haddad^Amal=حداد^أمل». Both sides
are brought to Latin letters by ICU. Within one script the letters must agree; between scripts only
the consonants, because Arabic and Hebrew do not write vowels.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations

import icu

_NO_NAME = re.compile(
    r"(?:anon\w*|unknown|no name|noname|none|patient|test|x+|deidentified|removed)?", re.IGNORECASE
)
_TITLES = frozenset({"dr", "mr", "mrs", "ms", "prof", "herr", "frau", "sr", "sra", "don", "dona"})
_MAX_WORDS = 6


@dataclass(frozen=True)
class ImagePatient:
    """The patient as a DICOM file gives it: ``name`` with ``^`` and ``=``, ``birth_date``
    YYYYMMDD. What is empty is not stated.
    """

    name: str = ""
    birth_date: str = ""
    sex: str = ""
    patient_id: str = ""

    @property
    def has_name(self) -> bool:
        words = " ".join(re.split(r"[\^=\s]+", self.name)).strip()
        return not _NO_NAME.fullmatch(words)


def find_differences(
    patient: ImagePatient, name: str, accepted: Sequence[ImagePatient]
) -> list[str]:
    """What speaks against the images being of the person called ``name``: a list of ``name``,
    ``birth_date``, ``sex``.

    ``accepted`` are the patients of images of the case that have been accepted: a birth date or a
    sex that is none of theirs is a difference. Hospitals number patients on their own, so another
    number is none.
    """
    differences = []
    known = any(is_same_patient(patient, other) for other in accepted)
    if patient.has_name and not known and not do_names_agree(patient.name, name):
        differences.append("name")
    for fact in ("birth_date", "sex"):
        told = getattr(patient, fact)
        others = {getattr(other, fact) for other in accepted} - {"", "O"}
        if told not in ("", "O") and others and told not in others:
            differences.append(fact)
    return differences


def is_same_patient(one: ImagePatient, other: ImagePatient) -> bool:
    """Whether both state the same, word for word."""
    return one == other


def do_names_agree(dicom_name: str, name: str) -> bool:
    """Whether one of the spellings in ``dicom_name`` (PS3.5, 6.2.1.2) is the name, in any order.

    Further names of one side (a second given name, a patronymic) are no difference where at least
    two words agree.
    """
    return any(
        _do_spellings_agree(spelling, name)
        for spelling in dicom_name.split("=")
        if spelling.replace("^", "").strip()
    )


def _do_spellings_agree(one: str, other: str) -> bool:
    first, second = _words_of(one), _words_of(other)
    if not first or not second:
        return False
    if _script_of(one) == _script_of(other):
        return _do_words_agree(first, second)
    return _do_words_agree(first, second) or _do_words_agree(
        [_consonants(word) for word in first], [_consonants(word) for word in second]
    )


def _do_words_agree(first: list[str], second: list[str]) -> bool:
    if _is_one_in_pieces(first, second) or _is_one_in_pieces(second, first):
        return True
    short, long = sorted((first, second), key=len)
    rest = list(long)
    for word in short:
        if word not in rest:
            return False
        rest.remove(word)
    return len(short) > 1 or not rest


def _is_one_in_pieces(first: list[str], second: list[str]) -> bool:
    """Whether the names differ only in where words are parted: «Xiao Ming» and «Xiaoming»."""
    if len(first) > _MAX_WORDS or sum(map(len, first)) != sum(map(len, second)):
        return False
    joined = {"".join(order) for order in permutations(second[:_MAX_WORDS])}
    return any("".join(order) in joined for order in permutations(first))


def _words_of(name: str) -> list[str]:
    latin = _to_latin().transliterate(re.sub(r"[\^,.\-_]+", " ", name))
    words = re.sub(r"[^a-z\s]", "", latin).split()
    return [word for word in words if word not in _TITLES] or words


@cache
def _to_latin() -> icu.Transliterator:
    return icu.Transliterator.createInstance(
        "NFKC; Any-Latin; Latin-ASCII; Lower; [:Nonspacing Mark:] Remove"
    )


def _script_of(name: str) -> int:
    letters = [character for character in name if character.isalpha()]
    return icu.Script.getScript(letters[0]).getScriptCode() if letters else 0


def _consonants(word: str) -> str:
    """The word without vowels and half-vowels, a doubled letter once."""
    kept = re.sub(r"[aeiouwy]", "", word.replace("ph", "f").replace("kh", "h").replace("gh", "g"))
    return re.sub(r"(.)\1+", r"\1", kept) or word
