"""Debian's Chromium, as the tests start it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, Playwright

from app.identity.models import Person
from tests.people import PASSWORD, TOKEN

QUIET = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""For pages alone: it asks the internet for nothing."""
CALLS = (
    "--no-sandbox",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
)
"""For calls on this machine: whoever is asked for a camera or a microphone says yes."""
PRETENDED = (
    *CALLS,
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
"""For calls of a bare page, which nobody clicks: with pretended devices."""


@contextmanager
def chromium(playwright: Playwright, flags: Sequence[str] = QUIET) -> Iterator[Browser]:
    """A browser that is closed afterwards. Fails, and does not skip, where Chromium is not
    installed.
    """
    program = shutil.which("chromium")
    assert program, "Chromium is not installed; ./consilium test installs it"
    browser = playwright.chromium.launch(executable_path=program, args=list(flags))
    try:
        yield browser
    finally:
        browser.close()


def sign_in(context: BrowserContext, url: str, person: Person) -> None:
    """As the form would, without the time that drawing it takes: from now on every page of the
    context is theirs.
    """
    token = TOKEN.search(context.request.get(f"{url}/sign-in").text())
    assert token
    answer = context.request.post(
        f"{url}/sign-in",
        max_redirects=0,
        form={"csrf_token": token.group(1), "email": person.email, "password": PASSWORD},
    )
    assert answer.status == 302, answer.text()
