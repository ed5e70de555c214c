"""The order in which a reader looks for names (CLDR collation): «ña» after «nz» in Spanish, pinyin
in Chinese, «أحمد» beside «احمد» in Arabic.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import icu


def make_sort_key(name: str, reader: str) -> bytes:
    """What a name sorts by for a reader of the BCP 47 tag ``reader``, whatever script it is in."""
    return _load_collator(reader).getSortKey(name)


def sort_by_name(options: Iterable[tuple[str, str]], reader: str) -> list[tuple[str, str]]:
    """Options of a select, each a value and its name, as a reader of ``reader`` looks for them."""
    return sorted(options, key=lambda one: make_sort_key(one[1], reader))


@lru_cache
def _load_collator(tag: str) -> icu.Collator:
    return icu.Collator.createInstance(icu.Locale.forLanguageTag(tag))
