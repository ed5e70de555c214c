"""The place that a pointer marks: of an image or of a page. Pure: text in, checked facts out."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass
from typing import Any

from app.core.errors import Invalid
from app.core.text import N_

MAX_SHAPES = 50
MAX_PLACE_CHARACTERS = 20_000
POINTS_BY_SHAPE = {"length": 2, "angle": 3, "ellipse": 2, "probe": 1}
_UID_PATTERN = re.compile(r"[0-9][0-9.]{0,63}")
_ID_PATTERN = re.compile(r"[0-9a-f]{32}")
_BROKEN = N_("This place could not be saved. Open the record again and mark the place once more.")


@dataclass(frozen=True)
class ImagePlace:
    """A frame in its window, with measurements: shapes with points in pixels of the image."""

    series: str
    instance: str
    frame: int
    centre: float
    width: float
    inverted: bool
    shapes: list[dict[str, Any]]

    def as_text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True)
class PagePlace:
    """A page, counted from 1, and a region of it: left, top, width, height as shares of 1."""

    record: str
    page: int
    region: list[float]

    def as_text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


def read_image_place(text: str) -> ImagePlace:
    """Raises ``Invalid`` for anything that the viewer would not send."""
    place = _read_object(text)
    series, instance = place.get("series"), place.get("instance")
    if not all(isinstance(uid, str) and _UID_PATTERN.fullmatch(uid) for uid in (series, instance)):
        raise Invalid(_BROKEN)
    shapes = place.get("shapes")
    if not isinstance(shapes, list) or len(shapes) > MAX_SHAPES:
        raise Invalid(_BROKEN)
    width = _number(place.get("width"))
    if width <= 0:
        raise Invalid(_BROKEN)
    return ImagePlace(
        series=str(series),
        instance=str(instance),
        frame=_count(place.get("frame")),
        centre=_number(place.get("centre")),
        width=width,
        inverted=place.get("inverted") is True,
        shapes=[_read_shape(shape) for shape in shapes],
    )


def read_page_place(text: str) -> PagePlace:
    """Raises ``Invalid`` for anything that the viewer would not send."""
    place = _read_object(text)
    record, region = place.get("record"), place.get("region")
    if not isinstance(record, str) or not _ID_PATTERN.fullmatch(record):
        raise Invalid(_BROKEN)
    if not isinstance(region, list) or len(region) != 4:
        raise Invalid(_BROKEN)
    shares = [_number(share) for share in region]
    if not all(0 <= share <= 1 for share in shares):
        raise Invalid(_BROKEN)
    return PagePlace(record, _count(place.get("page")), shares)


def _read_object(text: str) -> dict[str, Any]:
    if len(text) > MAX_PLACE_CHARACTERS:
        raise Invalid(_BROKEN)
    try:
        place = json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid(_BROKEN) from None
    if not isinstance(place, dict):
        raise Invalid(_BROKEN)
    return place


def _read_shape(shape: Any) -> dict[str, Any]:
    kind = shape.get("kind") if isinstance(shape, dict) else None
    points = shape.get("points") if isinstance(shape, dict) else None
    if kind not in POINTS_BY_SHAPE or not isinstance(points, list):
        raise Invalid(_BROKEN)
    if len(points) != POINTS_BY_SHAPE[kind] or not all(isinstance(one, dict) for one in points):
        raise Invalid(_BROKEN)
    return {
        "kind": kind,
        "points": [{"x": _number(one.get("x")), "y": _number(one.get("y"))} for one in points],
    }


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Invalid(_BROKEN)
    if abs(value) > 1e9:
        raise Invalid(_BROKEN)
    return value


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 1_000_000:
        raise Invalid(_BROKEN)
    return value
