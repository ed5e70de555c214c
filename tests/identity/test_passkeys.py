"""Passkeys in a real browser, with the authenticator that Chromium pretends to have."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect
from sqlalchemy import select

from app import create_app
from app.core import clock
from app.core.permissions import Role
from app.identity.factors.models import Passkey
from app.identity.factors.passkeys import find_passkey_site
from app.identity.models import Person
from tests.axe import faults
from tests.conftest import test_settings
from tests.people import PASSWORD, Visitor, a_person
from tests.ports import take_port
from tests.servers import serving


@dataclass
class Site:
    app: Flask
    url: str

    def person(self, role: Role = Role.PATIENT, **facts: object) -> Person:
        with self.app.extensions["database"].unit_of_work() as session:
            return a_person(session, role, **facts)


@pytest.fixture
def site(settings, tmp_path) -> Iterator[Site]:
    """A server that is opened by a name: at an IP address browsers have no passkeys."""
    port = take_port()
    url = f"http://localhost:{port}"
    app = create_app(test_settings(tmp_path, web_url=url))
    with serving(app, port=port):
        yield Site(app, url)
    app.extensions["database"].close()


@dataclass
class Device:
    """A browser with an authenticator of its own."""

    context: BrowserContext
    page: Page
    tool: CDPSession
    authenticator: str

    def credentials(self) -> list[dict[str, object]]:
        asked = {"authenticatorId": self.authenticator}
        return self.tool.send("WebAuthn.getCredentials", asked)["credentials"]


@pytest.fixture
def device(chromium: Browser) -> Iterator[Callable[[], Device]]:
    opened: list[BrowserContext] = []

    def open_one() -> Device:
        context = chromium.new_context(locale="en-GB")
        opened.append(context)
        page = context.new_page()
        tool = context.new_cdp_session(page)
        tool.send("WebAuthn.enable")
        answer = tool.send(
            "WebAuthn.addVirtualAuthenticator",
            {
                "options": {
                    "protocol": "ctap2",
                    "transport": "internal",
                    "hasResidentKey": True,
                    "hasUserVerification": True,
                    "isUserVerified": True,
                    "automaticPresenceSimulation": True,
                }
            },
        )
        return Device(context, page, tool, answer["authenticatorId"])

    yield open_one
    for context in opened:
        context.close()


def sign_in(page: Page, site: Site, person: Person) -> None:
    page.goto(f"{site.url}/sign-in")
    page.fill("#f-email", person.email)
    page.fill("#f-password", PASSWORD)
    page.click("main form button[type=submit]")


def forget(device: Device) -> None:
    """Signed out. Every answer renews the cookie, late ones too, so all must have come."""
    device.page.wait_for_load_state("networkidle")
    device.page.goto("about:blank")
    device.context.clear_cookies()


def add_passkey(page: Page, site: Site, name: str = "My laptop") -> None:
    page.goto(f"{site.url}/account/security")
    page.get_by_role("link", name="Add a passkey").click()
    page.fill("#f-name", name)
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.locator("ol.recovery-codes li")).to_have_count(10)


def test_a_passkey_is_added_and_signs_in(site, device):
    somebody, here = site.person(), device()
    sign_in(here.page, site, somebody)
    add_passkey(here.page, site)
    assert len(here.credentials()) == 1
    forget(here)
    sign_in(here.page, site, somebody)
    here.page.wait_for_url("**/sign-in/second-step")
    assert faults(here.page) == []
    here.page.get_by_role("button", name="Use a passkey").click()
    here.page.wait_for_url("**/home")
    here.page.goto(f"{site.url}/account/security")
    expect(here.page.get_by_text("My laptop")).to_be_visible()
    with site.app.extensions["database"].sessions() as session:
        kept = session.scalars(select(Passkey)).one()
        assert kept.sign_count > 0 and kept.last_used_at is not None


def test_the_passkey_of_another_device_signs_nobody_in(site, device):
    somebody, here, elsewhere = site.person(), device(), device()
    sign_in(here.page, site, somebody)
    add_passkey(here.page, site)
    sign_in(elsewhere.page, site, somebody)
    elsewhere.page.get_by_role("button", name="Use a passkey").click()
    expect(elsewhere.page.get_by_text("The passkey was not used")).to_be_visible()
    elsewhere.page.goto(f"{site.url}/account")
    expect(elsewhere.page).to_have_url(f"{site.url}/sign-in?next=/account")


def test_an_answer_is_good_once(site, device):
    """What the browser sent is kept and sent again on another device."""
    somebody, here = site.person(), device()
    sign_in(here.page, site, somebody)
    add_passkey(here.page, site)
    forget(here)
    sign_in(here.page, site, somebody)
    with here.page.expect_request(
        lambda request: request.method == "POST" and "second-step" in request.url
    ) as sent:
        here.page.get_by_role("button", name="Use a passkey").click()
    here.page.wait_for_url("**/home")
    fields = sent.value.post_data_json
    thief = Visitor(site.app)
    thief.post("/sign-in", email=somebody.email, password=PASSWORD)
    answer = thief.post(
        "/sign-in/second-step",
        factor_passkey=fields["factor_passkey"],
        factor_challenge=fields["factor_challenge"],
    )
    assert answer.status_code == 422 and "The passkey was not accepted" in answer.text
    assert thief.get("/account", follow_redirects=False).status_code == 302


def test_it_confirms_before_what_matters(site, device):
    somebody, here = site.person(), device()
    sign_in(here.page, site, somebody)
    add_passkey(here.page, site)
    here.page.goto(f"{site.url}/account/security")
    with clock.shift_clock(timedelta(minutes=11)):
        here.page.locator("section[aria-labelledby=recovery] summary").click()
        here.page.locator("dialog[open] button[type=submit]").click()
        expect(here.page.get_by_role("heading", level=1)).to_have_text("Confirm that it is you")
        here.page.get_by_role("button", name="Use a passkey").click()
        expect(here.page.locator("ol.recovery-codes li")).to_have_count(10)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"id": 5}',
        '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}',
        "{" * 30_000,
        "\x00",
        json.dumps({"id": "AAAA", "rawId": "AAAA", "response": {"clientDataJSON": "x"}}),
    ],
)
def test_what_is_no_passkey_is_refused_in_words(site, answer):
    visitor = Visitor(site.app, site.person())
    page = visitor.get("/account/security/passkey")
    challenge = page.text.split('name="challenge" value="')[1].split('"')[0]
    refused = visitor.post("/account/security/passkey", answer=answer, challenge=challenge)
    assert refused.status_code == 422 and "The passkey could not be added" in refused.text


@pytest.mark.parametrize(
    ("url", "rp_id"),
    [
        ("https://opinions.hospital.example", "opinions.hospital.example"),
        ("https://opinions.hospital.example:8443", "opinions.hospital.example"),
        ("http://localhost:8000", "localhost"),
        ("http://opinions.hospital.example", None),
        ("http://127.0.0.1:8000", None),
        ("https://[2001:db8::1]", None),
    ],
)
def test_where_passkeys_are_possible(url, rp_id):
    site = find_passkey_site(url, "Hospital")
    assert (site.rp_id if site else None) == rp_id
