"""Signing up, in and out, from the outside."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from app.audit.queries import verify_audit_chain
from app.core.db import Database
from app.identity.models import Person, SignIn
from tests.people import PASSWORD, Visitor

ENTRY = {
    "name": "Layla Haddad",
    "email": "layla@test.example",
    "password": "a long enough one",
    "language": "ar",
    "timezone": "Asia/Riyadh",
    "country": "SA",
}


def test_a_patient_signs_up_and_is_signed_in(app, database):
    visitor = Visitor(app)
    answer = visitor.post("/sign-up", **ENTRY, follow=False)
    assert answer.status_code == 302
    with database.sessions() as session:
        person = session.scalars(select(Person)).one()
        assert (person.name, person.role, person.timezone) == (
            "Layla Haddad",
            "patient",
            "Asia/Riyadh",
        )
        assert person.password.startswith("$argon2id$")
        assert verify_audit_chain(session).entries == 2
    assert "ar" in visitor.get("/account").text.split("<head>")[0]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "  ", "Enter your name."),
        ("email", "not an address", "This does not look like an e-mail address."),
        ("password", "short", "at least 10 characters"),
        ("language", "klingon", "Choose a language from the list."),
        ("timezone", "Mars/Olympus", "Choose a time zone from the list."),
        ("country", "XX", "Choose a country from the list."),
    ],
)
def test_a_wrong_entry_is_named_and_the_rest_is_kept(app, database, field, value, sentence):
    answer = Visitor(app).post(
        "/sign-up", **(ENTRY | {field: value}), headers={"Accept-Language": "en"}
    )
    assert answer.status_code == 422
    assert sentence in answer.text
    if field != "email":
        assert ENTRY["email"] in answer.text
    with database.sessions() as session:
        assert session.scalars(select(Person)).all() == []


def test_wrong_password_and_unknown_address_answer_alike(app, person):
    someone = person()
    wrong = Visitor(app).post("/sign-in", email=someone.email, password="wrong wrong wrong")
    unknown = Visitor(app).post(
        "/sign-in", email="nobody@test.example", password="wrong wrong wrong"
    )
    assert wrong.status_code == unknown.status_code == 422
    said = "The e-mail address or the password is wrong."
    assert said in wrong.text and said in unknown.text


def test_guessing_is_slowed(app, person):
    someone = person()
    visitor = Visitor(app)
    statuses = [
        visitor.post("/sign-in", email=someone.email, password=f"guess number {n}").status_code
        for n in range(12)
    ]
    assert statuses[:10] == [422] * 10
    assert statuses[10:] == [429] * 2
    assert "Wait a little" in visitor.post("/sign-in", email=someone.email, password=PASSWORD).text


def first_sign_in(database):
    with database.sessions() as session:
        first = session.scalars(select(SignIn).order_by(SignIn.created_at)).first()
        assert first is not None
        return first


def test_a_revoked_device_is_out_at_once(app, database, person):
    someone = person()
    phone, laptop = Visitor(app, someone), Visitor(app, someone)
    first = first_sign_in(database)
    laptop.get("/account")
    assert laptop.post(f"/account/devices/{first.id}/end").status_code == 200
    assert phone.get("/account", follow_redirects=False).status_code == 302
    assert laptop.get("/account", follow_redirects=False).status_code == 200


def test_nobody_ends_anothers_sign_in(app, database, person):
    victim, other = Visitor(app, person()), Visitor(app, person())
    first = first_sign_in(database)
    other.get("/account")
    assert other.post(f"/account/devices/{first.id}/end").status_code == 404
    assert victim.get("/account", follow_redirects=False).status_code == 200


def test_signing_out_ends_the_row(app, database, person):
    visitor = Visitor(app, person())
    visitor.get("/account")
    visitor.post("/sign-out", follow=False)
    with database.sessions() as session:
        assert session.scalars(select(SignIn)).one().ended_at is not None
    assert visitor.get("/account", follow_redirects=False).status_code == 302


def test_a_post_without_the_token_is_refused(app, person):
    visitor = Visitor(app, person())
    answer = visitor.client.post("/sign-out")
    assert answer.status_code == 400
    assert visitor.get("/account", follow_redirects=False).status_code == 200


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_sign_in_never_leads_off_the_site(app, person, target):
    someone = person()
    answer = Visitor(app).post(
        "/sign-in", email=someone.email, password=PASSWORD, next=target, follow=False
    )
    assert answer.status_code == 302
    assert "evil" not in answer.location and "javascript" not in answer.location


def test_an_unknown_language_is_refused_with_a_sentence(app):
    answer = Visitor(app).get("/sign-in?lang=xx")
    assert answer.status_code == 422
    assert "Consilium is not available in this language yet." in answer.text


def test_a_name_with_characters_that_nobody_sees_is_refused(app):
    answer = Visitor(app).post("/sign-up", **(ENTRY | {"name": "Layla \u202enimdA"}))
    assert answer.status_code == 422 and "characters that cannot be seen" in answer.text


def test_signing_out_clears_what_the_browser_kept(app):
    visitor = Visitor(app)
    visitor.post("/sign-up", **ENTRY)
    answer = visitor.post("/sign-out", follow=False)
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'


def test_the_database_file_is_readable_by_its_owner_only(tmp_path):
    path = tmp_path / "consilium.db"
    Database(f"sqlite:///{path}").close()
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    Database(f"sqlite:///{path}").close()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("language", ["zh", "fa", "pt-BR", "zh-Hant"])
def test_a_save_never_changes_a_language_that_the_form_does_not_have(
    app, database, person, visit, language: str
):
    """A form without the person's language showed the first one, and a save took that."""
    somebody = person(language=language)
    visitor = visit(somebody)
    page = visitor.get("/account").text
    shown = re.search(r'<option value="([^"]+)" selected>', page)
    assert shown and shown.group(1) == language
    visitor.post(
        "/account", name="Another Name", language=language, timezone="Asia/Shanghai", country="CN"
    )
    with database.sessions() as session:
        saved = session.get_one(Person, somebody.id)
        assert (saved.name, saved.language) == ("Another Name", language)
