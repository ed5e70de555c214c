"""Catalogues without a web request: for mail, jobs and documents."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from babel.support import NullTranslations, Translations

from app.i18n.locales import match_language

CATALOGUE_FOLDER = Path(__file__).parent / "catalogues"


@lru_cache
def load_catalogue(tag: str) -> NullTranslations:
    """The compiled catalogue that serves a reader of ``tag``; English is its own catalogue."""
    return Translations.load(str(CATALOGUE_FOLDER), [match_language(tag).tag])


def make_translator(tag: str) -> Callable[..., str]:
    """A function ``say(msgid, **facts)`` that gives the whole sentence in the language of
    ``tag``.
    """
    sentences = load_catalogue(tag)

    def say(msgid: str, **facts: object) -> str:
        sentence = sentences.gettext(msgid)
        return sentence % facts if facts else sentence

    return say
