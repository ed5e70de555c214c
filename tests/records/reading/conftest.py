"""A reading room that a specialist has open in Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from tests.browsers import sign_in
from tests.records.conftest import Cast
from tests.records.imaging.conftest import rename, send_images
from tests.servers import serving

__all__ = ["rename", "send_images"]


@pytest.fixture
def open_room(app: Flask, cast: Cast, chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens the reading room of the case, as its specialist."""
    with serving(app) as url:
        contexts = []

        def show(language: str = "en", width: int = 1440, height: int = 900) -> Page:
            context = chromium.new_context(
                viewport={"width": width, "height": height}, locale=language, has_touch=width < 600
            )
            contexts.append(context)
            sign_in(context, url, cast.specialist)
            page = context.new_page()
            page.goto(f"{url}/cases/{cast.case.id}/reading?lang={language}")
            page.locator("#reading[data-ready]").wait_for()
            return page

        yield show
        for context in contexts:
            context.close()
