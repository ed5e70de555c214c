"""The viewer in Chromium: what it draws is what pydicom reads, and measurements are true."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pydicom
import pytest
from playwright.sync_api import Page, expect
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import pixel_array

from tests.axe import faults
from tests.records.conftest import Cast, Sender, a_pdf
from tests.records.imaging.conftest import a_slice, a_study, pydicom_file

OpenRoom = Callable[..., Page]
SendImages = Callable[..., None]
SYNTAXES = {
    "CT_small.dcm": "explicit VR",
    "MR_small_bigendian.dcm": "big endian",
    "MR_small_RLE.dcm": "RLE",
    "MR_small_jp2klossless.dcm": "JPEG 2000",
    "MR_small_jpeg_ls_lossless.dcm": "JPEG-LS",
    "SC_rgb_dcmtk_+eb+cr.dcm": "JPEG, colour",
    "examples_palette.dcm": "palette",
}
READ_IMAGE = """(canvas, [columns, rows]) => {
  const [left, top] = canvas.dataset.origin.split(",").map(Number);
  return [...canvas.getContext("2d").getImageData(left, top, columns, rows).data];
}"""


def open_first(page: Page) -> None:
    page.locator("[data-open]").first.click()
    page.locator("[data-part='canvas'][data-shown]").wait_for()


def press(page: Page, *keys: str) -> None:
    page.locator("[data-part='canvas']").focus()
    for key in keys:
        page.keyboard.press(key)


def drawn_image(page: Page, rows: int, columns: int) -> Any:
    """The image at actual size as the canvas has it: rows, columns, RGB."""
    press(page, "1")
    values = page.locator("[data-part='canvas']").evaluate(READ_IMAGE, [columns, rows])
    return np.array(values, dtype=np.uint8).reshape(rows, columns, 4)[..., :3]


def through_window(values: Any, centre: float, width: float) -> Any:
    """PS3.3, C.11.2.1.2.1, written anew."""
    share = (values - (centre - 0.5)) / (width - 1) + 0.5
    return np.floor(np.clip(share, 0, 1) * 255 + 0.5).astype(np.uint8)


@pytest.mark.parametrize("name", SYNTAXES, ids=SYNTAXES.get)
def test_what_is_drawn_is_what_pydicom_reads(
    send_images: SendImages, open_room: OpenRoom, rename: None, name: str
) -> None:
    content = pydicom_file(name)
    data = pydicom.dcmread(io.BytesIO(content))
    send_images(content)
    page = open_room()
    open_first(page)
    stored = pixel_array(data, index=0)
    if data.PhotometricInterpretation == "PALETTE COLOR":
        expected = apply_color_lut(stored, data)
        expected = (expected >> 8).astype("u1") if expected.dtype == np.uint16 else expected
    elif stored.ndim == 3:
        expected = stored
    else:
        values = stored * float(data.get("RescaleSlope", 1)) + float(
            data.get("RescaleIntercept", 0)
        )
        low, high = values.min(), values.max()
        centre = float(data.get("WindowCenter", (low + high + 1) / 2))
        width = float(data.get("WindowWidth", high - low + 1))
        grey = through_window(values, centre, width)
        expected = np.repeat(grey[..., None], 3, axis=2)
    rows, columns = expected.shape[:2]
    assert np.array_equal(drawn_image(page, rows, columns), expected)
    press(page, "i")
    assert np.array_equal(drawn_image(page, rows, columns), 255 - expected)


def test_keys_and_wheel_go_through_the_stack(send_images: SendImages, open_room: OpenRoom) -> None:
    send_images(*a_study(7))
    page = open_room()
    open_first(page)
    canvas = page.locator("[data-part='canvas']")
    expect(canvas).to_have_attribute("data-shown", "4")
    press(page, "ArrowDown", "ArrowDown")
    expect(canvas).to_have_attribute("data-shown", "6")
    press(page, "Home")
    expect(canvas).to_have_attribute("data-shown", "1")
    canvas.hover()
    page.mouse.wheel(0, 100)
    expect(canvas).to_have_attribute("data-shown", "2")
    press(page, "End")
    expect(canvas).to_have_attribute("data-shown", "7")
    expect(page.locator("[data-part='status']")).to_contain_text("Image 7 of 7, window 40 / 400")


def test_a_window_preset_and_a_drag_change_the_window(
    send_images: SendImages, open_room: OpenRoom
) -> None:
    send_images(a_slice())
    page = open_room()
    open_first(page)
    page.locator("#reading-window").select_option("-600,1500")
    status = page.locator("[data-part='status']")
    expect(status).to_contain_text("window -600 / 1500")
    page.locator("[data-tool='window']").click()
    box = page.locator("[data-part='canvas']").bounding_box()
    assert box
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 260, box["y"] + 200)
    page.mouse.up()
    expect(status).to_contain_text("window -600 / 1800")


def place_on(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a point of the image lies on the page, at actual size."""
    box = page.locator("[data-part='canvas']").bounding_box()
    origin = page.locator("[data-part='canvas']").get_attribute("data-origin")
    assert box and origin
    left, top = (float(part) for part in origin.split(","))
    return box["x"] + left + x, box["y"] + top + y


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*place_on(page, *start))
    page.mouse.down()
    page.mouse.move(*place_on(page, *end), steps=4)
    page.mouse.up()


