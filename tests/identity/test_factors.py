"""The second step at sign-in, from the outside: an authenticator app and recovery codes."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pyotp
import pytest
from flask import Flask
from sqlalchemy import select, text

from app.audit.models import AuditEntry
from app.core import clock
from app.core.permissions import Role
from app.identity.factors import codes, service
from app.identity.factors.models import RecoveryCode, TotpFactor
from app.identity.models import Person, SignIn
from app.notifications.models import Mail
from tests.conftest import test_settings
from tests.people import PASSWORD, Visitor
from tests.work import run_jobs

STEP = timedelta(seconds=codes.TOTP_STEP_SECONDS)
SECRET_SHOWN = re.compile(r'<code dir="ltr" translate="no">([A-Z2-7 ]+)</code>')
CODES_SHOWN = re.compile(r'<li><code translate="no">([0-9A-Z-]+)</code></li>')


def code_of(secret: str, later: timedelta = timedelta(0)) -> str:
    return pyotp.TOTP(secret).at(clock.now() + later)


def add_app(visitor: Visitor, name: str = "My phone") -> tuple[str, list[str]]:
    """Sets up an app; its secret and the recovery codes that were shown."""
    secret = shown_key(visitor)
    done = visitor.post("/account/security/app", code=code_of(secret), name=name)
    assert done.status_code == 200, done.text
    return secret, CODES_SHOWN.findall(done.text)


def shown_key(visitor: Visitor) -> str:
    return SECRET_SHOWN.findall(visitor.get("/account/security/app").text)[0].replace(" ", "")


def give_password(app: Flask, somebody: Person) -> Visitor:
    """A new device on which the right password was entered."""
    visitor = Visitor(app)
    assert visitor.post("/sign-in", email=somebody.email, password=PASSWORD).status_code == 200
    return visitor


def is_signed_in(visitor: Visitor) -> bool:
    return visitor.get("/account", follow_redirects=False).status_code == 200


@pytest.fixture
def armed(app, person, visit) -> tuple[Person, str, list[str]]:
    """A person with an app: the person, its secret, the recovery codes."""
    somebody = person()
    return somebody, *add_app(visit(somebody))


class TestSignIn:
    def test_the_password_alone_signs_nobody_in(self, app, armed):
        somebody, _secret, _codes = armed
        visitor = give_password(app, somebody)
        assert not is_signed_in(visitor)
        assert "Second step" in visitor.get("/sign-in/second-step").text

    def test_the_code_of_the_app_does(self, app, armed, database):
        somebody, secret, _codes = armed
        visitor = give_password(app, somebody)
        answer = visitor.post("/sign-in/second-step", factor_code=code_of(secret, STEP))
        assert answer.status_code == 200 and is_signed_in(visitor)
        with database.sessions() as session:
            verbs = session.scalars(select(AuditEntry.verb)).all()
        assert verbs.count("person.factor_proved") == 2

    def test_it_leads_to_where_the_person_wanted_to_go(self, app, armed):
        somebody, secret, _codes = armed
        visitor = Visitor(app)
        visitor.post("/sign-in", email=somebody.email, password=PASSWORD, next="/messages")
        answer = visitor.post(
            "/sign-in/second-step", factor_code=code_of(secret, STEP), follow=False
        )
        assert answer.location == "/messages"

    def test_digits_of_any_script_and_spaces_are_read(self, app, armed):
        somebody, secret, _codes = armed
        typed = code_of(secret, STEP).translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
        visitor = give_password(app, somebody)
        visitor.post("/sign-in/second-step", factor_code=f" {typed[:3]} {typed[3:]} ")
        assert is_signed_in(visitor)

    def test_a_code_is_good_once(self, app, armed):
        somebody, secret, _codes = armed
        code = code_of(secret, STEP)
        first, second = give_password(app, somebody), give_password(app, somebody)
        first.post("/sign-in/second-step", factor_code=code)
        again = second.post("/sign-in/second-step", factor_code=code)
        assert again.status_code == 422 and "used already" in again.text
        assert is_signed_in(first) and not is_signed_in(second)

    def test_the_code_that_set_the_app_up_is_used_up(self, app, armed):
        somebody, secret, _codes = armed
        visitor = give_password(app, somebody)
        assert visitor.post("/sign-in/second-step", factor_code=code_of(secret)).status_code == 422

    @pytest.mark.parametrize(
        "code", ["", "000000", "12345", "abcdef", "²²²²²²", "9" * 5000, "\x00", "' OR 1=1", "١٢"]
    )
    def test_a_wrong_code_is_refused_in_words(self, app, armed, code):
        visitor = give_password(app, armed[0])
        answer = visitor.post("/sign-in/second-step", factor_code=code)
        assert answer.status_code == 422 and "This code is wrong" in answer.text
        assert not is_signed_in(visitor)

    def test_a_code_two_steps_off_is_refused(self, app, armed):
        somebody, secret, _codes = armed
        visitor = give_password(app, somebody)
        code = code_of(secret, 3 * STEP)
        assert visitor.post("/sign-in/second-step", factor_code=code).status_code == 422

    def test_without_a_password_there_is_no_second_step(self, app, armed):
        answer = Visitor(app).get("/sign-in/second-step", follow_redirects=False)
        assert answer.location == "/sign-in"

    def test_the_second_step_waits_ten_minutes(self, app, armed):
        somebody, secret, _codes = armed
        visitor = give_password(app, somebody)
        with clock.shift_clock(timedelta(minutes=11)):
            visitor.post("/sign-in/second-step", factor_code=code_of(secret))
            assert not is_signed_in(visitor)

    def test_a_new_password_ends_what_the_old_one_began(self, app, armed, look):
        somebody, secret, _codes = armed
        visitor = give_password(app, somebody)
        look(lambda session: setattr(session.get(Person, somebody.id), "password", "!"))
        visitor.post("/sign-in/second-step", factor_code=code_of(secret, STEP))
        assert not is_signed_in(visitor)

    def test_the_code_of_another_person_is_no_use(self, app, armed, person, visit):
        other_secret, other_codes = add_app(visit(person()))
        visitor = give_password(app, armed[0])
        for code in (code_of(other_secret, STEP), other_codes[0]):
            assert visitor.post("/sign-in/second-step", factor_code=code).status_code == 422


class TestGuessing:
    def test_it_is_slowed_and_the_owner_is_told(self, app, armed, database):
        somebody, secret, _codes = armed
        visitor = give_password(app, somebody)
        statuses = [
            visitor.post("/sign-in/second-step", factor_code="000000").status_code for _ in range(7)
        ]
        assert statuses == [422] * 5 + [429] * 2
        other = give_password(app, somebody)  # another device does not help
        right = other.post("/sign-in/second-step", factor_code=code_of(secret, STEP))
        assert right.status_code == 429 and "Try again in" in right.text
        with clock.shift_clock(timedelta(minutes=2)):
            visitor = give_password(app, somebody)
            visitor.post("/sign-in/second-step", factor_code=code_of(secret))
            assert is_signed_in(visitor)
        run_jobs(app)
        with database.sessions() as session:
            assert "Someone may know your password" in session.scalars(select(Mail.subject)).all()
            refused = select(AuditEntry).where(AuditEntry.verb == "person.factor_refused")
            assert len(session.scalars(refused).all()) == 5

    def test_the_wait_grows_and_ends_at_an_hour(self):
        waits = [codes.compute_guess_wait(n) for n in range(20)]
        assert waits[:7] == [timedelta(0)] * 5 + [timedelta(minutes=1), timedelta(minutes=2)]
        assert waits == sorted(waits) and max(waits) == timedelta(hours=1)
        # a thief with the password has three codes in a million for each guess
        assert 24 * 365 * 3 / 10**6 < 0.03


class TestRecoveryCodes:
    def test_ten_are_shown_once_and_each_works_once(self, app, armed, database):
        somebody, _secret, shown = armed
        assert len(set(shown)) == 10
        for expected in (True, False):
            visitor = give_password(app, somebody)
            visitor.post("/sign-in/second-step", factor_code=shown[3].lower().replace("-", " "))
            assert is_signed_in(visitor) is expected
        with database.sessions() as session:
            kept = session.scalars(select(RecoveryCode)).all()
            assert [row.used_at is None for row in kept].count(False) == 1
            assert not any(code in row.code_hash for code in shown for row in kept)

    def test_the_owner_is_told_when_one_was_used(self, app, armed, database):
        somebody, _secret, shown = armed
        give_password(app, somebody).post("/sign-in/second-step", factor_code=shown[0])
        run_jobs(app)
        with database.sessions() as session:
            assert "A recovery code was used" in session.scalars(select(Mail.subject)).all()

    def test_new_ones_replace_the_old(self, app, armed):
        somebody, _secret, shown = armed
        visitor = give_password(app, somebody)
        visitor.post("/sign-in/second-step", factor_code=shown[0])
        new = CODES_SHOWN.findall(visitor.post("/account/security/recovery-codes").text)
        assert len(new) == 10 and not set(new) & set(shown)
        other = give_password(app, somebody)
        assert other.post("/sign-in/second-step", factor_code=shown[1]).status_code == 422
        other.post("/sign-in/second-step", factor_code=new[1])
        assert is_signed_in(other)

    def test_there_are_none_without_a_factor(self, person, visit):
        assert visit(person()).post("/account/security/recovery-codes").status_code == 404


class TestSecurityPage:
    def test_an_app_is_added_named_and_removed(self, app, person, visit, database):
        somebody = person()
        visitor = visit(somebody)
        add_app(visitor, "Old phone")
        with database.sessions() as session:
            factor = session.scalars(select(TotpFactor)).one()
            raw = session.execute(text("SELECT secret FROM totp_factors")).scalar_one()
        assert factor.secret.encode() not in bytes(raw)  # sealed in the database
        visitor.post(f"/account/security/factors/{factor.id}/name", name="  New   phone ")
        assert "New phone" in visitor.get("/account/security").text
        gone = visitor.post(f"/account/security/factors/{factor.id}/removal")
        assert "It is removed" in gone.text and "New phone" not in gone.text
        assert is_signed_in(give_password(app, somebody))
        run_jobs(app)
        with database.sessions() as session:
            subjects = session.scalars(select(Mail.subject)).all()
        assert subjects.count("The second step of your sign-in was changed") == 2

    def test_a_reload_shows_the_same_key(self, person, visit):
        visitor = visit(person())
        keys = {shown_key(visitor) for _ in range(2)}
        assert len(keys) == 1

    @pytest.mark.parametrize("code", ["", "000000", "x" * 3000, "\x00"])
    def test_a_wrong_first_code_adds_nothing(self, app, person, visit, code):
        somebody = person()
        visitor = visit(somebody)
        visitor.get("/account/security/app")
        answer = visitor.post("/account/security/app", code=code, name="My phone")
        assert answer.status_code == 422 and "This code is not right" in answer.text
        assert "My phone" in answer.text
        assert is_signed_in(give_password(app, somebody))

    @pytest.mark.parametrize("name", ["x" * 61, "a\u202eb"])
    def test_a_name_that_cannot_be_one_is_refused(self, armed, app, name, database):
        somebody, secret, _codes = armed
        visitor = give_password(app, somebody)
        visitor.post("/sign-in/second-step", factor_code=code_of(secret, STEP))
        with database.sessions() as session:
            factor_id = session.scalars(select(TotpFactor.id)).one()
        path = f"/account/security/factors/{factor_id}/name"
        assert visitor.post(path, name=name).status_code == 422

    def test_nobody_touches_the_factor_of_another(self, armed, person, visit, database):
        other = visit(person())
        with database.sessions() as session:
            factor_id = session.scalars(select(TotpFactor.id)).one()
        for act in ("name", "removal"):
            path = f"/account/security/factors/{factor_id}/{act}"
            assert other.post(path, name="Mine").status_code == 404

    def test_the_first_factor_needs_the_password_again_after_ten_minutes(self, person, visit):
        visitor = visit(person())
        with clock.shift_clock(timedelta(minutes=11)):
            asked = visitor.get("/account/security/app")
            assert "Confirm that it is you" in asked.text
            wrong = visitor.post(
                "/account/confirm", next="/account/security/app", factor_password="wrong"
            )
            assert wrong.status_code == 422 and "The password is wrong" in wrong.text
            right = visitor.post(
                "/account/confirm", next="/account/security/app", factor_password=PASSWORD
            )
            assert "Add an authenticator app" in right.text

    def test_removing_asks_for_the_factor_and_keeps_what_was_sent(self, armed, app, database):
        somebody, secret, shown = armed
        visitor = give_password(app, somebody)
        visitor.post("/sign-in/second-step", factor_code=code_of(secret, STEP))
        with database.sessions() as session:
            factor_id = session.scalars(select(TotpFactor.id)).one()
        path = f"/account/security/factors/{factor_id}/removal"
        with clock.shift_clock(timedelta(minutes=11)):
            asked = visitor.post(path, reason="a “quoted” & <odd> word")
            assert "Confirm that it is you" in asked.text
            assert "a “quoted” & <odd> word" in unescape(asked.text)
            assert visitor.post(path, factor_password=PASSWORD).status_code == 422
            assert "It is removed" in visitor.post(path, factor_code=shown[5]).text

    def test_a_reset_removes_everything_and_signs_out(self, app, armed, person, look):
        somebody, secret, _codes = armed
        visitor = give_password(app, somebody)
        visitor.post("/sign-in/second-step", factor_code=code_of(secret, STEP))
        admin = person(Role.ADMINISTRATOR)
        look(
            lambda session: service.reset_factors_of_another(
                session, session.get(Person, admin.id), session.get(Person, somebody.id)
            )
        )
        assert not is_signed_in(visitor)
        assert is_signed_in(give_password(app, somebody))


class TestRequired:
    @pytest.fixture
    def settings(self, tmp_path, settings):
        return test_settings(tmp_path, require_second_factor=True)

    @pytest.mark.parametrize("role", sorted(set(Role) - {Role.PATIENT, Role.GUEST}))
    def test_staff_set_one_up_before_anything_else(self, app, person, role):
        visitor = Visitor(app, person(role))
        for path in ("/home", "/account", "/messages"):
            answer = visitor.get(path, follow_redirects=False)
            assert (answer.status_code, answer.location) == (302, "/account/security")
        assert visitor.post("/account", follow=False).location == "/account/security"
        assert "Add one now" in visitor.get("/home").text
        fetched = visitor.get("/messages", headers={"X-Requested-With": "fetch"})
        assert fetched.status_code == 403 and "Confirm first" in fetched.json["error"]
        add_app(visitor)
        assert visitor.get("/account", follow_redirects=False).status_code == 200

    def test_sockets_are_closed_to_them_too(self, app, person, look):
        somebody = person(Role.SPECIALIST)
        visitor = Visitor(app, somebody)
        load = app.extensions["load_person"]

        def opened() -> bool:
            return look(
                lambda session: load(session, session.scalars(select(SignIn.id)).one()) is not None
            )

        assert not opened()
        add_app(visitor)
        assert opened()

    def test_patients_are_offered_one(self, app, person):
        visitor = Visitor(app, person(Role.PATIENT))
        assert is_signed_in(visitor)
        assert "Add an authenticator app" in visitor.get("/account/security").text

    def test_they_can_sign_out(self, app, person):
        visitor = Visitor(app, person(Role.COORDINATOR))
        visitor.get("/account/security")
        assert visitor.post("/sign-out", follow=False).location == "/"

    def test_the_last_one_stays(self, app, person, database):
        visitor = Visitor(app, person(Role.COORDINATOR))
        add_app(visitor)
        with database.sessions() as session:
            factor_id = session.scalars(select(TotpFactor.id)).one()
        answer = visitor.post(f"/account/security/factors/{factor_id}/removal")
        assert answer.status_code == 409 and "Your role needs a second step" in answer.text

    def test_a_sign_in_from_before_asks_for_the_factor(self, app, person, look):
        visitor = Visitor(app, person(Role.COORDINATOR))
        _secret, shown = add_app(visitor)
        look(lambda session: setattr(session.scalars(select(SignIn)).one(), "verified_at", None))
        assert "Confirm that it is you" in visitor.get("/worklist").text
        back = visitor.post(
            "/account/confirm", next="/worklist", factor_code=shown[0], follow=False
        )
        assert back.location == "/worklist"
        assert visitor.get("/worklist", follow_redirects=False).status_code == 200


@pytest.mark.parametrize(
    ("mode", "chosen", "expected"),
    [
        ("production", None, True),
        ("test", None, False),
        ("demo", None, False),
        ("production", False, False),
        ("test", True, True),
    ],
)
def test_where_staff_need_a_second_step(tmp_path, mode, chosen, expected):
    settings = test_settings(tmp_path, database_url=f"sqlite:///{tmp_path}/x.db").model_copy(
        update={"mode": mode, "require_second_factor": chosen}
    )
    assert settings.is_second_factor_required is expected
