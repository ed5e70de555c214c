"""Time zone rules come from the pinned ``tzdata`` package, whatever the operating system has.

``zoneinfo`` prefers the files of the operating system (PEP 615), and those may be a year old: by
the rules of 2025, Casablanca, Vancouver, Edmonton, Winnipeg and Havana are an hour off since 2026.
``app/__init__.py`` calls ``use_pinned_zone_rules`` first of all, so it holds in the web, the media
node, the jobs, every command, every test and every benchmark.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from importlib import metadata, resources
from zoneinfo import ZoneInfo

import tzdata

# Zones whose rules changed lately or change often: the first to differ where other files are used.
WATCHED_ZONES = (
    "Africa/Casablanca",
    "Africa/Cairo",
    "America/Edmonton",
    "America/Havana",
    "America/Mexico_City",
    "America/Vancouver",
    "America/Winnipeg",
    "Asia/Almaty",
    "Asia/Beirut",
    "Europe/Berlin",
)
COMPARED_DAYS = 3 * 365
COMPARED_EVERY = timedelta(days=5)


def use_pinned_zone_rules() -> None:
    """Holds afterwards, in this process: ``ZoneInfo`` reads the ``tzdata`` package only."""
    zoneinfo.reset_tzpath(())
    ZoneInfo.clear_cache()


def describe_zone_rules() -> str:
    """The version of the rules, for example ``2026.6 (IANA 2026f)``."""
    return f"{metadata.version('tzdata')} (IANA {tzdata.IANA_VERSION})"


def find_zones_with_other_rules(start: datetime, zones: Iterable[str] = WATCHED_ZONES) -> list[str]:
    """The zones for which ``ZoneInfo`` gives another time than the package, in the three years from
    ``start`` (aware).
    """
    return [
        zone
        for zone in zones
        if list(_list_offsets(ZoneInfo(zone), start))
        != list(_list_offsets(read_packaged_zone(zone), start))
    ]


def read_packaged_zone(zone: str) -> ZoneInfo:
    """The zone as the package's own file has it, past every path and cache of ``zoneinfo``."""
    with resources.files(tzdata).joinpath("zoneinfo", *zone.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=zone)


def _list_offsets(zone: ZoneInfo, start: datetime) -> Iterator[timedelta | None]:
    for step in range(timedelta(days=COMPARED_DAYS) // COMPARED_EVERY):
        yield (start.astimezone(UTC) + step * COMPARED_EVERY).astimezone(zone).utcoffset()
