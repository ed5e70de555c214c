"""How soon a flip of the interpreter's switch is heard by somebody else, and whether their pictures
go on meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.consults.meeting import Guest
from tests.consults.scene import Scene

WATCH = """(name) => {
  const { mediaConnection: link, state } = window.consilium;
  const seat = state.seats.find((one) => one.name === name);
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 256; // five milliseconds
  const tracks = link.slots[seat.slot].stream.getAudioTracks();
  context.createMediaStreamSource(new MediaStream(tracks)).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const seen = (window.flips = { heard: false, loudest: 0, changes: [], gaps: [] });
  setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const loud = Math.max(...samples.map(Math.abs)) * window.consilium.heard()[name].gain;
    // The threshold is half of the tone's loudness: noise suppression slowly takes most of it.
    seen.loudest = Math.max(loud > 0.002 ? seen.loudest * 0.99 : seen.loudest, loud, 0.004);
    if (loud > seen.loudest / 2 === seen.heard) return;
    seen.heard = !seen.heard;
    seen.changes.push([performance.timeOrigin + performance.now(), seen.heard]);
  }, 4);
  for (const video of document.querySelectorAll(".tile:not(.is-own):not(.no-picture) video")) {
    let before = performance.now();
    const next = () => {
      seen.gaps.push(performance.now() - before);
      before = performance.now();
      video.requestVideoFrameCallback(next);
    };
    video.requestVideoFrameCallback(next);
  }
}"""
FLIP = """(testid) => {
  document.querySelector(`[data-testid="${testid}"]`).click();
  return performance.timeOrigin + performance.now();
}"""


@dataclass(frozen=True)
class Flips:
    """Milliseconds from each flip until it was heard; the longest time between two pictures; how
    many there were.
    """

    heard_ms: list[float]
    longest_gap_ms: float
    pictures: int


def measure_flips(scene: Scene, count: int, *, within_ms: float = 10_000) -> Flips:
    """The switch goes to and fro between the doctor's language and the patient's; measured at the
    doctor's.
    """
    doctor, interpreter = scene.doctor, scene.interpreter
    doctor.page.evaluate(WATCH, scene.circle.interpreter.name)
    for into in (
        "en",
        "ar",
        "en",
        "ar",
    ):  # the first is slower than all others: the sound has never flowed yet
        interpreter.by(f"into-{into}").click()
        doctor.wait(1000)
    doctor.page.evaluate("() => { window.flips.changes = []; window.flips.gaps = []; }")
    times = []
    for number in range(count):
        into, is_heard = ("en", True) if number % 2 == 0 else ("ar", False)
        flipped_at = interpreter.page.evaluate(FLIP, f"into-{into}")
        times.append(_until_heard(doctor, is_heard, flipped_at, within_ms) - flipped_at)
        doctor.wait(700)
    gaps = doctor.page.evaluate("window.flips.gaps")
    return Flips([round(each, 1) for each in times], round(max(gaps), 1), len(gaps))


def _until_heard(one: Guest, is_heard: bool, since: float, within_ms: float) -> float:
    for _ in range(int(within_ms / 20)):
        changes: list[tuple[float, Any]] = one.page.evaluate("window.flips.changes")
        found = next((at for at, value in changes if at >= since and value is is_heard), None)
        if found is not None:
            return found
        one.wait(20)
    raise AssertionError(f"the flip was not heard within {within_ms} ms")
