"""Images that can be told apart, and the files that pydicom is tested with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import CTImageStorage, generate_uid

from tests.records.conftest import Cast, Sender, a_dicom_dataset, dicom_bytes

Send = Callable[[bytes], None]


def a_slice(number: int = 1, rows: int = 8, columns: int = 6, **facts: Any) -> bytes:
    """A CT slice whose pixel at (row, column) is ``100 * number + 10 * row + column``."""
    spacing = facts.pop("spacing", ["0.5", "0.25"])
    data = a_dicom_dataset(**facts)
    grid = np.add.outer(10 * np.arange(rows), np.arange(columns)) + 100 * number
    data.SOPClassUID, data.Modality = CTImageStorage, "CT"
    data.Rows, data.Columns = rows, columns
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
    data.PixelRepresentation = 1
    data.RescaleSlope, data.RescaleIntercept = "1", "-1024"
    data.WindowCenter, data.WindowWidth = "40", "400"
    data.PixelSpacing = spacing
    data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    data.ImagePositionPatient = [0, 0, number * 5]
    data.InstanceNumber = number
    data.PixelData = grid.astype("<i2").tobytes()
    return dicom_bytes(data)


def a_study(count: int = 3, **facts: Any) -> list[bytes]:
    """The slices of one series."""
    uids = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    return [
        a_slice(
            number, **{"StudyDate": "20260102", "StudyDescription": "CT chest", **uids, **facts}
        )
        for number in range(1, count + 1)
    ]


def pydicom_file(name: str) -> bytes:
    path = get_testdata_file(name, download=False)
    assert path, f"pydicom has no file {name}"
    return Path(str(path)).read_bytes()


@pytest.fixture
def send_images(cast: Cast, patient: Sender, inspect: Callable[[], None]) -> Callable[..., None]:
    """Sends files as the patient does, and lets them be inspected."""

    def send(*files: bytes) -> None:
        for number, content in enumerate(files, 1):
            patient.send(cast.case.id, f"IM{number:06d}", content)
        inspect()

    return send


@pytest.fixture
def rename(monkeypatch: pytest.MonkeyPatch) -> None:
    """The patients of pydicom's files have other names; here that is not what is tested."""
    monkeypatch.setattr("app.records.imaging.indexing.find_differences", lambda *_: [])
