"""Whether people understand one another, by the tags of their languages (BCP 47)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_LANGUAGE_TAG_PATTERN = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


@lru_cache(maxsize=4096)
def primary_language_of(tag: str) -> str:
    """The language itself, without script, region or variant: ``ar`` for ``ar-EG``."""
    return tag.replace("_", "-").split("-", 1)[0].lower()


def is_well_formed_tag(text: str) -> bool:
    """Whether this has the shape of a language tag: a language, then script, region or variants."""
    return len(text) <= 16 and _LANGUAGE_TAG_PATTERN.fullmatch(text) is not None


def is_same_language(one: str, other: str) -> bool:
    """Whether two tags name one language, whatever their regions."""
    return primary_language_of(one) == primary_language_of(other)


def shared_language(theirs: Iterable[str], language: str) -> str | None:
    """The first of their languages in which somebody of that language can be spoken to."""
    return next((tag for tag in theirs if is_same_language(tag, language)), None)


@lru_cache(maxsize=4096)
def is_pair_covered(
    source: str, target: str, wanted_source: str, wanted_target: str, *, both_ways: bool
) -> bool:
    """Whether a qualification for one pair of languages covers another, whatever the regions."""
    straight = is_same_language(source, wanted_source) and is_same_language(target, wanted_target)
    turned = is_same_language(source, wanted_target) and is_same_language(target, wanted_source)
    return straight or (both_ways and turned)


@lru_cache(maxsize=4096)
def language_closeness(tag: str, wanted: str) -> int:
    """How near two tags are, for ordering people of one language: 2 the very same, 1 the same
    language, else 0.
    """
    if tag.lower() == wanted.lower():
        return 2
    return 1 if is_same_language(tag, wanted) else 0
