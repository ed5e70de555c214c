"""QIDO-RS and WADO-RS under a case, with dicomweb-client and by hand."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pydicom
import pytest
import requests
from dicomweb_client import DICOMwebClient
from flask import Flask
from PIL import Image
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import pixel_array
from sqlalchemy import select

from app.audit.models import AuditEntry
from app.core.db import Database
from app.identity.models import Person
from tests.people import PASSWORD, TOKEN
from tests.records.conftest import Cast, Sender
from tests.records.imaging.conftest import a_study, pydicom_file
from tests.servers import serving

SendImages = Callable[..., None]
COMPRESSED = {
    "CT_small.dcm": "explicit VR, 16 bits",
    "MR_small_bigendian.dcm": "big endian",
    "MR_small_RLE.dcm": "RLE",
    "MR_small_jp2klossless.dcm": "JPEG 2000",
    "MR_small_jpeg_ls_lossless.dcm": "JPEG-LS",
    "SC_rgb_dcmtk_+eb+cr.dcm": "JPEG",
    "SC_rgb_rle_2frame.dcm": "RLE, colour, two frames",
    "examples_palette.dcm": "palette",
    "image_dfl.dcm": "deflated",
}


def signed_in(url: str, person: Person) -> requests.Session:
    session = requests.Session()
    token = TOKEN.search(session.get(f"{url}/sign-in").text)
    assert token
    session.post(
        f"{url}/sign-in",
        data={"csrf_token": token.group(1), "email": person.email, "password": PASSWORD},
    )
    return session


@dataclass
class Reading:
    url: str
    client: DICOMwebClient


@pytest.fixture
def reading(app: Flask, cast: Cast) -> Iterator[Reading]:
    with serving(app) as url:
        place = f"{url}/dicomweb/cases/{cast.case.id}"
        yield Reading(place, DICOMwebClient(place, session=signed_in(url, cast.specialist)))


def test_a_client_finds_studies_series_and_instances(
    send_images: SendImages, reading: Reading
) -> None:
    send_images(*a_study(3), *a_study(2, StudyDate="20250630", StudyDescription="CT before"))
    client = reading.client
    studies = client.search_for_studies()
    assert [one["00080020"]["Value"][0] for one in studies] == ["20260102", "20250630"]
    assert [one["00201208"]["Value"][0] for one in studies] == [3, 2]
    assert studies[0]["00100010"]["Value"][0] == {"Alphabetic": "Haddad^Amal"}
    before = client.search_for_studies(search_filters={"StudyDate": "20250101-20251231"})
    assert [one["00081030"]["Value"][0] for one in before] == ["CT before"]
    assert len(client.search_for_studies(search_filters={"StudyDescription": "ct *"})) == 2
    assert client.search_for_studies(search_filters={"PatientName": "Smith*"}) == []
    assert len(client.search_for_studies(limit=1, offset=1)) == 1
    study = studies[0]["0020000D"]["Value"][0]
    [series] = client.search_for_series(study, search_filters={"Modality": "CT"})
    uid = series["0020000E"]["Value"][0]
    assert client.search_for_series(study, search_filters={"Modality": "MR"}) == []
    instances = client.search_for_instances(study, uid)
    assert [one["00200013"]["Value"][0] for one in instances] == [1, 2, 3]
    assert len(client.search_for_instances()) == 5
    assert len(client.search_for_instances(study, search_filters={"InstanceNumber": 2})) == 1


def test_a_client_retrieves_what_was_sent(send_images: SendImages, reading: Reading) -> None:
    sent = a_study(3)
    send_images(*sent)
    first = pydicom.dcmread(io.BytesIO(sent[0]))
    study, series = first.StudyInstanceUID, first.SeriesInstanceUID
    client = reading.client
    metadata = client.retrieve_series_metadata(study, series)
    assert [one["00200013"]["Value"][0] for one in metadata] == [1, 2, 3]
    assert "7FE00010" not in metadata[0]
    assert pydicom.Dataset.from_json(metadata[0]).PixelSpacing == [0.5, 0.25]
    got = client.retrieve_instance(study, series, first.SOPInstanceUID)
    assert got == first
    assert len(client.retrieve_study(study)) == 3
    assert len(client.retrieve_series(study, series)) == 3
    assert len(client.retrieve_study_metadata(study)) == 3
    [frame] = client.retrieve_instance_frames(study, series, first.SOPInstanceUID, [1])
    assert frame == first.PixelData
    picture = client.retrieve_instance_rendered(
        study, series, first.SOPInstanceUID, media_types=("image/png",)
    )
    assert Image.open(io.BytesIO(picture)).size == (6, 8)


@pytest.mark.parametrize("name", COMPRESSED, ids=COMPRESSED.get)
def test_every_syntax_gives_the_pixels_of_pydicom(
    send_images: SendImages, reading: Reading, cast: Cast, name: str, rename: None
) -> None:
    content = pydicom_file(name)
    data = pydicom.dcmread(io.BytesIO(content), force=True)
    send_images(content)
    below = (data.StudyInstanceUID, data.SeriesInstanceUID, data.SOPInstanceUID)
    place = f"{reading.url}/studies/{below[0]}/series/{below[1]}/instances/{below[2]}"
    answer = reading.client._http_get(
        f"{place}/frames/1", headers={"Accept": "application/octet-stream"}
    )
    expected = pixel_array(data, index=0)
    if data.PhotometricInterpretation == "PALETTE COLOR":
        expected = apply_color_lut(expected, data)
        expected = (expected >> 8).astype("u1") if expected.dtype == np.uint16 else expected
    assert answer.content == expected.astype(expected.dtype.newbyteorder("<")).tobytes()
    thumbnail = reading.client._http_get(f"{place}/thumbnail", headers={"Accept": "image/jpeg"})
    assert max(Image.open(io.BytesIO(thumbnail.content)).size) <= 160


def test_a_sitting_is_one_entry(
    send_images: SendImages, reading: Reading, database: Database, cast: Cast
) -> None:
    sent = a_study(3)
    send_images(*sent)
    first = pydicom.dcmread(io.BytesIO(sent[0]))
    for _ in range(3):
        reading.client.retrieve_series_metadata(first.StudyInstanceUID, first.SeriesInstanceUID)
        reading.client.retrieve_instance_frames(
            first.StudyInstanceUID, first.SeriesInstanceUID, first.SOPInstanceUID, [1]
        )
    with database.sessions() as session:
        reads = session.scalars(select(AuditEntry).where(AuditEntry.verb == "record.read")).all()
    assert [(one.actor_id, one.facts["how"]) for one in reads] == [(cast.specialist.id, "viewed")]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("studies?limit=-1", 400),
        ("studies?NoSuchAttribute=1", 400),
        ("studies/1.2.3/metadata", 404),
        ("studies/1.2.3/series/4.5/instances/6/frames/1", 404),
    ],
)
def test_what_cannot_be_answered(
    send_images: SendImages,
    cast: Cast,
    sender: Callable[..., Sender],
    path: str,
    status: int,
) -> None:
    send_images(*a_study(1))
    answer = sender(cast.specialist).get(f"/dicomweb/cases/{cast.case.id}/{path}")
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("below", "status"),
    [
        ("frames/0", 404),
        ("frames/2", 404),
        ("frames/x", 422),
        ("rendered?window=a", 422),
        ("rendered?window=40,400&viewport=4,4", 200),
    ],
)
def test_frames_and_windows_are_checked(
    send_images: SendImages,
    cast: Cast,
    sender: Callable[..., Sender],
    below: str,
    status: int,
) -> None:
    [sent] = a_study(1)
    send_images(sent)
    data = pydicom.dcmread(io.BytesIO(sent))
    place = (
        f"/dicomweb/cases/{cast.case.id}/studies/{data.StudyInstanceUID}/series/"
        f"{data.SeriesInstanceUID}/instances/{data.SOPInstanceUID}/{below}"
    )
    answer = sender(cast.specialist).get(place, headers={"Accept": "image/png, */*"})
    assert answer.status_code == status


def test_outsiders_cannot_tell_hidden_from_missing(
    send_images: SendImages, cast: Cast, sender: Callable[..., Sender]
) -> None:
    [sent] = a_study(1)
    send_images(sent)
    uid = pydicom.dcmread(io.BytesIO(sent)).StudyInstanceUID
    outside = (cast.other_patient, cast.other_specialist, cast.coordinator)
    for browser in map(sender, outside):
        for path in ("studies", "instances", f"studies/{uid}/metadata", f"studies/{uid}"):
            hidden = browser.get(f"/dicomweb/cases/{cast.case.id}/{path}")
            missing = browser.get(f"/dicomweb/cases/{'0' * 32}/{path}")
            assert (hidden.status_code, missing.status_code) == (404, 404)
    for person in (cast.interpreter, cast.administrator):
        answer = sender(person).get(f"/dicomweb/cases/{cast.case.id}/studies")
        assert answer.status_code == 404
    for person in (cast.patient, cast.specialist):
        assert sender(person).get(f"/dicomweb/cases/{cast.case.id}/studies").status_code == 200
