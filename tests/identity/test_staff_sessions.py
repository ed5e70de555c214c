"""Staff are locked after a quarter of an hour and signed out after twelve; new devices are told."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import select

from app.core.clock import freeze_clock, now, shift_clock
from app.core.permissions import Role
from app.notifications.models import Mail
from tests.conftest import test_settings
from tests.identity.test_factors import add_app
from tests.people import PASSWORD, Visitor, a_case
from tests.work import run_jobs

MINUTE = timedelta(minutes=1)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)


class TestLimits:
    @pytest.fixture
    def settings(self, tmp_path, settings):
        return test_settings(tmp_path, limit_staff_sessions=True)

    def test_a_lock_keeps_the_page_and_the_place(self, app, person):
        start = now()
        with freeze_clock(start):
            visitor = Visitor(app, person(Role.COORDINATOR))
            _secret, shown = add_app(visitor)
        with freeze_clock(start + 14 * MINUTE):
            assert visitor.get("/worklist", follow_redirects=False).status_code == 200
        with freeze_clock(start + 28 * MINUTE):
            assert visitor.get("/messages", follow_redirects=False).status_code == 200
        with freeze_clock(start + 44 * MINUTE):
            locked = visitor.get("/worklist?q=heart")
            assert "You were away for a while" in locked.text
            opened = visitor.post(
                "/account/confirm", next="/worklist?q=heart", factor_code=shown[0], follow=False
            )
            assert opened.location == "/worklist?q=heart"
            assert visitor.get("/worklist", follow_redirects=False).status_code == 200

    def test_what_was_typed_goes_on_after_the_lock(self, app, person, look):
        patient = person()
        case_id = look(lambda session: a_case(session, session.merge(patient)).id)
        visitor = Visitor(app, person(Role.COORDINATOR))
        visitor.get(f"/cases/{case_id}")
        path = f"/cases/{case_id}/open-file"
        with shift_clock(16 * MINUTE):
            locked = visitor.post(path, why="other", reason="She asked <me> to")
            assert "You were away" in locked.text and "She asked <me> to" in unescape(locked.text)
            wrong = visitor.post(path, why="other", reason="x", factor_password="wrong")
            assert wrong.status_code == 422
            done = visitor.post(
                path, why="other", reason="She asked <me> to", factor_password=PASSWORD
            )
            assert "You can read the file for one hour" in done.text

    def test_what_a_page_asks_by_itself_does_not_keep_it_open(self, app, person):
        visitor = Visitor(app, person(Role.COORDINATOR))
        fetched = {"X-Requested-With": "fetch"}
        for minutes in (5, 10, 14):
            with shift_clock(minutes * MINUTE):
                assert visitor.get("/messages", headers=fetched).status_code == 200
        with shift_clock(16 * MINUTE):
            answer = visitor.get("/messages", headers=fetched)
            assert answer.status_code == 403 and "Confirm first" in answer.json["error"]
            assert "You were away" in visitor.get("/messages").text

    def test_a_lock_can_be_left_by_signing_out(self, app, person):
        visitor = Visitor(app, person(Role.COORDINATOR))
        visitor.get("/account")
        with shift_clock(20 * MINUTE):
            assert visitor.post("/sign-out", follow=False).location == "/"

    def test_a_lock_does_not_end_a_call(self, app, person, look):
        from app.identity.models import SignIn

        Visitor(app, person(Role.SPECIALIST))
        load = app.extensions["load_person"]

        def is_connected() -> bool:
            return look(lambda session: load(session, session.scalars(select(SignIn.id)).one()))

        for hours, expected in ((1, True), (11.9, True), (12.1, False)):
            with shift_clock(timedelta(hours=hours)):
                assert bool(is_connected()) is expected

    def test_after_twelve_hours_staff_sign_in_again(self, app, person):
        visitor = Visitor(app, person(Role.COORDINATOR))
        for minutes in range(10, 12 * 60, 10):
            with shift_clock(minutes * MINUTE):
                assert visitor.get("/account", follow_redirects=False).status_code == 200, minutes
        with shift_clock(12 * 60 * MINUTE):
            answer = visitor.get("/account", follow_redirects=False)
            assert answer.status_code == 302 and answer.location.startswith("/sign-in")

    def test_patients_are_not_locked(self, app, person):
        visitor = Visitor(app, person())
        with shift_clock(timedelta(hours=13)):
            assert visitor.get("/account", follow_redirects=False).status_code == 200


def test_in_the_demo_and_the_tests_nobody_is_locked(app, person):
    visitor = Visitor(app, person(Role.COORDINATOR))
    with shift_clock(timedelta(hours=13)):
        assert visitor.get("/account", follow_redirects=False).status_code == 200


def sign_in_with(app, somebody, agent: str) -> None:
    visitor = Visitor(app)
    visitor.get("/sign-in")
    visitor.post("/sign-in", email=somebody.email, password=PASSWORD, headers={"User-Agent": agent})


def test_a_new_device_is_told_and_a_known_one_is_not(app, person, database):
    somebody = person(language="ar")
    for agent in (FIREFOX, FIREFOX, "", IPHONE, FIREFOX, IPHONE):
        sign_in_with(app, somebody, agent)
    run_jobs(app)
    with database.sessions() as session:
        [mail] = session.scalars(select(Mail))
    assert mail.subject == "جهاز جديد سجّل الدخول إلى حسابك"
    assert "Safari, iPhone" in mail.body and "/account/security" in mail.body
