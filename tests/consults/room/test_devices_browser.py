"""What a person does with their own devices, pictures and keys during a call, in real browsers."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from app.i18n.translate import make_translator
from tests.axe import faults
from tests.consults.meeting import Guest
from tests.consults.scene import PATIENCE, Scene

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]
arabic = make_translator("ar")
NO_PICTURE_IN_PICTURE = (
    "Object.defineProperty(Document.prototype, 'pictureInPictureEnabled', { get: () => false });"
)


def said(one: Guest) -> str:
    return str(one.page.evaluate("document.getElementById('said').textContent"))


def settings_of(one: Guest, name: str) -> dict[str, object]:
    return one.page.evaluate(f"window.consilium.devices.{name}.getSettings()")  # type: ignore[no-any-return]


def outputs(one: Guest) -> set[str]:
    """Where the voices come out: the elements of those at full loudness, and the graph of the
    quieter ones.
    """
    return set(
        one.page.evaluate("""() => {
      const { context, _slots } = window.consilium.mixer;
      const sinks = [context, ..._slots.map(({ element }) => element)];
      return sinks.filter(Boolean).map(({ sinkId }) => sinkId);
    }""")
    )


def speakers(select: Locator) -> list[str]:
    return select.evaluate("(one) => [...one.options].map(({ value }) => value)")  # type: ignore[no-any-return]


def test_devices_views_and_keys_in_the_call(scene: Scene) -> None:
    doctor, patient = scene.doctor, scene.patient
    scene.interpreter.browser.close()
    patient.context.add_init_script(NO_PICTURE_IN_PICTURE)
    doctor.open(scene.house.url, scene.consult_id)
    doctor.page.get_by_text("Choose camera, microphone and speaker").click()
    first, *_, last = speakers(doctor.by("pick-speaker"))
    doctor.by("pick-speaker").select_option(
        last
    )  # it is remembered, and holds from the first sound on
    for one in (doctor, patient):
        one.open(scene.house.url, scene.consult_id)
        one.enter()
    doctor.is_inside()
    scene.let_in(patient)
    doctor.sees("patient", within=PATIENCE)
    patient.sees("specialist", within=PATIENCE)

    # Noise around is kept out, until one wants it in; the voice goes on.
    doctor.by("settings-toggle").click()
    assert settings_of(doctor, "mic")["noiseSuppression"] is True
    doctor.by("noise").uncheck()
    expect(doctor.page.locator("#said")).to_have_text(
        "Your microphone now picks up every sound around you."
    )
    assert settings_of(doctor, "mic")["noiseSuppression"] is False
    patient.hears("specialist", within=PATIENCE)

    # Another camera, another microphone, another speaker, without a new connection.
    connection = doctor.page.evaluate("window.consilium.mediaConnection.connectionId")
    panel = doctor.by("settings-panel")
    for kind, name in (("videoinput", "camera"), ("audioinput", "mic")):
        select = panel.locator(f'[data-device="{kind}"]')
        ids = select.evaluate("(one) => [...one.options].map((option) => option.value)")
        other = next(
            each for each in reversed(ids) if each != settings_of(doctor, name)["deviceId"]
        )
        select.select_option(other)
        chosen = f"window.consilium.devices.{name}?.getSettings().deviceId === '{other}'"
        doctor.until(chosen)
    patient.sees("specialist", within=PATIENCE)
    patient.hears("specialist", within=PATIENCE)
    assert outputs(doctor) == {last}
    panel.locator('[data-device="audiooutput"]').select_option(first)
    doctor.until(f"window.consilium.mixer.context.sinkId === '{first}'")
    assert outputs(doctor) == {first}
    doctor.hears("patient", within=PATIENCE)
    assert doctor.page.evaluate("window.consilium.mediaConnection.connectionId") == connection

    # Everyone the same size, and back.
    doctor.by("view-grid").check()
    expect(doctor.by("tiles")).to_have_attribute("data-view", "grid")
    boxes = [doctor.by(name).bounding_box() for name in ("tile-own", "tile-patient")]
    assert boxes[0] and boxes[1] and abs(boxes[0]["width"] - boxes[1]["width"]) < 2
    assert said(doctor) == "Everyone is shown at the same size."
    doctor.by("view-speaker").check()

    # The large picture stays in front; a browser that cannot do so says so.
    doctor.by("pip").click()
    expect(doctor.page.locator("#said")).to_have_text(
        "The large picture stays in front of other windows."
    )
    assert doctor.page.evaluate("Boolean(document.pictureInPictureElement)")
    doctor.by("pip").click()
    expect(doctor.page.locator("#said")).to_have_text("The picture is back on the page.")
    assert not doctor.page.evaluate("Boolean(document.pictureInPictureElement)")
    patient.by("more").click()
    patient.by("settings-toggle").click()
    expect(patient.by("pip")).to_be_hidden()
    expect(patient.by("pip-missing")).to_be_visible()
    patient.page.keyboard.press("Escape")
    expect(patient.by("settings-panel")).to_be_hidden()
    expect(patient.by("more")).to_be_focused()

    # With the keyboard alone, and each change is said.
    doctor.page.keyboard.press("Escape")
    expect(doctor.by("settings-toggle")).to_be_focused()
    for key, name, sentence in (
        ("m", "mic", "Your microphone is off."),
        ("m", "mic", "Your microphone is on."),
        ("v", "camera", "Your camera is off."),
        ("v", "camera", "Your camera is on."),
    ):
        doctor.page.keyboard.press(key)
        expect(doctor.page.locator("#said")).to_have_text(sentence)
        expect(doctor.by(name)).to_have_attribute("aria-pressed", str("on." in sentence).lower())
    doctor.page.keyboard.press("c")
    expect(doctor.by("chat-input")).to_be_focused()
    doctor.page.keyboard.type("m")  # is a letter here
    assert doctor.by("mic").get_attribute("aria-pressed") == "true"

    # A phone gets the small picture, a desk the large one of whom it shows large.
    patient.by("chat-toggle").focus()
    assert patient.stats()["seats"]["specialist"]["width"] <= 320
    doctor.until("(async () => (await window.consilium.stats()).seats.patient.width === 640)()")

    # One thumb reaches all: the bar stands at the lower edge, with targets that are large enough.
    bar = patient.page.locator(".bar").bounding_box()
    assert bar and bar["y"] + bar["height"] > patient.page.viewport_size["height"] - 4  # type: ignore[index]
    for box in patient.page.locator(".bar .tool-button:visible").evaluate_all(
        "(all) => all.map((one) => one.getBoundingClientRect()).map(({ width, height }) => [width,"
        " height])"
    ):
        assert min(box) >= 44
    assert faults(patient.page) == [] and faults(doctor.page) == []
    assert doctor.complaints == [] and patient.complaints == []


def test_a_narrow_line_is_told_in_the_persons_language_and_so_is_its_recovery(scene: Scene) -> None:
    """A real narrow line: 64 kbit/s down. The pictures go, the interpreter's voice stays; later all
    is back.
    """
    scene.everyone_is_inside()
    scene.everyone_meets()
    patient = scene.patient
    scene.weather(down={scene.seat_of(patient): 64_000})
    notice = patient.by("narrow")
    expect(notice).to_have_attribute("data-step", "no_pictures", timeout=40000)
    expect(notice).to_have_text(
        arabic("Your connection is very slow. We paused all video, so that you hear everything.")
    )
    assert notice.get_attribute("aria-live") == "polite"
    expect(patient.by("tile-specialist")).to_have_class(re.compile("is-held"))
    patient.hears("interpreter", within=PATIENCE)
    expect(scene.doctor.by("narrow")).to_be_empty()
    scene.weather()
    expect(notice).to_have_attribute("data-step", "full", timeout=60000)
    expect(notice).to_have_text(
        arabic("Your connection is good again. You see and hear everything.")
    )
    patient.sees("specialist", within=PATIENCE)
