"""Gathering the sentences of the application for the translators, and merging them into the
catalogues.

A sentence belongs to the domain ``office`` when it stands only in sources that the manifest of its
slice names as ``office_sources``, and to ``public`` otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from app.core.slices import get_slices
from app.i18n.locales import LOCALES
from app.i18n.translate import CATALOGUE_FOLDER, DOMAINS

APP_FOLDER = Path(__file__).parent.parent
NOTE_TAG = "NOTE:"
"""Comments that begin with it go to the translators: ``# NOTE: …`` and ``{# NOTE: … #}``."""
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
    "count_forms": (1, 2),
    "N_p": ((1, "c"), 2),
    "lazy_gettext": None,
    "lazy_pgettext": ((1, "c"), 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
# gettext's customary rules, pinned: CLDR counts a third form in Spanish, French and Portuguese
# (millions) that gettext tools do not know. Some are for languages that may come.
_ONE_FORM = "nplurals=1; plural=0;"
_TWO_FORMS = "nplurals=2; plural=(n != 1);"
_SINGULAR_TO_ONE = "nplurals=2; plural=(n > 1);"
PLURAL_RULES = {
    "es": _TWO_FORMS,
    "ar": (
        "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11"
        " && n%100<=99 ? 4 : 5);"
    ),
    "zh": _ONE_FORM,
    "id": _ONE_FORM,
    "vi": _ONE_FORM,
    "ko": _ONE_FORM,
    "fr": _SINGULAR_TO_ONE,
    "pt": _SINGULAR_TO_ONE,
    "fa": _SINGULAR_TO_ONE,
    "tr": _TWO_FORMS,
    "ru": (
        "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 ||"
        " n%100>=20) ? 1 : 2);"
    ),
}


def list_translated_languages() -> list[str]:
    """The tags of every language but English."""
    return [tag for tag in LOCALES if tag != "en"]


def get_plural_rule(tag: str) -> str:
    return PLURAL_RULES[tag.partition("-")[0]]


def count_plural_forms(tag: str) -> int:
    return int(get_plural_rule(tag).partition("=")[2].partition(";")[0])


def gather_messages(domain: str | None = None) -> Catalog:
    """Every marked sentence of the application, or of one domain, with where it stands."""
    everything = Catalog(project="Consilium", charset="utf-8")
    for name, line, message, comments, context in extract_from_dir(
        APP_FOLDER,
        EXTRACTION_METHODS,
        EXTRACTION_OPTIONS,
        keywords=EXTRACTION_KEYWORDS,
        comment_tags=(NOTE_TAG,),
        strip_comment_tags=True,
    ):
        everything.add(message, None, [(name, line)], auto_comments=comments, context=context)
    if domain is None:
        return everything
    office = list_office_sources()
    chosen = Catalog(project="Consilium", charset="utf-8")
    for message in everything:
        if message.id and get_message_domain(message, office) == domain:
            chosen[message.id] = message
    return chosen


def list_office_sources() -> list[str]:
    """Patterns of the sources that only the staff of a hospital sees, relative to ``app``."""
    return [
        f"{manifest.name}/{pattern}"
        for manifest in get_slices().manifests
        for pattern in manifest.office_sources
    ]


def get_message_domain(message: Message, office_sources: Sequence[str]) -> str:
    files = {file for file, _ in message.locations}
    is_office = all(any(fnmatch(file, one) for one in office_sources) for file in files)
    return "office" if is_office else "public"


def get_catalogue_path(tag: str, domain: str) -> Path:
    name = LOCALES[tag].gettext_name
    return CATALOGUE_FOLDER / name / "LC_MESSAGES" / f"{domain}.po"


def list_domains(tag: str) -> list[str]:
    """The domains in which a language has a catalogue; at least ``public``."""
    return [one for one in DOMAINS if one == "public" or get_catalogue_path(tag, one).exists()]


def read_catalogue(tag: str, domain: str = "public") -> Catalog:
    path = get_catalogue_path(tag, domain)
    if not path.exists():
        return _pin_plural_rule(Catalog(locale=LOCALES[tag].locale, charset="utf-8"), tag)
    with path.open("rb") as file:
        return read_po(file, locale=LOCALES[tag].gettext_name)


def write_catalogue(catalogue: Catalog, tag: str, domain: str) -> None:
    """Writes the catalogue with the names of the files in which each sentence stands, and with the
    sentences that are no longer used.
    """
    # the dates and names of the header would change with every merge and say nothing
    catalogue.creation_date = catalogue.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    catalogue.last_translator = catalogue.language_team = catalogue.project = "Consilium"
    catalogue.fuzzy = False
    language = LOCALES[tag].locale.english_name
    catalogue.header_comment = f"# Consilium in {language}. Merged by `./consilium flask messages`."
    path = get_catalogue_path(tag, domain)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(
            file,
            _pin_plural_rule(catalogue, tag),
            width=110,
            sort_output=True,
            include_lineno=False,
        )


def merge_catalogue(tag: str, domain: str) -> tuple[int, int]:
    """Brings a catalogue up to date with the sources. Returns (sentences, of them to translate or
    to review).

    No translation is lost: a reworded sentence keeps the translation of the most similar one,
    marked as fuzzy until somebody has reviewed it, and one that is no longer used stays at the end
    of the file. A sentence that moved from one domain to the other brings its translation.
    """
    catalogue, wanted = read_catalogue(tag, domain), gather_messages(domain)
    _bring_from_other_domains(catalogue, wanted, tag, domain)
    catalogue.update(wanted, no_fuzzy_matching=False, update_creation_date=False)
    _drop_obsolete_duplicates(catalogue)
    write_catalogue(catalogue, tag, domain)
    asked = [message for message in catalogue if message.id]
    missing = [one for one in asked if one.fuzzy or not is_translated(one.string or "")]
    return len(asked), len(missing)


def _bring_from_other_domains(catalogue: Catalog, wanted: Catalog, tag: str, domain: str) -> None:
    others = [read_catalogue(tag, one) for one in list_domains(tag) if one != domain]
    for message in wanted:
        if message.id and catalogue.get(message.id, message.context) is None:
            for other in others:
                found = other.get(message.id, message.context)
                if found is not None and is_translated(found.string or ""):
                    catalogue.add(
                        message.id, found.string, flags=found.flags, context=message.context
                    )


def _drop_obsolete_duplicates(catalogue: Catalog) -> None:
    """What was carried over to a new wording need not stay under the old one too."""
    kept = {str(message.string) for message in catalogue if message.id and message.string}
    for key, message in list(catalogue.obsolete.items()):
        if not is_translated(message.string or "") or str(message.string) in kept:
            del catalogue.obsolete[key]


def is_translated(string: str | tuple[str, ...] | list[str]) -> bool:
    return all(string) if isinstance(string, tuple | list) else bool(string)


def _pin_plural_rule(catalogue: Catalog, tag: str) -> Catalog:
    rule = get_plural_rule(tag)
    catalogue._num_plurals = count_plural_forms(tag)
    catalogue._plural_expr = rule.split(" plural=")[1].rstrip(";")
    return catalogue
