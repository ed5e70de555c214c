"""What each person hears, measured in real browsers: every microphone plays its own tone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from app.i18n.translate import make_translator
from tests.consults.conftest import Meeting
from tests.consults.interpreting.test_interpreting import another_interpreter
from tests.consults.meeting import TONES, Guest
from tests.consults.scene import Scene

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]
arabic = make_translator("ar")
PATIENT, DOCTOR, INTERPRETER, PARTNER = (
    TONES[role] for role in ("patient", "specialist", "interpreter", "partner")
)


def turn_to_simultaneous(scene: Scene, interpreter: Guest) -> None:
    scene.doctor.by("listen").click()
    scene.doctor.by("mode-simultaneous").click()
    expect(interpreter.by("switch")).to_be_visible()


def test_direct_interpretation_the_slider_the_cough_the_signals_and_a_lost_interpreter(
    scene: Scene,
) -> None:
    doctor, patient, interpreter = scene.all
    scene.everyone_is_inside()
    d, p, i = (
        one.name
        for one in (scene.circle.specialist, scene.circle.patient, scene.circle.interpreter)
    )

    # In turn: everyone hears everyone.
    patient.comes_to_hear({d: (DOCTOR, 1), i: (INTERPRETER, 1)})
    doctor.comes_to_hear({p: (PATIENT, 1), i: (INTERPRETER, 1)})

    # At the same time: into Arabic first.
    turn_to_simultaneous(scene, interpreter)
    patient.comes_to_hear({d: (DOCTOR, 0.15), i: (INTERPRETER, 1)})
    doctor.comes_to_hear({p: (PATIENT, 0.15)})
    interpreter.comes_to_hear({d: (DOCTOR, 1), p: (PATIENT, 1)})
    expect(interpreter.by("into-ar")).to_have_attribute("aria-checked", "true")

    # One key flips the switch; nothing un-ducks by itself.
    frames = patient.stats()["seats"]["interpreter"]["frames"]
    interpreter.page.keyboard.press("Space")
    expect(interpreter.by("into-en")).to_have_attribute("aria-checked", "true")
    doctor.comes_to_hear({p: (PATIENT, 0.15), i: (INTERPRETER, 1)})
    patient.comes_to_hear({d: (DOCTOR, 0.15)})
    assert patient.stats()["seats"]["interpreter"]["frames"] > frames, "the picture goes on"

    # The listener's own slider; what is not heard is not sent.
    patient.by("more").click()
    patient.by("listen").click()
    patient.by("original-gain").fill("0.6")
    patient.comes_to_hear({d: (DOCTOR, 0.6)})
    patient.by("original-gain").fill("0")
    patient.comes_to_hear({})
    patient.wait(1000)  # the slider has come to rest, and the server was told
    packets = patient.stats()["seats"]["specialist"]["audioPackets"]
    patient.wait(1000)
    assert patient.stats()["seats"]["specialist"]["audioPackets"] <= packets + 5
    patient.by("original-gain").fill("0.15")
    patient.comes_to_hear({d: (DOCTOR, 0.15)})
    patient.page.keyboard.press("Escape")

    # A cough is heard by nobody.
    interpreter.page.keyboard.down("x")
    doctor.comes_to_hear({p: (PATIENT, 0.15)})
    interpreter.page.keyboard.up("x")
    doctor.comes_to_hear({p: (PATIENT, 0.15), i: (INTERPRETER, 1)})

    # "More slowly, please."
    patient.by("ask").click()
    patient.by("signal-slower").click()
    expect(doctor.by("banner")).to_contain_text("speak more slowly")

    # The interpreter's line is lost: within five seconds everyone reads it in their own language.
    interpreter.context.set_offline(True)
    interpreter.context.close()
    expect(patient.by("paused")).to_have_text(
        arabic(
            "Interpreting is paused because the interpreter lost the connection. Please"
            " wait. The interpreter is reconnecting."
        ),
        timeout=5000,
    )
    expect(doctor.by("clock")).to_contain_text("paused")
    patient.comes_to_hear({d: (DOCTOR, 1)})

    # And it is back: everything as it was.
    back = scene.seat(scene.circle.interpreter, role="interpreter")
    back.page.goto(f"{scene.house.url}/consults/{scene.consult_id}")
    back.is_inside()
    expect(back.by("into-en")).to_have_attribute("aria-checked", "true")
    expect(patient.by("paused")).to_be_hidden()
    doctor.comes_to_hear({p: (PATIENT, 0.15), i: (INTERPRETER, 1)})
    patient.comes_to_hear({d: (DOCTOR, 0.15)})


def test_a_point_is_said_back_a_line_is_read_and_two_interpreters_hand_over(scene: Scene) -> None:
    with scene.database.unit_of_work() as session:
        second = another_interpreter(
            session, Meeting(scene.circle, scene.coordinator), ("ar", "en")
        )
    doctor, patient, interpreter = scene.all
    scene.everyone_is_inside()

    # What matters is said back, and a line is read in one language.
    doctor.by("teach-toggle").click()
    doctor.by("point-text").fill("Stop the tablet three days before")
    doctor.by("point-ask").click()
    interpreter.by("teach-toggle").click()
    interpreter.by("said-text").fill("I stop it three days before.")
    interpreter.by("said-send").click()
    doctor.by("confirm-point").click()
    expect(patient.by("points").locator("li")).to_have_attribute("data-verdict-of", "confirmed")

    interpreter.page.keyboard.press("Escape")
    interpreter.by("caption-language").select_option("ar")
    interpreter.by("caption-text").fill("ثلاثة أيام")
    interpreter.by("caption-send").click()
    expect(patient.by("captions")).to_have_text("ثلاثة أيام")
    expect(doctor.by("captions")).to_be_hidden()

    # A second interpreter comes; the two write to one another, and take turns.
    partner = scene.seat(second, role="partner")
    partner.open(scene.house.url, scene.consult_id)
    partner.enter()
    scene.let_in(partner)
    turn_to_simultaneous(scene, interpreter)
    d, i = scene.circle.specialist.name, scene.circle.interpreter.name
    patient.comes_to_hear({d: (DOCTOR, 0.15), i: (INTERPRETER, 1)})

    partner.by("partners-toggle").click()
    partner.by("partners-input").fill("Shall I?")
    partner.by("partners-send").click()
    expect(interpreter.by("unread-partners")).to_have_text("1")
    expect(doctor.by("unread")).to_be_hidden()

    interpreter.by("hand-over").click()
    expect(partner.by("hand-over-offer")).to_contain_text(i)
    partner.by("take-over").click()
    expect(partner.by("into-ar")).to_have_attribute("aria-checked", "true")
    patient.comes_to_hear({d: (DOCTOR, 0.15), second.name: (PARTNER, 1)})
    assert [one.complaints for one in (*scene.all, partner)] == [[], [], [], []]


def test_a_relay_through_a_language_that_neither_side_speaks(scene: Scene) -> None:
    """English into French by one interpreter, French into Arabic by the other."""
    meeting = Meeting(scene.circle, scene.coordinator)
    with scene.database.unit_of_work() as session:
        first = another_interpreter(session, meeting, ("fr", "en"))
        second = another_interpreter(session, meeting, ("ar", "fr"))
    scene.interpreter.browser.close()
    one, two = scene.seat(first, role="interpreter"), scene.seat(second, role="partner")
    doctor, patient = scene.doctor, scene.patient
    for guest in (doctor, patient, one, two):
        guest.open(scene.house.url, scene.consult_id)
        guest.enter()
    doctor.is_inside()
    for guest in (patient, one, two):
        scene.let_in(guest)
    turn_to_simultaneous(scene, one)
    one.by("into-fr").click()
    two.by("into-ar").click()
    p, d = scene.circle.patient.name, scene.circle.specialist.name
    patient.comes_to_hear({d: (DOCTOR, 0.15), second.name: (PARTNER, 1)})
    two.comes_to_hear({p: (PATIENT, 1), d: (DOCTOR, 0.15), first.name: (INTERPRETER, 1)})
    # and back
    two.by("into-fr").click()
    expect(two.by("banner")).to_be_visible()  # the channel is the other's, for now
    one.by("into-en").click()
    two.by("into-fr").click()
    doctor.comes_to_hear({p: (PATIENT, 0.15), first.name: (INTERPRETER, 1)})
    one.comes_to_hear({d: (DOCTOR, 1), p: (PATIENT, 0.15), second.name: (PARTNER, 1)})
