"""Who may open a record, what they get, and what is written down about it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.audit.models import AuditEntry
from app.audit.queries import verify_audit_chain
from app.cases import service as cases
from app.cases.models import CaseMember
from app.core import clock
from app.core.db import Database
from app.core.ids import new_id
from app.core.outbox import Job
from app.identity.models import Person
from app.organizations.institution import DEFAULT_TURNAROUND_DAYS
from app.records import queries
from app.records.models import Record, UploadPart
from app.records.reading.content import RecordBytes
from app.records.receiving.spool import SealedSpool
from tests.records.conftest import SENTENCE, Cast, Sender, a_dicom, a_pdf

Browse = Callable[[Person], Sender]
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"\x01" * 500 + b"\xff\xd9"


@pytest.fixture
def ready(patient: Sender, cast: Cast, inspect: Callable[[], None], database: Database) -> Record:
    patient.send(cast.case.id, "Bericht für Dr. «Lind».pdf", a_pdf(20_000))
    inspect()
    with database.sessions() as session:
        return session.scalars(select(Record)).one()


def reads(database: Database) -> list[AuditEntry]:
    with database.sessions() as session:
        return list(
            session.scalars(
                select(AuditEntry)
                .where(AuditEntry.verb == "record.read")
                .order_by(AuditEntry.number)
            )
        )


def test_the_patient_and_the_specialist_open_it_and_each_opening_is_written_down(
    cast: Cast,
    ready: Record,
    sender: Browse,
    database: Database,
) -> None:
    for who in (cast.patient, cast.specialist):
        answer = sender(who).get(f"/records/{ready.id}/download")
        assert answer.data == a_pdf(20_000)
    assert [entry.actor_id for entry in reads(database)] == [cast.patient.id, cast.specialist.id]
    assert {(entry.object_id, entry.case_id) for entry in reads(database)} == {
        (ready.id, cast.case.id)
    }
    with database.sessions() as session:
        assert verify_audit_chain(session).broken_at is None


def test_nobody_else_learns_that_it_exists(
    cast: Cast,
    ready: Record,
    sender: Browse,
    database: Database,
    app: Flask,
) -> None:
    for stranger in (
        cast.other_patient,
        cast.other_specialist,
        cast.interpreter,
        cast.administrator,
    ):
        browser = sender(stranger)
        for path in ("", "/content", "/download"):
            assert browser.get(f"/records/{ready.id}{path}").status_code == 404, (
                stranger.role,
                path,
            )
        assert browser.get(f"/cases/{cast.case.id}/records").status_code == 404
        assert (
            browser.post(f"/records/{ready.id}/reason", reason="I would like to know").status_code
            == 404
        )
        assert browser.post(f"/records/{ready.id}/remove").status_code == 404
    assert app.test_client().get(f"/records/{ready.id}/download").status_code == 302
    assert reads(database) == []


def test_the_coordinator_sees_that_it_is_there_and_opens_it_only_with_a_reason(
    cast: Cast,
    ready: Record,
    sender: Browse,
    database: Database,
) -> None:
    browser = sender(cast.coordinator)
    assert "Bericht" in browser.get(f"/cases/{cast.case.id}/records").text
    assert browser.get(f"/records/{ready.id}/content").status_code == 404
    page = browser.get(f"/records/{ready.id}")
    assert "You need a reason" in page.text
    short = browser.post(f"/records/{ready.id}/reason", reason="because")
    assert short.status_code == 422
    assert "why you need to open" in short.text
    assert reads(database) == []

    browser.post(f"/records/{ready.id}/reason", reason="The patient says that page 2 is missing.")
    assert browser.get(f"/records/{ready.id}/content").status_code == 200
    assert reads(database)[0].facts["reason"] == "The patient says that page 2 is missing."
    with database.sessions() as session:
        told = [job.payload for job in session.scalars(select(Job).where(Job.kind == "notify"))]
    assert [job["person_id"] for job in told if job["kind"] == "record_opened_with_reason"] == [
        cast.patient.id
    ]
    with clock.shift_clock(timedelta(days=DEFAULT_TURNAROUND_DAYS)):  # signed out by then, too
        assert browser.get(f"/records/{ready.id}/content", follow_redirects=False).status_code in (
            302,
            404,
        )


def test_the_reason_holds_for_one_hour_and_one_record(
    cast: Cast,
    ready: Record,
    sender: Browse,
    patient: Sender,
    inspect: Callable[[], None],
    database: Database,
) -> None:
    patient.send(cast.case.id, "other.pdf", a_pdf())
    inspect()
    with database.sessions() as session:
        other = session.scalars(select(Record).where(Record.id != ready.id)).one()
    browser = sender(cast.coordinator)
    browser.post(f"/records/{ready.id}/reason", reason="The patient asked me to look.")
    assert browser.get(f"/records/{other.id}/content").status_code == 404
    with clock.shift_clock(timedelta(minutes=59)):
        assert browser.get(f"/records/{ready.id}/content").status_code == 200
    with clock.shift_clock(timedelta(minutes=61)):
        assert browser.get(f"/records/{ready.id}/content").status_code == 404


def test_a_revoked_specialist_cannot_open_it_any_more(
    cast: Cast,
    ready: Record,
    sender: Browse,
    database: Database,
) -> None:
    browser = sender(cast.specialist)
    assert browser.get(f"/records/{ready.id}/content").status_code == 200
    with database.unit_of_work() as session:
        member = session.scalars(
            select(CaseMember).where(CaseMember.person_id == cast.specialist.id)
        ).one()
        cases.end_membership(session, None, member, reason="left")
    assert browser.get(f"/records/{ready.id}/content").status_code == 404
    assert browser.get(f"/cases/{cast.case.id}/records").status_code == 404


def test_nothing_is_shown_before_it_has_passed(
    cast: Cast,
    patient: Sender,
    sender: Browse,
    database: Database,
    inspect: Callable[[], None],
) -> None:
    patient.send(cast.case.id, "waiting.pdf", a_pdf())
    with database.sessions() as session:
        record = session.scalars(select(Record)).one()
    assert patient.get(f"/records/{record.id}/content").status_code == 404
    assert "We are checking this file" in patient.get(f"/cases/{cast.case.id}/records").text
    specialist = sender(cast.specialist)
    assert specialist.get(f"/records/{record.id}").status_code == 404
    assert "waiting.pdf" not in specialist.get(f"/cases/{cast.case.id}/records").text
    inspect()
    assert "waiting.pdf" in specialist.get(f"/cases/{cast.case.id}/records").text


def test_headers_keep_a_file_from_being_more_than_a_file(ready: Record, patient: Sender) -> None:
    download = patient.get(f"/records/{ready.id}/download")
    assert download.headers["Content-Disposition"].startswith("attachment; ")
    assert (
        "filename*=UTF-8''Bericht%20f%C3%BCr%20Dr.%20%C2%ABLind%C2%BB.pdf"
        in download.headers["Content-Disposition"]
    )
    assert download.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in download.headers["Content-Security-Policy"]
    assert download.headers["Cache-Control"] == "no-store"
    assert download.headers["Accept-Ranges"] == "bytes"
    inline = patient.get(f"/records/{ready.id}/content")
    assert inline.headers["Content-Disposition"].startswith("inline; ")
    assert inline.mimetype == "application/pdf"


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-0", 206, 0, 1),
        ("bytes=100-199", 206, 100, 200),
        ("bytes=19990-", 206, 19_990, 20_000),
        ("bytes=-10", 206, 19_990, 20_000),
        ("bytes=0-99999", 206, 0, 20_000),
        ("bytes=0-1,5-6", 200, 0, 20_000),
        ("lines=1-2", 200, 0, 20_000),
        ("bytes=abc", 200, 0, 20_000),
    ],
)
def test_ranges(
    ready: Record, patient: Sender, asked: str, status: int, start: int, end: int
) -> None:
    answer = patient.get(f"/records/{ready.id}/content", headers={"Range": asked})
    assert answer.status_code == status
    assert answer.data == a_pdf(20_000)[start:end]
    assert answer.content_length == end - start
    if status == 206:
        assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/20000"


def test_a_range_beyond_the_end_and_one_of_another_file(ready: Record, patient: Sender) -> None:
    beyond = patient.get(f"/records/{ready.id}/content", headers={"Range": "bytes=20000-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, "bytes */20000")
    stale = patient.get(
        f"/records/{ready.id}/content",
        headers={"Range": "bytes=0-9", "If-Range": '"something else"'},
    )
    assert stale.status_code == 200
    fresh = patient.get(
        f"/records/{ready.id}/content",
        headers={"Range": "bytes=0-9", "If-Range": f'"{ready.sha256}"'},
    )
    assert fresh.status_code == 206


def test_an_object_that_was_changed_in_the_store_is_not_given_out(
    ready: Record,
    patient: Sender,
    objects: Path,
    database: Database,
) -> None:
    [path] = [path for path in objects.rglob("*") if path.is_file()]
    path.unlink()
    before = len(reads(database))
    answer = patient.get(f"/records/{ready.id}/content")
    assert answer.status_code == 503
    assert "cannot open this file at the moment" in answer.text
    assert len(reads(database)) == before


def test_the_pages_show_each_kind_in_its_way(
    cast: Cast,
    patient: Sender,
    inspect: Callable[[], None],
    database: Database,
    ready: Record,
) -> None:
    patient.send(cast.case.id, "photo.jpg", JPEG)
    patient.send(cast.case.id, "labs.txt", "Hämoglobin 13,1 <b>g/dl</b>\n".encode())
    patient.send(cast.case.id, "IM0001", a_dicom())
    inspect()
    with database.sessions() as session:
        ids = {record.name: record.id for record in session.scalars(select(Record))}
    assert 'data-controller="records-pdf"' in patient.get(f"/records/{ready.id}").text
    assert (
        f'src="/records/{ids["photo.jpg"]}/content"'
        in patient.get(f"/records/{ids['photo.jpg']}").text
    )
    before = len(reads(database))
    labs = patient.get(f"/records/{ids['labs.txt']}")
    assert "Hämoglobin 13,1 &lt;b&gt;g/dl&lt;/b&gt;" in labs.text
    assert len(reads(database)) == before + 1
    image = patient.get(f"/records/{ids['IM0001']}").text
    assert f'href="/cases/{cast.case.id}/reading"' in image
    text = patient.get(f"/records/{ids['labs.txt']}/content")
    assert text.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_who_has_looked_is_told_in_words(
    cast: Cast,
    ready: Record,
    sender: Browse,
    patient: Sender,
    database: Database,
) -> None:
    specialist = sender(cast.specialist)
    for _ in range(3):  # a viewer asks for many ranges: one visit
        specialist.get(f"/records/{ready.id}/content", headers={"Range": "bytes=0-99"})
    sender(cast.coordinator).post(
        f"/records/{ready.id}/reason", reason="Page 2 seems to be missing."
    )
    page = patient.get(f"/cases/{cast.case.id}/records").text
    assert page.count("Dr. Vera Lind, your specialist, opened") == 1
    assert "Jo Marsh, coordinator at the hospital, opened" in page
    assert "Reason given: Page 2 seems to be missing." in page
    with database.sessions() as session:
        interpreter = session.get(Person, cast.interpreter.id)
        assert interpreter is not None
        assert queries.list_record_accesses(session, interpreter, cast.case) == []


def test_the_patient_may_take_back_what_the_specialist_does_not_yet_work_with(
    cast: Cast,
    ready: Record,
    patient: Sender,
    sender: Browse,
    database: Database,
    inspect: Callable[[], None],
    objects: Path,
) -> None:
    assert patient.post(f"/records/{ready.id}/remove").status_code == 404  # the case is accepted
    with database.unit_of_work() as session:
        case = session.merge(cast.case)
        case.stage = "triage"
    assert sender(cast.specialist).post(f"/records/{ready.id}/remove").status_code == 404
    assert "was removed" in patient.post(f"/records/{ready.id}/remove").text
    inspect()
    assert patient.get(f"/records/{ready.id}").status_code == 404
    assert not [path for path in objects.rglob("*") if path.is_file()]


# Without scripts


def test_a_plain_form_sends_files_too_and_none_of_it_lies_on_disk_in_the_clear(
    cast: Cast,
    patient: Sender,
    inspect: Callable[[], None],
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spools: list[bytes] = []
    closing = SealedSpool.close

    def look_and_close(spool: SealedSpool) -> None:
        if not spool.closed:
            spools.append(raw_of(spool))
        closing(spool)

    monkeypatch.setattr(SealedSpool, "close", look_and_close)

    content = a_pdf(3 << 20)
    answer = patient.post(
        f"/cases/{cast.case.id}/records",
        files=[
            (BytesIO(content), "../report.pdf"),
            (BytesIO(b""), "empty.pdf"),
            (BytesIO(b"MZ" + bytes(999)), "virus.pdf"),
        ],
    )
    assert "“report.pdf” has arrived" in answer.text
    assert "This file is empty" in answer.text
    assert "We cannot take “virus.pdf”" in answer.text
    inspect()
    with database.sessions() as session:
        record = session.scalars(select(Record)).one()
    assert patient.get(f"/records/{record.id}/download").data == content
    assert any(len(spool) > 1 << 20 for spool in spools)
    assert not any(SENTENCE[:20] in spool for spool in spools)


def raw_of(spool: SealedSpool) -> bytes:
    spool._file.seek(0)
    return spool._file.read()


def test_a_form_without_a_file_says_so(cast: Cast, patient: Sender) -> None:
    answer = patient.post(f"/cases/{cast.case.id}/records")
    assert answer.status_code == 422
    assert "Choose at least one file" in answer.text


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=100), max_size=12), st.integers(0, 900), st.integers(0, 200))
def test_a_spool_reads_as_the_file_it_stands_for(pieces: list[bytes], at: int, size: int) -> None:
    spool, whole = SealedSpool(), b"".join(pieces)
    for piece in pieces:
        spool.write(piece)
    spool.seek(at)
    assert (spool.read(size) or b"") == whole[at : at + size]


# Ranges across parts


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    cuts=st.lists(st.integers(1, 3000), max_size=6),
    start=st.integers(0, 12_000),
    length=st.none() | st.integers(0, 12_000),
)
def test_a_range_over_any_parts_reads_as_a_slice_does(
    app: Flask,
    cuts: list[int],
    start: int,
    length: int | None,
) -> None:
    whole, parts, at = bytes(range(256)) * 47, [], 0
    for size in [*cuts, len(whole)]:
        piece = whole[at : at + size]
        if piece:
            stored = app.extensions["blobs"].put(part_id := new_id(), [piece])
            parts.append(
                UploadPart(id=part_id, start=at, size=len(piece), wrapped_key=stored.wrapped_key)
            )
        at += len(piece)
    read = RecordBytes(app.extensions["blobs"], parts)
    end = None if length is None else start + length
    assert b"".join(read.stream(start, end)) == whole[start:end]
    file = read.open()
    file.seek(min(start, len(whole)))
    assert file.read(100) == whole[start : start + 100]
    assert file.tell() == min(
        start + 100, max(len(whole), start) if start < len(whole) else len(whole)
    )


def test_reading_holds_no_transaction(ready: Record, patient: Sender, database: Database) -> None:
    answer = patient.client.get(f"/records/{ready.id}/content", buffered=False)
    body = iter(answer.response)
    next(body)
    done = threading.Event()

    def write() -> None:
        with database.unit_of_work() as session:
            session.execute(select(Record))
        done.set()

    threading.Thread(target=write, daemon=True).start()
    assert done.wait(5)
    answer.close()
