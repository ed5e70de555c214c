"""Marks sentences for translation where nobody is present to read them."""

from __future__ import annotations

import unicodedata

# Zero-width joiners belong inside words of these scripts, and nowhere else.
_JOINING_SCRIPTS = ("ARABIC", "DEVANAGARI", "BENGALI", "TAMIL", "SINHALA", "MONGOLIAN", "SYRIAC")
_JOINERS = "\u200c\u200d"
_UNSEEN_CATEGORIES = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def N_(msgid: str) -> str:
    """Returns ``msgid`` unchanged; Babel collects it, and the edge translates it for its reader."""
    return msgid


CONTEXT_SEPARATOR = "\x04"
"""Between a context and its sentence, as in compiled gettext catalogues."""


def N_p(context: str, text: str) -> str:
    """As ``N_``, for a text that means different things in different places; ``context`` says which
    is meant here («of a person», «of a file»). The edge translates it like any other msgid.
    """
    return f"{context}{CONTEXT_SEPARATOR}{text}"


def strip_context(msgid: str) -> str:
    """The English words of a msgid, without the context that ``N_p`` put before them."""
    return msgid.rpartition(CONTEXT_SEPARATOR)[2]


UNSEEN_CHARACTERS = N_(
    "This name contains characters that cannot be seen. Type it again instead of pasting it."
)


def N_n(singular: str, plural: str) -> tuple[str, str]:
    """As ``N_``, for a sentence with a plural form."""
    return singular, plural


def parse_whole_number(text: str) -> int | None:
    """The number that the text writes, in any script's digits. None for anything else, and for more
    than nine digits.
    """
    return int(text) if text.isdecimal() and len(text) <= 9 else None


def write_digits_plainly(text: str) -> str:
    """The text with the digits of every script as 0 to 9: «٠٩:٣٠» is 09:30."""
    digits = (unicodedata.decimal(character, None) for character in text)
    return "".join(
        character if digit is None else str(digit)
        for character, digit in zip(text, digits, strict=True)
    )


def has_unseen_characters(name: str) -> bool:
    """Whether a name holds characters that nobody sees: controls, marks that turn the direction of
    writing, zero-width spaces. With them one name passes for another (Unicode TR 36). A zero-width
    joiner inside a word of a script that needs it is no such character.
    """
    return any(
        unicodedata.category(character) in _UNSEEN_CATEGORIES
        and not (character in _JOINERS and _is_joined(name, place))
        for place, character in enumerate(name)
    )


def _is_joined(name: str, place: int) -> bool:
    """Whether the characters before and after ``place`` are of a script that uses joiners."""
    around = name[max(place - 1, 0) : place] + name[place + 1 : place + 2]
    return len(around) == 2 and all(
        unicodedata.name(one, "").startswith(_JOINING_SCRIPTS) for one in around
    )
