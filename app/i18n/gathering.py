"""Gathering the sentences of the application for the translators, and merging them into the
catalogues.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from app.i18n.translate import CATALOGUE_FOLDER

APP_FOLDER = Path(__file__).parent.parent
EXTRACTION_METHODS = [
    ("**.py", "python"),
    ("**/templates/**.html", "jinja2.ext.babel_extract"),
    ("**/templates/**.txt", "jinja2.ext.babel_extract"),
]
EXTRACTION_OPTIONS = {"**/templates/**.html": {"trimmed": "true", "silent": "false"}}
EXTRACTION_KEYWORDS = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "N_": None,
    "N_n": (1, 2),
    "lazy_gettext": None,
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
# gettext's customary rules, pinned: CLDR counts a third form in Spanish (millions) that gettext
# tools do not know.
PLURAL_RULES = {
    "es": "nplurals=2; plural=(n != 1);",
    "ar": (
        "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11"
        " && n%100<=99 ? 4 : 5);"
    ),
}


def gather_messages() -> Catalog:
    """Every marked sentence of the application, with where it stands."""
    template = Catalog(project="Consilium", charset="utf-8")
    for name, line, message, _comments, context in extract_from_dir(
        APP_FOLDER,
        EXTRACTION_METHODS,
        EXTRACTION_OPTIONS,
        keywords=EXTRACTION_KEYWORDS,
        comment_tags=(),
        strip_comment_tags=True,
    ):
        template.add(message, None, [(name, line)], context=context)
    return template


def get_catalogue_path(tag: str) -> Path:
    return CATALOGUE_FOLDER / tag / "LC_MESSAGES" / "messages.po"


def read_catalogue(tag: str) -> Catalog:
    path = get_catalogue_path(tag)
    if not path.exists():
        return _pin_plural_rule(Catalog(locale=tag, charset="utf-8"), tag)
    with path.open("rb") as file:
        return read_po(file, locale=tag)


def merge_catalogue(tag: str) -> tuple[int, int]:
    """Brings the catalogue of ``tag`` up to date with the sources. Returns (sentences, of them
    untranslated).
    """
    catalogue = read_catalogue(tag)
    catalogue.update(gather_messages(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.fuzzy = False
    # the dates and names of the header would change with every merge and say nothing
    catalogue.creation_date = catalogue.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    catalogue.last_translator = catalogue.language_team = catalogue.project = "Consilium"
    language = Locale.parse(tag).english_name
    catalogue.header_comment = f"# Consilium in {language}. Merged by `./consilium flask messages`."
    path = get_catalogue_path(tag)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(
            file, _pin_plural_rule(catalogue, tag), width=110, sort_output=True, no_location=True
        )
    missing = sum(
        1 for message in catalogue if message.id and not is_translated(message.string or "")
    )
    return sum(1 for message in catalogue if message.id), missing


def is_translated(string: str | tuple[str, ...] | list[str]) -> bool:
    return all(string) if isinstance(string, tuple | list) else bool(string)


def _pin_plural_rule(catalogue: Catalog, tag: str) -> Catalog:
    rule = PLURAL_RULES[tag]
    catalogue._num_plurals = int(rule.split("=")[1].split(";")[0])
    catalogue._plural_expr = rule.split(" plural=")[1].rstrip(";")
    return catalogue
