"""What happens when languages with scripts and regions are added: one entry each, nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from app.core.clock import now
from app.i18n import formats, locales, zones
from app.i18n.gathering import count_plural_forms, get_catalogue_path
from app.i18n.locales import LOCALES, Language, find_language, get_country_name, get_language_name
from tests.conftest import Visitor

ADDED = (Language("zh-Hant", "繁體中文"), Language("pt-BR", "Português"), Language("fa", "فارسی"))
MONDAY = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)


@pytest.fixture
def more_languages(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for one in ADDED:
        monkeypatch.setitem(LOCALES, one.tag, one)
    caches = (
        locales.find_language,
        locales.get_language_name,
        locales.get_country_name,
        locales.list_language_names,
        locales.list_dialects,
        zones._list_zone_groups,
    )
    for one in caches:
        one.cache_clear()
    yield
    monkeypatch.undo()
    for one in caches:
        one.cache_clear()


@pytest.mark.parametrize(
    ("asked_for", "served"),
    [
        ("zh-TW", "zh-Hant"),
        ("zh-HK", "zh-Hant"),
        ("zh-MO", "zh-Hant"),
        ("zh-Hant-TW", "zh-Hant"),
        ("zh-CN", "zh-Hans"),
        ("zh-SG", "zh-Hans"),
        ("zh", "zh-Hans"),
        ("pt", "pt-BR"),
        ("pt-PT", "pt-BR"),  # the only Portuguese
        ("pt-BR", "pt-BR"),
        ("fa-AF", "fa"),
        ("es-MX", "es"),
    ],
)
def test_a_profile_and_a_browser_get_the_nearest_language(app, more_languages, asked_for, served):
    found = find_language(asked_for)
    assert found and found.tag == served
    visitor = Visitor(app)
    page = visitor.client.get("/", headers={"Accept-Language": f"tlh, {asked_for};q=0.8, en;q=0.5"})
    assert re.search(r'<html[^>]* lang="([^"]+)"', page.text)[1] == served  # type: ignore[index]


def test_a_browser_that_wants_nothing_that_is_here_reads_english(app, more_languages):
    page = Visitor(app).client.get("/", headers={"Accept-Language": "tlh, nn;q=0.5"})
    assert 'lang="en"' in page.text


@pytest.mark.parametrize("tag", [one.tag for one in ADDED])
def test_every_format_and_name_works_without_further_entries(app, more_languages, tag):
    language = LOCALES[tag]
    assert language.direction == ("rtl" if tag == "fa" else "ltr")
    assert count_plural_forms(tag) == (1 if tag == "zh-Hant" else 2)
    assert get_catalogue_path(tag, "public").parts[-3] == tag.replace("-", "_")
    for write in (formats.format_long_moment, formats.format_short_moment):
        assert write(MONDAY, "Asia/Riyadh", tag)
    assert formats.format_file_size(3_400_000, tag) and formats.format_name_list("AB", tag)
    assert formats.format_time_ago(MONDAY, tag)
    assert get_country_name("SA", tag) != get_country_name("SA", "en")
    assert get_language_name("ar", tag) != get_language_name("ar", "en")
    on = now().astimezone(ZoneInfo("UTC")).date()
    assert len(zones.list_zone_choices(tag, on)) > 5
    page = Visitor(app).get(f"/sign-up?lang={tag}").text
    assert f'lang="{tag}" dir="{language.direction}"' in page
    assert f'<option value="{tag}" selected' in page


@pytest.mark.parametrize(
    ("tag", "sheet"), [("zh-Hans", "script-Hans.css"), ("en", ""), ("ar", ""), ("es", "")]
)
def test_the_font_of_a_script_is_linked_only_where_it_is_read(app, tag, sheet):
    page = Visitor(app).get(f"/?lang={tag}").text
    assert re.findall(r"script-\w+\.css", page) == ([sheet] if sheet else [])
