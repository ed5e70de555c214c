"""Names whose characters cannot all be seen are refused; names of every script are not."""

from __future__ import annotations

import pytest

from app.core.text import has_unseen_characters, write_digits_plainly


@pytest.mark.parametrize(
    "name",
    [
        "Samira Al-Khoury",
        "سميرة الخوري",
        "علی‌رضا محمدی",  # a zero-width non-joiner, as Persian writes it
        "王小明",
        "शर्मा",
        "क्‍ष",
        "O’Brien",
        "José Núñez",
        "김민수",
    ],
)
def test_names_as_people_write_them(name: str):
    assert not has_unseen_characters(name)


@pytest.mark.parametrize(
    "character",
    [
        "\u202e",
        "\u202a",
        "\u2066",
        "\u2069",
        "\u200e",
        "\u200f",
        "\u061c",
        "\u200b",
        "\u2060",
        "\ufeff",
        "\u00ad",
        "\u180e",
        "\x00",
        "\x07",
        "\x85",
        "\u2028",
        "\ue000",
        "\U000e0041",
        "\ufff9",
        "\u200d",
        "\u200c",
    ],
)
@pytest.mark.parametrize("place", [0, 3, 6])
def test_characters_that_nobody_sees(character: str, place: int):
    name = "Samira"
    assert has_unseen_characters(name[:place] + character + name[place:])


@pytest.mark.parametrize("name", ["\u200dسميرة", "سميرة\u200c", "سم\u200d\u200dيرة"])
def test_a_joiner_that_joins_nothing(name: str):
    assert has_unseen_characters(name)


def test_digits_of_every_script_are_read():
    assert write_digits_plainly("٢٠٢٦-١٢-٠١ ۰۹:۳۰ ０７ 一 x") == "2026-12-01 09:30 07 一 x"
