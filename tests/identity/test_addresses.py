"""Whose e-mail address is it? Signing up says nothing about others; confirming and changing."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from argon2 import PasswordHasher, extract_parameters
from flask import Flask
from sqlalchemy import select

from app.cases.models import Case
from app.core import clock
from app.core.db import Database
from app.core.permissions import Role
from app.identity.models import Person
from app.notifications.models import Mail, Notice
from tests.identity.test_factors import add_app
from tests.people import PASSWORD, Visitor, a_case
from tests.work import run_jobs

CHOSEN = "four words nobody joins"
ENTRY = {
    "name": "Layla Haddad",
    "email": "layla@test.example",
    "password": CHOSEN,
    "language": "en",
    "timezone": "Asia/Riyadh",
    "country": "SA",
}


def sign_up(app: Flask, **facts: str) -> Visitor:
    visitor = Visitor(app)
    visitor.get("/sign-up")
    assert visitor.post("/sign-up", **(ENTRY | facts)).status_code == 200
    return visitor


def mails_to(app: Flask, database: Database, address: str = ENTRY["email"]) -> list[Mail]:
    run_jobs(app)
    with database.sessions() as session:
        return list(
            session.scalars(select(Mail).where(Mail.to == address).order_by(Mail.created_at))
        )


def mailed_path(app: Flask, database: Database, address: str = ENTRY["email"]) -> str:
    """The path of the link in the newest mail to the address."""
    body = mails_to(app, database, address)[-1].body
    return re.findall(r"/confirm-email/\S+", body)[0]


def strip_secrets(page: str) -> str:
    return re.sub(r'nonce="[^"]*"|content="[^"]*"|value="[^"]*"|[\w.]+@test\.example', "", page)


class TestNothingIsRevealed:
    def test_known_and_unknown_addresses_look_the_same_to_the_end(self, app, person, database):
        """What a stranger sees who signs up with an address, from the form to the last page."""
        owner = person(email=ENTRY["email"])
        seen = []
        for address in (ENTRY["email"], "amal@test.example"):
            visitor = Visitor(app)
            visitor.get("/sign-up")
            steps = [
                visitor.post("/sign-up", **(ENTRY | {"email": address})),
                visitor.get("/account"),
                visitor.get("/account/security"),
                visitor.post("/account/email/again"),
                visitor.post("/account/email", email=owner.email, password=CHOSEN),
            ]
            run_jobs(app)
            steps += [visitor.get("/messages"), visitor.get("/home")]
            visitor.post("/sign-out")
            visitor.get("/sign-in")
            steps.append(visitor.post("/sign-in", email=address, password=CHOSEN))
            pages = [strip_secrets(step.text) for step in steps]
            seen.append([(step.status_code, page) for step, page in zip(steps, pages, strict=True)])
        for known, unknown in zip(*seen, strict=True):
            assert known[0] == unknown[0]
            assert re.sub(r"\d+", "", known[1]) == re.sub(r"\d+", "", unknown[1])
        with database.sessions() as session:
            assert session.get_one(Person, owner.id).email_confirmed_at is not None

    def test_the_owner_is_told_and_keeps_the_account(self, app, person, database):
        owner = person(email=ENTRY["email"], language="es")
        sign_up(app)
        [mail] = mails_to(app, database)
        assert mail.subject == "Ya tiene una cuenta" and "/confirm-email/" not in mail.body
        assert "/sign-in" in mail.body and "/forgot-password" in mail.body
        assert Visitor(app, owner)
        with database.sessions() as session:
            assert session.scalars(select(Notice)).all() == []

    @pytest.mark.parametrize("path", ["/sign-up", "/sign-in", "/forgot-password"])
    def test_it_costs_as_much_for_both(self, app, database, person, path, monkeypatch):
        """Hashing takes nearly all of the time, so its work tells how long an answer takes: memory
        times passes, as the parameters of each hash say.
        """
        known = person(email=ENTRY["email"])
        with database.unit_of_work() as session:  # those of other tests are cheap to check
            session.get_one(Person, known.id).password = PasswordHasher().hash("not this one")
        spent: list[int] = []
        make, check = PasswordHasher.hash, PasswordHasher.verify

        def counted_hash(self, password, **options):
            made = make(self, password, **options)
            spent.append(work_of(made))
            return made

        def counted_verify(self, kept, password):
            spent.append(work_of(kept))
            return check(self, kept, password)

        monkeypatch.setattr(PasswordHasher, "hash", counted_hash)
        monkeypatch.setattr(PasswordHasher, "verify", counted_verify)
        Visitor(app).post(path, follow=False, **(ENTRY | {"email": "0@x.example"}))  # makes a decoy
        work = {}
        for kind, address in {"known": ENTRY["email"], "unknown": "1@x.example"}.items():
            spent.clear()
            Visitor(app).post(path, follow=False, **(ENTRY | {"email": address}))
            work[kind] = sum(spent)
        assert work["known"] == work["unknown"]
        assert work["known"] or path == "/forgot-password", "only that page hashes nothing"


def work_of(kept: str) -> int:
    parameters = extract_parameters(kept)
    return parameters.memory_cost * parameters.time_cost


class TestConfirming:
    def test_a_request_is_sent_only_after_it(self, app, database, look):
        visitor = sign_up(app)
        case_id = look(
            lambda session: a_case(session, session.scalars(select(Person)).one(), sent=False).id
        )
        page = visitor.get(f"/cases/{case_id}/request/review").text
        assert "Open the link in it, then you can send your request" in page
        visitor.get(f"/cases/{case_id}/request/consents")
        visitor.post(
            f"/cases/{case_id}/request/consents", consent=["telehealth", "sharing", "interpreter"]
        )
        refused = visitor.post(f"/cases/{case_id}/send")
        assert "Confirm your e-mail address before you send your case" in refused.text
        path = mailed_path(app, database)
        assert "Confirm this e-mail address" in visitor.get(path).text
        assert "Your e-mail address is confirmed" in visitor.post(path).text
        visitor.get(f"/cases/{case_id}/request/review")
        assert visitor.post(f"/cases/{case_id}/send").status_code == 200
        with database.sessions() as session:
            assert session.get_one(Case, case_id).stage == "submitted"

    def test_another_device_needs_the_password(self, app, database):
        sign_up(app)
        path, phone = mailed_path(app, database), Visitor(app)
        phone.get(path)
        wrong = phone.post(path, password="not the right one")
        assert wrong.status_code == 422 and "The password is wrong" in wrong.text
        assert "Your e-mail address is confirmed" in phone.post(path, password=CHOSEN).text
        assert phone.get("/account", follow_redirects=False).status_code == 200

    def test_opening_the_link_confirms_nothing_yet(self, app, database):
        sign_up(app)
        Visitor(app).get(mailed_path(app, database))
        with database.sessions() as session:
            assert session.scalars(select(Person)).one().email_confirmed_at is None

    def test_a_stranger_cannot_make_an_account_for_the_owner_to_confirm(self, app, database):
        """Who reads the mail does not know the stranger's password; setting a new one locks the
        stranger out.
        """
        stranger = sign_up(app)
        owner = Visitor(app)
        owner.get(mailed_path(app, database))
        assert owner.post(mailed_path(app, database), password="").status_code == 422
        owner.get("/forgot-password")
        owner.post("/forgot-password", email=ENTRY["email"])
        run_jobs(app)
        body = mails_to(app, database)[-1].body
        [reset] = re.findall(r"/set-password/\S+", body)
        owner.get(reset)
        owner.post(reset, password="another four words here")
        assert stranger.get("/account", follow_redirects=False).status_code == 302
        assert owner.get("/account", follow_redirects=False).status_code == 200

    def test_who_confirms_first_has_the_address(self, app, database):
        first, second = sign_up(app), sign_up(app)
        paths = [
            re.findall(r"/confirm-email/\S+", mail.body)[0] for mail in mails_to(app, database)
        ]
        second.get(paths[1])
        assert second.post(paths[1]).status_code == 200
        first.get("/account")
        late = first.post(paths[0])
        assert late.status_code == 410 and "no longer valid" in late.text
        with database.sessions() as session:
            people = session.scalars(select(Person).order_by(Person.created_at)).all()
            assert [one.email_confirmed_at is not None for one in people] == [False, True]

    def test_the_link_works_once_and_two_days(self, app, database):
        visitor = sign_up(app)
        path = mailed_path(app, database)
        with clock.shift_clock(timedelta(days=2, minutes=1)):
            assert Visitor(app).get(path).status_code == 410
        visitor.get(path)
        visitor.post(path)
        assert Visitor(app).get(path).status_code == 410

    def test_a_link_for_one_purpose_is_no_use_for_another(self, app, database):
        sign_up(app)
        path = mailed_path(app, database)
        assert (
            Visitor(app).get(path.replace("/confirm-email/", "/set-password/")).status_code == 410
        )

    @pytest.mark.parametrize("token", ["x", "ImFiYyI.AAAA", "a" * 5000, "null"])
    def test_a_damaged_link_is_a_page(self, app, token):
        assert Visitor(app).get(f"/confirm-email/{token}").status_code == 410

    def test_it_is_sent_again_but_not_for_ever(self, app, database):
        visitor = sign_up(app)
        visitor.get("/account/email")
        codes = [visitor.post("/account/email/again").status_code for _ in range(6)]
        assert codes == [200] * 5 + [429]
        mails = mails_to(app, database)
        assert len(mails) == 6
        old, new = (re.findall(r"/confirm-email/\S+", mails[n].body)[0] for n in (0, -1))
        assert visitor.get(old).status_code == 410
        visitor.get(new)
        assert visitor.post(new).status_code == 200

    def test_in_arabic(self, app, database):
        visitor = sign_up(app, language="ar")
        [mail] = mails_to(app, database)
        assert mail.language == "ar" and "أكّد" in mail.subject
        page = visitor.get(mailed_path(app, database)).text
        assert 'dir="rtl"' in page.split("<head>")[0]


class TestChange:
    def ask(self, visitor: Visitor, email: str, password: str = PASSWORD):
        visitor.get("/account/email")
        return visitor.post("/account/email", email=email, password=password)

    def test_the_new_address_counts_once_its_link_was_opened(self, app, person, visit, database):
        somebody = person()
        laptop, phone = visit(somebody), visit(somebody)
        assert "We have sent an e-mail" in self.ask(phone, "New@test.example").text
        assert Visitor(app, somebody)  # the old one still works
        path = mailed_path(app, database, "new@test.example")
        phone.get(path)
        assert "is confirmed" in phone.post(path).text
        assert laptop.get("/account", follow_redirects=False).status_code == 302
        assert phone.get("/account", follow_redirects=False).status_code == 200
        old = Visitor(app)
        old.get("/sign-in")
        assert old.post("/sign-in", email=somebody.email, password=PASSWORD).status_code == 422
        for address in (somebody.email, "new@test.example"):
            subjects = [mail.subject for mail in mails_to(app, database, address)]
            assert "Your e-mail address was changed" in subjects

    @pytest.mark.parametrize(
        ("email", "password", "sentence"),
        [
            ("new@test.example", "wrong wrong wrong", "The password is wrong"),
            ("not an address", PASSWORD, "does not look like an e-mail address"),
            ("", PASSWORD, "does not look like an e-mail address"),
            ("a" * 300 + "@test.example", PASSWORD, "does not look like an e-mail address"),
        ],
    )
    def test_what_cannot_be_is_refused_in_words(
        self, person, visit, email, password, sentence, app, database
    ):
        answer = self.ask(visit(person()), email, password)
        assert answer.status_code == 422 and sentence in answer.text
        assert mails_to(app, database, "new@test.example") == []

    def test_the_own_address_is_refused(self, person, visit):
        somebody = person()
        assert "your address already" in self.ask(visit(somebody), somebody.email).text

    def test_the_address_of_another_stays_theirs(self, app, person, visit, database):
        owner, other = person(), person()
        answer = self.ask(visit(other), owner.email)
        assert answer.status_code == 200 and "We have sent an e-mail" in answer.text
        [mail] = mails_to(app, database, owner.email)
        assert mail.subject == "You already have an account"

    def test_people_with_a_factor_are_asked_for_it(self, person, visit):
        visitor = visit(person(Role.COORDINATOR))
        add_app(visitor)
        with clock.shift_clock(timedelta(minutes=11)):
            asked = self.ask(visitor, "new@test.example")
            assert "Confirm that it is you" in asked.text
            assert 'value="new@test.example"' in asked.text
