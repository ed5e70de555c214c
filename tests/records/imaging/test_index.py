"""DICOM files find their place in the index; those of other people are held back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import generate_uid
from sqlalchemy import select

from app.audit.models import AuditEntry
from app.core.db import Database
from app.records.imaging.dicom_file import DicomRefused, read_dicom_facts
from app.records.imaging.models import ImagingIdentity, ImagingInstance, ImagingSeries, ImagingStudy
from app.records.imaging.patient_identity import ImagePatient, do_names_agree, find_differences
from app.records.imaging.queries import list_study_summaries, live_instances
from app.records.models import Record
from tests.records.conftest import Cast, Sender
from tests.records.imaging.conftest import a_slice, a_study, pydicom_file

SendImages = Callable[..., None]


@pytest.mark.parametrize(
    ("in_file", "name"),
    [
        ("HADDAD^AMAL", "Amal Haddad"),
        ("Haddad^Amal^Maria^^Dr.", "Amal Haddad"),
        ("حداد^أمل", "Amal Haddad"),
        ("Amal Haddad", "أمل حداد"),
        ("محمد^خالد", "Khaled Mohammed"),
        ("كريم^سعيد", "Said Karim"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "山田太郎"),
        ("Wang^Xiaodong", "王小东"),
        ("Иванов^Иван^Петрович", "Ivan Ivanov"),
        ("Papadopoulos^Giorgos", "Γιώργος Παπαδόπουλος"),
        ("Mueller^Joerg=Müller^Jörg", "Jörg Müller"),
        ("O'Brien^Pat", "Pat O’Brien"),
    ],
)
def test_a_name_is_known_in_any_script_and_order(in_file: str, name: str) -> None:
    assert do_names_agree(in_file, name)


@pytest.mark.parametrize(
    ("in_file", "name"),
    [
        ("SMITH^JOHN", "Amal Haddad"),
        ("Haddad^Omar", "Amal Haddad"),
        ("Haddad", "Amal Haddad"),
        ("كريم^سعيد", "Amal Haddad"),
        ("Li^Wei", "王小东"),
        ("Иванова^Анна", "Ivan Ivanov"),
    ],
)
def test_another_name_is_told_apart(in_file: str, name: str) -> None:
    assert not do_names_agree(in_file, name)


def test_a_birth_date_that_differs_from_accepted_images_is_a_difference() -> None:
    before = [ImagePatient("Haddad^Amal", "19700101", "F", "A1")]
    same_name = ImagePatient("Haddad^Amal", "19991231", "M", "B7")
    assert find_differences(same_name, "Amal Haddad", before) == ["birth_date", "sex"]
    assert find_differences(same_name, "Amal Haddad", []) == []
    silent = ImagePatient("Anonymous", "", "O", "")
    assert find_differences(silent, "Amal Haddad", before) == []


def test_every_file_of_pydicom_is_indexed_or_refused_with_a_reason() -> None:
    seen = {"indexed": 0, "refused": 0}
    for path in sorted((Path(pydicom.__file__).parent / "data" / "test_files").iterdir()):
        if not path.is_file() or path.suffix not in (".dcm", ""):
            continue
        with path.open("rb") as file:
            try:
                read_dicom_facts(file, path.stat().st_size)
                seen["indexed"] += 1
            except DicomRefused as refused:
                assert refused.reason in ("dicom_broken", "dicom_incomplete", "dicom_truncated")
                seen["refused"] += 1
    assert seen["indexed"] > 55


def test_a_file_may_end_anywhere_and_is_refused_or_read(tmp_path: Path) -> None:
    whole = a_slice()
    for end in range(140, len(whole) - 1, 7):
        path = tmp_path / "cut"
        path.write_bytes(whole[:end])
        with path.open("rb") as file, pytest.raises(DicomRefused):
            read_dicom_facts(file, end)


def test_slices_in_any_order_and_twice_become_one_study(
    send_images: SendImages, cast: Cast, database: Database
) -> None:
    slices = a_study(4)
    send_images(slices[2], slices[0], slices[3], slices[1], slices[0])
    with database.sessions() as session:
        assert len(session.scalars(select(ImagingStudy)).all()) == 1
        assert len(session.scalars(select(ImagingSeries)).all()) == 1
        assert len(session.scalars(select(ImagingInstance)).all()) == 5
        assert [one.number for one in session.scalars(live_instances(cast.case.id))] == [1, 2, 3, 4]
        [study] = list_study_summaries(session, cast.case.id)
        assert (study.instances, study.modalities) == (4, ["CT"])


def test_a_copy_takes_the_place_of_a_file_that_was_taken_back(
    send_images: SendImages, cast: Cast, database: Database
) -> None:
    image = a_slice()
    send_images(image, image)
    with database.unit_of_work() as session:
        first = session.scalars(
            select(ImagingInstance).order_by(ImagingInstance.created_at)
        ).first()
        assert first is not None
        session.get_one(Record, first.record_id).removed_at = first.created_at
    with database.sessions() as session:
        assert len(session.scalars(live_instances(cast.case.id)).all()) == 1


def test_pixels_that_are_missing_end_in_a_sentence(
    send_images: SendImages, cast: Cast, patient: Sender
) -> None:
    send_images(pydicom_file("MR_truncated.dcm"))
    page = patient.get(f"/cases/{cast.case.id}/records").text
    assert "Part of the image “IM000001” is missing." in page


@pytest.fixture
def strangers(send_images: SendImages) -> None:
    send_images(
        *a_study(2),
        *a_study(3, PatientName="SMITH^JOHN", PatientBirthDate="19500203", PatientSex="M"),
    )


@pytest.mark.parametrize(("decision", "state"), [("same", "ready"), ("other", "refused")])
@pytest.mark.usefixtures("strangers")
def test_images_of_another_name_wait_for_a_coordinator(
    cast: Cast,
    sender: Callable[..., Sender],
    database: Database,
    decision: str,
    state: str,
) -> None:
    with database.sessions() as session:
        [(identity)] = session.scalars(
            select(ImagingIdentity).where(ImagingIdentity.verdict == "differs")
        ).all()
        assert [one.state for one in session.scalars(select(Record))].count("quarantined") == 3
        assert len(session.scalars(live_instances(cast.case.id)).all()) == 2
    coordinator = sender(cast.coordinator)
    assert "Are these images of this patient?" in coordinator.get(f"/cases/{cast.case.id}").text
    page = coordinator.get(f"/cases/{cast.case.id}/imaging/identities").text
    assert "SMITH JOHN" in page and "Amal Haddad" in page and "1950-02-03" in page
    place = f"/cases/{cast.case.id}/imaging/identities/{identity.id}"
    assert coordinator.post(place, decision="?").status_code == 422
    assert coordinator.post(place, decision=decision).status_code == 200
    with database.sessions() as session:
        states = [one.state for one in session.scalars(select(Record))]
        assert states.count(state) == (5 if state == "ready" else 3)
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.verb == "imaging.identity_decided")
        ).all()
        assert [entry.actor_id for entry in entries] == [cast.coordinator.id]
    assert coordinator.post(place, decision=decision).status_code == 409


@pytest.mark.usefixtures("strangers")
def test_a_decision_holds_for_files_that_come_later(
    cast: Cast,
    sender: Callable[..., Sender],
    send_images: SendImages,
    database: Database,
) -> None:
    with database.sessions() as session:
        identity = session.scalars(
            select(ImagingIdentity).where(ImagingIdentity.verdict == "differs")
        ).one()
    sender(cast.coordinator).post(
        f"/cases/{cast.case.id}/imaging/identities/{identity.id}", decision="same"
    )
    send_images(a_slice(PatientName="SMITH^JOHN", PatientBirthDate="19500203", PatientSex="M"))
    with database.sessions() as session:
        assert {one.state for one in session.scalars(select(Record))} == {"ready"}


def test_only_the_office_of_the_case_decides(
    strangers: None, cast: Cast, sender: Callable[..., Sender]
) -> None:
    for person in (cast.patient, cast.specialist, cast.interpreter, cast.administrator):
        browser = sender(person)
        there = browser.get(f"/cases/{cast.case.id}/imaging/identities")
        missing = browser.get(f"/cases/{generate_uid()[:20]}/imaging/identities")
        assert there.status_code == missing.status_code == 404
