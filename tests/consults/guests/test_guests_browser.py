"""Guests, and a full room, in real browsers."""

from __future__ import annotations

from contextlib import closing

import aioice.ice
import pytest
from playwright.sync_api import expect

from app.consults.guests import service as guests
from app.consults.models import MAX_SEATS_PER_CONSULT, Consult
from app.i18n.translate import make_translator
from tests.axe import faults
from tests.consults.conftest import Meeting
from tests.consults.interpreting.test_interpreting import another_interpreter
from tests.consults.meeting import PHONE, Guest, an_open_meeting
from tests.consults.scene import PATIENCE, Scene
from tests.consults.sitters import Sitters, pass_of

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]
arabic = make_translator("ar")


def invited(
    scene: Scene, name: str, kind: str = "relative", language: str = "ar", consult_id: str = ""
) -> str:
    """The address of an invitation."""
    with scene.database.unit_of_work() as session:
        consult = session.get_one(Consult, consult_id or scene.consult_id)
        _, token = guests.invite_guest(
            session, consult.booking.patient, consult, name, kind, language
        )
    return f"{scene.house.url}/consults/guest/{token}"


def let_in_everybody(doctor: Guest, how_many: int) -> None:
    if not doctor.by("people").is_visible():
        doctor.by("people-toggle").click()
    buttons = doctor.by("people").get_by_role("button", name="Let in", exact=True)
    for left in range(how_many, 0, -1):
        expect(buttons).to_have_count(left, timeout=20000)
        buttons.first.click()
    expect(buttons).to_have_count(0)


def test_a_relative_comes_by_a_link_on_a_phone_in_arabic(scene: Scene) -> None:
    doctor, patient, interpreter = scene.all
    interpreter.browser.close()
    for one in (doctor, patient):
        one.open(scene.house.url, scene.consult_id)
        one.enter()
    doctor.is_inside()
    scene.let_in(patient)

    # The patient makes the invitation, and hands the link on.
    page = patient.context.new_page()
    page.goto(f"{scene.house.url}/consults/{scene.consult_id}/guests")
    page.locator("input[name=name]").fill("خالتي هدى")
    page.locator("main form button").first.click()
    link = page.get_by_test_id("guest-link").input_value()
    assert faults(page) == []
    page.close()

    relative = scene.seat(None, viewport=PHONE, role="guest", locale="ar")
    relative.page.goto(link)
    assert relative.page.evaluate("document.documentElement.dir") == "rtl"
    assert faults(relative.page) == []
    relative.page.locator("main form button").click()
    expect(relative.by("consult")).to_have_attribute("data-phase", "lobby", timeout=20000)
    relative.enter()
    expect(doctor.by("people")).to_contain_text("خالتي هدى")
    scene.let_in(relative)
    relative.sees("patient", within=PATIENCE)
    patient.hears("guest", within=PATIENCE)
    assert faults(relative.page) == []

    # The link has done its work: for anybody else it opens nothing, and neither does one that was
    # taken back.
    stranger = scene.seat(None, viewport=PHONE, role="stranger", locale="ar")
    stranger.page.goto(link)
    expect(stranger.page.locator("main")).to_contain_text(arabic(guests.INVITATION_USED))
    gone = invited(scene, "Cousin")
    with scene.database.unit_of_work() as session:
        consult = session.get_one(Consult, scene.consult_id)
        last = guests.list_guest_invitations(session, consult)[-1]
        guests.revoke_guest_invitation(session, consult.booking.patient, consult, last.id)
    stranger.page.goto(gone)
    expect(stranger.page.locator("main")).to_contain_text(arabic(guests.INVITATION_EXPIRED))

    # A guest of one consultation finds nothing at another.
    with scene.database.unit_of_work() as session:
        other, _ = an_open_meeting(session)
        elsewhere = other.consult.id
    assert relative.page.request.get(f"{scene.house.url}/consults/{elsewhere}").status == 404
    stranger.page.goto(invited(scene, "Uncle", consult_id=elsewhere))
    stranger.page.locator("main form button").click()
    expect(stranger.by("consult")).to_have_attribute("data-phase", "lobby", timeout=20000)
    assert stranger.page.request.get(f"{scene.house.url}/consults/{scene.consult_id}").status == 404


def test_eight_people_at_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patient, doctor, two interpreters, the office, and three guests: two at browsers, six at bare
    sockets.
    """
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
    doctor, patient, interpreter = scene.all
    with scene.database.unit_of_work() as session:
        partner = another_interpreter(
            session, Meeting(scene.circle, scene.coordinator), ("ar", "en")
        )
    url, browser = scene.house.url, interpreter.browser
    people = [scene.circle.interpreter, partner, scene.coordinator]
    links = [
        invited(scene, name, kind, tag)
        for name, kind, tag in (
            ("Aunt Huda", "relative", "ar"),
            ("Dr. Sami Haddad", "doctor", "ar"),
            ("Dr. Anne Weiss", "other", "en"),
        )
    ]
    passes = [pass_of(browser, url, scene.consult_id, one) for one in people]
    passes += [pass_of(browser, url, scene.consult_id, link=link) for link in links]
    browser.close()
    for one in (doctor, patient):
        one.open(url, scene.consult_id)
        one.enter()
    doctor.is_inside()
    with closing(Sitters(url)) as sitters:
        for one in passes:
            sitters.knock(one)
        let_in_everybody(doctor, 6)  # the office opens doors itself
        patient.is_inside()
        doctor.page.keyboard.press("Escape")

        expect(doctor.by("tiles")).to_have_attribute("data-count", str(MAX_SEATS_PER_CONSULT))
        doctor.until(
            """window.consilium.mediaConnection.stats().then(({ slots }) =>
            slots.every(({ video, audio }) => video.frames > 5 && audio.packets > 20))""",
            within=40,
        )
        patient.until(
            """window.consilium.mediaConnection.stats().then(({ slots }) =>
            slots.every(({ video }) => video.frames > 5))""",
            within=40,
        )

        doctor.by("settings-toggle").click()
        doctor.by("view-grid").check()
        doctor.page.keyboard.press("Escape")
        boxes = [tile.bounding_box() for tile in doctor.by("tiles").locator(".tile").all()]
        assert all(box is not None for box in boxes)
        sizes = {(round(box["width"]), round(box["height"])) for box in boxes if box}
        assert (
            len(sizes) <= 2
            and len({(round(box["x"]), round(box["y"])) for box in boxes if box})
            == MAX_SEATS_PER_CONSULT
        )
        bar = doctor.page.locator(".bar").bounding_box()
        assert bar and all(box and box["y"] + box["height"] <= bar["y"] + 1 for box in boxes)
        assert faults(doctor.page) == [] and faults(patient.page) == []
        doctor.page.screenshot(path=str(scene.house.folder / "eight-desk.png"))
        patient.page.screenshot(path=str(scene.house.folder / "eight-phone.png"))

        # A ninth finds no place, and is told so.
        stranger = scene.seat(None, role="stranger")
        stranger.page.goto(invited(scene, "Cousin", language="en"))
        stranger.page.locator("main form button").click()
        expect(stranger.page.locator("main")).to_contain_text(
            "All 8 places in this consultation are taken."
        )
