"""The languages that Consilium speaks. A new one is a line here and a folder of catalogues beside.

A language may ship with the domain ``public`` only: what the staff alone reads is then English.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.localedata import locale_identifiers

from app.i18n.collation import sort_by_name


@dataclass(frozen=True)
class Language:
    """``tag`` is BCP 47; ``name`` is what its readers call it."""

    tag: str
    name: str

    @cached_property
    def locale(self) -> Locale:
        """What CLDR knows of it."""
        return Locale.parse(self.tag, sep="-")

    @property
    def direction(self) -> str:
        """``ltr`` or ``rtl``."""
        return self.locale.text_direction

    @property
    def gettext_name(self) -> str:
        """As gettext writes it, in folders and to Flask-Babel: «zh_Hans»."""
        return self.tag.replace("-", "_")

    @property
    def script(self) -> str:
        """The four letters of ISO 15924: «Latn», «Hans»."""
        return _get_language_and_script(self.tag)[1]


LOCALES: dict[str, Language] = {
    one.tag: one
    for one in (
        Language("en", "English"),
        Language("es", "Español"),
        Language("ar", "العربية"),
        Language("zh-Hans", "简体中文"),
    )
}
DEFAULT_LANGUAGE = "en"
_MIN_SPEAKERS_PERCENT = 20  # per cent of a country
UNKNOWN_TAG_ERRORS = (UnknownLocaleError, ValueError, TypeError, LookupError)


def match_language(tag: str | None) -> Language:
    """The language that serves a reader of ``tag`` best, or English: see ``find_language``."""
    return find_language(tag) or LOCALES[DEFAULT_LANGUAGE]


@lru_cache(maxsize=4096)
def find_language(tag: str | None) -> Language | None:
    """The language that serves a reader of ``tag``: itself, one of the same language and script
    (likely subtags, UTS 35), else one of the same language: a reader of pt-PT reads pt-BR sooner
    than English. None where there is none.
    """
    if not tag:
        return None
    tag = tag.replace("_", "-")
    if tag in LOCALES:
        return LOCALES[tag]
    try:
        language, script = _get_language_and_script(tag)
    except UNKNOWN_TAG_ERRORS:
        return None
    same = [one for one in LOCALES.values() if one.locale.language == language]
    return next((one for one in same if one.script == script), same[0] if same else None)


def _get_language_and_script(tag: str) -> tuple[str, str]:
    """Both subtags of a tag, the likely script where it names none. Raises ``UnknownLocaleError``
    or ``ValueError``.
    """
    locale = Locale.parse(tag, sep="-")
    if locale.script:
        return locale.language, locale.script
    likely = get_global("likely_subtags")
    wanted = [f"{locale.language}_{locale.territory}", locale.language]
    full = next((likely[one] for one in wanted if one in likely), "")
    return locale.language, next((part for part in full.split("_") if len(part) == 4), "")


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
        name = Locale.parse(tag, sep="-").get_display_name(match_language(reader).locale)
    except UNKNOWN_TAG_ERRORS:  # an unknown tag is still shown, as itself
        return tag
    return name or tag


def get_own_language_name(tag: str) -> str:
    """What the readers of a language call it: «中文», «فارسی»."""
    try:
        return Locale.parse(tag, sep="-").get_display_name() or tag
    except UNKNOWN_TAG_ERRORS:
        return tag


@lru_cache(maxsize=4096)
def get_country_name(code: str, reader: str) -> str:
    """The name of an ISO 3166-1 country for a reader of ``reader``."""
    return match_language(reader).locale.territories.get(code.upper(), code)


@lru_cache(maxsize=16)
def list_language_names(reader: str) -> list[tuple[str, str]]:
    """Every language that CLDR can write about, by tag, with its name for a reader, in the order of
    the names.
    """
    names = match_language(reader).locale.languages
    return sort_by_name(
        ((tag, names[tag]) for tag in locale_identifiers() if "_" not in tag and tag in names),
        reader,
    )


@lru_cache(maxsize=256)
def list_dialects(language: str, reader: str) -> list[tuple[str, str]]:
    """The countries where a language is official and many speak it, as tags («ar-EG») with the
    country's name.
    """
    held = get_global("territory_languages")
    codes = [
        code
        for code, spoken in held.items()
        if language in spoken
        and spoken[language]["official_status"]
        and spoken[language]["population_percent"] >= _MIN_SPEAKERS_PERCENT
    ]
    return sort_by_name(
        ((f"{language}-{code}", get_country_name(code, reader)) for code in codes), reader
    )
