"""Instants, dates and sizes as their reader expects them: in their zone, with the weekday and the zone's name."""
from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time, format_timedelta, get_timezone_location, get_timezone_name
from babel.numbers import format_decimal

from app.core.clock import now
from app.i18n.locales import known


def in_zone(at: datetime, zone: str) -> datetime:
    """The same instant as wall time in the named zone. Raises `ValueError` for a naive one."""
    if at.tzinfo is None:
        raise ValueError("a naive time is not an instant")
    return at.astimezone(ZoneInfo(zone))


def long_moment(at: datetime, zone: str, language: str) -> str:
    """«Monday, 4 May 2026 at 15:30 (Arabian Standard Time)»."""
    locale = known(language).tag
    local = in_zone(at, zone)
    day = format_date(local, "full", locale=locale)
    return f"{day} {clock_time(at, zone, language)} ({zone_name(at, zone, language)})"


def short_moment(at: datetime, zone: str, language: str) -> str:
    """«Mon, 4 May, 15:30»."""
    return format_datetime(in_zone(at, zone), "EEE d MMM HH:mm" if known(language).tag != "en" else "EEE d MMM, HH:mm",
                           locale=known(language).tag)


def clock_time(at: datetime, zone: str, language: str) -> str:
    return format_time(in_zone(at, zone), "short", locale=known(language).tag)


def long_date(at: datetime | date, zone: str, language: str) -> str:
    """«Monday, 4 May 2026»; of an instant, the date on which it falls in the zone."""
    local = in_zone(at, zone) if isinstance(at, datetime) else at
    return format_date(local, "full", locale=known(language).tag)


def short_date(at: datetime | date, zone: str, language: str) -> str:
    local = in_zone(at, zone) if isinstance(at, datetime) else at
    return format_date(local, "medium", locale=known(language).tag)


def weekday(at: datetime, zone: str, language: str) -> str:
    return format_date(in_zone(at, zone), "EEEE", locale=known(language).tag)


def zone_name(at: datetime, zone: str, language: str) -> str:
    """«Arabian Standard Time», or the city where CLDR has no name for the zone."""
    locale = known(language).tag
    name = get_timezone_name(in_zone(at, zone), locale=locale)
    nameless = any(character.isdigit() for character in name)  # CLDR then gives the bare offset: «GMT+03:00»
    return get_timezone_location(ZoneInfo(zone), locale=locale, return_city=True) if nameless else name


def ago(at: datetime, language: str) -> str:
    """«3 hours ago», «in 2 days»."""
    return format_timedelta(at - now(), add_direction=True, locale=known(language).tag)


def file_size(count: int, language: str) -> str:
    """«3.4 MB», in powers of ten as file managers show them."""
    size, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            break
        size /= 1000
    return f"{format_decimal(round(size, 1), locale=known(language).tag)} {unit}"
