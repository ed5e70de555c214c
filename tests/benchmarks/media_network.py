"""``./consilium bench media_network``: three real browsers on bad lines, measured against the
promises.

64 kbit/s down for 30 s, 5 % loss each way for 60 s, an outage of 8 s, another address. The lines
are impaired in the node's own transport. The browsers run ahead of the machine's other work where
that is allowed.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import sys
import time

from playwright.sync_api import sync_playwright

from app.media.messages import DegradationStep, NodeEvent
from app.media.settings import MediaSettings
from app.media.wire.impairment import NetworkConditions
from tests import browsers
from tests.media.browsers.test_networks import NAMES, PATIENT, with_an_interpreter
from tests.media.people import Person, until
from tests.media.signalling import Signalling

DOCTOR, INTERPRETER = 0, 1
"""Slots of the patient."""


def main() -> int:
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    with (
        sync_playwright() as playwright,
        browsers.chromium(playwright, browsers.PRETENDED) as browser,
        Signalling(MediaSettings(secret_key="bench")) as signalling,
    ):
        found: dict[str, float | bool | None] = {}
        for measure in (narrow, lossy, outage, elsewhere):
            signalling.set_routes("r", with_an_interpreter())
            people = [Person(browser, signalling, name) for name in NAMES]
            for person in people:
                person.join()
            until(lambda patient=people[0]: min(patient.frames(0), patient.frames(1)) > 20, 30)
            time.sleep(3)
            found |= measure(signalling, people)
            for person in people:
                signalling.impair(person.seat)
                person.page.close()
            signalling.events.clear()
    found["reached"] = (
        found["interpreter_loss"] < 0.05
        and found["full_again_s"] < 10
        and found["longest_freeze_ms"] <= 500
        and found["picture_after_outage_s"] < 3
        and found["picture_after_address_change_s"] < 3
        and found["lip_sync_worst_ms"] <= 80
    )
    print(json.dumps({"bench": "media_network", **found}), flush=True)
    return 0


def steps(signalling: Signalling) -> list[DegradationStep]:
    return [
        message.step
        for message in signalling.told(NodeEvent.SEAT_STREAMS)
        if message.seat == PATIENT
    ]


def narrow(signalling: Signalling, people: list[Person]) -> dict:
    patient = people[0]
    before = patient.sound(INTERPRETER)
    signalling.impair(PATIENT, down=NetworkConditions(rate=64_000))
    time.sleep(30)
    after = patient.sound(INTERPRETER)
    got, lost = after[0] - before[0], after[1] - before[1]
    down = list(dict.fromkeys(steps(signalling)))
    signalling.impair(PATIENT)
    full = until(lambda: steps(signalling)[-1] is DegradationStep.FULL, 60)
    return {"interpreter_loss": lost / (got + lost), "full_again_s": full, "steps_down": down}


def lossy(signalling: Signalling, people: list[Person]) -> dict:
    patient = people[0]
    for name in NAMES:
        signalling.impair(name, up=NetworkConditions(loss=0.05), down=NetworkConditions(loss=0.05))
    patient.page.evaluate("watchFreezes(0)")
    apart = []
    end = time.monotonic() + 60
    while time.monotonic() < end:
        time.sleep(1)
        apart.append(patient.page.evaluate("lipSync(0)"))
    watch = patient.page.evaluate("freezes")
    known = sorted(abs(each) for each in apart if each is not None)
    return {
        "longest_freeze_ms": watch["longest"],
        "frames_in_60_s": watch["frames"],
        "lip_sync_median_ms": statistics.median(known),
        "lip_sync_worst_ms": known[int(len(known) * 0.95)],
    }


def outage(signalling: Signalling, people: list[Person]) -> dict:
    patient, doctor, _ = people
    out = NetworkConditions(is_out=True)
    signalling.impair(PATIENT, up=out, down=out)
    time.sleep(8)
    before = doctor.frames(0)
    signalling.impair(PATIENT)
    received = until(lambda: patient.frames(0) > 0 and patient.state() == "connected", 30)
    seen = until(lambda: doctor.frames(0) > before, 30)
    return {"picture_after_outage_s": received, "seen_again_after_outage_s": received + seen}


def elsewhere(signalling: Signalling, people: list[Person]) -> dict:
    """The patient's device has another address: a new connection, from another port, into the same
    seat.
    """
    patient, doctor, _ = people
    before, begun = doctor.frames(0), time.monotonic()
    patient.page.evaluate("link.rejoin('address')")
    until(
        lambda: (
            patient.state() == "connected" and patient.frames(0) > 0 and doctor.frames(0) > before
        ),
        30,
    )
    return {"picture_after_address_change_s": time.monotonic() - begun}


if __name__ == "__main__":
    sys.exit(main())