def test_measurements_follow_the_spacing(send_images: SendImages, open_room: OpenRoom) -> None:
    """Square pixels of 0.5 mm: 30 to the right and 40 down are 25 mm."""
    send_images(a_slice(rows=200, columns=200, spacing=["0.5", "0.5"]))
    page = open_room()
    open_first(page)
    results = page.locator("[data-part='results'] li")
    press(page, "1", "l")
    drag(page, (50, 50), (80, 90))
    expect(results).to_have_text(["25.0 mm"])
    press(page, "Delete", "a")
    drag(page, (50, 50), (100, 50))
    page.mouse.click(*place_on(page, 100, 120))
    expect(results).to_have_text(["90.0°"])
    press(page, "Delete", "v")
    page.mouse.click(*place_on(page, 7.5, 3.5))
    expect(results).to_have_text(["Value -887"])  # 100 + 10 * 3 + 7 - 1024
    press(page, "Delete", "e")
    drag(page, (40, 40), (80, 60))
    grid = np.add.outer(10 * np.arange(200), np.arange(200)) + 100.0 - 1024
    across, down = (np.arange(200) + 0.5 - 60) / 20, (np.arange(200) + 0.5 - 50) / 10
    inside = grid[np.add.outer(down**2, across**2) <= 1]
    said = results.inner_text().replace(",", "")
    mean, deviation, area = (float(one) for one in re.findall(r"-?\d+\.\d", said))
    assert mean == pytest.approx(inside.mean(), abs=0.06)
    assert deviation == pytest.approx(inside.std(), abs=0.06)
    assert area == pytest.approx(np.pi * 10 * 5, abs=0.06)


def test_a_marked_place_comes_back_as_it_was(send_images: SendImages, open_room: OpenRoom) -> None:
    send_images(*[a_slice(n, rows=200, columns=200, **uids_of()) for n in (1, 2, 3)])
    page = open_room()
    open_first(page)
    press(page, "End", "1", "i", "l")
    page.locator("#reading-window").select_option("480,2500")
    drag(page, (50, 50), (90, 50))
    page.get_by_label("What is to be seen here?").fill("Nodule in the right upper lobe")
    page.get_by_role("button", name="Mark this place").click()
    page.locator("[data-part='canvas'][data-shown='3']").wait_for()
    expect(page.locator("[data-part='status']")).to_contain_text("window 480 / 2500")
    expect(page.locator("[data-part='results'] li")).to_have_text(["10.0 mm"])
    press(page, "Home")
    page.get_by_role("link", name="Nodule in the right upper lobe").click()
    expect(page.locator("[data-part='canvas']")).to_have_attribute("data-shown", "3")


def uids_of() -> dict[str, str]:
    return {"StudyInstanceUID": "1.2.3.4", "SeriesInstanceUID": "1.2.3.4.5"}


def test_pages_of_a_document_are_turned_and_marked(
    patient: Sender, cast: Cast, inspect: Callable[[], None], open_room: OpenRoom
) -> None:
    patient.send(cast.case.id, "report.pdf", two_pages())
    inspect()
    page = open_room()
    page.locator("[data-open='document']").click()
    sheet = page.locator("[data-part='page']")
    expect(sheet).to_have_attribute("data-shown", "1")
    page.locator("[data-part='page-scroller']").press("PageDown")
    expect(sheet).to_have_attribute("data-shown", "2")
    expect(page.locator("[data-part='page-status']")).to_have_text("Page 2 of 2")
    box = sheet.bounding_box()
    assert box
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 140, box["y"] + 90)
    page.mouse.up()
    expect(page.locator("[data-part='mark']")).to_be_visible()
    page.get_by_label("What is to be seen here?").fill("Ki-67 is 18 %")
    page.get_by_role("button", name="Mark this place").click()
    expect(sheet).to_have_attribute("data-shown", "2")
    expect(page.locator("[data-part='mark']")).to_be_visible()


def two_pages() -> bytes:
    from pypdf import PdfWriter

    writer, packed = PdfWriter(), io.BytesIO()
    for _ in range(2):
        writer.add_blank_page(400, 600)
    writer.write(packed)
    return packed.getvalue()


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("width", [320, 800, 1440])
def test_the_room_is_accessible_and_fits(
    send_images: SendImages, open_room: OpenRoom, language: str, width: int
) -> None:
    send_images(*a_study(3), a_pdf())
    page = open_room(language, width)
    assert faults(page) == []
    open_first(page)
    assert faults(page) == []
    assert "rtl" == page.locator("html").get_attribute("dir") or language == "en"
