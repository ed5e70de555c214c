"""Records arrive by tus: in one go, in pieces, after a cut, with every extension that we speak."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.core import clock
from app.core.blobs import StoredBlob
from app.core.db import Database
from app.core.ids import new_id
from app.identity.models import Person, SignIn
from app.records import service
from app.records.models import RecordState, Upload, UploadPart
from app.records.receiving import tus
from tests.records.conftest import (
    BYTES,
    SENTENCE,
    Cast,
    Cut,
    Sender,
    a_dicom,
    a_pdf,
    encoded,
    patch_from,
    the_record,
)

MIB = 1 << 20


def test_the_server_says_what_it_speaks(patient: Sender, cast: Cast) -> None:
    answer = patient.tus("OPTIONS", f"/cases/{cast.case.id}/uploads", version=None)
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert set(answer.headers["Tus-Extension"].split(",")) == {
        "creation",
        "creation-with-upload",
        "checksum",
        "expiration",
        "termination",
        "concatenation",
    }
    assert "sha1" in answer.headers["Tus-Checksum-Algorithm"].split(",")
    assert int(answer.headers["Tus-Max-Size"]) >= 10**10


def test_another_version_is_answered_with_ours(patient: Sender, cast: Cast) -> None:
    answer = patient.tus("POST", f"/cases/{cast.case.id}/uploads", version="0.2.2", Upload_Length=5)
    assert answer.status_code == 412
    assert answer.headers["Tus-Version"] == "1.0.0"


def test_a_file_arrives_passes_and_is_read_back(
    patient: Sender,
    cast: Cast,
    inspect: Callable[[], None],
    database: Database,
) -> None:
    content = a_pdf(3 * MIB)
    patient.send(cast.case.id, "Befund März.pdf", content)
    assert the_record(database).state == RecordState.INSPECTING
    inspect()
    record = the_record(database)
    assert (record.state, record.media_type) == (RecordState.READY, "application/pdf")
    assert record.sha256 == hashlib.sha256(content).hexdigest()
    assert patient.get(f"/records/{record.id}/download").data == content


def test_a_file_arrives_in_pieces_and_the_offset_tells_how_far(patient: Sender, cast: Cast) -> None:
    content = a_pdf(10_000)
    place = patient.begin(cast.case.id, "report.pdf", len(content)).headers["Location"]
    assert patient.offset(place) == 0
    for start in range(0, len(content), 3000):
        assert patient.offset(place) == start
        answer = patient.patch(place, start, content[start : start + 3000])
        assert answer.status_code == 204
        assert int(answer.headers["Upload-Offset"]) == min(start + 3000, len(content))
    head = patient.tus("HEAD", place)
    assert head.headers["Upload-Length"] == str(len(content))
    assert head.headers["Upload-Metadata"] == f"filename {encoded('report.pdf')}"
    assert head.headers["Cache-Control"] == "no-store"


def test_creation_may_bring_the_first_bytes(
    patient: Sender, cast: Cast, database: Database
) -> None:
    content = a_pdf(5000)
    begun = patient.tus(
        "POST",
        f"/cases/{cast.case.id}/uploads",
        content[:2000],
        Upload_Length=len(content),
        Upload_Metadata=f"filename {encoded('a.pdf')}",
        Content_Type=BYTES,
    )
    assert (begun.status_code, begun.headers["Upload-Offset"]) == (201, "2000")
    assert patient.patch(begun.headers["Location"], 2000, content[2000:]).status_code == 204
    assert the_record(database).state == RecordState.INSPECTING


def test_the_wrong_offset_is_refused_and_changes_nothing(patient: Sender, cast: Cast) -> None:
    place = patient.begin(cast.case.id, "a.pdf", 5000).headers["Location"]
    patient.patch(place, 0, a_pdf(5000)[:1000])
    assert patient.patch(place, 500, b"x" * 100).status_code == 409
    assert patient.patch(place, 1000, b"x" * 4001).status_code == 413
    assert patient.offset(place) == 1000


@pytest.mark.parametrize("header", ["", "abc", "-1", "1.5", "9" * 30])
def test_an_offset_that_is_no_number_is_refused(patient: Sender, cast: Cast, header: str) -> None:
    place = patient.begin(cast.case.id, "a.pdf", 5000).headers["Location"]
    assert (
        patient.tus("PATCH", place, b"x", Upload_Offset=header, Content_Type=BYTES).status_code
        == 400
    )
    assert (
        patient.tus("PATCH", place, b"x", Upload_Offset=0, Content_Type="text/plain").status_code
        == 415
    )


def test_a_finished_file_takes_no_more(patient: Sender, cast: Cast) -> None:
    place = patient.send(cast.case.id, "a.pdf", a_pdf())
    assert patient.patch(place, 4000, b"").status_code == 409


def test_large_bodies_become_several_objects_and_one_file(
    patient: Sender,
    cast: Cast,
    database: Database,
    inspect: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.records.receiving.parts.PART_BYTES", 1_000_000)
    content = a_dicom(5 * MIB + 3)
    patient.send(cast.case.id, "IM0001", content)
    with database.sessions() as session:
        parts = session.scalars(select(UploadPart).order_by(UploadPart.start)).all()
        assert len(parts) >= 5
        assert [part.start for part in parts] == [
            sum(p.size for p in parts[:n]) for n in range(len(parts))
        ]
    inspect()
    record = the_record(database)
    assert record.sha256 == hashlib.sha256(content).hexdigest()
    for start, end in [(0, 10), (999_999, 2_000_003), (5 * MIB, 5 * MIB + 2), (12_345, 4_567_890)]:
        answer = patient.get(
            f"/records/{record.id}/download", headers={"Range": f"bytes={start}-{end}"}
        )
        assert (answer.status_code, answer.data) == (206, content[start : end + 1])


def test_what_arrived_before_a_cut_stays(patient: Sender, cast: Cast, database: Database) -> None:
    content = a_pdf(200_000)
    place = patient.begin(cast.case.id, "a.pdf", len(content)).headers["Location"]
    patch_from(patient, place, Cut(content[:77_777], ConnectionResetError()), len(content))
    assert patient.offset(place) == 77_777
    assert patient.patch(place, 77_777, content[77_777:]).status_code == 204
    assert the_record(database).state == RecordState.INSPECTING


def test_a_newer_connection_takes_over_from_one_that_hangs(
    patient: Sender, cast: Cast, database: Database
) -> None:
    content = a_pdf(90_000)
    place = patient.begin(cast.case.id, "a.pdf", len(content)).headers["Location"]

    class Hanging(Cut):
        def read(self, size: int = -1) -> bytes:
            if not self._left:  # while this one hangs, the browser has come back on a new line
                assert patient.patch(place, 0, content).status_code == 204
                return b""
            return super().read(size)

    old = patch_from(patient, place, Hanging(content[:40_000], OSError()), len(content))
    assert old.status_code == 409
    with database.sessions() as session:
        assert sum(session.scalars(select(UploadPart.size))) == len(content)
        assert session.scalars(select(Upload)).one().finished_at is not None


# Checksum, expiration, termination, concatenation


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512", "md5"])
def test_a_right_checksum_is_kept_and_a_wrong_one_leaves_nothing(
    patient: Sender,
    cast: Cast,
    algorithm: str,
    objects: Path,
) -> None:
    content = a_pdf(50_000)
    place = patient.begin(cast.case.id, "a.pdf", len(content)).headers["Location"]
    digest = base64.b64encode(hashlib.new(algorithm, content).digest()).decode()
    wrong = patient.patch(place, 0, content[:-1] + b"x", Upload_Checksum=f"{algorithm} {digest}")
    assert wrong.status_code == 460
    assert patient.offset(place) == 0
    assert not [path for path in objects.rglob("*") if path.is_file()]
    assert (
        patient.patch(place, 0, content, Upload_Checksum=f"{algorithm} {digest}").status_code == 204
    )


def test_an_unknown_checksum_is_refused(patient: Sender, cast: Cast) -> None:
    place = patient.begin(cast.case.id, "a.pdf", 10).headers["Location"]
    assert patient.patch(place, 0, b"x" * 10, Upload_Checksum="crc32 AAAA").status_code == 400
    assert patient.patch(place, 0, b"x" * 10, Upload_Checksum="sha1 ???").status_code == 400


def test_an_upload_that_nobody_goes_on_with_expires(
    patient: Sender,
    cast: Cast,
    inspect: Callable[[], None],
    database: Database,
    objects: Path,
) -> None:
    begun = patient.begin(cast.case.id, "a.pdf", 9000)
    assert "GMT" in begun.headers["Upload-Expires"]
    place = begun.headers["Location"]
    patient.patch(place, 0, a_pdf(9000)[:5000])
    with clock.shift_clock(timedelta(days=13)):
        patient.patch(place, 5000, b"x" * 10)  # a sign of life puts the end off
    with clock.shift_clock(timedelta(days=28)), database.unit_of_work() as session:
        assert service.expire_uploads(session) == 1
    with clock.shift_clock(timedelta(days=29)):
        inspect()
    assert patient.tus("HEAD", place).status_code == 410
    assert patient.patch(place, 5010, b"x").status_code == 410
    assert not [path for path in objects.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "sent, lifetime", [(0, timedelta(days=1)), (5000, timedelta(days=14))], ids=["nothing", "some"]
)
def test_an_expired_upload_is_gone_before_any_job_has_looked(
    patient: Sender, cast: Cast, database: Database, sent: int, lifetime: timedelta
) -> None:
    """Who has sent nothing yet has a day, who has sent something has two weeks."""
    content, start = a_pdf(9000), clock.now()
    with clock.freeze_clock(start):
        place = patient.begin(cast.case.id, "a.pdf", len(content)).headers["Location"]
        if sent:
            assert patient.patch(place, 0, content[:sent]).status_code == 204
    with database.unit_of_work() as session:  # the patient is signed in all the time
        session.execute(update(SignIn).values(created_at=start + lifetime))
        session.execute(update(SignIn).values(last_seen_at=start + lifetime))
    with clock.freeze_clock(start + lifetime):
        assert patient.tus("HEAD", place).status_code == 410
        assert patient.patch(place, sent, content[sent:]).status_code == 410
    with database.sessions() as session:
        assert sum(session.scalars(select(UploadPart.size))) == sent
    with clock.freeze_clock(start + lifetime - timedelta(seconds=1)):
        assert patient.patch(place, sent, content[sent:]).status_code == 204


def test_pieces_that_nobody_joins_expire_too(
    patient: Sender, cast: Cast, database: Database, inspect: Callable[[], None], objects: Path
) -> None:
    piece = patient.tus(
        "POST", f"/cases/{cast.case.id}/uploads", Upload_Length=100, Upload_Concat="partial"
    ).headers["Location"]
    assert patient.patch(piece, 0, b"x" * 100).status_code == 204
    with database.unit_of_work() as session:
        assert service.expire_uploads(session) == 0
    with clock.shift_clock(timedelta(days=14)), database.unit_of_work() as session:
        assert service.expire_uploads(session) == 1
        assert service.expire_uploads(session) == 0, "once"
    with clock.shift_clock(timedelta(days=14)):
        inspect()
    assert not [path for path in objects.rglob("*") if path.is_file()]


def test_only_the_later_of_two_writers_adds_to_an_upload(
    patient: Sender, cast: Cast, database: Database
) -> None:
    """Both began at the same offset. Whatever the first one stored does not count."""
    patient.begin(cast.case.id, "a.pdf", 100)

    def a_part(start: int, size: int) -> service.StoredPart:
        return service.StoredPart(new_id(), start, StoredBlob(size, "0" * 64, "key"))

    def append(session: Session, writer: str, *parts: service.StoredPart) -> None:
        actor = session.get_one(Person, cast.patient.id)
        service.append_parts(session, actor, session.scalars(select(Upload)).one(), writer, parts)

    with database.unit_of_work() as session:
        upload = session.scalars(select(Upload)).one()
        first = service.take_over_upload(session, upload, 0)
        second = service.take_over_upload(session, upload, 0)
    refused = [
        (first, a_part(0, 10)),  # another writer has taken over
        (second, a_part(1, 10)),  # a gap
        (second, a_part(0, 101)),  # more than the file has
        ("", a_part(0, 10)),
    ]
    for writer, part in refused:
        with pytest.raises(tus.WrongUploadOffset), database.unit_of_work() as session:
            append(session, writer, part)
    with database.unit_of_work() as session:
        append(session, second, a_part(0, 10), a_part(10, 20))
    with pytest.raises(tus.WrongUploadOffset), database.unit_of_work() as session:
        append(session, second, a_part(10, 20))  # the same once more
    with database.sessions() as session:
        upload = session.scalars(select(Upload)).one()
        assert (upload.received, upload.finished_at) == (30, None)
        parts = session.execute(select(UploadPart.start, UploadPart.size).order_by("start"))
        assert [tuple(part) for part in parts] == [(0, 10), (10, 20)]
        with pytest.raises(tus.WrongUploadOffset):
            service.take_over_upload(session, upload, 0)
    with database.unit_of_work() as session:
        service.cancel_upload(
            session,
            session.get_one(Person, cast.patient.id),
            session.scalars(select(Upload)).one(),
        )
        session.execute(update(Upload).values(writer=second))
    with pytest.raises(tus.WrongUploadOffset), database.unit_of_work() as session:
        append(session, second, a_part(30, 10))  # it has ended


def test_a_cancelled_upload_leaves_nothing(
    patient: Sender,
    cast: Cast,
    inspect: Callable[[], None],
    database: Database,
    objects: Path,
) -> None:
    place = patient.begin(cast.case.id, "a.pdf", 9000).headers["Location"]
    patient.patch(place, 0, a_pdf(9000)[:5000])
    assert [path for path in objects.rglob("*") if path.is_file()]
    assert patient.tus("DELETE", place).status_code == 204
    inspect()
    assert not [path for path in objects.rglob("*") if path.is_file()]
    assert patient.tus("HEAD", place).status_code == 410
    assert "a.pdf" not in patient.get(f"/cases/{cast.case.id}/records").text


def test_pieces_are_joined_in_the_order_named(
    patient: Sender,
    cast: Cast,
    database: Database,
    inspect: Callable[[], None],
) -> None:
    content = a_pdf(60_000)
    uploads = f"/cases/{cast.case.id}/uploads"
    places = []
    for start, end in [(40_000, 60_000), (0, 15_000), (15_000, 40_000)]:
        begun = patient.tus("POST", uploads, Upload_Length=end - start, Upload_Concat="partial")
        assert begun.status_code == 201
        patient.patch(begun.headers["Location"], 0, content[start:end])
        places.append(begun.headers["Location"])
    assert patient.tus("HEAD", places[0]).headers["Upload-Concat"] == "partial"
    in_order = [places[1], f"http://localhost{places[2]}", places[0]]
    whole = patient.tus(
        "POST",
        uploads,
        Upload_Concat="final;" + " ".join(in_order),
        Upload_Metadata=f"filename {encoded('whole.pdf')}",
    )
    assert whole.status_code == 201
    head = patient.tus("HEAD", whole.headers["Location"])
    assert (head.headers["Upload-Length"], head.headers["Upload-Offset"]) == ("60000", "60000")
    assert head.headers["Upload-Concat"].startswith("final;")
    assert patient.patch(whole.headers["Location"], 60_000, b"").status_code == 403
    inspect()
    record = the_record(database)
    assert patient.get(f"/records/{record.id}/download").data == content


def test_pieces_that_are_not_complete_or_not_ones_own_are_not_joined(
    patient: Sender,
    cast: Cast,
    sender: Callable[[Person], Sender],
) -> None:
    uploads = f"/cases/{cast.case.id}/uploads"
    piece = patient.tus("POST", uploads, Upload_Length=100, Upload_Concat="partial").headers[
        "Location"
    ]
    metadata = f"filename {encoded('a.pdf')}"
    final: dict[str, Any] = {"Upload_Concat": f"final;{piece}", "Upload_Metadata": metadata}
    assert patient.tus("POST", uploads, **final).status_code == 409
    patient.patch(piece, 0, b"x" * 100)
    assert sender(cast.coordinator).tus("POST", uploads, **final).status_code == 404
    for nonsense in ("final;", "final", "whole", "final;/uploads/xyz", f"final;{piece} {piece}"):
        assert (
            patient.tus(
                "POST", uploads, Upload_Concat=nonsense, Upload_Metadata=metadata
            ).status_code
            == 400
        )


def test_a_verb_may_be_overridden_where_only_post_passes(patient: Sender, cast: Cast) -> None:
    place = patient.begin(cast.case.id, "a.pdf", 4000).headers["Location"]
    answer = patient.tus(
        "POST",
        place,
        a_pdf(4000),
        Upload_Offset=0,
        Content_Type=BYTES,
        X_HTTP_Method_Override="PATCH",
    )
    assert answer.status_code == 204
    assert patient.offset(place) == 4000


# What is left of it


def test_sending_leaves_its_trace_in_the_audit(
    patient: Sender, cast: Cast, inspect: Callable[[], None], database: Database
) -> None:
    patient.send(cast.case.id, "a.pdf", a_pdf())
    inspect()
    with database.sessions() as session:
        verbs = list(session.scalars(select(AuditEntry.verb).order_by(AuditEntry.number)))
    wanted = ["upload.begun", "record.arrived", "record.inspected"]
    assert [verb for verb in verbs if verb in wanted] == wanted


def test_neither_the_store_nor_the_database_shows_what_was_sent(
    patient: Sender,
    cast: Cast,
    inspect: Callable[[], None],
    tmp_path: Path,
) -> None:
    patient.send(cast.case.id, "Adenocarcinoma-Haddad.pdf", a_pdf(300_000))
    inspect()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert (
        sum(path.stat().st_size for path in files if path.is_relative_to(tmp_path / "objects"))
        > 300_000
    )
    for path in files:
        content = path.read_bytes()
        assert SENTENCE[:20] not in content, path
        assert b"Adenocarcinoma-Haddad" not in content, path
        assert encoded("Adenocarcinoma-Haddad.pdf").encode()[:20] not in content, path
