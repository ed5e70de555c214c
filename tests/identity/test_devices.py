"""A list of devices is read by people: it names browser and system, and never the long string."""

from __future__ import annotations

import pytest

from app.identity.sign_in.devices import parse_device_names
from tests.people import PASSWORD, Visitor

APPLE, GOOGLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)", "AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE, IPAD = "(iPhone; CPU iPhone OS 18_6 like Mac OS X)", "(iPad; CPU OS 17_6 like Mac OS X)"
ANDROID, WINDOWS = "(Linux; Android 10; K)", "(Windows NT 10.0; Win64; x64)"
SAFARI_ON_IPHONE = f"Mozilla/5.0 {IPHONE} {APPLE} Version/18.6 Mobile/15E148 Safari/604.1"


@pytest.mark.parametrize(
    ("agent", "browser", "system"),
    [
        (
            f"Mozilla/5.0 {ANDROID} {GOOGLE} Chrome/141.0.0.0 Mobile Safari/537.36",
            "Chrome",
            "Android",
        ),
        (
            (
                f"Mozilla/5.0 {ANDROID} {GOOGLE} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile"
                " Safari/537.36"
            ),
            "Samsung Internet",
            "Android",
        ),
        (
            f"Mozilla/5.0 {ANDROID} {GOOGLE} Chrome/141.0.0.0 Mobile Safari/537.36 OPR/90.0.0.0",
            "Opera",
            "Android",
        ),
        (
            "Mozilla/5.0 (Android 15; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0",
            "Firefox",
            "Android",
        ),
        (SAFARI_ON_IPHONE, "Safari", "iPhone"),
        (f"Mozilla/5.0 {IPAD} {APPLE} Version/17.6 Mobile/15E148 Safari/604.1", "Safari", "iPad"),
        (
            f"Mozilla/5.0 {IPHONE} {APPLE} CriOS/141.0.0.0 Mobile/15E148 Safari/604.1",
            "Chrome",
            "iPhone",
        ),
        (
            f"Mozilla/5.0 {IPHONE} {APPLE} FxiOS/143.0 Mobile/15E148 Safari/605.1.15",
            "Firefox",
            "iPhone",
        ),
        (
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {APPLE} Version/18.6 Safari/605.1.15",
            "Safari",
            "macOS",
        ),
        (
            f"Mozilla/5.0 {WINDOWS} {GOOGLE} Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
            "Edge",
            "Windows",
        ),
        (
            "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
            "Firefox",
            "Ubuntu",
        ),
        (
            f"Mozilla/5.0 (X11; Linux x86_64) {GOOGLE} HeadlessChrome/142.0.0.0 Safari/537.36",
            "Chrome",
            "Linux",
        ),
        (
            f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {GOOGLE} Chrome/141.0.0.0 Safari/537.36",
            "Chrome",
            "Chrome OS",
        ),
        ("curl/8.5.0", "curl", None),
        ("something of its own", None, None),
        ("", None, None),
        ("(" * 200, None, None),
    ],
)
def test_browser_and_system_by_the_names_that_people_know(
    agent: str, browser: str | None, system: str | None
):
    assert parse_device_names(agent) == (browser, system)


def test_the_account_lists_devices_in_words(app, person):
    someone = person()
    for agent in (SAFARI_ON_IPHONE, "something of its own"):
        visitor = Visitor(app)
        visitor.post(
            "/sign-in", email=someone.email, password=PASSWORD, headers={"User-Agent": agent}
        )
    page = visitor.get("/account?lang=en").text
    assert "Safari on iPhone" in page and "Unknown device" in page
    assert "Mozilla" not in page and "something of its own" not in page
