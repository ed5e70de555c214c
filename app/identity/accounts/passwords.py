"""What can be a password (NIST SP 800-63B-4 § 3.1.1.2): long enough, not common, not made of what
everyone knows about its owner. No rules about kinds of characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from zxcvbn import zxcvbn

from app.core.errors import Invalid
from app.core.text import N_

MIN_PASSWORD_CHARACTERS = 10
MAX_PASSWORD_CHARACTERS = 128
_MIN_GUESSES_LOG10 = 8  # zxcvbn's bound for what withstands guessing at a throttled sign-in
_MIN_OWN_CHARACTERS = 6  # that must remain once names and addresses are taken away
_MIN_CONTEXT_CHARACTERS = 3
_COMPARED_CHARACTERS = 72  # zxcvbn takes no more, and its work grows with the square
_SITE_WORDS = ("consilium", "hospital", "opinion")
CONTEXT_FAULT = N_(
    "This password is mostly your name, your e-mail address or a word of this site. Others would"
    " try that first. Choose another one."
)
COMMON_FAULT = N_(
    "This password is easy to guess, because many people use it or one like it. Choose another one,"
    " for example several words that do not belong together."
)
PATTERN_FAULT = N_(
    "This password is easy to guess, because it repeats or follows a simple pattern. Choose another"
    " one, for example several words that do not belong together."
)
_DICTIONARY_PATTERNS = ("dictionary", "bruteforce")


def read_password(password: str, context: Iterable[str] = (), field: str = "password") -> str:
    """The password as it is kept. ``context`` is what is known about its owner: name, e-mail
    address. Raises ``Invalid`` with a sentence that says why it cannot be one.
    """
    password = normalize_password(password)
    if len(password) < MIN_PASSWORD_CHARACTERS:
        raise Invalid(
            N_("Choose a password of at least %(least)s characters."),
            field=field,
            least=MIN_PASSWORD_CHARACTERS,
        )
    if len(password) > MAX_PASSWORD_CHARACTERS:
        raise Invalid(
            N_("Keep this under %(most)s characters."), field=field, most=MAX_PASSWORD_CHARACTERS
        )
    fault = find_password_fault(password, context)
    if fault is not None:
        raise Invalid(fault, field=field)
    return password


def find_password_fault(password: str, context: Iterable[str] = ()) -> str | None:
    """Why the password is too easy to guess, or None."""
    words = _split_context(context)
    if _count_own_characters(password, words) < _MIN_OWN_CHARACTERS:
        return CONTEXT_FAULT
    judged = zxcvbn(password[:_COMPARED_CHARACTERS], user_inputs=words)
    if judged["guesses_log10"] >= _MIN_GUESSES_LOG10:
        return None
    longest = max(judged["sequence"], key=lambda part: len(part["token"]))
    if longest.get("dictionary_name") == "user_inputs":
        return CONTEXT_FAULT
    return COMMON_FAULT if longest["pattern"] in _DICTIONARY_PATTERNS else PATTERN_FAULT


def normalize_password(password: str) -> str:
    """The same password from every keyboard (NIST SP 800-63B-4 § 3.1.1.2: NFC or NFKC)."""
    return unicodedata.normalize("NFC", password)


def _split_context(context: Iterable[str]) -> list[str]:
    parts = [part for text in (*context, *_SITE_WORDS) for part in re.split(r"[\W_]+", text)]
    return sorted(
        {part.lower() for part in parts if len(part) >= _MIN_CONTEXT_CHARACTERS},
        key=len,
        reverse=True,
    )


def _count_own_characters(password: str, words: Iterable[str]) -> int:
    """Letters and digits that remain without the words."""
    rest = password.lower()
    for word in words:
        rest = rest.replace(word, "")
    return sum(letter.isalnum() for letter in rest)
