"""Text in whatever encoding a hospital's system wrote it."""

from __future__ import annotations

import codecs

from charset_normalizer import from_bytes

from app.records.inspection.kinds import find_utf16_order

_GUESSED_BYTES = 64 << 10


def decode_beginning(content: bytes, *, is_cut: bool) -> str:
    """The text of a file, or of its beginning; where it was cut, never half a letter at the end.
    What cannot be read is shown as U+FFFD.
    """
    encoding = find_encoding(content, is_cut=is_cut)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(content, final=not is_cut)
    return text.removeprefix("\ufeff")


def find_encoding(content: bytes, *, is_cut: bool = False) -> str:
    """UTF-16 and UTF-8 where the bytes say so, else what the letters are most like."""
    order = find_utf16_order(content)
    if order is not None:
        return order
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content, final=not is_cut)
    except UnicodeDecodeError:
        guess = from_bytes(content[:_GUESSED_BYTES]).best()
        return guess.encoding if guess is not None else "latin-1"
    # ISO-2022 switches alphabets by escapes, and has no other byte above ASCII.
    return "iso2022_jp" if b"\x1b$" in content or b"\x1b(" in content else "utf-8"
