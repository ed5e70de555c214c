"""Names in the order in which their reader looks for them."""

from __future__ import annotations

import re

import pytest

from app.cases.specialties import SPECIALTIES, list_specialty_choices
from app.i18n.collation import make_sort_key, sort_by_name
from app.i18n.locales import LOCALES, list_language_names
from app.i18n.zones import list_zone_choices
from tests.conftest import Visitor
from tests.i18n.test_zones import WINTER


def in_order(reader: str, *names: str) -> list[str]:
    return [name for name, _ in sort_by_name([(name, name) for name in names], reader)]


@pytest.mark.parametrize(
    ("reader", "names"),
    [
        ("en", ["Åland", "Albania", "Éire", "Eswatini", "Zürich"]),  # not Z before Å
        ("es", ["Canadá", "Chad", "Namibia", "Nzega", "Ñuble", "Omán"]),  # ñ is a letter
        ("sv", ["Albanien", "Zambia", "Åland", "Österrike"]),  # å and ö are the last ones
        ("ar", ["أحمد", "احمد", "إيمان", "باسم", "ياسر"]),  # with hamza or without
        ("zh-Hans", ["阿宝", "李四", "王五", "张三"]),  # by pinyin: a, li, wang, zhang
        ("en", ["Anna", "李四"]),  # any script has a place
    ],
)
def test_names_stand_where_the_reader_looks_for_them(reader, names):
    assert in_order(reader, *reversed(names)) == names


def test_an_unknown_reader_gets_the_order_of_all_languages():
    assert in_order("tlh", "Zoe", "Émile", "Anna") == ["Anna", "Émile", "Zoe"]


@pytest.mark.parametrize("reader", LOCALES)
def test_languages_specialties_and_zones_are_in_order(reader):
    languages = [name for _tag, name in list_language_names(reader)]
    assert languages == in_order(reader, *languages)
    *specialties, last = list_specialty_choices(reader)
    assert [name for _key, name in specialties] == in_order(reader, *dict(specialties).values())
    assert last[0] == "general" and len(specialties) + 1 == len(SPECIALTIES)
    *regions, _utc = list_zone_choices(reader, WINTER)
    assert [name for name, _ in regions] == in_order(reader, *(name for name, _ in regions))
    for _region, zones in regions:
        keys = [make_sort_key(label, reader) for _zone, label in zones]
        assert keys == sorted(keys)


@pytest.mark.parametrize("reader", LOCALES)
def test_countries_on_the_page_are_in_order(app, reader):
    page = Visitor(app).get(f"/sign-up?lang={reader}").text
    select = re.search(r'<select[^>]*name="country".*?</select>', page, re.DOTALL)
    assert select
    names = re.findall(r'<option value="[A-Z]{2}"[^>]*>([^<]+)<', select[0])
    assert len(names) > 240 and names == in_order(reader, *names)
