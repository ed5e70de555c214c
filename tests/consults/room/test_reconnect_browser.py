"""Whatever happens to a call, every picture and every voice is back, the chat has no double and no
hole, channels are as they were, and what everybody agreed to record goes on being recorded. How
soon, at a quiet machine, says ``./consilium bench reconnect``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import select

from app.consults.models import ConsultEvent
from app.consults.recording.models import RecordingState
from app.core.clock import now
from app.core.db import Database
from tests.consults import reconnecting
from tests.consults.interpreting.test_interpreting_browser import turn_to_simultaneous
from tests.consults.meeting import TONES
from tests.consults.recording.test_recording_browser import everyone_agrees, film, the_recording
from tests.consults.scene import Scene
from tests.media.studio import tone
from tests.processes import wait_for

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

PATIENT_S = 20.0  # five seconds by the promise; the machine of the tests is busy
NODE_S = 40.0


def test_the_matrix(scene: Scene, database: Database) -> None:
    """One call goes through it all while it is recorded, and is at the end what it was in the
    beginning.
    """
    scene.everyone_is_inside()
    scene.everyone_meets()
    turn_to_simultaneous(scene, scene.interpreter)
    scene.interpreter.by("into-en").click()
    everyone_agrees(scene)
    said: list[str] = []
    back: list[datetime] = []
    gone: list[datetime] = []

    def kill_the_web(scene: Scene) -> float:
        """What is written while it is gone goes out once when it is back."""
        reconnecting.writes_once_the_web_is_gone(scene.doctor, "without the web")
        said.append("without the web")
        took = reconnecting.kill_the_web(scene, lambda: gone.append(now()))
        assert "Not sent yet" in scene.doctor.page.evaluate("window.unsent")
        return took

    happenings: list[tuple[Callable[[Scene], float], float]] = [
        (reconnecting.kill_the_media_node, NODE_S),
        (reconnecting.reload_the_tab, PATIENT_S),
        (lambda one: reconnecting.lose_the_network(one, seconds=4), PATIENT_S),
        (reconnecting.change_the_address, PATIENT_S),
        (lambda one: reconnecting.freeze_the_page(one, seconds=3), PATIENT_S),
        (lambda one: reconnecting.sleep_and_wake(one, seconds=14), PATIENT_S),
        (reconnecting.take_over_in_another_tab, PATIENT_S),
        (kill_the_web, PATIENT_S),
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
            reconnecting.everyone_has_read(
                scene, said, within=120
            )  # a busy machine takes long to start a web
            assert reconnecting.standing(scene) == before
            back.append(now())
    it_was_recorded(scene, database, back, gone[0])


def it_was_recorded(scene: Scene, database: Database, back: list[datetime], gone: datetime) -> None:
    """Nobody was asked again. The patient's voice is in the film after each happening; of the time
    in which the web was gone, and nobody could have stopped the node, there is nothing.
    """
    scene.doctor.by("leave").click()
    scene.doctor.by("end").click()
    scene.patient.page.wait_for_url("**/after")
    wait_for(lambda: the_recording(database).state == RecordingState.KEPT, 60, scene.house.logs)
    with database.sessions() as session:
        kinds = Counter(session.scalars(select(ConsultEvent.kind)))
    assert (kinds["recording_asked"], kinds["recording_agreed"]) == (1, 3)
    assert kinds["recording_paused"] == kinds["recording_resumed"]

    one = the_recording(database)
    whole = film(
        scene.patient, scene, one.record_id, "ar"
    )  # of it the interpreter has no part: they speak English
    for number, moment in enumerate(back):
        at = one.milliseconds(moment) / 1000
        assert tone(whole, 0, at - 1.2, at - 0.2) == pytest.approx(TONES["patient"], abs=5), number
    at = one.milliseconds(gone) / 1000
    assert tone(whole, 0, at + 1, at + 2.5) == 0.0
