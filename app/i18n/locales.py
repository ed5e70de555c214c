"""The languages that Consilium speaks. A new one is a line here and a catalogue beside."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import normalize

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.localedata import locale_identifiers


@dataclass(frozen=True)
class Language:
    """``tag`` is BCP 47; ``name`` is what its readers call it; ``direction`` is ``ltr`` or
    ``rtl``.
    """

    tag: str
    name: str
    direction: str = "ltr"


LOCALES: dict[str, Language] = {
    "en": Language("en", "English"),
    "es": Language("es", "Español"),
    "ar": Language("ar", "العربية", "rtl"),
}
DEFAULT_LANGUAGE = "en"
_MIN_SPEAKERS_PERCENT = 20  # per cent of a country
UNKNOWN_TAG_ERRORS = (UnknownLocaleError, ValueError, TypeError, LookupError)


def match_language(tag: str | None) -> Language:
    """The language that serves a reader of ``tag`` best: itself, its base language, or English."""
    if tag:
        for candidate in (tag, tag.replace("_", "-").split("-")[0]):
            if candidate in LOCALES:
                return LOCALES[candidate]
    return LOCALES[DEFAULT_LANGUAGE]


def is_language_tag(tag: str) -> bool:
    """Whether ``tag`` is a well-formed BCP 47 tag of a language known to CLDR."""
    try:
        Locale.parse(tag, sep="-")
    except UNKNOWN_TAG_ERRORS:
        return False
    return True


@lru_cache(maxsize=4096)
def get_language_name(tag: str, reader: str) -> str:
    """The name of language ``tag`` for a reader of ``reader``: «Arabic», «árabe», «العربية»."""
    try:
        name = Locale.parse(tag, sep="-").get_display_name(match_language(reader).tag)
    except UNKNOWN_TAG_ERRORS:  # an unknown tag is still shown, as itself
        return tag
    return name or tag


@lru_cache(maxsize=4096)
def get_country_name(code: str, reader: str) -> str:
    """The name of an ISO 3166-1 country for a reader of ``reader``."""
    return Locale.parse(match_language(reader).tag).territories.get(code.upper(), code)


@lru_cache(maxsize=16)
def list_language_names(reader: str) -> list[tuple[str, str]]:
    """Every language that CLDR can write about, by tag, with its name for a reader, in the order of
    the names.
    """
    names = Locale.parse(match_language(reader).tag).languages
    return sort_by_name(
        (tag, names[tag]) for tag in locale_identifiers() if "_" not in tag and tag in names
    )


@lru_cache(maxsize=256)
def list_dialects(language: str, reader: str) -> list[tuple[str, str]]:
    """The countries where a language is official and many speak it, as tags («ar-EG») with the
    country's name.
    """
    held = get_global("territory_languages")
    return sort_by_name(
        (f"{language}-{code}", get_country_name(code, reader))
        for code, spoken in held.items()
        if language in spoken
        and spoken[language]["official_status"]
        and spoken[language]["population_percent"] >= _MIN_SPEAKERS_PERCENT
    )


def sort_by_name(options: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Options of a select as a reader looks for them: «árabe» stands among the words with a."""
    return sorted(options, key=lambda one: normalize("NFD", one[1].casefold()))
