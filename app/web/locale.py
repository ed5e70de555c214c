"""In which language and zone a page speaks, and the filters with which templates say times and
names.
"""

from __future__ import annotations

from datetime import date, datetime
from urllib.parse import urlsplit

from flask import Flask, request, session
from flask_babel import Babel, get_locale

from app.core.errors import Invalid
from app.core.text import N_
from app.i18n import formats, zones
from app.i18n.locales import DEFAULT, LOCALES, Language, country_name, known, language_name
from app.i18n.translate import CATALOGUES
from app.web.context import person_or_none


def safe_target(target: str | None) -> str | None:
    """`target` if it is a path on this site, else None (no open redirects)."""
    if not target or "\\" in target or any(ord(character) < 32 for character in target):
        return None
    parts = urlsplit(target)
    return target if not parts.scheme and not parts.netloc and target.startswith("/") else None


def reader_language() -> str:
    """The reader's choice in this browser, else their profile's, else what the browser asks for."""
    chosen = session.get("language")
    if chosen in LOCALES:
        return chosen
    person = person_or_none()
    if person is not None:
        return known(person.language).tag
    return request.accept_languages.best_match(list(LOCALES), default=DEFAULT) or DEFAULT


def reader_zone() -> str:
    person = person_or_none()
    return person.timezone if person is not None else session.get("timezone", "UTC")


def current_language() -> Language:
    """The language of this page, also inside `force_locale`."""
    return known(str(get_locale() or DEFAULT).replace("_", "-"))


def install(app: Flask) -> None:
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(CATALOGUES)
    Babel(app, locale_selector=reader_language, timezone_selector=reader_zone)
    app.before_request(_turn_language)
    app.jinja_env.filters.update(
        datetime=lambda at: formats.long_moment(at, reader_zone(), _tag()),
        moment=lambda at: formats.short_moment(at, reader_zone(), _tag()),
        date=_date,
        short_day=lambda at: formats.short_day(at, _tag()),
        short_date=lambda at: formats.short_date(at, reader_zone(), _tag()),
        time=lambda at: formats.clock_time(at, reader_zone(), _tag()),
        in_zone=lambda at, zone: formats.long_moment(at, zone, _tag()),
        time_in=lambda at, zone: formats.clock_time(at, zone, _tag()),
        weekday_in=lambda at, zone: formats.weekday(at, zone, _tag()),
        zone_place=lambda zone: zones.zone_place(zone, _tag()),
        zone_name=lambda at, zone: formats.zone_name(at, zone, _tag()),
        local=formats.in_zone,
        ago=lambda at: formats.ago(at, _tag()),
        listed=lambda names: formats.listed(names, _tag()),
        filesize=lambda count: formats.file_size(count, _tag()),
        language_name=lambda tag: language_name(tag, _tag()),
        country_name=lambda code: country_name(code, _tag()),
    )


def _turn_language() -> None:
    """`?lang=es` on any page turns this browser's pages into that language from now on."""
    tag = request.args.get("lang")
    if tag is None:
        return
    if tag not in LOCALES:
        raise Invalid(N_("Consilium does not speak this language yet."), field="language")
    session["language"] = tag


def _tag() -> str:
    return current_language().tag


def _date(at: datetime | date) -> str:
    return formats.long_date(at, reader_zone(), _tag())
