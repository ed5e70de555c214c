"""What a DICOM file says about itself. Runs in a child process of ``core.runtime.parser_pool``.

Pixels are never read here: only where they lie, and whether all of them are there.
"""

from __future__ import annotations

import json
import math
import re
import struct
import warnings
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, MediaStorageDirectoryStorage

from app.records.imaging.patient_identity import ImagePatient

_PIXEL_TAGS = {0x7FE00010, 0x7FE00008, 0x7FE00009}
_UID_PATTERN = re.compile(r"[0-9][0-9.]{0,63}")
_BULK_BYTES = 1024  # a binary value that is longer is left out of the header
_UNDEFINED_LENGTH = 0xFFFFFFFF
_ITEM, _SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_MAX_FRAMES = 200_000


class DicomRefused(Exception):
    """A DICOM file that cannot be used. ``reason`` is a key of ``records.words.REASONS``."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class DicomFacts:
    """One instance: UIDs, place in the study, size, and ``layout`` (see ``find_pixels``)."""

    study_uid: str
    series_uid: str
    uid: str
    sop_class: str
    transfer_syntax: str
    study_date: str
    study_time: str
    study_description: str
    accession: str
    modality: str
    series_number: int | None
    series_description: str
    body_part: str
    number: int | None
    frames: int
    rows: int
    columns: int
    position: float | None
    burned_in: bool
    patient: ImagePatient
    layout: dict[str, Any] | None
    header: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> DicomFacts:
        return cls(**{**facts, "patient": ImagePatient(**facts["patient"])})


def read_dicom_facts(file: BinaryIO, size: int) -> DicomFacts | None:
    """The facts of the file, or None for a DICOMDIR, which lists other files. Raises
    ``DicomRefused``.
    """
    file.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            data = pydicom.dcmread(file, stop_before_pixels=True, force=True)
            pixels_at = file.tell()
            if not data.get("file_meta"):
                data.file_meta = FileMetaDataset()
            if data.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
                return None
            return _gather_facts(file, data, pixels_at, size)
        except (DicomRefused, MemoryError):
            raise
        except Exception:
            raise DicomRefused("dicom_broken") from None


def _gather_facts(file: BinaryIO, data: Dataset, pixels_at: int, size: int) -> DicomFacts:
    syntax = UID(str(data.file_meta.get("TransferSyntaxUID", "")))
    uids = [
        str(data.get(name, "") or "")
        for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    ]
    if not all(_UID_PATTERN.fullmatch(uid) for uid in uids):
        raise DicomRefused("dicom_incomplete")
    layout = find_pixels(file, data, syntax, pixels_at, size)
    return DicomFacts(
        *uids,
        sop_class=_text(data, "SOPClassUID", 64),
        transfer_syntax=str(syntax)[:64],
        study_date=_digits(_text(data, "StudyDate", 10))[:8],
        study_time=_text(data, "StudyTime", 16),
        study_description=_text(data, "StudyDescription"),
        accession=_text(data, "AccessionNumber"),
        modality=_text(data, "Modality", 16),
        series_number=_whole_number(data, "SeriesNumber"),
        series_description=_text(data, "SeriesDescription"),
        body_part=_text(data, "BodyPartExamined", 64),
        number=_whole_number(data, "InstanceNumber"),
        frames=count_frames(data) if layout else 0,
        rows=_whole_number(data, "Rows") or 0,
        columns=_whole_number(data, "Columns") or 0,
        position=_slice_position(data),
        burned_in=_text(data, "BurnedInAnnotation") == "YES",
        patient=ImagePatient(
            name=_text(data, "PatientName"),
            birth_date=_digits(_text(data, "PatientBirthDate", 10))[:8],
            sex=_text(data, "PatientSex", 16).upper(),
            patient_id=_text(data, "PatientID"),
        ),
        layout=layout,
        header=_write_header(data),
    )


def count_frames(data: Dataset) -> int:
    """Raises ``DicomRefused`` for a number that cannot be."""
    frames = _whole_number(data, "NumberOfFrames") or 1
    if not 0 < frames <= _MAX_FRAMES:
        raise DicomRefused("dicom_broken")
    return frames


def find_pixels(
    file: BinaryIO, data: Dataset, syntax: UID, at: int, size: int
) -> dict[str, Any] | None:
    """Where the frames lie: ``{"start", "frame_bytes"}`` where they follow each other as they are;
    ``{"pieces"}``, for each frame its runs of (start, length), where they are compressed;
    ``{"whole": true}`` where only the whole file gives them. None where there are none.

    Raises ``DicomRefused`` where pixels are missing.
    """
    if syntax == DeflatedExplicitVRLittleEndian:
        return {"whole": True} if data.get("Rows") else None
    if at >= size:
        if _is_image(data):
            raise DicomRefused("dicom_truncated")
        return None
    file.seek(at)
    implicit, little = data.original_encoding
    order = "<" if little else ">"
    group, element = struct.unpack(order + "HH", file.read(4))
    if (group << 16 | element) not in _PIXEL_TAGS:
        return None
    length, start = _read_length(file, order, explicit=not implicit), file.tell()
    if length == _UNDEFINED_LENGTH:
        return {"pieces": _find_pieces(file, start, size, count_frames(data))}
    if (group << 16 | element) != 0x7FE00010:
        return None  # floating-point pixels (parametric maps) are kept, and not shown
    frame_bits = (
        int(data.Rows) * int(data.Columns) * int(data.SamplesPerPixel) * int(data.BitsAllocated)
    )
    if str(data.PhotometricInterpretation) == "YBR_FULL_422":
        frame_bits = frame_bits * 2 // 3
    needed = math.ceil(frame_bits * count_frames(data) / 8)
    if length < needed or start + needed > size:
        raise DicomRefused("dicom_truncated")
    if frame_bits % 8:
        return {"whole": True}
    return {"start": start, "frame_bytes": frame_bits // 8}


def _read_length(file: BinaryIO, order: str, *, explicit: bool) -> int:
    if not explicit:
        return struct.unpack(order + "I", file.read(4))[0]
    representation = file.read(2)
    if representation not in (b"OB", b"OW", b"OF", b"OD", b"UN"):
        raise DicomRefused("dicom_broken")
    file.read(2)
    return struct.unpack(order + "I", file.read(4))[0]


def _find_pieces(file: BinaryIO, start: int, size: int, frames: int) -> list[list[list[int]]]:
    """The runs of each compressed frame (PS3.5, A.4). Fragments are spread over frames by the
    table of offsets, or one to one where it is empty.
    """
    offsets: list[int] = []
    fragments: list[list[int]] = []
    at, first = start, True
    while True:
        file.seek(at)
        item = file.read(8)
        if len(item) < 8 or item[:4] == _SEQUENCE_END:
            break
        if item[:4] != _ITEM:
            raise DicomRefused("dicom_broken")
        length = struct.unpack("<I", item[4:])[0]
        if at + 8 + length > size:
            raise DicomRefused("dicom_truncated")
        if first:
            table = file.read(length)
            offsets = list(struct.unpack(f"<{len(table) // 4}I", table[: len(table) // 4 * 4]))
            first, begin = False, at + 8 + length
        else:
            fragments.append([at + 8, length])
        at += 8 + length
    if len(fragments) < frames:
        raise DicomRefused("dicom_truncated")
    if frames == 1:
        return [fragments]
    if len(fragments) == frames:
        return [[fragment] for fragment in fragments]
    if len(offsets) != frames:
        raise DicomRefused("dicom_broken")
    ends = [*offsets[1:], at]
    return [
        [run for run in fragments if low <= run[0] - 8 - begin < high]
        for low, high in zip(offsets, ends, strict=True)
    ]


def _is_image(data: Dataset) -> bool:
    """Whether its class has pixels: «CT Image Storage», but not «Basic Text SR Storage»."""
    name = UID(str(data.get("SOPClassUID", ""))).name
    return "Image Storage" in name or bool(data.get("PhotometricInterpretation"))


def _write_header(data: Dataset) -> str:
    """The data set as DICOM JSON (PS3.18, F), in UTF-8, without long binary values."""

    def drop_long_values(part: Dataset) -> None:
        for element in list(part):
            if element.VR == "SQ":
                for item in element.value:
                    drop_long_values(item)
            elif isinstance(element.value, bytes) and len(element.value) > _BULK_BYTES:
                del part[element.tag]

    drop_long_values(data)
    data.SpecificCharacterSet = "ISO_IR 192"
    return json.dumps(
        data.to_json_dict(suppress_invalid_tags=True),
        ensure_ascii=False,
        allow_nan=False,
        separators=(",", ":"),
    )


def _text(data: Dataset, name: str, most: int = 200) -> str:
    return str(data.get(name, "") or "").replace("\0", "").strip()[:most]


def _digits(text: str) -> str:
    return "".join(character for character in text if character in "0123456789")


def _whole_number(data: Dataset, name: str) -> int | None:
    try:
        number = int(str(data.get(name, "")).split("\\")[0])
    except ValueError:
        return None
    return number if abs(number) < 1 << 31 else None


def _slice_position(data: Dataset) -> float | None:
    """The distance along the normal of the slice, by which slices are put in order (PS3.3,
    C.7.6.2.1.1). None where the file does not give its geometry.
    """
    try:
        place = [float(number) for number in data.ImagePositionPatient]
        row, column = (
            [float(number) for number in data.ImageOrientationPatient[:3]],
            [float(number) for number in data.ImageOrientationPatient[3:]],
        )
        normal = (
            row[1] * column[2] - row[2] * column[1],
            row[2] * column[0] - row[0] * column[2],
            row[0] * column[1] - row[1] * column[0],
        )
        distance = sum(a * b for a, b in zip(place, normal, strict=True))
        return distance if math.isfinite(distance) else None
    except (AttributeError, TypeError, ValueError, IndexError):
        return None
