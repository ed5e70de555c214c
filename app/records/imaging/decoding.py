"""Decodes frames. Runs in a child process of ``core.runtime.parser_pool``."""

from __future__ import annotations

import base64
import io
from typing import Any, BinaryIO

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID

Pixels = NDArray[Any]


def decode_frame(
    file: BinaryIO, shape: dict[str, Any], syntax: str, frame: int | None
) -> dict[str, str]:
    """A parser for ``parse_in_child``: one frame as ``frames`` promises it, in base64.

    ``file`` holds the frame alone, or the whole file where ``frame`` says which one is meant.
    """
    pixels = _load_pixels(file, shape, syntax, frame)
    little = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)
    return {"pixels": base64.b64encode(np.ascontiguousarray(little).tobytes()).decode()}


def render_frame(
    file: BinaryIO,
    shape: dict[str, Any],
    syntax: str,
    frame: int | None,
    picture: str,
    window: list[float] | None,
    most: list[int] | None,
    tones: dict[str, float | None],
) -> dict[str, str]:
    """The same as a picture of eight bits: ``picture`` is ``jpeg`` or ``png``."""
    pixels = _load_pixels(file, shape, syntax, frame)
    if pixels.ndim == 2:
        pixels = _apply_window(pixels, tones, window)
        if shape["photometric"] == "MONOCHROME1":
            pixels = 255 - pixels
    image = Image.fromarray(pixels)
    if most:
        image.thumbnail((most[0], most[1]))
    made = io.BytesIO()
    image.save(made, picture, **({"quality": 90} if picture == "jpeg" else {}))
    return {"picture": base64.b64encode(made.getvalue()).decode()}


def _load_pixels(file: BinaryIO, shape: dict[str, Any], syntax: str, frame: int | None) -> Pixels:
    if frame is not None:
        pixels = _load_from_whole(file, frame)
    else:
        pixels = _load_frame(file.read(), shape, UID(syntax))
    if pixels.ndim == 3 and pixels.dtype != np.uint8:
        pixels = (pixels >> max(shape["bits_stored"] - 8, 0)).astype(np.uint8)
    return pixels


def _load_from_whole(file: BinaryIO, frame: int) -> Pixels:
    data = pydicom.dcmread(file, force=True)
    pixels = pixel_array(data, index=frame)
    if data.PhotometricInterpretation == "PALETTE COLOR":
        colours = apply_color_lut(pixels, data)
        return (colours >> 8).astype(np.uint8) if colours.dtype == np.uint16 else colours
    return pixels


def _load_frame(content: bytes, shape: dict[str, Any], syntax: UID) -> Pixels:
    options: dict[str, Any] = {
        "rows": shape["rows"],
        "columns": shape["columns"],
        "number_of_frames": 1,
        "samples_per_pixel": shape["samples"],
        "bits_allocated": shape["bits_allocated"],
        "bits_stored": shape["bits_stored"],
        "pixel_representation": int(shape["signed"]),
        "photometric_interpretation": shape["photometric"],
        "planar_configuration": shape["planar"],
        "pixel_keyword": "PixelData",
    }
    source = encapsulate([content]) if syntax.is_encapsulated else content
    pixels, _ = get_decoder(syntax).as_array(source, index=0, **options)
    return pixels


def _apply_window(
    pixels: Pixels, tones: dict[str, float | None], window: list[float] | None
) -> Pixels:
    """The linear window of PS3.3, C.11.2.1.2.1, down to eight bits."""
    values = pixels.astype(np.float64) * (tones["slope"] or 1.0) + (tones["intercept"] or 0.0)
    if window:
        centre, width = window
    elif tones["centre"] is not None and tones["width"]:
        centre, width = tones["centre"], tones["width"]
    else:
        low, high = float(values.min()), float(values.max())
        centre, width = (low + high + 1) / 2, high - low + 1
    scaled = (values - (centre - 0.5)) / max(width - 1, 1e-6) + 0.5
    return np.rint(np.clip(scaled, 0, 1) * 255).astype(np.uint8)
