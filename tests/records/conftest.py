"""A case with its people, files of every kind, and a client that speaks tus."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
import pytest
from flask import Flask
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, RawDataStorage, generate_uid
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.cases.models import Case
from app.core.db import Database
from app.core.ids import new_id
from app.core.permissions import Role
from app.identity.models import Person
from app.records import jobs
from app.records.models import Record
from tests.people import Visitor, a_person, an_accepted_case, give_role
from tests.work import run_jobs

BYTES = "application/offset+octet-stream"
SENTENCE = b"Histology: moderately differentiated adenocarcinoma. "


def encoded(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def a_pdf(size: int = 4000) -> bytes:
    middle = SENTENCE * (size // len(SENTENCE) + 1)
    return b"%PDF-1.7\n" + middle[: size - 15] + b"\n%%EOF\n"[:6]


def a_dicom(size: int = 4000) -> bytes:
    """A DICOM file of this size without an image, always the same. What fills it lies in a private
    element at the end.
    """
    uids = {
        f"{level}InstanceUID": generate_uid(entropy_srcs=[level, str(size)])
        for level in ("Study", "Series", "SOP")
    }
    bare = len(dicom_bytes(a_dicom_dataset(filling=b"", **uids)))
    wanted = max(size - bare, 0)
    filling = (SENTENCE * (wanted // len(SENTENCE) + 1))[: wanted // 2 * 2]
    return dicom_bytes(a_dicom_dataset(filling=filling, **uids)) + b"\0" * (wanted % 2)


def a_dicom_dataset(filling: bytes = b"", **facts: Any) -> Dataset:
    """A data set with everything that the index asks for; ``facts`` by keyword."""
    data = Dataset()
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID = RawDataStorage
    data.StudyInstanceUID = facts.pop("StudyInstanceUID", None) or generate_uid()
    data.SeriesInstanceUID = facts.pop("SeriesInstanceUID", None) or generate_uid()
    data.SOPInstanceUID = facts.pop("SOPInstanceUID", None) or generate_uid()
    data.PatientName = "Haddad^Amal"
    data.Modality = "OT"
    data.add_new(0x70010010, "LO", "CONSILIUM TESTS")
    data.add_new(0x70011001, "OB", filling)
    for name, value in facts.items():
        setattr(data, name, value)
    return data


def dicom_bytes(data: Dataset, syntax: UID = ExplicitVRLittleEndian) -> bytes:
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = syntax
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    packed = io.BytesIO()
    pydicom.dcmwrite(packed, data, enforce_file_format=True)
    return packed.getvalue()


def a_zip(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as folder:
        for name, content in files.items():
            folder.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return packed.getvalue()


class Sender(Visitor):
    """A signed-in browser that sends by tus."""

    def tus(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        version: str | None = "1.0.0",
        **headers: Any,
    ) -> TestResponse:
        if not self.token:
            self.get("/sign-in")
        said = {
            "X-CSRFToken": self.token,
            **{name.replace("_", "-"): str(value) for name, value in headers.items()},
        }
        if version:
            said["Tus-Resumable"] = version
        return self.client.open(path, method=method, data=body, headers=said)

    def begin(self, case_id: str, name: str | bytes, size: int, **headers: Any) -> TestResponse:
        headers.setdefault("Upload_Metadata", f"filename {encoded(name)}")
        return self.tus("POST", f"/cases/{case_id}/uploads", Upload_Length=size, **headers)

    def patch(self, place: str, offset: int, body: bytes, **headers: Any) -> TestResponse:
        return self.tus("PATCH", place, body, Upload_Offset=offset, Content_Type=BYTES, **headers)

    def send(self, case_id: str, name: str, content: bytes) -> str:
        """Sends a whole file; gives the place of its upload."""
        begun = self.begin(case_id, name, len(content))
        assert begun.status_code == 201, begun.text
        sent = self.patch(begun.headers["Location"], 0, content)
        assert sent.status_code == 204, sent.text
        return begun.headers["Location"]

    def offset(self, place: str) -> int:
        answer = self.tus("HEAD", place)
        assert answer.status_code == 200
        return int(answer.headers["Upload-Offset"])


@dataclass
class Cast:
    """An accepted case and the people who are, and are not, part of it."""

    case: Case
    patient: Person
    specialist: Person
    interpreter: Person
    coordinator: Person
    other_patient: Person
    other_specialist: Person
    administrator: Person


_hashed: list[str] = []


def someone(session: Session, role: Role = Role.PATIENT, **facts: Any) -> Person:
    """A person as ``a_person`` makes them; argon2 is asked only once, for it is slow on purpose."""
    if not _hashed:
        _hashed.append(a_person(session).password)
    name = new_id()
    person = Person(
        name=facts.pop("name", f"{role.capitalize()} {name[-4:]}"),
        email=f"{name}@test.example",
        role=role,
        password=_hashed[0],
        **facts,
    )
    session.add(person)
    session.flush()
    give_role(session, person)
    return person


def a_cast(session: Session) -> Cast:
    patient, other = someone(session, name="Amal Haddad"), someone(session)
    specialist = someone(session, Role.SPECIALIST, specialties=["oncology"], name="Dr. Vera Lind")
    elsewhere = someone(session, Role.SPECIALIST, specialties=["oncology"])
    interpreter = someone(session, Role.INTERPRETER, speaks=["ar"])
    coordinator = someone(session, Role.COORDINATOR, name="Jo Marsh")
    administrator = someone(session, Role.ADMINISTRATOR)
    case = an_accepted_case(session, patient, coordinator, specialist, interpreter)
    return Cast(
        case, patient, specialist, interpreter, coordinator, other, elsewhere, administrator
    )


@pytest.fixture
def cast(database: Database) -> Cast:
    with database.unit_of_work() as session:
        return a_cast(session)


@pytest.fixture
def sender(app: Flask) -> Callable[[Person], Sender]:
    return lambda person: Sender(app, person)


@pytest.fixture
def patient(sender: Callable[[Person], Sender], cast: Cast) -> Sender:
    return sender(cast.patient)


@pytest.fixture
def inspect(app: Flask) -> Callable[[], None]:
    """Does every background job of the records that is due; others are left alone."""
    return lambda: run_jobs(app, jobs.HANDLERS | {"notify": lambda *_: None})


@pytest.fixture
def objects(app: Flask, tmp_path: Path) -> Path:
    """The folder in which the encrypted objects lie."""
    return tmp_path / "objects"


def the_record(database: Database) -> Record:
    with database.sessions() as session:
        return session.scalars(select(Record)).one()


class Cut:
    """A body whose line breaks after some bytes, as werkzeug hands it on."""

    def __init__(self, content: bytes, error: Exception) -> None:
        self._left, self._error = content, error

    def read(self, size: int = -1) -> bytes:
        if not self._left:
            raise self._error
        piece, self._left = self._left[:size], self._left[size:]
        return piece


def patch_from(browser: Sender, place: str, body: Cut, length: int) -> TestResponse:
    return browser.client.open(
        place,
        method="PATCH",
        environ_overrides={"wsgi.input": body, "CONTENT_LENGTH": str(length)},
        headers={
            "Tus-Resumable": "1.0.0",
            "X-CSRFToken": browser.token,
            "Upload-Offset": "0",
            "Content-Type": BYTES,
        },
    )


def fhir(**facts: Any) -> bytes:
    return json.dumps({"resourceType": "Observation", **facts}).encode()
