"""Instants, dates and sizes as their reader expects them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from app.core import clock
from app.i18n import formats

MONDAY = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)


def plain(text: str) -> str:
    """Without the marks and narrow spaces that CLDR sets and a reader does not see."""
    return text.replace("\u202f", " ").replace("\u00a0", " ").replace("\u200f", "")


@pytest.mark.parametrize(
    ("language", "zone", "said"),
    [
        ("en", "Asia/Riyadh", "Monday, May 4, 2026, 3:30 PM (Arabian Standard Time)"),
        ("es", "Asia/Riyadh", "lunes, 4 de mayo de 2026, 15:30 (hora estándar de Arabia)"),
        ("ar", "Asia/Riyadh", "الاثنين، 4 مايو 2026، 3:30 م (التوقيت العربي الرسمي)"),
        ("es", "America/Bogota", "lunes, 4 de mayo de 2026, 7:30 (hora estándar de Colombia)"),
        ("ar", "Africa/Cairo", "الاثنين، 4 مايو 2026، 3:30 م (توقيت شرق أوروبا الصيفي)"),
        ("ar", "Asia/Kathmandu", "الاثنين، 4 مايو 2026، 6:15 م (توقيت نيبال)"),
    ],
)
def test_a_moment_names_its_weekday_and_its_zone(language, zone, said):
    assert plain(formats.format_long_moment(MONDAY, zone, language)) == said


@pytest.mark.parametrize(
    ("at", "spanish", "arabic"),
    [
        (
            datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
            "domingo, 25 de octubre de 2026, 2:30 (hora de verano de Europa central)",
            "الأحد، 25 أكتوبر 2026، 2:30 ص (توقيت وسط أوروبا الصيفي)",
        ),
        (
            datetime(
                2026, 10, 25, 1, 30, tzinfo=UTC
            ),  # an hour later the wall shows the same, and only the zone tells
            "domingo, 25 de octubre de 2026, 2:30 (hora estándar de Europa central)",
            "الأحد، 25 أكتوبر 2026، 2:30 ص (توقيت وسط أوروبا الرسمي)",
        ),
        (
            datetime(2026, 3, 29, 0, 45, tzinfo=UTC),
            "domingo, 29 de marzo de 2026, 1:45 (hora estándar de Europa central)",
            "الأحد، 29 مارس 2026، 1:45 ص (توقيت وسط أوروبا الرسمي)",
        ),
        (
            datetime(
                2026, 3, 29, 1, 0, tzinfo=UTC
            ),  # a quarter of an hour later it is three: the hour from two is not there
            "domingo, 29 de marzo de 2026, 3:00 (hora de verano de Europa central)",
            "الأحد، 29 مارس 2026، 3:00 ص (توقيت وسط أوروبا الصيفي)",
        ),
    ],
)
def test_the_nights_on_which_clocks_change(at, spanish, arabic):
    assert plain(formats.format_long_moment(at, "Europe/Madrid", "es")) == spanish
    assert plain(formats.format_long_moment(at, "Europe/Madrid", "ar")) == arabic


def test_the_weekday_is_that_of_the_readers_wall():
    late_on_monday = datetime(2026, 5, 4, 22, 0, tzinfo=UTC)
    assert formats.format_weekday(late_on_monday, "America/Bogota", "es") == "lunes"
    assert formats.format_weekday(late_on_monday, "Asia/Riyadh", "ar") == "الثلاثاء"
    assert (
        formats.format_long_date(late_on_monday, "Asia/Riyadh", "es") == "martes, 5 de mayo de 2026"
    )


def test_a_short_date_has_its_month_in_a_word():
    said = {tag: plain(formats.format_short_date(MONDAY, "UTC", tag)) for tag in ("en", "es", "ar")}
    assert said == {"en": "May 4, 2026", "es": "4 may 2026", "ar": "4 مايو 2026"}
    assert formats.format_short_date(date(2026, 5, 4), "UTC", "ar") == formats.format_short_date(
        MONDAY, "UTC", "ar"
    )


def test_a_naive_time_is_not_an_instant():
    with pytest.raises(ValueError, match="naive"):
        formats.format_long_moment(datetime(2026, 5, 4, 12, 30), "Asia/Riyadh", "ar")


@pytest.mark.parametrize("zone", sorted(formats.CLDR_ZONE_NAMES))
def test_a_renamed_zone_has_a_name_in_arabic(zone):
    assert all(
        "\u0600" <= letter <= "\u06ff" or letter == " "
        for letter in formats.format_zone_name(MONDAY, zone, "ar")
    )


def test_no_large_zone_is_left_with_an_english_name_in_arabic():
    """A new tz release may rename another zone: it then wants a line in ``CLDR_NAMES``."""
    current = {
        zone
        for zone in available_timezones()
        if zone.split("/")[0] in ("Africa", "America", "Asia", "Europe")
    }
    old = {
        "Africa/Asmera",
        "America/Buenos_Aires",
        "America/Catamarca",
        "America/Cordoba",
        "America/Jujuy",
        "America/Mendoza",
        "America/Rosario",
        "America/Argentina/ComodRivadavia",
        "America/Coral_Harbour",
        "America/Fort_Wayne",
        "America/Indianapolis",
        "America/Louisville",
        "America/Godthab",
        "Asia/Calcutta",
        "Asia/Katmandu",
        "Asia/Rangoon",
        "Asia/Saigon",
        "Europe/Kiev",
        "Europe/Uzhgorod",
        "Europe/Zaporozhye",
    }
    new = {"America/Coyhaique"}  # of 2025; CLDR has no word for it yet
    nameless = {zone for zone in current if formats.format_zone_name(MONDAY, zone, "ar").isascii()}
    assert nameless - old - new == set()


def test_a_renamed_zone_says_its_season():
    winter = MONDAY - timedelta(days=150)
    assert (
        formats.format_zone_name(MONDAY, "Europe/Kyiv", "es") == "hora de verano de Europa oriental"
    )
    assert (
        formats.format_zone_name(winter, "Europe/Kyiv", "es") == "hora estándar de Europa oriental"
    )
    assert ZoneInfo("Europe/Kyiv").utcoffset(winter) == timedelta(hours=2)


@pytest.mark.parametrize(
    ("count", "english", "spanish", "arabic"),
    [
        (500, "500 byte", "500 B", "500 بايت"),
        (3_449_000, "3.4 MB", "3,4 MB", "3.4 م.ب"),
        (12_000_000_000, "12 GB", "12 GB", "12 غ.ب"),
    ],
)
def test_a_size_in_the_units_of_its_reader(count, english, spanish, arabic):
    assert [plain(formats.format_file_size(count, tag)) for tag in ("en", "es", "ar")] == [
        english,
        spanish,
        arabic,
    ]


def test_how_long_ago_it_was():
    with clock.freeze_clock(MONDAY):
        assert formats.format_time_ago(MONDAY - timedelta(hours=3), "es") == "hace 3 horas"
        assert formats.format_time_ago(MONDAY - timedelta(hours=2), "ar") == "قبل ساعتين"
        assert formats.format_time_ago(MONDAY + timedelta(days=2), "ar") == "خلال يومين"


def test_names_in_a_row_as_their_reader_writes_them():
    names = ["Anna", "Omar", "Leila"]
    assert [formats.format_name_list(names, tag) for tag in ("en", "es", "ar")] == [
        "Anna, Omar, and Leila",
        "Anna, Omar y Leila",
        "Anna وOmar وLeila",
    ]
    assert formats.format_name_list([], "en") == ""
