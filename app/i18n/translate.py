"""Catalogues, with a web request and without: for pages, mail, jobs and documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

from babel.support import Translations

from app.core.text import strip_context
from app.i18n.locales import LOCALES, match_language

CATALOGUE_FOLDER = Path(__file__).parent / "catalogues"
DOMAINS = ("public", "office")
"""What patients, guests, interpreters and readers of mail see, and what only the staff sees."""


class CompiledCatalogue(Translations):
    """Sentences by msgid. A msgid of ``N_p`` that has no translation is said without its
    context.
    """

    def gettext(self, message: str) -> str:
        return strip_context(super().gettext(message))

    ugettext = gettext


@lru_cache
def load_catalogue(tag: str) -> CompiledCatalogue:
    """The compiled catalogues that serve a reader of ``tag``, as one; English is its own."""
    name = match_language(tag).gettext_name
    loaded = [CompiledCatalogue.load(str(CATALOGUE_FOLDER), [name], domain) for domain in DOMAINS]
    found = [one for one in loaded if isinstance(one, CompiledCatalogue)]
    for other in found[1:]:
        found[0].merge(other)
    return found[0] if found else CompiledCatalogue()


def make_translator(tag: str) -> Callable[..., str]:
    """A function ``say(msgid, **facts)`` that gives the whole sentence in the language of
    ``tag``.
    """
    sentences = load_catalogue(tag)

    def say(msgid: str, **facts: object) -> str:
        sentence = sentences.gettext(msgid)
        return sentence % facts if facts else sentence

    return say


def list_count_forms(tag: str, singular: str, plural: str) -> dict[str, str]:
    """The wordings of a sentence with ``{count}`` by CLDR's categories («one», «few», «other»), for
    scripts: they learn the number later, and choose with ``Intl.PluralRules``. There is always one
    for «other».
    """
    sentences = load_catalogue(tag)
    return {
        category: sentences.ngettext(singular, plural, number)
        for category, number in _list_sample_numbers(match_language(tag).tag).items()
    }


@lru_cache
def _list_sample_numbers(tag: str) -> Mapping[str, int]:
    """A number of each category that whole numbers have in a language; «other» may have none (in
    Russian it is for fractions).
    """
    category_of = LOCALES[tag].locale.plural_form
    numbers = (1_000_000, *range(200, -1, -1))  # «many» begins at a million in Spanish
    return {"other": numbers[0]} | {category_of(number): number for number in numbers}
