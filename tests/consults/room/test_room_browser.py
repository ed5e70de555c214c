"""The room in real browsers, against a real web process and a real media node."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from app.i18n.translate import make_translator
from tests.consults.meeting import Guest
from tests.consults.scene import PATIENCE, Scene

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]
arabic = make_translator("ar")


def test_a_consultation_from_the_test_before_it_to_its_end(scene: Scene) -> None:
    doctor, patient, interpreter = scene.all

    # Before it: ten seconds through the node end in a plain verdict.
    patient.page.goto(f"{scene.house.url}/consults/check/{scene.circle.booking.id}")
    patient.by("check-start").click()
    patient.by("heard-yes").click()
    expect(patient.page.locator("#check")).to_have_attribute("data-state", "done", timeout=60000)
    verdict = patient.by("check-verdict").get_attribute("data-verdict")
    assert verdict in ("video", "audio"), patient.by("check-numbers").inner_text()
    expect(patient.by("check-numbers")).not_to_be_empty()

    # Who is early waits, and sees the others and one's own picture.
    for one in scene.all:
        one.open(scene.house.url, scene.consult_id)
    patient.enter()
    expect(patient.by("lobby-status")).to_have_text(
        arabic(
            "The specialist knows that you are ready and will let you in. You do not need"
            " to do anything."
        )
    )
    expect(doctor.by("lobby-people").get_by_test_id("person-patient")).to_contain_text(
        "Ready to come in"
    )
    assert patient.page.evaluate("document.documentElement.dir") == "rtl"

    # One by one.
    doctor.enter()
    doctor.is_inside()
    doctor.by("people-toggle").click()
    doctor.by("people").get_by_test_id("admit-patient").click()
    patient.is_inside()
    interpreter.enter()
    expect(interpreter.by("consult")).to_have_attribute("data-phase", "lobby")
    doctor.by("people").get_by_test_id("admit-interpreter").click()
    interpreter.is_inside()
    scene.everyone_meets()
    expect(doctor.by("tile-interpreter")).to_contain_text("Arabic ⇄ English")
    expect(patient.by("line-state")).to_have_attribute("data-quality", "good", timeout=15000)

    # Writing.
    patient.by("chat-toggle").click()
    patient.by("chat-input").fill("السلام عليكم")
    patient.by("chat-send").click()
    expect(doctor.by("unread")).to_have_text("1")
    doctor.by("chat-toggle").click()
    expect(doctor.by("chat-lines").locator("li")).to_have_count(1)
    expect(doctor.by("chat-lines")).to_contain_text("السلام عليكم")
    patient.page.keyboard.press("Escape")

    # Muted, and without a picture: the light of the camera goes out.
    interpreter.by("mic").click()
    interpreter.by("camera").click()
    expect(doctor.by("tile-interpreter")).to_have_class(with_class("no-picture"))
    assert interpreter.page.evaluate("window.consilium.devices.camera") is None
    expect(doctor.by("tile-interpreter").locator(".tile-mic")).to_be_visible()
    interpreter.by("camera").click()
    interpreter.by("mic").click()
    doctor.sees("interpreter", within=PATIENCE)

    # A screen takes the stage for the others.
    doctor.by("screen").click()
    expect(patient.by("tile-stage")).to_be_visible()
    wait_for_frames_on_stage(patient)
    doctor.by("screen").click()
    expect(patient.by("tile-stage")).to_have_count(0)

    # Going for a moment, and coming back.
    interpreter.by("leave").click()
    interpreter.by("leave-now").click()
    expect(interpreter.by("outside")).to_be_visible()
    expect(doctor.by("tile-interpreter")).to_have_count(0)
    interpreter.by("return").click()
    interpreter.is_inside()
    interpreter.sees("patient", within=PATIENCE)

    # The end, for everyone.
    doctor.by("leave").click()
    doctor.by("end").click()
    for one in scene.all:
        one.page.wait_for_url("**/after")
        expect(one.by("consult-after")).to_be_visible()
        assert one.complaints == []


def test_who_comes_late_sees_a_picture_at_once_a_reload_returns_and_a_second_tab_takes_over(
    scene: Scene,
) -> None:
    doctor, patient, interpreter = scene.all
    for one in (doctor, patient):
        one.open(scene.house.url, scene.consult_id)
        one.enter()
    doctor.is_inside()
    doctor.by("people-toggle").click()
    doctor.by("people").get_by_test_id("admit-patient").click()
    patient.is_inside()
    patient.sees("specialist", frames=50, within=PATIENCE)  # long after the first keyframe
    interpreter.open(scene.house.url, scene.consult_id)
    interpreter.enter()
    interpreter.page.evaluate("""() => {
      const link = window.consilium.mediaConnection, times = (window.times = {});
      link.addEventListener("state", ({ detail }) => {
        if (detail.state !== "connected") return;
        times.connected = performance.now();
        link.slots.slice(0, 2).forEach(({ stream }, n) => {
          const video = document.createElement("video");
          Object.assign(video, { muted: true, srcObject: stream });
          video.requestVideoFrameCallback(() => (times[n] = performance.now() - times.connected));
          video.play();
        });
      });
    }""")
    doctor.by("people").get_by_test_id("admit-interpreter").click()
    interpreter.is_inside()
    interpreter.sees("specialist", within=PATIENCE)
    interpreter.sees("patient", within=PATIENCE)
    times = interpreter.page.evaluate("window.times")
    assert times["0"] < 1000 and times["1"] < 1000, times
    scene.everyone_meets()

    # A reload returns to the seat.
    patient.page.reload()
    patient.is_inside()
    patient.sees("specialist", within=PATIENCE)
    doctor.sees("patient", within=PATIENCE)
    doctor.hears("patient", within=PATIENCE)

    # Another tab takes it over.
    second: Page = patient.context.new_page()
    second.goto(f"{scene.house.url}/consults/{scene.consult_id}")
    expect(second.get_by_test_id("consult")).to_have_attribute("data-phase", "room", timeout=20000)
    expect(patient.by("outside")).to_contain_text(arabic("You continued in another window"))
    doctor.sees("patient", within=PATIENCE)
    patient.by("return").click()
    patient.is_inside()
    expect(second.get_by_test_id("outside")).to_be_visible()


def with_class(name: str) -> re.Pattern[str]:
    return re.compile(rf"(^|\s){name}(\s|$)")


def wait_for_frames_on_stage(one: Guest) -> None:
    for _ in range(100):
        if one.stats()["stage"]["frames"] > 3:
            return
        one.wait(200)
    raise AssertionError(f"no picture on the stage: {one.stats()}")
