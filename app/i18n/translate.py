"""Catalogues, with a web request and without: for pages, mail, jobs and documents."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from babel.support import Translations

from app.core.text import strip_context
from app.i18n.locales import match_language

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
