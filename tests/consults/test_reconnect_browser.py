"""Whatever happens to a call, every picture and every voice is back, the chat has no double and no hole, and channels
are as they were. How soon, at a quiet machine, says `./consilium bench reconnect`."""
from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.consults import reconnecting
from tests.consults.scene import Scene
from tests.consults.test_interpreting_browser import turn_to_simultaneous

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

PATIENT_S = 20.0  # five seconds by the promise; the machine of the tests is busy
NODE_S = 40.0


def test_the_matrix(scene: Scene) -> None:
    """One call goes through it all, and is at the end what it was in the beginning."""
    scene.everyone_is_inside()
    scene.everyone_meets()
    turn_to_simultaneous(scene, scene.interpreter)
    scene.interpreter.by("into-en").click()
    said: list[str] = []
    happenings: list[tuple[Callable[[Scene], float], float]] = [
        (reconnecting.reload_the_tab, PATIENT_S),
        (lambda one: reconnecting.lose_the_network(one, seconds=4), PATIENT_S),
        (reconnecting.change_the_address, PATIENT_S),
        (lambda one: reconnecting.freeze_the_page(one, seconds=3), PATIENT_S),
        (lambda one: reconnecting.sleep_and_wake(one, seconds=14), PATIENT_S),
        (reconnecting.take_over_in_another_tab, PATIENT_S),
        (reconnecting.kill_the_media_node, NODE_S),
        (reconnecting.kill_the_web, PATIENT_S),
    ]
    with reconnecting.Restarts(scene):
        scene.doctor.wait(1000)
        before = reconnecting.standing(scene)
        for number, (happen, limit) in enumerate(happenings):
            reconnecting.writes(scene.doctor, f"before {number}")
            took = happen(scene)
            print(f"{number}: back after {took:.1f} s")
            assert took < limit
            reconnecting.writes(scene.patient, f"after {number}")
            said += [f"before {number}", f"after {number}"]
            reconnecting.everyone_has_read(scene, said, within=120)  # a busy machine takes long to start a web
            assert reconnecting.standing(scene) == before


def test_what_is_written_while_the_web_is_gone_goes_out_once_when_it_is_back(scene: Scene) -> None:
    scene.everyone_is_inside()
    web = scene.house.processes["web0"]
    web.kill()
    expect(scene.doctor.by("line-state")).to_have_attribute("data-quality", "lost", timeout=15000)
    reconnecting.writes(scene.doctor, "from the doctor")
    expect(scene.doctor.by("chat-lines")).to_contain_text("Not sent yet")
    web.start()
    reconnecting.everyone_has_read(scene, ["from the doctor"], within=120)
