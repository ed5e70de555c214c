"""Frames of stored images: as their bytes lie, or decoded in a child process.

A decoded frame is little-endian, without padding, in the order of its rows; colour is RGB, eight
bits each. No more than one frame is in memory at a time.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.core.errors import NotFound, Refusal
from app.core.runtime.parser_pool import (
    BytesInMemory,
    ByteSource,
    ParserFailed,
    ParserLimits,
    parse_in_child,
)
from app.core.text import N_
from app.records.reading.content import RecordBytes

MAX_FRAME_BYTES = 128 << 20
_DECODE = "app.records.imaging.decoding:decode_frame"
_RENDER = "app.records.imaging.decoding:render_frame"
_LIMITS = ParserLimits(memory_bytes=2 << 30, result_bytes=2 * MAX_FRAME_BYTES)
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_PLAIN_BITS = (8, 16, 32)

# Transfer syntax: the media type of one compressed frame (PS3.18, 8.7.3.3.2).
FRAME_MEDIA_TYPES = {
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.51": "image/jpeg",
    "1.2.840.10008.1.2.4.57": "image/jpeg",
    "1.2.840.10008.1.2.4.70": "image/jpeg",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
    "1.2.840.10008.1.2.5": "image/dicom-rle",
}


class FrameUnreadable(Refusal):
    status = 422
    default = N_(
        "This image cannot be shown here because of the way it is stored. Download the file to open"
        " it on your own device."
    )


@dataclass(frozen=True)
class PixelShape:
    """How the samples of an image lie (PS3.3, C.7.6.3)."""

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    photometric: str
    planar: int

    @property
    def frame_bytes(self) -> int:
        return self.rows * self.columns * self.samples * max(self.bits_allocated, 8) // 8

    @property
    def is_plain(self) -> bool:
        """Whether the bytes in the file are already those of a decoded frame."""
        grey = self.samples == 1 and self.photometric in ("MONOCHROME1", "MONOCHROME2")
        colour = self.samples == 3 and self.photometric == "RGB" and self.planar == 0
        return self.bits_allocated in _PLAIN_BITS and (
            grey or (colour and self.bits_allocated == 8)
        )


def read_pixel_shape(header: dict[str, Any]) -> PixelShape:
    """Raises ``FrameUnreadable`` where the header has no image, or one beyond all measure."""
    try:
        shape = PixelShape(
            rows=int(_first(header, "00280010")),
            columns=int(_first(header, "00280011")),
            samples=int(_first(header, "00280002", 1)),
            bits_allocated=int(_first(header, "00280100")),
            bits_stored=int(_first(header, "00280101", 0)) or int(_first(header, "00280100")),
            signed=bool(int(_first(header, "00280103", 0))),
            photometric=str(_first(header, "00280004")),
            planar=int(_first(header, "00280006", 0)),
        )
    except (KeyError, IndexError, TypeError, ValueError):
        raise FrameUnreadable() from None
    if not 0 < shape.frame_bytes <= MAX_FRAME_BYTES:
        raise FrameUnreadable()
    return shape


def _first(header: dict[str, Any], tag: str, default: object = None) -> Any:
    values = header.get(tag, {}).get("Value") or []
    if not values and default is not None:
        return default
    return values[0]


@dataclass(frozen=True)
class StoredImage:
    """An instance with the bytes of its file; it needs no database any more."""

    uid: str
    whole: RecordBytes
    transfer_syntax: str
    layout: dict[str, Any] | None
    frames: int
    header_text: str

    @property
    def header(self) -> dict[str, Any]:
        return json.loads(self.header_text)

    def decode(self, number: int) -> bytes:
        """The frame ``number``, counted from 1. Raises ``NotFound``, ``FrameUnreadable``."""
        layout, shape = self._require_frame(number), read_pixel_shape(self.header)
        if "start" in layout and shape.is_plain and self.transfer_syntax != _BIG_ENDIAN:
            return self._read_plain(number)
        answer = self._ask_child(_DECODE, number, shape, {})
        return base64.b64decode(answer["pixels"])

    def render(
        self,
        number: int,
        *,
        media_type: str = "image/jpeg",
        window: tuple[float, float] | None = None,
        most: tuple[int, int] | None = None,
    ) -> bytes:
        """The frame as a picture for the eye: in the window of the file or the one given (centre
        and width), no larger than ``most``. Raises as ``decode`` does.
        """
        wish = {
            "picture": media_type.removeprefix("image/"),
            "window": list(window) if window else None,
            "most": list(most) if most else None,
            "tones": _tones_of(self.header),
        }
        shape = read_pixel_shape(self.header)
        self._require_frame(number)
        return base64.b64decode(self._ask_child(_RENDER, number, shape, wish)["picture"])

    def compressed(self, number: int) -> bytes:
        """The frame as it lies in the file. Raises ``NotFound``."""
        layout = self._require_frame(number)
        if "pieces" not in layout:
            raise NotFound()
        return b"".join(
            self.whole.read(start, start + length) for start, length in layout["pieces"][number - 1]
        )

    def stream(self) -> Iterator[bytes]:
        return self.whole.stream()

    def _require_frame(self, number: int) -> dict[str, Any]:
        if self.layout is None or not 1 <= number <= self.frames:
            raise NotFound()
        return self.layout

    def _read_plain(self, number: int) -> bytes:
        assert self.layout is not None
        length = self.layout["frame_bytes"]
        start = self.layout["start"] + (number - 1) * length
        return self.whole.read(start, start + length)

    def _ask_child(
        self, parser: str, number: int, shape: PixelShape, wish: dict[str, Any]
    ) -> dict[str, Any]:
        assert self.layout is not None
        source: ByteSource
        if "whole" in self.layout or shape.photometric == "PALETTE COLOR":
            source, whole = self.whole, True
        elif "pieces" in self.layout:
            source, whole = BytesInMemory(self.compressed(number)), False
        else:
            source, whole = BytesInMemory(self._read_plain(number)), False
        arguments = {
            "shape": shape.__dict__,
            "syntax": self.transfer_syntax,
            "frame": number - 1 if whole else None,
            **wish,
        }
        try:
            return parse_in_child(parser, source, arguments, _LIMITS)
        except ParserFailed:
            raise FrameUnreadable() from None


def _tones_of(header: dict[str, Any]) -> dict[str, float | None]:
    """Rescale and window of the file. Enhanced images have them in their functional groups."""

    def number(tag: str) -> float | None:
        for place in (header, *_functional_groups(header)):
            try:
                return float(_first(place, tag))
            except (KeyError, IndexError, TypeError, ValueError):
                continue
        return None

    return {
        "slope": number("00281053"),
        "intercept": number("00281052"),
        "centre": number("00281050"),
        "width": number("00281051"),
    }


def _functional_groups(header: dict[str, Any]) -> list[dict[str, Any]]:
    """The shared groups and those of the first frame, flattened (PS3.3, C.7.6.16)."""
    found: list[dict[str, Any]] = []
    for tag in ("52009229", "52009230"):
        for item in (header.get(tag, {}).get("Value") or [])[:1]:
            for group in item.values():
                found += [one for one in group.get("Value") or [] if isinstance(one, dict)]
    return found
