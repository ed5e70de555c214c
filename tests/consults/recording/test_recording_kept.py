"""What becomes of a recording: the segments in the store are made one record, which plays in one
language at a time.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from types import SimpleNamespace

import av
import pytest
from flask import Flask
from sqlalchemy import select

from app.audit.models import AuditEntry
from app.consults.models import Caption, ConsultEvent
from app.consults.recording import closing as recording_closing
from app.consults.recording import service as recording
from app.consults.recording.models import Recording, RecordingState
from app.core import webm
from app.core.blobs import SegmentStore
from app.core.clock import now
from app.core.db import Database
from app.core.outbox import Job
from app.identity.models import Person
from app.media.messages_recording import derive_segment_id
from app.records.models import Record, UploadPart
from config import Settings
from tests.consults.conftest import Chair, Meeting
from tests.media.studio import Studio, tone
from tests.people import Visitor

Sit = Callable[[Person], Chair]
PATIENT, DOCTOR = 440, 880


@cache
def two_languages(begin_ms: int = 0) -> tuple[bytes, ...]:
    """Nine seconds of a patient and a doctor, each in their own language, and a picture."""
    studio = Studio(begin_ms)
    studio.tape.set_voices({2: ("patient",), 3: ("doctor",)})
    studio.tape.want("camera", 50.0)
    studio.plays(9, {"patient": (PATIENT, 20), "doctor": (DOCTOR, 20)}, camera="camera")
    studio.ends(9.0)
    return tuple(studio.clusters)


@pytest.fixture
def ended(
    doctor: Chair, patient: Chair, interpreter: Chair, database: Database, settings: Settings
) -> str:
    """A consult that was recorded has ended; a node had stored what it recorded. Gives the
    recording's id.
    """
    doctor.says("recording.ask")
    patient.says("recording.answer", agrees=True)
    interpreter.says("recording.answer", agrees=True)
    interpreter.says("caption.say", client_id="caption-1", language="ar", text="دواء <جديد>")
    doctor.says("consult.end")
    with database.unit_of_work() as session:
        one = session.scalars(select(Recording)).one()
        one.languages, one.stored_at = ["ar", "en"], now()
        store_segments(settings, one, two_languages())
        return one.id


def store_segments(
    settings: Settings, one: Recording, clusters: tuple[bytes, ...], first: int = 0
) -> None:
    store = SegmentStore(settings.storage_url)
    for number, cluster in enumerate(clusters, first):
        assert store.add(derive_segment_id(one.id, number), base64.b64decode(one.key), cluster)


def close(app: Flask, database: Database, recording_id: str) -> Record | None:
    context = SimpleNamespace(database=database, blobs=app.extensions["blobs"], settings=None)
    with database.unit_of_work() as session:
        recording_closing.run_recording_close(session, {"recording_id": recording_id}, context)  # type: ignore[arg-type]
    with database.sessions() as session:
        return session.scalars(select(Record).where(Record.media_type == "video/webm")).first()


def film_of(app: Flask, database: Database, record: Record | None) -> bytes:
    assert record is not None
    with database.sessions() as session:
        parts = session.scalars(select(UploadPart).order_by(UploadPart.start)).all()
        film = b"".join(
            b"".join(app.extensions["blobs"].read(part.id, part.wrapped_key)) for part in parts
        )
    assert len(film) == record.size
    return film


@pytest.fixture
def watch(visit: Callable[..., Visitor]) -> Iterator[Callable[[Person], Visitor]]:
    yield visit


def test_it_becomes_a_record_that_plays_in_either_language_and_whole(
    app: Flask, database: Database, ended: str, meeting: Meeting, watch: Callable[[Person], Visitor]
) -> None:
    record = close(app, database, ended)
    assert record is not None
    patient = watch(meeting.circle.patient)
    for language, hertz in (("ar", PATIENT), ("en", DOCTOR)):
        film = patient.get(f"/consults/recordings/{record.id}/{language}.webm")
        assert (film.status_code, film.mimetype, len(film.data)) == (200, "video/webm", record.size)
        with av.open(io.BytesIO(film.data)) as file:
            assert [stream.metadata.get("title") for stream in file.streams.audio] == [language]
            assert file.duration == pytest.approx(9_000_000, abs=150_000)
            assert len(file.streams.video) == 1
        assert tone(film.data, 0) == pytest.approx(hertz, abs=3)
    whole = patient.get(f"/records/{record.id}/download").data
    assert [round(tone(whole, track)) for track in (0, 1)] == [PATIENT, DOCTOR]
    page = patient.get(f"/records/{record.id}").text
    assert 'data-testid="player"' in page
    assert patient.get(f"/consults/recordings/{record.id}/fr.webm").status_code == 404
    close(app, database, ended)
    with database.sessions() as session:
        assert len(session.scalars(select(Record)).all()) == 1, "closing twice makes one record"


def test_any_range_of_a_language_is_that_part_of_the_whole(
    app: Flask, database: Database, ended: str, meeting: Meeting, watch: Callable[[Person], Visitor]
) -> None:
    record = close(app, database, ended)
    assert record is not None
    doctor, url = watch(meeting.circle.specialist), f"/consults/recordings/{record.id}/en.webm"
    whole = doctor.get(url).data
    size = record.size
    for start, end in ((0, 99), (3, 3), (size // 3, size // 3 + 50_000), (size - 10, size - 1)):
        piece = doctor.get(url, headers={"Range": f"bytes={start}-{end}"})
        assert piece.status_code == 206
        assert piece.data == whole[start : end + 1]
        assert piece.headers["Content-Range"] == f"bytes {start}-{end}/{record.size}"
    assert doctor.get(url, headers={"Range": f"bytes={record.size}-"}).status_code == 416
    with database.sessions() as session:
        seen = session.scalars(select(AuditEntry).where(AuditEntry.verb == "record.read")).all()
        assert {entry.actor_id for entry in seen} == {meeting.circle.specialist.id}


def test_a_player_can_seek_by_the_cues(
    app: Flask, database: Database, ended: str, meeting: Meeting, watch: Callable[[Person], Visitor]
) -> None:
    record = close(app, database, ended)
    assert record is not None
    film = watch(meeting.circle.patient).get(f"/consults/recordings/{record.id}/ar.webm").data
    with av.open(io.BytesIO(film)) as file:
        file.seek(6_000_000)
        first = next(file.decode(file.streams.audio[0]))
        assert 3.0 < float(first.time or 0) <= 6.1


def test_who_has_no_business_with_it_does_not_see_it(
    app: Flask, database: Database, ended: str, meeting: Meeting, watch: Callable[[Person], Visitor]
) -> None:
    record = close(app, database, ended)
    assert record is not None
    url = f"/consults/recordings/{record.id}/en.webm"
    assert watch(meeting.circle.interpreter).get(url).status_code == 404
    assert watch(meeting.circle.left).get(url).status_code == 404
    office = watch(meeting.coordinator)
    assert office.get(url).status_code == 404, "not without a reason that is written down"
    office.get(f"/records/{record.id}")
    office.post(f"/records/{record.id}/reason", reason="The patient asked us to check the sound.")
    assert office.get(url).status_code == 200


def test_captions_come_at_their_time_in_their_language(
    app: Flask, database: Database, ended: str, meeting: Meeting, watch: Callable[[Person], Visitor]
) -> None:
    with database.unit_of_work() as session:
        one, line = session.scalars(select(Recording)).one(), session.scalars(select(Caption)).one()
        one.runs = [
            [
                (line.at - timedelta(seconds=4)).isoformat(),
                (line.at + timedelta(seconds=5)).isoformat(),
            ]
        ]
        one.stored_at = line.at + timedelta(seconds=5)
    record = close(app, database, ended)
    assert record is not None
    patient = watch(meeting.circle.patient)
    text = patient.get(f"/consults/recordings/{record.id}/ar.vtt").text
    assert text.startswith("WEBVTT\n")
    assert "00:00:04.000 --> 00:00:10.000\nدواء &lt;جديد&gt;" in text
    assert "-->" not in patient.get(f"/consults/recordings/{record.id}/en.vtt").text


def test_what_a_killed_node_left_is_joined_and_what_is_missing_is_silence(
    app: Flask, database: Database, ended: str, settings: Settings
) -> None:
    """The first node was killed after nine seconds, another went on at 14; a segment was spoilt on
    the disk.
    """
    with database.unit_of_work() as session:
        one = session.scalars(select(Recording)).one()
        count = len(two_languages())
        store_segments(settings, one, two_languages(14_000), count)
        store_segments(settings, one, (b"no cluster at all",), count + len(two_languages(14_000)))
    film = film_of(app, database, close(app, database, ended))
    with av.open(io.BytesIO(film)) as file:
        assert file.duration == pytest.approx(23_000_000, abs=150_000)
    assert tone(film, 0, 0.5, 8.5) == pytest.approx(PATIENT, abs=3)
    assert tone(film, 0, 9.3, 13.7) == 0.0
    assert tone(film, 1, 14.5, 22.5) == pytest.approx(DOCTOR, abs=3)


def test_where_the_first_segment_was_lost_it_begins_with_silence_and_not_too_early(
    app: Flask, database: Database, ended: str, settings: Settings
) -> None:
    with database.unit_of_work() as session:
        one = session.scalars(select(Recording)).one()
        for number in range(len(two_languages())):
            app.extensions["blobs"].delete(derive_segment_id(one.id, number))
        store_segments(settings, one, two_languages(6_000))
    film = film_of(app, database, close(app, database, ended))
    assert tone(film, 0, 0.5, 5.5) == 0.0
    assert tone(film, 0, 6.5, 14.5) == pytest.approx(PATIENT, abs=3)


def test_it_waits_for_a_node_that_is_still_storing_but_not_for_ever(
    app: Flask, database: Database, ended: str
) -> None:
    with database.unit_of_work() as session:
        session.scalars(select(Recording)).one().stored_at = None
    assert close(app, database, ended) is None
    with database.unit_of_work() as session:
        assert (
            len(session.scalars(select(Job).where(Job.kind == recording.RECORDING_CLOSE_JOB)).all())
            == 2
        )
        one = session.scalars(select(Recording)).one()
        long_ago = now() - timedelta(minutes=1)
        one.runs = [[(long_ago - timedelta(seconds=9)).isoformat(), long_ago.isoformat()]]
    assert close(app, database, ended) is not None


def test_a_recording_of_nothing_is_no_record(app: Flask, database: Database, doctor: Chair) -> None:
    doctor.says("recording.ask")
    doctor.says("consult.end")
    with database.unit_of_work() as session:
        one = session.scalars(select(Recording)).one()
        one.stored_at = now()
    assert close(app, database, one.id) is None
    with database.sessions() as session:
        assert session.scalars(select(Recording.state)).one() == RecordingState.EMPTY
        assert session.scalars(select(ConsultEvent.kind)).all()[-1] == "recording_empty"


def test_purging_deletes_every_segment_also_one_that_comes_late(
    app: Flask, database: Database, ended: str, settings: Settings
) -> None:
    context, blobs = (
        SimpleNamespace(database=database, blobs=app.extensions["blobs"]),
        app.extensions["blobs"],
    )
    with database.unit_of_work() as session:
        one = session.scalars(select(Recording)).one()
        key, count = one.key, len(two_languages())
        recording_closing.run_recording_purge(session, {"recording_id": ended}, context)  # type: ignore[arg-type]
    assert not any(blobs.exists(derive_segment_id(ended, number)) for number in range(count))
    SegmentStore(settings.storage_url).add(
        derive_segment_id(ended, count), base64.b64decode(key), two_languages()[0]
    )
    with database.unit_of_work() as session:
        again = session.scalars(select(Job).where(Job.kind == recording.RECORDING_PURGE_JOB)).one()
        recording_closing.run_recording_purge(session, again.payload, context)  # type: ignore[arg-type]
    assert not blobs.exists(derive_segment_id(ended, count))
    assert webm.read_clusters(two_languages()[0])


@pytest.mark.parametrize("purges", ["yes", "no"])
def test_who_withdrew_may_still_decide_after_the_end(
    app: Flask,
    database: Database,
    doctor: Chair,
    patient: Chair,
    settings: Settings,
    watch: Callable[[Person], Visitor],
    purges: str,
) -> None:
    doctor.says("recording.ask")
    patient.says("recording.answer", agrees=True)
    patient.says("recording.answer", agrees=False)
    doctor.says("consult.end")
    with database.unit_of_work() as session:
        one = session.scalars(select(Recording)).one()
        one.languages, one.stored_at, consult_id = ["ar", "en"], now(), one.consult_id
        store_segments(settings, one, two_languages())
    assert close(app, database, one.id) is not None
    page = watch(patient.person)
    assert 'data-testid="recording-undecided"' in page.get(f"/consults/{consult_id}/after").text
    stranger = watch(doctor.person)
    stranger.get(f"/consults/{consult_id}/after")
    assert stranger.post(f"/consults/{consult_id}/recording", purges="yes").status_code == 404
    page.post(f"/consults/{consult_id}/recording", purges=purges)
    assert 'data-testid="recording-undecided"' not in page.get(f"/consults/{consult_id}/after").text
    with database.sessions() as session:
        record = session.scalars(select(Record).where(Record.media_type == "video/webm")).one()
        assert (record.removed_at is not None) is (purges == "yes")
        assert bool(session.scalars(select(UploadPart)).all()) is (purges == "no")
        jobs = set(session.scalars(select(Job.kind)))
    assert ("delete_objects" in jobs) is (purges == "yes")
