"""Marks sentences for translation where nobody is present to read them."""
from __future__ import annotations


def N_(msgid: str) -> str:
    """Returns `msgid` unchanged; Babel collects it, and the edge translates it for its reader."""
    return msgid


def N_n(singular: str, plural: str) -> tuple[str, str]:
    """As `N_`, for a sentence with a plural form."""
    return singular, plural
