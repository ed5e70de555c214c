"""What may not arrive is refused in a clear sentence, before more of it is sent than needed; so is
who may not send.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.cases import service as cases
from app.cases.models import CaseMember
from app.core.db import Database
from app.identity.models import Person
from app.records import service
from app.records.models import Record, RecordState, Upload
from tests.records.conftest import Cast, Cut, Sender, a_pdf, encoded, patch_from, the_record


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\amal\\scan.pdf", "scan.pdf"),
        ("/a/b/c.pdf", "c.pdf"),
        ("x\u202egnp.exe.pdf", "xgnp.exe.pdf"),
        ("a\x00b\n.pdf", "ab.pdf"),
        (" تقرير.pdf ", "تقرير.pdf"),
    ],
)
def test_a_name_is_cut_to_the_files_own(
    patient: Sender,
    cast: Cast,
    database: Database,
    name: str,
    kept: str,
) -> None:
    assert patient.begin(cast.case.id, name, 10).status_code == 201
    assert the_record(database).name == kept


@pytest.mark.parametrize("name", ["", " ", "..", "a/", "../", "\x00", "\u202e"])
def test_a_file_without_a_name_is_refused(patient: Sender, cast: Cast, name: str) -> None:
    answer = patient.begin(cast.case.id, name, 10)
    assert answer.status_code == 422
    assert "has no name" in answer.text


def test_no_metadata_a_broken_one_and_a_long_name_are_refused(patient: Sender, cast: Cast) -> None:
    assert patient.begin(cast.case.id, "x", 10, Upload_Metadata="").status_code == 422
    assert patient.begin(cast.case.id, "x", 10, Upload_Metadata="filename ???").status_code == 400
    assert patient.begin(cast.case.id, b"\xff\xfe.pdf", 10).status_code == 422
    long = patient.begin(cast.case.id, "x" * 300, 10)
    assert long.status_code == 422 and "too long" in long.text


def test_an_empty_file_is_refused(patient: Sender, cast: Cast) -> None:
    answer = patient.begin(cast.case.id, "report.pdf", 0)
    assert answer.status_code == 422
    assert "empty" in answer.text


def test_a_file_beyond_all_measure_is_refused(patient: Sender, cast: Cast) -> None:
    answer = patient.begin(cast.case.id, "report.pdf", 10**12)
    assert answer.status_code == 413
    assert "100 GB" in answer.text
    assert patient.begin(cast.case.id, "report.pdf", 10, Upload_Defer_Length=1).status_code == 422


def test_a_case_takes_twenty_thousand_files_and_not_one_more(
    patient: Sender, cast: Cast, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert service.MAX_RECORDS_PER_CASE == 20_000
    monkeypatch.setattr(service, "MAX_RECORDS_PER_CASE", 3)
    for number in range(3):
        assert patient.begin(cast.case.id, f"{number}.pdf", 10).status_code == 201
    answer = patient.begin(cast.case.id, "3.pdf", 10)
    assert answer.status_code == 413 and "already has 3 files" in answer.text
    with database.sessions() as session:
        assert len(session.scalars(select(Record)).all()) == 3


def test_the_largest_file_is_a_hundred_gigabytes(patient: Sender, cast: Cast) -> None:
    assert patient.begin(cast.case.id, "scan.zip", 100 * 10**9).status_code == 201
    assert patient.begin(cast.case.id, "scan.zip", 100 * 10**9 + 1).status_code == 413


def test_a_wrong_kind_is_refused_before_any_of_it_is_sent(
    patient: Sender, cast: Cast, database: Database
) -> None:
    head = encoded(encoded(b"MZ" + b"\x90" * 900))
    answer = patient.begin(
        cast.case.id,
        "report.pdf",
        10**9,
        Upload_Metadata=f"filename {encoded('report.pdf')},head {head}",
    )
    assert answer.status_code == 415
    assert "report.pdf" in answer.text and "exe" in answer.text
    with database.sessions() as session:
        assert session.scalars(select(Record)).all() == []


def test_a_wrong_kind_is_refused_at_its_first_bytes(
    patient: Sender,
    cast: Cast,
    database: Database,
    objects: Path,
) -> None:
    place = patient.begin(cast.case.id, "film.pdf", 10**6).headers["Location"]
    answer = patient.patch(place, 0, b"MZ" + b"\0" * 99_000)
    assert answer.status_code == 415
    assert "film.pdf" in answer.text
    assert patient.tus("HEAD", place).status_code == 410
    assert the_record(database).state == RecordState.REFUSED
    assert not [path for path in objects.rglob("*") if path.is_file()]
    page = patient.get(f"/cases/{cast.case.id}/records").text
    assert "Not accepted" in page and "We accept DICOM" in page


# Who may


def test_others_cannot_send_to_the_case_nor_touch_its_uploads(
    patient: Sender,
    cast: Cast,
    sender: Callable[[Person], Sender],
) -> None:
    place = patient.begin(cast.case.id, "a.pdf", 4000).headers["Location"]
    for stranger in (
        cast.other_patient,
        cast.specialist,
        cast.interpreter,
        cast.administrator,
        cast.coordinator,
    ):
        browser = sender(stranger)
        if stranger is not cast.coordinator:
            assert browser.begin(cast.case.id, "a.pdf", 10).status_code == 404, stranger.role
        assert browser.tus("HEAD", place).status_code == 404
        assert browser.patch(place, 0, a_pdf()).status_code == 404
        assert browser.tus("DELETE", place).status_code == 404
    assert patient.offset(place) == 0


def test_a_stranger_is_asked_to_sign_in_and_a_missing_token_is_refused(
    app: Any,
    patient: Sender,
    cast: Cast,
) -> None:
    assert app.test_client().post(
        f"/cases/{cast.case.id}/uploads", headers={"Tus-Resumable": "1.0.0"}
    ).status_code in (400, 401)
    patient.token = "nonsense"
    assert patient.begin(cast.case.id, "a.pdf", 10).status_code == 400


def test_a_revoked_member_is_stopped_in_the_middle_of_the_file(
    patient: Sender,
    cast: Cast,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.records.receiving.parts.PART_BYTES", 20_000)
    content = a_pdf(90_000)
    place = patient.begin(cast.case.id, "a.pdf", len(content)).headers["Location"]

    class Revoking(Cut):
        def read(self, size: int = -1) -> bytes:
            if len(self._left) < 60_000:
                with database.unit_of_work() as session:
                    for member in session.scalars(
                        select(CaseMember).where(CaseMember.until.is_(None))
                    ):
                        if member.person_id == cast.patient.id:
                            cases.end_membership(session, None, member, reason="withdrawn")
            return super().read(size)

    answer = patch_from(patient, place, Revoking(content, OSError()), len(content))
    assert answer.status_code == 404
    assert patient.tus("HEAD", place).status_code == 404
    with database.sessions() as session:
        assert session.scalars(select(Upload)).one().received < 60_000
