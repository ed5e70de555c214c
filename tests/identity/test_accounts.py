"""The first way in, and the way back in: invitations and forgotten passwords, from the outside."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.audit.models import AuditEntry
from app.core import clock
from app.core.permissions import Role
from app.identity.accounts.links import AccountLink
from app.identity.models import Person
from app.notifications.models import Mail
from tests.people import PASSWORD, Visitor
from tests.work import run_jobs

NEW_PASSWORD = "four words nobody joins"
INVITED = ["--email", "jonas@test.example", "--name", "Jonas Weber", "--role", "administrator"]


def invite(app, *arguments: str):
    return app.test_cli_runner().invoke(args=["people", "invite", *(arguments or INVITED)])


def path_of(link: str) -> str:
    found = re.search(r"/set-password/\S+", link)
    assert found, link
    return found[0]


def mailed_link(app, database, address: str) -> str:
    run_jobs(app)
    with database.sessions() as session:
        mails = session.scalars(select(Mail).where(Mail.to == address).order_by(Mail.created_at))
        return path_of(list(mails)[-1].body)


def can_sign_in(app, email: str, password: str) -> bool:
    answer = Visitor(app).post("/sign-in", email=email, password=password, follow=False)
    return answer.status_code == 302


class TestInvitation:
    def test_the_first_administrator_comes_in(self, app, database):
        path = path_of(invite(app).stdout)
        visitor = Visitor(app)
        assert "jonas@test.example" in visitor.get(path).text
        home = visitor.post(path, password=NEW_PASSWORD)
        assert home.status_code == 200 and "Overview" in home.text
        assert can_sign_in(app, "jonas@test.example", NEW_PASSWORD)
        with database.sessions() as session:
            person = session.scalars(select(Person)).one()
            assert person.role == Role.ADMINISTRATOR
            verbs = set(session.scalars(select(AuditEntry.verb)))
        assert {"person.invited", "person.password_changed"} <= verbs

    def test_nobody_signs_in_before_the_link_was_used(self, app):
        invite(app)
        assert not can_sign_in(app, "jonas@test.example", "!")
        assert not can_sign_in(app, "jonas@test.example", "")

    def test_the_link_works_once(self, app):
        path = path_of(invite(app).stdout)
        Visitor(app).post(path, password=NEW_PASSWORD)
        again = Visitor(app).get(path)
        assert again.status_code == 410 and "no longer valid" in again.text
        other = Visitor(app)
        other.get("/sign-in")
        assert other.post(path, password="another long password").status_code == 410
        assert can_sign_in(app, "jonas@test.example", NEW_PASSWORD)

    def test_a_second_invitation_replaces_the_link(self, app):
        first, second = path_of(invite(app).stdout), path_of(invite(app).stdout)
        assert Visitor(app).get(first).status_code == 410
        assert Visitor(app).get(second).status_code == 200

    def test_the_link_expires(self, app):
        path = path_of(invite(app).stdout)
        with clock.shift_clock(timedelta(days=7, minutes=1)):
            assert Visitor(app).get(path).status_code == 410

    @pytest.mark.parametrize(
        ("changed", "sentence"),
        [
            ({"--role": "emperor"}, "There is no role “emperor”"),
            ({"--role": "guest"}, "There is no role “guest”"),
            ({"--email": "not an address"}, "does not look like an e-mail address"),
            ({"--name": "   "}, "Enter your name"),
            ({"--name": "Jonas \u202eadmin"}, "characters that cannot be seen"),
            ({"--language": "klingon"}, "Choose a language"),
        ],
    )
    def test_what_makes_no_sense_is_refused_in_words(self, app, database, changed, sentence):
        options = dict(zip(INVITED[::2], INVITED[1::2], strict=True)) | changed
        answer = invite(app, *(word for pair in options.items() for word in pair))
        assert answer.exit_code == 1 and sentence in answer.output
        with database.sessions() as session:
            assert session.scalars(select(Person)).all() == []

    def test_an_account_that_is_in_use_is_not_invited_again(self, app, person):
        somebody = person(Role.PATIENT)
        answer = invite(app, *INVITED[2:], "--email", somebody.email.upper())
        assert answer.exit_code == 1 and "already an account" in answer.output
        assert can_sign_in(app, somebody.email, PASSWORD)


class TestForgottenPassword:
    def test_the_owner_sets_a_new_one(self, app, database, person):
        somebody = person(language="es")
        visitor = Visitor(app)
        assert "/forgot-password" in visitor.get("/sign-in").text
        visitor.get("/forgot-password")
        visitor.post("/forgot-password", email=f"  {somebody.email.upper()} ")
        path = mailed_link(app, database, somebody.email)
        visitor.get(path)
        visitor.post(path, password=NEW_PASSWORD)
        assert can_sign_in(app, somebody.email, NEW_PASSWORD)
        assert not can_sign_in(app, somebody.email, PASSWORD)
        run_jobs(app)
        with database.sessions() as session:
            titles = set(session.scalars(select(Mail.subject)))
        assert titles == {"Establezca una contraseña nueva", "Su contraseña se cambió"}

    def test_the_answer_does_not_say_whether_there_is_an_account(self, app, database, person):
        somebody = person()
        answers = {}
        for email in (somebody.email, "nobody@test.example"):
            visitor = Visitor(app)
            visitor.get("/forgot-password")
            answer = visitor.post("/forgot-password", email=email)
            page = re.sub(r'nonce="[^"]*"|content="[^"]*"|value="[^"]*"', "", answer.text)
            answers[email] = (answer.status_code, page)
        assert len(set(answers.values())) == 1
        run_jobs(app)
        with database.sessions() as session:
            assert session.scalars(select(AccountLink.person_id)).all() == [somebody.id]

    def test_every_device_is_signed_out(self, app, database, person, visit):
        somebody = person()
        laptop = visit(somebody)
        assert laptop.get("/account", follow_redirects=False).status_code == 200
        phone = Visitor(app)
        phone.get("/forgot-password")
        phone.post("/forgot-password", email=somebody.email)
        path = mailed_link(app, database, somebody.email)
        phone.get(path)
        phone.post(path, password=NEW_PASSWORD)
        assert phone.get("/account", follow_redirects=False).status_code == 200
        assert laptop.get("/account", follow_redirects=False).status_code == 302

    def test_a_password_that_cannot_be_one_leaves_the_link_open(self, app, database, person):
        somebody = person()
        visitor = Visitor(app)
        visitor.get("/forgot-password")
        visitor.post("/forgot-password", email=somebody.email)
        path = mailed_link(app, database, somebody.email)
        visitor.get(path)
        short = visitor.post(path, password="short")
        assert short.status_code == 422 and "at least 10 characters" in short.text
        assert can_sign_in(app, somebody.email, PASSWORD)
        assert visitor.post(path, password=NEW_PASSWORD).status_code == 200

    @pytest.mark.parametrize("token", ["x", "ImFiYyI.AAAA", "%00", "a" * 5000, "..", "null"])
    def test_a_damaged_link_is_a_page(self, app, token):
        assert Visitor(app).get(f"/set-password/{token}").status_code in (410, 404)

    def test_deactivated_people_and_guests_get_no_link(self, app, database, person):
        for somebody in (person(active=False), person(Role.GUEST)):
            visitor = Visitor(app)
            visitor.get("/forgot-password")
            assert visitor.post("/forgot-password", email=somebody.email).status_code == 200
        run_jobs(app)
        with database.sessions() as session:
            assert session.scalars(select(AccountLink)).all() == []

    def test_links_by_the_dozen_are_stopped(self, app, person):
        somebody, visitor = person(), Visitor(app)
        visitor.get("/forgot-password")
        codes = [
            visitor.post("/forgot-password", email=somebody.email).status_code for _ in range(7)
        ]
        assert codes == [200] * 5 + [429] * 2
