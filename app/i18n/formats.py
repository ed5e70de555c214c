"""Instants, dates and sizes as their reader expects them: in their zone, with the weekday and the
zone's name.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.core import get_global
from babel.dates import (
    format_date,
    format_datetime,
    format_skeleton,
    format_time,
    format_timedelta,
    get_datetime_format,
    get_timezone_location,
    get_timezone_name,
)
from babel.lists import format_list
from babel.units import format_unit

from app.core.clock import now
from app.i18n.locales import match_language

# CLDR keeps the names that these zones had before IANA renamed them (its timezone.xml), and Babel
# looks under the new:
# India, Nepal, Viet Nam, Myanmar, Ukraine and Argentina would be shown as a bare, English piece of
# a path.
CLDR_ZONE_NAMES = {
    "Africa/Asmara": "Africa/Asmera",
    "America/Argentina/Buenos_Aires": "America/Buenos_Aires",
    "America/Argentina/Catamarca": "America/Catamarca",
    "America/Argentina/Cordoba": "America/Cordoba",
    "America/Argentina/Jujuy": "America/Jujuy",
    "America/Argentina/Mendoza": "America/Mendoza",
    "America/Atikokan": "America/Coral_Harbour",
    "America/Indiana/Indianapolis": "America/Indianapolis",
    "America/Kentucky/Louisville": "America/Louisville",
    "America/Nuuk": "America/Godthab",
    "Asia/Ho_Chi_Minh": "Asia/Saigon",
    "Asia/Kathmandu": "Asia/Katmandu",
    "Asia/Kolkata": "Asia/Calcutta",
    "Asia/Yangon": "Asia/Rangoon",
    "Atlantic/Faroe": "Atlantic/Faeroe",
    "Europe/Kyiv": "Europe/Kiev",
    "Pacific/Chuuk": "Pacific/Truk",
    "Pacific/Kanton": "Pacific/Enderbury",
    "Pacific/Pohnpei": "Pacific/Ponape",
}


# Shorter than what CLDR would put together from day and time.
_SHORT_MOMENT_PATTERNS = {
    "en": "EEE d MMM, HH:mm",
    "es": "EEE d MMM HH:mm",
    "ar": "EEE d MMM HH:mm",
}


def convert_to_zone(at: datetime, zone: str) -> datetime:
    """The same instant as wall time in the named zone. Raises ``ValueError`` for a naive one."""
    if at.tzinfo is None:
        raise ValueError("a naive time is not an instant")
    return at.astimezone(ZoneInfo(zone))


def format_long_moment(at: datetime, zone: str, language: str) -> str:
    """«Monday, May 4, 2026, 3:30 PM (Arabian Standard Time)»."""
    together = str(
        get_datetime_format("full", locale=match_language(language).locale)
    )  # «{1}, {0}», in Arabic «{1}، {0}»
    moment = together.replace("{1}", format_long_date(at, zone, language)).replace(
        "{0}", format_clock_time(at, zone, language)
    )
    return f"{moment} ({format_zone_name(at, zone, language)})"


def format_short_moment(at: datetime, zone: str, language: str) -> str:
    """«Mon, 4 May, 15:30»."""
    reader, local = match_language(language), convert_to_zone(at, zone)
    if pattern := _SHORT_MOMENT_PATTERNS.get(reader.tag):
        return format_datetime(local, pattern, locale=reader.locale)
    day = format_skeleton("MMMEd", local, locale=reader.locale)
    return f"{day} {format_time(local, 'HH:mm', locale=reader.locale)}"


def format_clock_time(at: datetime, zone: str, language: str) -> str:
    return format_time(convert_to_zone(at, zone), "short", locale=match_language(language).locale)


def format_long_date(at: datetime | date, zone: str, language: str) -> str:
    """«Monday, 4 May 2026»; of an instant, the date on which it falls in the zone."""
    local = convert_to_zone(at, zone) if isinstance(at, datetime) else at
    return format_date(local, "full", locale=match_language(language).locale)


def format_short_date(at: datetime | date, zone: str, language: str) -> str:
    """«May 4, 2026»: the month is a word in every language, as 4/5 and 5/4 are read differently."""
    local = convert_to_zone(at, zone) if isinstance(at, datetime) else at
    return format_skeleton("yMMMd", local, locale=match_language(language).locale)


def format_short_day(at: date, language: str) -> str:
    """«Mon, May 4»: a day of a week whose year is said elsewhere."""
    return format_skeleton("MMMEd", at, locale=match_language(language).locale)


def format_weekday(at: datetime, zone: str, language: str) -> str:
    return format_date(convert_to_zone(at, zone), "EEEE", locale=match_language(language).locale)


def format_zone_name(at: datetime, zone: str, language: str) -> str:
    """«Arabian Standard Time», or the city where CLDR has no name for the zone."""
    if zone in CLDR_ZONE_NAMES:
        return _renamed_zone_name(at, zone, language)
    locale = match_language(language).locale
    name = get_timezone_name(convert_to_zone(at, zone), locale=locale)
    nameless = any(
        character.isdigit() for character in name
    )  # CLDR then gives the bare offset: «GMT+03:00»
    return (
        get_timezone_location(ZoneInfo(zone), locale=locale, return_city=True) if nameless else name
    )


def _renamed_zone_name(at: datetime, zone: str, language: str) -> str:
    locale, name = match_language(language).locale, CLDR_ZONE_NAMES[zone]
    season = "daylight" if convert_to_zone(at, zone).dst() else "standard"
    family = locale.meta_zones.get(get_global("meta_zones").get(name), {})
    city = locale.time_zones.get(name, {}).get("city", zone.rsplit("/", 1)[1].replace("_", " "))
    return family.get("long", {}).get(season, city)


def format_time_ago(at: datetime, language: str) -> str:
    """«3 hours ago», «in 2 days»."""
    return format_timedelta(at - now(), add_direction=True, locale=match_language(language).locale)


def format_name_list(names: Iterable[str], language: str) -> str:
    """«Anna, Omar and Leila»."""
    return format_list(list(names), locale=match_language(language).locale)


def format_file_size(count: int, language: str) -> str:
    """«3.4 MB», in powers of ten as file managers show them."""
    size, unit = float(count), "byte"
    for unit in ("byte", "kilobyte", "megabyte", "gigabyte", "terabyte"):
        if size < 1000 or unit == "terabyte":
            break
        size /= 1000
    return format_unit(
        round(size, 1), f"digital-{unit}", "short", locale=match_language(language).locale
    )
