"""``./consilium bench imaging``: a CT of 1,000 slices, from its arrival to a reader.

    ./consilium bench imaging [--instances 1000]

A slice has 512×512 samples of 16 bits. Prints one JSON object last. Targets (issue 13): indexed
within 20 s of arrival, the first image in under 1.5 s, 30 images a second while scrolling in
Chromium on this machine, p95 of the server under 30 ms a frame, under 600 MB for the page.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from flask import Flask
from flask_migrate import upgrade
from playwright.sync_api import Page, sync_playwright
from pydicom.uid import CTImageStorage, generate_uid
from sqlalchemy import func, select

from app import create_app
from app.identity.models import Person
from app.jobs.runner import JobsRunner
from app.records import jobs
from app.records.models import Record, RecordState
from app.web.limits import limiter
from tests import browsers
from tests.conftest import test_settings
from tests.records.conftest import Cast, Sender, a_cast, a_dicom_dataset, dicom_bytes
from tests.servers import serving
from tests.work import context_of

SIDE = 512
SCROLL_SECONDS = 5.0
FRAMES_TIMED = 200
SCROLL = """async seconds => {
  const canvas = document.querySelector("[data-part='canvas']");
  canvas.focus();
  let seen = 0, last = canvas.dataset.shown;
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) {
    canvas.dispatchEvent(new WheelEvent("wheel", { deltaY: 100, cancelable: true }));
    const before = last;
    while (canvas.dataset.shown === before && performance.now() < until)
      await new Promise(requestAnimationFrame);
    if (canvas.dataset.shown !== before) seen += 1;
    last = canvas.dataset.shown;
  }
  return seen / seconds;
}"""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./consilium bench imaging")
    parser.add_argument("--instances", type=int, default=1000)
    asked = parser.parse_args(arguments)
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as folder:
        figures = measure_imaging(Path(folder), asked.instances)
    print(json.dumps(figures))
    return 0


def measure_imaging(folder: Path, instances: int) -> dict[str, Any]:
    app = create_app(test_settings(folder))
    limiter.enabled = False
    with app.app_context():
        upgrade()
    with app.extensions["database"].unit_of_work() as session:
        cast = a_cast(session)
    series = send_study(app, cast, instances)
    figures: dict[str, Any] = {"instances": instances, "indexed_s": index_all(app)}
    with serving(app) as url:
        figures |= read_in_chromium(url, cast.specialist, cast.case.id)
        figures |= time_frames(app, cast, series)
    app.extensions["database"].close()
    return figures


def send_study(app: Flask, cast: Cast, count: int) -> list[str]:
    """Sends the study as its patient; gives the addresses of the frames."""
    study, series = generate_uid(), generate_uid()
    pixels = np.random.default_rng(1).integers(0, 2000, (SIDE, SIDE), dtype=np.int16)
    sender, addresses = Sender(app, cast.patient), []
    for number in range(1, count + 1):
        data = a_dicom_dataset(StudyInstanceUID=study, SeriesInstanceUID=series)
        data.SOPClassUID, data.Modality, data.InstanceNumber = CTImageStorage, "CT", number
        data.Rows = data.Columns = SIDE
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated = data.BitsStored = 16
        data.HighBit, data.PixelRepresentation = 15, 1
        data.PixelSpacing, data.ImageOrientationPatient = [0.7, 0.7], [1, 0, 0, 0, 1, 0]
        data.ImagePositionPatient = [0, 0, number]
        data.WindowCenter, data.WindowWidth = 1000, 2000
        data.PixelData = np.roll(pixels, number).tobytes()
        sender.send(cast.case.id, f"IM{number:06d}", dicom_bytes(data))
        addresses.append(
            f"/dicomweb/cases/{cast.case.id}/studies/{study}/series/{series}"
            f"/instances/{data.SOPInstanceUID}/frames/1"
        )
    return addresses


def index_all(app: Flask) -> float:
    """Seconds until every file is ready, with the two workers of one runner."""
    runner = JobsRunner(
        context_of(app), jobs.HANDLERS | {"notify": lambda *_: None}, poll=0.01, workers=2
    )
    began = time.monotonic()
    runner.start()
    try:
        while count_waiting(app):
            time.sleep(0.05)
        return round(time.monotonic() - began, 2)
    finally:
        runner.stop()
        runner.join(10)


def count_waiting(app: Flask) -> int:
    with app.extensions["database"].sessions() as session:
        waiting = select(func.count()).where(Record.state == RecordState.INSPECTING)
        return session.scalar(waiting) or 0


def read_in_chromium(url: str, specialist: Person, case_id: str) -> dict[str, float]:
    with sync_playwright() as playwright, browsers.chromium(playwright) as browser:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        browsers.sign_in(context, url, specialist)
        page = context.new_page()
        page.goto(f"{url}/cases/{case_id}/reading")
        page.locator("#reading[data-ready]").wait_for()
        began = time.monotonic()
        page.locator("[data-open='series']").click()
        page.locator("[data-part='canvas'][data-shown]").wait_for()
        first = time.monotonic() - began
        page.wait_for_timeout(500)
        rate = page.evaluate(SCROLL, SCROLL_SECONDS)
        return {
            "first_image_s": round(first, 2),
            "images_per_s": round(rate, 1),
            "page_mb": page_memory(page),
        }


def page_memory(page: Page) -> float:
    """The heap of scripts with the buffers that it holds, in MB."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    heap = session.send("Runtime.getHeapUsage")
    used = heap["usedSize"] + heap.get("backingStorageSize", 0)
    return round(used / 1e6, 1)


def time_frames(app: Flask, cast: Cast, addresses: list[str]) -> dict[str, float]:
    """The server's own time for a frame, without a network."""
    reader, taken = Sender(app, cast.specialist), []
    for address in addresses[:FRAMES_TIMED]:
        began = time.perf_counter()
        answer = reader.client.get(address, headers={"Accept": "application/octet-stream"})
        assert len(answer.data) == SIDE * SIDE * 2
        taken.append((time.perf_counter() - began) * 1000)
    return {
        "frame_ms_median": round(statistics.median(taken), 1),
        "frame_ms_p95": round(statistics.quantiles(taken, n=20)[-1], 1),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
