"""Time zones as people know them: by their city, in the reader's language, with how far they are
from UTC today.
"""

from __future__ import annotations

from datetime import date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from babel.core import get_global
from babel.dates import get_timezone_gmt

from app.i18n.collation import make_sort_key, sort_by_name
from app.i18n.formats import CLDR_ZONE_NAMES
from app.i18n.locales import match_language

_CLDR_REGIONS = {
    "Africa": "002",
    "America": "019",
    "Antarctica": "AQ",
    "Arctic": "150",
    "Asia": "142",
    "Atlantic": "150",
    "Australia": "009",
    "Europe": "150",
    "Indian": "002",
    "Pacific": "009",
}
"""The first word of a zone's name and the region under which CLDR names it; an ocean counts with
its nearest.
"""

ZoneGroups = list[tuple[str, list[tuple[str, str]]]]


def get_zone_city(zone: str, language: str) -> str:
    """«Berlin», «برلين»: the city that stands for a zone."""
    if "/" not in zone:
        return zone
    named = match_language(language).locale.time_zones.get(CLDR_ZONE_NAMES.get(zone, zone), {})
    return str(named.get("city") or zone.rsplit("/", 1)[1].replace("_", " "))


def list_zone_choices(language: str, on: date, keep: str | None = None) -> ZoneGroups:
    """Every zone of the earth for a select, by region and then by name: «Cairo · Egypt
    (GMT+02:00)».

    ``on`` is the day whose offset is shown. ``keep`` is offered too when it goes by a name that
    IANA has given up.
    """
    groups = _list_zone_groups(match_language(language).tag, on)
    if (
        keep
        and keep in available_timezones()
        and not any(keep == zone for _, zones in groups for zone, _ in zones)
    ):
        return [
            *groups,
            (keep.partition("/")[0], [(keep, _zone_label(keep, match_language(language).tag, on))]),
        ]
    return groups


@lru_cache(maxsize=32)
def _list_zone_groups(tag: str, on: date) -> ZoneGroups:
    territories, renamed, there = (
        get_global("zone_territories"),
        get_global("zone_aliases"),
        available_timezones(),
    )
    locale = match_language(tag).locale
    groups: dict[str, list[tuple[str, str]]] = {}
    for zone in territories:
        area, _slash, place = zone.partition("/")
        if place and area in _CLDR_REGIONS and zone in there and zone not in renamed:
            region = str(locale.territories.get(_CLDR_REGIONS[area], area))
            groups.setdefault(region, []).append((zone, _zone_label(zone, tag, on)))
    return [
        *(
            (region, sort_by_name(groups[region], tag))
            for region in sorted(groups, key=lambda name: make_sort_key(name, tag))
        ),
        ("UTC", [("UTC", "UTC")]),
    ]


def _zone_label(zone: str, tag: str, on: date) -> str:
    locale = match_language(tag).locale
    country = locale.territories.get(get_global("zone_territories").get(zone, "001"), "")
    gmt = get_timezone_gmt(
        datetime.combine(on, time(12), ZoneInfo(zone)), width="long", locale=locale
    )
    place = get_zone_city(zone, tag)
    is_told = country in ("", place, locale.territories.get("001"))
    return f"{place} ({gmt})" if is_told else f"{place} · {country} ({gmt})"
