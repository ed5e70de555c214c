"""In which language and zone a page speaks, and the filters with which templates say times and
names.
"""

from __future__ import annotations

from datetime import date, datetime
from urllib.parse import urlsplit

from flask import Flask, request, session
from flask_babel import Babel, Domain, get_locale

from app.core.errors import Invalid
from app.core.text import N_
from app.i18n import formats, zones
from app.i18n.collation import sort_by_name
from app.i18n.locales import (
    DEFAULT_LANGUAGE,
    LOCALES,
    Language,
    find_language,
    get_country_name,
    get_language_name,
    match_language,
)
from app.i18n.translate import CompiledCatalogue, list_count_forms, load_catalogue
from app.web.context import get_person_or_none


def get_safe_redirect(target: str | None) -> str | None:
    """``target`` if it is a path on this site, else None (no open redirects)."""
    if not target or "\\" in target or any(ord(character) < 32 for character in target):
        return None
    parts = urlsplit(target)
    return target if not parts.scheme and not parts.netloc and target.startswith("/") else None


def get_reader_language() -> str:
    """The reader's choice in this browser, else their profile's, else what the browser asks for."""
    chosen = session.get("language")
    if chosen in LOCALES:
        return chosen
    person = get_person_or_none()
    if person is not None:
        return match_language(person.language).tag
    wanted = (find_language(tag) for tag in request.accept_languages.values())
    return next((one.tag for one in wanted if one), DEFAULT_LANGUAGE)


def _select_locale() -> str:
    return LOCALES[get_reader_language()].gettext_name


def get_reader_zone() -> str:
    person = get_person_or_none()
    return person.timezone if person is not None else session.get("timezone", "UTC")


def get_current_language() -> Language:
    """The language of this page, also inside ``force_locale``."""
    name = str(get_locale() or DEFAULT_LANGUAGE)
    same = (language for language in LOCALES.values() if language.gettext_name == name)
    return next(same, match_language(name))


class _PageSentences(Domain):
    """The sentences of the page's language, from the same catalogues as in mail and documents."""

    def get_translations(self) -> CompiledCatalogue:
        return load_catalogue(get_current_language().tag)


_PAGE_SENTENCES = _PageSentences()


class _Babel(Babel):
    @property
    def domain_instance(self) -> Domain:
        return _PAGE_SENTENCES


def install_locale(app: Flask) -> None:
    _Babel(app, locale_selector=_select_locale, timezone_selector=get_reader_zone)
    app.before_request(_switch_language)
    app.jinja_env.globals["count_forms"] = lambda singular, plural: list_count_forms(
        _current_tag(), singular, plural
    )
    app.jinja_env.filters.update(
        datetime=lambda at: formats.format_long_moment(at, get_reader_zone(), _current_tag()),
        moment=lambda at: formats.format_short_moment(at, get_reader_zone(), _current_tag()),
        date=_format_date,
        short_day=lambda at: formats.format_short_day(at, _current_tag()),
        short_date=lambda at: formats.format_short_date(at, get_reader_zone(), _current_tag()),
        time=lambda at: formats.format_clock_time(at, get_reader_zone(), _current_tag()),
        in_zone=lambda at, zone: formats.format_long_moment(at, zone, _current_tag()),
        time_in=lambda at, zone: formats.format_clock_time(at, zone, _current_tag()),
        weekday_in=lambda at, zone: formats.format_weekday(at, zone, _current_tag()),
        zone_place=lambda zone: zones.get_zone_city(zone, _current_tag()),
        zone_name=lambda at, zone: formats.format_zone_name(at, zone, _current_tag()),
        local=formats.convert_to_zone,
        ago=lambda at: formats.format_time_ago(at, _current_tag()),
        by_name=lambda options: sort_by_name(options, _current_tag()),
        listed=lambda names: formats.format_name_list(names, _current_tag()),
        filesize=lambda count: formats.format_file_size(count, _current_tag()),
        language_name=lambda tag: get_language_name(tag, _current_tag()),
        country_name=lambda code: get_country_name(code, _current_tag()),
    )


def _switch_language() -> None:
    """``?lang=es`` on any page turns this browser's pages into that language from now on."""
    tag = request.args.get("lang")
    if tag is None:
        return
    if tag not in LOCALES:
        raise Invalid(N_("Consilium is not available in this language yet."), field="language")
    session["language"] = tag


def _current_tag() -> str:
    return get_current_language().tag


def _format_date(at: datetime | date) -> str:
    return formats.format_long_date(at, get_reader_zone(), _current_tag())
