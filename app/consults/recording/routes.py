"""A recording played in the browser: in one language at a time, from any place in it.

The same record serves every language. The tracks of the others are made void as the bytes go out,
which changes no position: ranges, cues and length are those of the whole.
"""

from __future__ import annotations

from collections.abc import Iterator

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.consults import queries
from app.consults.blueprint import blueprint
from app.consults.permissions import ConsultPermission
from app.consults.recording import service as recordings
from app.consults.room import service
from app.core import webm
from app.core.errors import NotFound
from app.records import queries as record_queries
from app.records import service as record_service
from app.records.models import Record
from app.records.permissions import RecordPermission
from app.records.reading.content import RecordBytes
from app.web.access import require_permission
from app.web.context import current_person, db_session, get_blob_store

CAPTION_SHOWN_MS = 6000


@blueprint.app_context_processor
def add_viewer_context() -> dict[str, object]:
    return {
        "recording_of": lambda record: queries.find_recording_of_record(db_session(), record),
        "undecided_recording": lambda seat: recordings.find_undecided_recording(db_session(), seat),
    }


@blueprint.post("/<consult_id>/recording")
@require_permission(ConsultPermission.CONSULT_SIGNAL)
def post_recording_decision(consult_id: str) -> Response:
    """The answer of who withdrew, when the consult ended before they had given it."""
    session, person = db_session(), current_person()
    consult = queries.get_consult(session, person, consult_id)
    purges = request.form.get("purges") == "yes"
    recordings.decide_recording_purge(
        session, service.ensure_seat(session, person, consult), purges=purges
    )
    flash(
        (
            _("The recording was deleted for good.")
            if purges
            else _("The recording stays with the case.")
        ),
        "good",
    )
    return redirect(url_for("consults.show_consult_aftermath", consult_id=consult.id))


@blueprint.get("/recordings/<record_id>/<language>.webm")
@require_permission(RecordPermission.RECORD_READ)
def serve_recording_video(record_id: str, language: str) -> Response:
    """The picture and one language of it, or the one range asked for. That it was opened is written
    down first.
    """
    session, person = db_session(), current_person()
    record, case = record_queries.load_record(session, person, record_id)
    number = _find_track_number(session, record, language)
    start, end, status = _parse_byte_range(record.size)
    record_service.open_record(
        session,
        person,
        record,
        case,
        how="viewed",
        language=language,
        **({"bytes": [start, end]} if status == 206 else {}),
    )
    headers = {
        "Content-Length": str(end - start),
        "Accept-Ranges": "bytes",
        "ETag": f'"{record.sha256}-{number}"',
        "Cache-Control": "no-store",
    }
    if status == 416:
        return Response(status=416, headers={"Content-Range": f"bytes */{record.size}"})
    if status == 206:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{record.size}"
    parts = record_queries.upload_parts_of(session, record.upload_id)
    body = (
        ()
        if request.method == "HEAD"
        else _stream_parts(
            RecordBytes(get_blob_store(), parts),
            [(p.start, p.size) for p in parts],
            frozenset({webm.PICTURE_TRACK, number}),
            start,
            end,
        )
    )
    return Response(body, status, headers, content_type="video/webm", direct_passthrough=True)


@blueprint.get("/recordings/<record_id>/<language>.vtt")
@require_permission(RecordPermission.RECORD_READ)
def serve_recording_captions(record_id: str, language: str) -> Response:
    """What the interpreter typed for those who read this language, at the times when it was shown
    (WebVTT).
    """
    session, person = db_session(), current_person()
    record, case = record_queries.load_record(session, person, record_id)
    _find_track_number(session, record, language)
    record_service.open_record(
        session, person, record, case, how="viewed", language=language, captions=True
    )
    recording = queries.find_recording_of_record(session, record)
    assert recording is not None
    cues = [
        _format_cue(recording.milliseconds(line.at), line.text)
        for line in queries.list_captions(session, recording.consult_id, language)
        if recording.was_on(line.at)
    ]
    return Response(
        "\n".join(["WEBVTT\n", *cues]),
        content_type="text/vtt; charset=utf-8",
        headers={"Cache-Control": "no-store"},
    )


def _find_track_number(session: Session, record: Record, language: str) -> int:
    recording = queries.find_recording_of_record(session, record)
    if recording is None or language not in recording.languages:
        raise NotFound()
    return webm.FIRST_VOICE_TRACK + recording.languages.index(language)


def _parse_byte_range(size: int) -> tuple[int, int, int]:
    """(start, end, status) of the one range that is honoured (RFC 9110, 14)."""
    wanted = request.range
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        return 0, size, 200
    found = wanted.range_for_length(size)
    return (0, 0, 416) if found is None else (*found, 206)


def _stream_parts(
    whole: RecordBytes, parts: list[tuple[int, int]], tracks: frozenset[int], start: int, end: int
) -> Iterator[bytes]:
    """Each part is whole elements, so it can be gone through by itself; it is a few seconds
    long.
    """
    for begins, size in parts:
        if begins < end and begins + size > start:
            piece = webm.keep_tracks(whole.read(begins, begins + size), tracks)
            yield bytes(piece[max(0, start - begins) : end - begins])


def _format_cue(begins_ms: int, text: str) -> str:
    shown = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    times = f"{_format_vtt_time(begins_ms)} --> {_format_vtt_time(begins_ms + CAPTION_SHOWN_MS)}"
    return f"{times}\n{shown}\n"


def _format_vtt_time(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"
