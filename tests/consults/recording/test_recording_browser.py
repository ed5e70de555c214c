"""A recording in real browsers and real processes: agreed to, seen by everyone, withdrawn, purged;
kept, found again after the node was killed, and played back in either language.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app.consults.models import ConsultEvent
from app.consults.recording.models import Recording, RecordingState
from app.core.db import Database
from app.i18n.translate import make_translator
from tests.consults.meeting import TONES, Guest
from tests.consults.scene import PATIENCE, Scene
from tests.media.studio import tone
from tests.processes import wait_for

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]
arabic = make_translator("ar")
DOCTOR, INTERPRETER = TONES["specialist"], TONES["interpreter"]
WITHIN = 2.0  # seconds from a withdrawal to the last packet that the node let in


def everyone_agrees(scene: Scene) -> None:
    doctor, patient, interpreter = scene.all
    if not doctor.by("recording-toggle").is_visible():
        doctor.by("people-toggle").click()
    doctor.by("recording-toggle").click()
    doctor.by("recording-begin").click()
    for one in (patient, interpreter):
        expect(one.by("recording-ask")).to_be_visible()
        one.by("recording-agree").click()
    for one in scene.all:
        expect(one.by("recording-sign")).to_have_attribute("data-state", "running")
        expect(one.by("recording-sign")).to_be_visible()


def events(database: Database) -> dict[str, ConsultEvent]:
    with database.sessions() as session:
        found = session.scalars(
            select(ConsultEvent).order_by(ConsultEvent.at, ConsultEvent.id)
        ).all()
        return {event.kind: event for event in found}


def the_recording(database: Database) -> Recording:
    with database.sessions() as session:
        return session.scalars(select(Recording)).one()


def objects(scene: Scene) -> int:
    return sum(1 for path in (scene.house.folder / "objects").rglob("*") if path.is_file())


def test_everyone_agrees_and_who_withdraws_stops_it_at_once_and_has_it_deleted(
    scene: Scene, database: Database
) -> None:
    doctor, patient, interpreter = scene.all
    scene.everyone_is_inside()
    before = objects(scene)
    everyone_agrees(scene)
    expect(patient.by("recording-sign")).to_have_text(arabic("This consultation is being recorded"))
    wait_for(lambda: objects(scene) > before, PATIENCE, scene.house.logs)

    patient.page.reload()  # an agreement survives it
    patient.is_inside()
    expect(patient.by("recording-sign")).to_have_attribute("data-state", "running")
    expect(patient.by("recording-ask")).to_be_hidden()

    patient.by("recording-sign").click()
    patient.by("recording-withdraw").click()
    for one in scene.all:
        expect(one.by("recording-sign")).to_be_hidden()
    expect(doctor.by("recording-purge")).to_be_hidden()
    wait_for(lambda: "recording_stored" in events(database), PATIENCE, scene.house.logs)
    seen = events(database)
    stopped = datetime.fromisoformat(seen["recording_stored"].facts["node_stopped_at"])
    assert (stopped - seen["recording_withdrawn"].at).total_seconds() < WITHIN

    patient.by("recording-delete").click()
    patient.by("recording-delete-sure").click()
    expect(patient.by("recording-purge")).to_be_hidden()
    wait_for(lambda: objects(scene) == before, PATIENCE, scene.house.logs)
    assert the_recording(database).state == RecordingState.PURGED
    assert [one.complaints for one in scene.all] == [[], [], []]


def test_it_is_kept_though_the_node_was_killed_and_plays_in_either_language(
    scene: Scene, database: Database
) -> None:
    doctor, patient, interpreter = scene.all
    scene.everyone_is_inside()
    doctor.by("listen").click()
    doctor.by("mode-simultaneous").click()
    expect(interpreter.by("switch")).to_be_visible()
    patient.by("mic").click()  # so that the Arabic track has the interpreter alone
    doctor.sees("patient", within=PATIENCE)
    patient.hears("interpreter", within=PATIENCE)
    everyone_agrees(scene)
    doctor.wait(10_000)

    media = scene.house.processes["media"]
    media.kill()
    media.start()
    patient.page.wait_for_timeout(1000)
    patient.hears("interpreter", within=PATIENCE)
    doctor.wait(6_000)
    expect(patient.by("recording-sign")).to_have_attribute("data-state", "running")

    doctor.by("leave").click()
    doctor.by("end").click()
    doctor.page.wait_for_url("**/after")
    wait_for(lambda: the_recording(database).state == RecordingState.KEPT, 60, scene.house.logs)
    record_id = the_recording(database).record_id

    # Everything up to the last segment before the kill is there; then the new node's part.
    films = {tag: film(patient, scene, record_id, tag) for tag in ("ar", "en")}
    assert len(films["ar"]) == len(films["en"])
    for tag, hertz in (("ar", INTERPRETER), ("en", DOCTOR)):
        assert tone(films[tag], 0, 2, 5) == pytest.approx(hertz, abs=5), tag
        assert tone(films[tag], 0, -5, -1) == pytest.approx(hertz, abs=5), tag

    patient.page.goto(f"{scene.house.url}/records/{record_id}")
    assert plays(patient) > 1.0
    patient.page.get_by_test_id("listen-en").check()
    assert plays(patient) > 1.0
    assert patient.page.evaluate("document.querySelector('video').src").endswith("/en.webm")
    duration = patient.page.evaluate("document.querySelector('video').duration")
    patient.page.evaluate(f"document.querySelector('video').currentTime = {duration - 4}")
    assert plays(patient) > duration - 4
    assert patient.page.evaluate("document.querySelector('video').videoWidth") > 0
    patient.page.keyboard.press("k")


def film(guest: Guest, scene: Scene, record_id: str | None, tag: str) -> bytes:
    return guest.context.request.get(
        f"{scene.house.url}/consults/recordings/{record_id}/{tag}.webm"
    ).body()


def plays(guest: Guest) -> float:
    """Lets the film play for a while, and gives where it is then."""
    place: Any = guest.page.evaluate("""async () => {
        const film = document.querySelector("video");
        film.muted = true;
        await film.play();
        const begun = film.currentTime;
        const wait = () => new Promise((done) => setTimeout(done, 100));
        for (let tries = 0; tries < 100 && film.currentTime < begun + 1.2; tries++) await wait();
        return film.currentTime;
    }""")
    return float(place)
