"""The pages about sign-in and security, as axe sees them, in English and Arabic."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.axe import faults
from tests.browsers import sign_in
from tests.identity.test_factors import code_of

PATHS = (
    "/account",
    "/account/security",
    "/account/email",
    "/account/password",
    "/account/confirm",
    "/account/security/app",
)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_page_is_without_fault(chromium: Browser, live, person, language):
    context = chromium.new_context(viewport={"width": 320, "height": 800})
    sign_in(context, live, person(language=language))
    page = context.new_page()
    for path in PATHS:
        page.goto(live + path)
        assert faults(page) == [], path
    secret = page.locator("main code").inner_text().replace(" ", "")
    page.fill("#f-code", code_of(secret))
    page.locator("main form button[type=submit]").click()
    page.locator("ol.recovery-codes").wait_for()
    assert faults(page) == []
    for path in ("/account/security", "/account/confirm"):
        page.goto(live + path)
        assert faults(page) == [], path
    context.close()
