"""Time zones in a select: by city, in the reader's language, under the name that IANA has for them
today.
"""

from __future__ import annotations

from datetime import date

import pytest

from app.i18n.zones import get_zone_city, list_zone_choices

WINTER, SUMMER = date(2026, 1, 15), date(2026, 7, 15)


def label(language: str, on: date, zone: str) -> str:
    return dict(one for _region, zones in list_zone_choices(language, on) for one in zones)[zone]


@pytest.mark.parametrize(
    "language, zone, words",
    [
        ("en", "Europe/Berlin", "Berlin · Germany"),
        ("es", "Europe/Berlin", "Berlín · Alemania"),
        ("ar", "Africa/Cairo", "القاهرة · مصر"),
        ("en", "Asia/Kolkata", "Kolkata · India"),
        ("en", "Europe/Kyiv", "Kyiv · Ukraine"),
        ("en", "Antarctica/Troll", "Troll"),
    ],
)
def test_a_zone_is_called_by_its_city_and_country(language: str, zone: str, words: str):
    assert label(language, WINTER, zone).startswith(words)


def test_the_offset_is_that_of_the_day():
    assert "+01:00" in label("en", WINTER, "Europe/Berlin") and "+02:00" in label(
        "en", SUMMER, "Europe/Berlin"
    )
    assert "+05:45" in label("en", SUMMER, "Asia/Kathmandu")


def test_names_given_up_by_iana_stand_only_for_whoever_has_one():
    offered = [zone for _region, zones in list_zone_choices("en", WINTER) for zone, _ in zones]
    assert len(offered) == len(set(offered)) > 400 and "Asia/Calcutta" not in offered
    kept = [
        zone
        for _region, zones in list_zone_choices("en", WINTER, keep="Asia/Calcutta")
        for zone, _ in zones
    ]
    assert "Asia/Calcutta" in kept
    assert get_zone_city("Asia/Calcutta", "en") and get_zone_city("UTC", "ar") == "UTC"
