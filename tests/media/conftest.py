"""Real Chromium for the media tests."""

from __future__ import annotations

import pytest
from hypothesis import settings

from app.media.settings import MediaSettings
from tests import browsers
from tests.media.relay import running_coturn
from tests.media.signalling import Signalling

# A busy machine is no fault of the code: no test here is timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="module")
def chromium(playwright):
    """A browser with pretended devices."""
    with browsers.chromium(playwright, browsers.PRETENDED) as browser:
        yield browser


@pytest.fixture(scope="module")
def coturn(tmp_path_factory):
    """A relay on the loopback."""
    with running_coturn(tmp_path_factory.mktemp("coturn")) as relay:
        yield relay


@pytest.fixture
def signalling():
    with Signalling(MediaSettings(secret_key="a secret of the tests")) as running:
        yield running
