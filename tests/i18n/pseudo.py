"""Pseudo-languages: every sentence of the application longer and accented, or mirrored.

They show, before anybody has translated a word, what does not fit, what is glued together from
pieces, and what never went through gettext.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from app.i18n import locales, translate
from app.i18n.gathering import gather_messages
from app.i18n.locales import LOCALES, Language

_ACCENTED = str.maketrans("aceilnorsuyzACEILNORSUYZ", "àçéîļñöŕšûýžÀÇÉÎĻÑÖŔŠÛÝŽ")
_KEPT = re.compile(r"(%\(\w+\)s|%%|\{\w*\}|<[^>]+>|&#?\w+;)")
_PADDING = "wörd "
LENGTHENING = 0.4  # translations into German or Finnish are about this much longer


@dataclass(frozen=True)
class PseudoLanguage(Language):
    """``base`` is the real locale whose formats it uses, one that no language here has."""

    base: str = ""

    @cached_property
    def locale(self) -> Locale:
        return Locale.parse(self.base)

    @property
    def gettext_name(self) -> str:
        return self.base

    @property
    def script(self) -> str:
        return ""  # so that nobody is given it who did not ask for it


PSEUDO_LANGUAGES = (
    PseudoLanguage("en-XA", "Àççéñţéð", base="en_001"),
    PseudoLanguage("ar-XB", "ʞɔɐq", base="ar_001"),
)


def lengthen(text: str) -> str:
    """Accents on every letter outside placeholders and tags, and 40 % more of it, in words."""
    said = "".join(
        piece if number % 2 else piece.translate(_ACCENTED)
        for number, piece in enumerate(_KEPT.split(text))
    )
    wanted = max(2, round(len(_KEPT.sub("", text)) * LENGTHENING))
    padding = (_PADDING * (wanted // len(_PADDING) + 1))[:wanted].strip()
    return f"{said} {padding}"


def mirror(text: str) -> str:
    """The same text, forced from right to left, so that it stays readable to whoever looks."""
    pieces = _KEPT.split(text)
    return "".join(
        piece if number % 2 or not piece.strip() else f"\u202e{piece}\u202c"
        for number, piece in enumerate(pieces)
    )


@contextmanager
def pseudo_languages(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Inside the block the application offers ``en-XA`` and ``ar-XB``. Applications must be made
    inside it too.
    """
    for language, change in zip(PSEUDO_LANGUAGES, (lengthen, mirror), strict=True):
        catalogue = Catalog()
        for message in gather_messages():
            if isinstance(message.id, tuple):
                catalogue.add(message.id, tuple(map(change, message.id)), context=message.context)
            elif message.id:
                catalogue.add(message.id, change(message.id), context=message.context)
        target = folder / language.gettext_name / "LC_MESSAGES" / "public.mo"
        target.parent.mkdir(parents=True)
        with target.open("wb") as file:
            write_mo(file, catalogue)
        patch.setitem(LOCALES, language.tag, language)
    patch.setattr(translate, "CATALOGUE_FOLDER", folder)
    locales.find_language.cache_clear()
    translate.load_catalogue.cache_clear()
    yield
    patch.undo()
    locales.find_language.cache_clear()
    translate.load_catalogue.cache_clear()
