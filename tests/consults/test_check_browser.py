"""The test before the meeting in a real browser, through a real media node."""
from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.consults.scene import Scene

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]


def test_ten_seconds_through_the_node_end_in_a_plain_verdict(scene: Scene) -> None:
    patient = scene.patient
    patient.page.goto(f"{scene.house.url}/consults/check/{scene.circle.booking.id}")
    patient.by("check-start").click()
    patient.by("heard-yes").click()
    expect(patient.page.locator("#check")).to_have_attribute("data-state", "done", timeout=60000)
    verdict = patient.by("check-verdict").get_attribute("data-verdict")
    assert verdict in ("video", "audio"), patient.by("check-numbers").inner_text()
    expect(patient.by("check-numbers")).not_to_be_empty()
    assert patient.complaints == []
