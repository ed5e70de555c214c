"""What every answer says about itself."""

from __future__ import annotations

import re

import pytest

from app import create_app
from tests.conftest import test_settings
from tests.people import Visitor


@pytest.fixture
def answer(app):
    return Visitor(app).get("/sign-in")


def test_scripts_run_by_nonce_alone_and_nothing_comes_from_elsewhere(answer):
    policy = answer.headers["Content-Security-Policy"]
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce and f'nonce="{nonce.group(1)}"' in answer.text
    assert "unsafe-inline" not in policy and "'unsafe-eval'" not in policy
    assert "http:" not in policy and "https:" not in policy and "*" not in policy
    for needed in (
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    ):
        assert needed in policy


def test_each_page_has_a_nonce_of_its_own(app):
    visitor = Visitor(app)
    policies = {visitor.get("/sign-in").headers["Content-Security-Policy"] for _ in range(3)}
    assert len(policies) == 3


def test_pages_are_not_sniffed_framed_or_kept(answer):
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_the_cookie_is_out_of_reach_of_scripts(answer):
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie


def test_behind_https_the_cookie_is_secure_and_the_browser_stays_with_https(tmp_path):
    app = create_app(test_settings(tmp_path, web_url="https://opinions.example"))
    answer = app.test_client().get("/sign-in", base_url="https://opinions.example")
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "max-age" in answer.headers["Strict-Transport-Security"]
    app.extensions["database"].close()


def test_metrics_are_for_this_machine_or_a_token(tmp_path):
    app = create_app(test_settings(tmp_path, metrics_token="a token of the hospital"))
    client = app.test_client()
    far = {"REMOTE_ADDR": "203.0.113.9"}
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", environ_overrides=far).status_code == 404
    for proxied in ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via", "X-Forwarded-Host"):
        assert client.get("/metrics", headers={proxied: "203.0.113.9"}).status_code == 404
    wrong = {"Authorization": "Bearer another"}
    assert client.get("/metrics", environ_overrides=far, headers=wrong).status_code == 404
    right = {"Authorization": "Bearer a token of the hospital"}
    assert client.get("/metrics", environ_overrides=far, headers=right).status_code == 200
    app.extensions["database"].close()


def test_an_unknown_address_is_a_page_with_a_sentence_or_json(app):
    page = Visitor(app).get("/nowhere")
    assert page.status_code == 404 and "We could not find this page." in page.text
    told = app.test_client().get("/nowhere", headers={"Accept": "application/json"})
    assert told.status_code == 404 and told.json["error"].startswith("We could not find")
