"""Two different files never become one record: what the sender's device had is what is kept."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.cases.models import Case
from app.cases.queries import find_membership
from app.core import clock
from app.core.db import Database
from app.identity.models import Person
from app.records import policy, queries
from app.records.models import Record, RecordState, Upload
from tests.records.conftest import BYTES, Cast, Sender, a_dicom, a_pdf, encoded, the_record


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def begin(
    browser: Sender, case_id: str, name: str, content: bytes, **metadata: str
) -> TestResponse:
    said = {"filename": name, "sha256": digest(content), **metadata}
    return browser.begin(
        case_id,
        name,
        len(content),
        Upload_Metadata=",".join(f"{key} {encoded(value)}" for key, value in said.items()),
    )


def records(database: Database) -> list[Record]:
    with database.sessions() as session:
        return list(session.scalars(select(Record).order_by(Record.created_at, Record.id)))


def test_a_file_that_differs_from_what_was_chosen_never_becomes_a_record(
    patient: Sender, cast: Cast, database: Database, inspect: Callable[[], None]
) -> None:
    chosen, other = a_dicom(4000), a_dicom(4000)[:-1] + b"!"
    place = begin(patient, cast.case.id, "IM0001", chosen).headers["Location"]
    patient.patch(place, 0, chosen[:2000])
    patient.patch(place, 2000, other[2000:])
    inspect()
    record = the_record(database)
    assert (record.state, record.reason) == (RecordState.REFUSED, "changed")
    assert patient.get(f"/records/{record.id}/download").status_code == 404
    assert "did not arrive as it was sent" in patient.get(f"/cases/{cast.case.id}/records").text


def test_the_same_file_is_received(
    patient: Sender, cast: Cast, database: Database, inspect: Callable[[], None]
) -> None:
    content = a_dicom(4000)
    patient.patch(begin(patient, cast.case.id, "IM0001", content).headers["Location"], 0, content)
    inspect()
    assert the_record(database).state == RecordState.READY


def test_two_scans_of_one_name_and_size_are_two_records_with_their_folders(
    patient: Sender, cast: Cast, database: Database, inspect: Callable[[], None]
) -> None:
    scans = {f"CD/ST{number}": a_dicom(4000)[:-1] + bytes([number]) for number in (1, 2, 3)}
    for folder, content in scans.items():
        place = begin(patient, cast.case.id, "IM000001", content, folder=folder)
        assert patient.patch(place.headers["Location"], 0, content).status_code == 204
    inspect()
    kept = {record.folder: record.sha256 for record in records(database)}
    assert kept == {folder: digest(content) for folder, content in scans.items()}
    page = patient.get(f"/cases/{cast.case.id}/records").text
    assert all(folder in page for folder in scans)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc", "etc"),
        ("C:\\CD\\DICOM", "C:/CD/DICOM"),
        ("/a//b/./..", "a/b"),
        ("صور/\u202eأشعة", "صور/أشعة"),
        ("", None),
        ("x" * 1000, "x" * 400),
    ],
)
def test_a_folder_is_kept_without_steps_and_tricks(
    patient: Sender, cast: Cast, database: Database, sent: str, kept: str | None
) -> None:
    assert begin(patient, cast.case.id, "a.pdf", a_pdf(), folder=sent).status_code == 201
    assert the_record(database).folder == kept


def test_a_creation_whose_answer_was_lost_finds_its_upload_again(
    patient: Sender, cast: Cast, database: Database
) -> None:
    content = a_pdf(4000)
    metadata = f"filename {encoded('a.pdf')},key {encoded('the-first-attempt')}"
    uploads = f"/cases/{cast.case.id}/uploads"

    def create() -> TestResponse:
        return patient.tus(
            "POST",
            uploads,
            content,
            Upload_Length=len(content),
            Upload_Metadata=metadata,
            Content_Type=BYTES,
        )

    first, again = create(), create()
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.headers["Location"] == again.headers["Location"]
    assert again.headers["Upload-Offset"] == str(len(content))
    assert len(records(database)) == 1


def test_an_upload_is_continued_from_another_device(
    patient: Sender, cast: Cast, database: Database, sender: Callable[[Person], Sender]
) -> None:
    content = a_pdf(4000)
    first = begin(patient, cast.case.id, "a.pdf", content, key="on-the-phone").headers["Location"]
    patient.patch(first, 0, content[:1500])
    laptop = sender(cast.patient)
    begun = begin(laptop, cast.case.id, "a.pdf", content, key="on-the-laptop")
    assert (begun.headers["Location"], begun.headers["Upload-Offset"]) == (first, "1500")
    assert begin(laptop, cast.case.id, "a.pdf", a_pdf(4001)).headers["Location"] != first


def test_a_lost_last_answer_heals(patient: Sender, cast: Cast) -> None:
    content = a_pdf(4000)
    place = patient.send(cast.case.id, "a.pdf", content)
    again = patient.patch(place, 2000, content[2000:])  # the 204 was lost: it is sent once more
    assert again.status_code == 409
    head = patient.tus("HEAD", place)
    assert (head.headers["Upload-Offset"], head.headers["Upload-Length"]) == ("4000", "4000")


def test_the_same_content_a_second_time_is_named_and_kept_only_if_wanted(
    patient: Sender, cast: Cast, database: Database, inspect: Callable[[], None]
) -> None:
    content = a_pdf(4000)
    patient.patch(begin(patient, cast.case.id, "a.pdf", content).headers["Location"], 0, content)
    for _ in range(2):  # before and after its inspection
        twin = begin(patient, cast.case.id, "copy.pdf", content)
        assert (twin.status_code, twin.headers["Upload-Duplicate"]) == (
            422,
            the_record(database).id,
        )
        assert "We already have this file, as “a.pdf”" in twin.text
        inspect()
    assert begin(patient, cast.case.id, "copy.pdf", content, again="1").status_code == 201
    with database.sessions() as session:
        assert len(session.scalars(select(Upload)).all()) == 2


def test_a_second_upload_is_not_compared_with_other_cases(
    patient: Sender, cast: Cast, sender: Callable[[Person], Sender], database: Database
) -> None:
    content = a_pdf(4000)
    patient.patch(begin(patient, cast.case.id, "a.pdf", content).headers["Location"], 0, content)
    stranger = begin(sender(cast.other_patient), cast.case.id, "a.pdf", content)
    assert stranger.status_code == 404
    assert "Upload-Duplicate" not in stranger.headers


@pytest.mark.parametrize(
    "metadata", [{"sha256": "xyz"}, {"sha256": "A" * 64}, {"key": "?"}, {"key": "x" * 65}]
)
def test_a_digest_or_key_of_another_form_is_refused(
    patient: Sender, cast: Cast, metadata: dict[str, str]
) -> None:
    assert begin(patient, cast.case.id, "a.pdf", a_pdf(), **metadata).status_code == 422


# The list


def test_a_list_of_many_has_pages_and_only_changed_rows_are_sent(
    patient: Sender, cast: Cast, database: Database, inspect: Callable[[], None]
) -> None:
    for number in range(60):
        content = a_dicom(300)[:-1] + bytes([number])
        place = begin(patient, cast.case.id, f"IM{number:04}", content).headers["Location"]
        patient.patch(place, 0, content)
    inspect()
    path = f"/cases/{cast.case.id}/records"
    first, second = patient.get(path).text, patient.get(f"{path}?page=2").text
    assert (first.count('class="record"'), second.count('class="record"')) == (50, 10)
    assert "IM0059" in first and "IM0000" in second
    for odd in ("0", "-1", "99", "x", "9" * 40):
        assert patient.get(f"{path}?page={odd}").status_code == 200
    as_of = patient.get(path, headers={"X-Requested-With": "fetch"}).headers["Records-As-Of"]
    later = (datetime.fromisoformat(as_of) + timedelta(seconds=10)).isoformat()

    def changes(since: str) -> TestResponse:
        return patient.get(
            path, query_string={"since": since}, headers={"X-Requested-With": "fetch"}
        )

    assert changes(later).status_code == 204
    with database.unit_of_work() as session:
        record = session.scalars(select(Record).order_by(Record.created_at)).first()
        assert record is not None
        record.inspected_at = datetime.fromisoformat(later) + timedelta(seconds=1)
        changed = record.id
    answer = changes(later)
    assert (answer.status_code, answer.text.count('class="record"')) == (200, 1)
    assert f"record-{changed}" in answer.text
    assert patient.get(path, query_string={"since": "yesterday"}).status_code == 200


def test_a_removed_record_leaves_the_list_of_others(
    patient: Sender, cast: Cast, database: Database, sender: Callable[[Person], Sender]
) -> None:
    content = a_pdf(4000)
    patient.patch(begin(patient, cast.case.id, "a.pdf", content).headers["Location"], 0, content)
    path = f"/cases/{cast.case.id}/records"
    office = sender(cast.coordinator)
    fetch = {"X-Requested-With": "fetch"}
    as_of = office.get(path, headers=fetch).headers["Records-As-Of"]
    with database.unit_of_work() as session:
        session.scalars(select(Record)).one().removed_at = datetime.fromisoformat(as_of)
    answer = office.get(path, query_string={"since": as_of}, headers=fetch)
    assert "data-removed" in answer.text and "a.pdf" not in answer.text


@pytest.mark.parametrize("state", list(RecordState))
@pytest.mark.parametrize("received", [0, 1])
@pytest.mark.parametrize("is_removed", [True, False])
def test_the_query_and_the_policy_agree_on_who_sees_what(
    patient: Sender,
    cast: Cast,
    database: Database,
    state: RecordState,
    received: int,
    is_removed: bool,
) -> None:
    begin(patient, cast.case.id, "a.pdf", a_pdf())
    with database.unit_of_work() as session:
        record = session.scalars(select(Record)).one()
        record.state, record.upload.received = state, received
        record.removed_at = clock.now() if is_removed else None
    with database.sessions() as session:
        record = session.scalars(select(Record)).one()
        case = session.get_one(Case, cast.case.id)
        for one in (cast.patient, cast.specialist, cast.coordinator):
            person = session.get_one(Person, one.id)
            member = find_membership(session, person, case.id)
            expected = policy.can_see_record(person, record, case, member)
            assert bool(queries.list_records(session, person, case)) == expected
            assert queries.count_visible_records(session, person, case) == int(expected)


def test_what_a_script_fetches_is_compressed_and_its_size_tells_little(
    patient: Sender, cast: Cast
) -> None:
    content = a_pdf(4000)
    patient.patch(begin(patient, cast.case.id, "a.pdf", content).headers["Location"], 0, content)
    headers = {"X-Requested-With": "fetch", "Accept-Encoding": "gzip, br"}
    path = f"/cases/{cast.case.id}/records"
    answers = [patient.client.get(path, headers=headers) for _ in range(8)]
    assert {answer.headers["Content-Encoding"] for answer in answers} == {"gzip"}
    assert all(b"a.pdf" in gzip.decompress(answer.data) for answer in answers)
    assert len({len(answer.data) for answer in answers}) > 3
    plain = patient.get(f"/cases/{cast.case.id}/records", headers={"X-Requested-With": "fetch"})
    assert "Content-Encoding" not in plain.headers


def test_a_stopped_file_is_not_kept_although_its_last_byte_had_arrived(
    patient: Sender, cast: Cast, database: Database, inspect: Callable[[], None]
) -> None:
    content = a_pdf(4000)
    begun = begin(patient, cast.case.id, "a.pdf", content, key="one-attempt").headers["Location"]
    patient.patch(begun, 0, content)
    assert patient.tus("DELETE", begun).status_code == 204
    inspect()
    assert the_record(database).removed_at is not None
    again = begin(patient, cast.case.id, "a.pdf", content, key="one-attempt")
    assert again.status_code == 201 and again.headers["Location"] != begun
    patient.patch(again.headers["Location"], 0, content)
    inspect()
    assert patient.tus("DELETE", again.headers["Location"]).status_code == 409
