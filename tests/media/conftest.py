"""Real Chromium for the media tests."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import settings

from app.media.settings import MediaSettings
from tests.media.relay import running_coturn
from tests.media.signalling import Signalling

# A busy machine is no fault of the code: no test here is timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

PLAIN_FLAGS = (
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--no-sandbox",
)
LOOPBACK_FLAGS = ("--allow-loopback-in-peer-connection", "--disable-features=WebRtcHideLocalIpsWithMdns")


@pytest.fixture(scope="module")
def chromium(playwright):
    """A browser with pretended devices; fails, and does not skip, where Chromium is not installed."""
    path = shutil.which("chromium")
    assert path, "The media tests need Chromium: apt-get install chromium."
    browser = playwright.chromium.launch(executable_path=path, args=[*PLAIN_FLAGS, *LOOPBACK_FLAGS])
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def coturn(tmp_path_factory):
    """A relay on the loopback."""
    with running_coturn(tmp_path_factory.mktemp("coturn")) as relay:
        yield relay


@pytest.fixture
def signalling():
    with Signalling(MediaSettings(secret_key="a secret of the tests")) as running:
        yield running
