"""The same records on S3 and on PostgreSQL, and under a new master key."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from app.core import rotation
from app.core.blobs import BlobStore
from app.core.crypto import Keyring, new_master_key
from app.core.db import Database
from app.core.permissions import Role
from app.records import queries, service
from app.records.inspection.verdicts import InspectionFinding
from app.records.models import Record, RecordState, UploadPart
from app.records.reading.content import RecordBytes
from app.records.receiving import tus
from app.records.receiving.parts import UploadSender as Source
from app.records.receiving.parts import receive_upload
from app.records.service import NewUpload
from tests.people import an_accepted_case
from tests.processes import MASTER_KEYS
from tests.records.conftest import SENTENCE, Cast, Sender, a_dicom, a_pdf, someone


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    import boto3  # takes long to load, as the next does
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, text in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, text)
    made = boto3.resource("s3", endpoint_url=f"http://{host}:{port}").Bucket("records")
    made.create()
    yield made
    server.stop()


def test_a_record_on_s3_from_arrival_to_removal(
    app: Flask,
    bucket: object,
    cast: Cast,
    sender: Callable[..., Sender],
    inspect: Callable[[], None],
    database: Database,
) -> None:
    app.extensions["blobs"] = BlobStore("s3://records/hospital", Keyring(MASTER_KEYS))
    patient, content = sender(cast.patient), a_dicom(18 << 20)
    place = patient.send(cast.case.id, "IM0001", content)
    assert place
    inspect()
    with database.sessions() as session:
        record = session.scalars(select(Record)).one()
    assert (record.state, record.sha256) == (RecordState.READY, hashlib.sha256(content).hexdigest())
    part = patient.get(
        f"/records/{record.id}/content", headers={"Range": "bytes=16700000-16900000"}
    )
    assert part.data == content[16_700_000:16_900_001]
    objects = list(bucket.objects.all())  # type: ignore[attr-defined]
    assert objects and all(one.key.startswith("hospital/") for one in objects)
    assert not any(SENTENCE[:20] in one.get()["Body"].read() for one in objects)


def test_a_new_master_key_needs_no_object_rewritten(
    app: Flask,
    cast: Cast,
    patient: Sender,
    inspect: Callable[[], None],
    database: Database,
    objects: Path,
) -> None:
    patient.send(cast.case.id, "a.pdf", a_pdf(50_000))
    inspect()
    before = {path: path.read_bytes() for path in objects.rglob("*") if path.is_file()}
    fresh = new_master_key("2027")
    url = app.extensions["settings"].storage_url
    rotated = BlobStore(url, Keyring(f"{fresh},{MASTER_KEYS}"))
    with database.unit_of_work() as session:
        rotation.renew_sealed_values(session, rotated.keyring)
    with database.sessions() as session:
        parts = queries.upload_parts_of(session, session.scalars(select(Record.upload_id)).one())
    assert all(part.wrapped_key.startswith("2027.") for part in parts)
    alone = BlobStore(url, Keyring(fresh))
    assert b"".join(RecordBytes(alone, parts).stream()) == a_pdf(50_000)
    assert {path: path.read_bytes() for path in objects.rglob("*") if path.is_file()} == before


def test_many_writers_of_one_upload_and_each_byte_is_kept_once(
    any_database: Database, tmp_path: Path
) -> None:
    """Ten connections hold the same writer's token, as a stuck one and its successor might for a
    moment.
    """
    store = BlobStore((tmp_path / "store").as_uri(), Keyring(MASTER_KEYS))
    with any_database.unit_of_work() as session:
        patient = someone(session)
        coordinator, specialist = (
            someone(session, Role.COORDINATOR),
            someone(session, Role.SPECIALIST, specialties=["oncology"]),
        )
        case = an_accepted_case(session, patient, coordinator, specialist)
        upload = service.begin_upload(session, patient, case, NewUpload("single", "a.pdf", 60_000))
        writer = service.take_over_upload(session, upload, 0)
    content, outcomes = a_pdf(60_000), []

    def write() -> None:
        source = Source(any_database, store, patient.id, upload.id, "test", writer, 60_000, 0, True)
        try:
            outcomes.append(receive_upload(source, io.BytesIO(content)))
        except tus.WrongUploadOffset:
            outcomes.append(None)

    threads = [threading.Thread(target=write) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes, key=str) == [60_000] + [None] * 9
    with any_database.sessions() as session:
        parts = queries.upload_parts_of(session, upload.id)
        assert b"".join(RecordBytes(store, parts).stream()) == content
        assert len(session.scalars(select(UploadPart)).all()) == len(parts)
    kept = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert len(kept) == len(parts)  # what the losers had stored is gone


def test_the_way_of_a_record_on_both_databases(any_database: Database, tmp_path: Path) -> None:
    store = BlobStore((tmp_path / "store").as_uri(), Keyring(MASTER_KEYS))
    with any_database.unit_of_work() as session:
        patient, coordinator = someone(session), someone(session, Role.COORDINATOR)
        specialist = someone(session, Role.SPECIALIST, specialties=["oncology"])
        case = an_accepted_case(session, patient, coordinator, specialist)
        upload = service.begin_upload(
            session, patient, case, NewUpload("single", "تقرير.pdf", 9000)
        )
        writer = service.take_over_upload(session, upload, 0)
    receive_upload(
        Source(any_database, store, patient.id, upload.id, "test", writer, 9000, 0, True),
        io.BytesIO(a_pdf(9000)),
    )
    with any_database.unit_of_work() as session:
        record = session.scalars(select(Record)).one()
        found = session.merge(case)
        finding = InspectionFinding(RecordState.READY, "application/pdf", sha256="0" * 64)
        service.settle_inspection(session, record, found, finding)
        service.open_record(session, session.merge(specialist), record, found, how="viewed")
        service.grant_reasoned_access(
            session, session.merge(coordinator), record, found, "The patient asked me to look."
        )
    with any_database.unit_of_work() as session:
        asker = session.merge(patient)
        looks = queries.list_record_accesses(session, asker, session.merge(case))
        assert [(look.person.id, look.reason) for look in looks] == [
            (coordinator.id, "The patient asked me to look."),
            (specialist.id, None),
        ]
        panel = queries.load_records_panel(session, asker, session.merge(case))
        assert [record.name for record in panel.records] == ["تقرير.pdf"]
        assert service.expire_uploads(session) == 0
        assert queries.uploads_to_join(session, asker, session.merge(case), []) == []
