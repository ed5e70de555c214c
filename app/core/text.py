"""Marks sentences for translation where nobody is present to read them."""

from __future__ import annotations


def N_(msgid: str) -> str:
    """Returns ``msgid`` unchanged; Babel collects it, and the edge translates it for its reader."""
    return msgid


def N_n(singular: str, plural: str) -> tuple[str, str]:
    """As ``N_``, for a sentence with a plural form."""
    return singular, plural


def parse_whole_number(text: str) -> int | None:
    """The number that the text writes, in any script's digits. None for anything else, and for more
    than nine digits.
    """
    return int(text) if text.isdecimal() and len(text) <= 9 else None
