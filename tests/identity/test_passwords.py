"""Passwords that can be guessed are refused, with a sentence that says why."""

from __future__ import annotations

import time
import unicodedata

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from app.identity.accounts.passwords import (
    COMMON_FAULT,
    CONTEXT_FAULT,
    PATTERN_FAULT,
    find_password_fault,
)
from app.identity.models import Person
from app.notifications.models import Mail
from tests.people import PASSWORD, Visitor
from tests.work import run_jobs

CONTEXT = ("Layla Haddad-Smith", "layla.haddad@test.example")
NEW_PASSWORD = "four words nobody joins"


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("password123", COMMON_FAULT),
        ("P@ssw0rd2024", COMMON_FAULT),
        ("iloveyou2026", COMMON_FAULT),
        ("qwertyuiop", COMMON_FAULT),
        ("aaaaaaaaaa", PATTERN_FAULT),
        ("abcabcabcabc", PATTERN_FAULT),
        ("abcdefghijkl", PATTERN_FAULT),
        ("١٢٣١٢٣١٢٣١٢٣", PATTERN_FAULT),
        ("laylahaddad", CONTEXT_FAULT),
        ("Layla.Haddad1", CONTEXT_FAULT),
        ("haddad-1990!", CONTEXT_FAULT),
        ("Consilium2026", CONTEXT_FAULT),
        ("smith@test.example", CONTEXT_FAULT),
    ],
)
def test_what_is_easy_to_guess_is_named(password, fault):
    assert find_password_fault(password, CONTEXT) == fault


@pytest.mark.parametrize(
    "password",
    [
        NEW_PASSWORD,
        PASSWORD,
        "اثنان وثلاثون كتابا",
        "cuatro palabras sueltas",
        "我的密码与众不同又很长的句子",
        "layla likes green umbrellas",
        "\U0001f40e horses eat \U0001f34e",
        "xq7Lw2vPz9",
        "n" + "o limit below one hundred and twenty-eight " * 2,
    ],
)
def test_words_in_any_script_are_fine(password):
    assert find_password_fault(password, CONTEXT) is None


@pytest.mark.parametrize("password", ["a" * 128, "password" * 16, "ab1@" * 32, "\u0301" * 128])
def test_judging_takes_little_time(password):
    begun = time.perf_counter()
    find_password_fault(password, ["x y " * 60, "z" * 254])
    assert time.perf_counter() - begun < 2


class TestChange:
    def change(self, visitor: Visitor, new: str, present: str = PASSWORD):
        visitor.get("/account/password")
        return visitor.post("/account/password", present_password=present, password=new)

    def test_the_other_devices_are_signed_out_and_the_owner_is_told(
        self, app, database, person, visit
    ):
        somebody = person()
        laptop, phone = visit(somebody), visit(somebody)
        assert "Your password is changed" in self.change(phone, NEW_PASSWORD).text
        assert laptop.get("/account", follow_redirects=False).status_code == 302
        assert phone.get("/account", follow_redirects=False).status_code == 200
        assert Visitor(app, somebody, NEW_PASSWORD).get("/account").status_code == 200
        run_jobs(app)
        with database.sessions() as session:
            assert session.scalars(select(Mail.subject)).all() == ["Your password was changed"]

    @pytest.mark.parametrize(
        ("new", "present", "sentence"),
        [
            (NEW_PASSWORD, "not the present one", "The password is wrong"),
            ("short", PASSWORD, "at least 10 characters"),
            ("x" * 129, PASSWORD, "under 128 characters"),
            ("password123", PASSWORD, "easy to guess"),
            ("", PASSWORD, "at least 10 characters"),
        ],
    )
    def test_what_cannot_be_is_refused_in_words(self, app, person, visit, new, present, sentence):
        somebody = person()
        answer = self.change(visit(somebody), new, present)
        assert answer.status_code == 422 and sentence in answer.text
        assert Visitor(app, somebody)

    def test_guessing_the_present_one_is_stopped(self, person, visit):
        visitor = visit(person())
        codes = [self.change(visitor, NEW_PASSWORD, "guess").status_code for _ in range(12)]
        assert codes == [422] * 10 + [429] * 2

    def test_the_name_of_the_owner_is_refused(self, person, visit):
        visitor = visit(person(name="Wilhelmina Featherstone"))
        answer = self.change(visitor, "wilhelmina-featherstone")
        assert answer.status_code == 422 and "mostly your name" in answer.text

    def test_every_keyboard_gives_the_same_password(self, app, person, visit):
        somebody = person()
        self.change(visit(somebody), unicodedata.normalize("NFD", "él añade cuatro sílabas"))
        assert Visitor(app, somebody, unicodedata.normalize("NFC", "él añade cuatro sílabas"))


def test_all_other_devices_are_signed_out(app, database, person, visit):
    somebody = person()
    laptop, tablet, phone = visit(somebody), visit(somebody), visit(somebody)
    stranger = visit(person())
    assert "Sign out all other devices" in phone.get("/account").text
    assert "All other devices are signed out" in phone.post("/account/devices/end-others").text
    out = [one.get("/account", follow_redirects=False).status_code for one in (laptop, tablet)]
    assert out == [302, 302]
    for one in (phone, stranger):
        assert one.get("/account", follow_redirects=False).status_code == 200


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_password_can_be_shown_by_keyboard(chromium: Browser, live, database, language):
    page = chromium.new_page()
    page.goto(f"{live}/sign-up?lang={language}")
    field, button = page.locator("#f-password"), page.locator(".reveal")
    field.fill("four words nobody joins")
    field.press("Tab")
    expect(button).to_be_focused()
    hidden = button.inner_text()
    button.press("Enter")
    expect(field).to_have_attribute("type", "text")
    assert button.inner_text() != hidden
    assert page.url.endswith(f"/sign-up?lang={language}")  # it sends nothing
    button.press("Space")
    expect(field).to_have_attribute("type", "password")
    button.press("Space")
    field.press("Enter")  # sent as a password, whatever was shown
    page.wait_for_load_state()
    with database.sessions() as session:
        assert session.scalars(select(Person)).all() == []
    page.close()
