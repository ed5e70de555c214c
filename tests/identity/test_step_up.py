"""What matters most is asked for again: signing, releasing, opening a file with a reason."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest

from app.core import clock
from app.core.permissions import Role
from tests.identity.test_factors import STEP, add_app, code_of, give_password
from tests.people import a_case

ELEVEN_MINUTES = timedelta(minutes=11)


@pytest.fixture
def case_id(look, person):
    patient = person()
    return look(lambda session: a_case(session, session.merge(patient)).id)


def test_a_file_is_opened_after_a_fresh_code_and_the_reason_is_kept(app, person, visit, case_id):
    coordinator = person(Role.COORDINATOR)
    secret, shown = add_app(visit(coordinator))
    visitor = give_password(app, coordinator)
    visitor.post("/sign-in/second-step", factor_code=code_of(secret, STEP))
    path, reason = f"/cases/{case_id}/open-file", "The patient asked; “urgent” <today>"
    with clock.shift_clock(ELEVEN_MINUTES):
        asked = visitor.post(path, why="other", reason=reason)
        assert "Confirm that it is you" in asked.text
        assert reason in unescape(asked.text) and 'name="why" value="other"' in asked.text
        wrong = visitor.post(path, why="other", reason=reason, factor_code="000000")
        assert wrong.status_code == 422 and reason in unescape(wrong.text)
        opened = visitor.post(path, why="other", reason=reason, factor_code=shown[0])
        assert opened.status_code == 200 and "You can read the file for one hour" in opened.text


def test_within_ten_minutes_nobody_is_asked(app, person, visit, case_id):
    coordinator = person(Role.COORDINATOR)
    visitor = visit(coordinator)
    add_app(visitor)
    opened = visitor.post(f"/cases/{case_id}/open-file", why="other", reason="A good reason")
    assert "You can read the file for one hour" in opened.text


def test_in_the_demo_people_without_a_factor_are_not_asked(person, visit, case_id):
    visitor = visit(person(Role.COORDINATOR))
    with clock.shift_clock(ELEVEN_MINUTES):
        opened = visitor.post(f"/cases/{case_id}/open-file", why="other", reason="A good reason")
        assert "You can read the file for one hour" in opened.text


def test_a_script_gets_a_sentence(app, person, visit, case_id):
    coordinator = person(Role.COORDINATOR)
    visitor = visit(coordinator)
    add_app(visitor)
    with clock.shift_clock(ELEVEN_MINUTES):
        answer = visitor.post(
            f"/cases/{case_id}/open-file", headers={"X-Requested-With": "fetch"}, why="other"
        )
        assert answer.status_code == 403 and "Confirm first that it is you" in answer.json["error"]


@pytest.mark.parametrize(
    "endpoint",
    [
        "opinions.show_opinion_confirmation",
        "opinions.post_opinion_signature",
        "opinions.post_opinion_addendum",
        "opinions.post_opinion_release",
        "portal.post_file_opening",
        "records.post_access_reason",
        "portal.post_invitation",
        "portal.post_import",
        "portal.post_role",
        "portal.post_role_end",
        "portal.post_sign_ins_end",
        "portal.post_deactivation",
        "portal.post_activation",
        "identity.post_factor_removal",
        "identity.post_recovery_codes",
    ],
)
def test_these_routes_ask(app, endpoint):
    assert app.view_functions[endpoint].recent_proof in ("factor", "any")
