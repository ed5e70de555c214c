"""Real Chromium for the media tests."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import sync_playwright

from app.media.settings import MediaSettings
from tests.media.signalling import Signalling

PLAIN_FLAGS = (
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--no-sandbox",
)
LOOPBACK_FLAGS = ("--allow-loopback-in-peer-connection", "--disable-features=WebRtcHideLocalIpsWithMdns")


@pytest.fixture(scope="session")
def chromium():
    """A browser with pretended devices; fails, and does not skip, where Chromium is not installed."""
    path = shutil.which("chromium")
    assert path, "The media tests need Chromium: apt-get install chromium."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*PLAIN_FLAGS, *LOOPBACK_FLAGS])
        yield browser
        browser.close()


@pytest.fixture
def signalling():
    with Signalling(MediaSettings(secret_key="a secret of the tests")) as running:
        yield running
