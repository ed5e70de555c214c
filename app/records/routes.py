"""Records over HTTP: the plain form, the pages, and the bytes themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO
from urllib.parse import quote

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.http import dump_options_header
from werkzeug.wrappers import Response

from app.cases.models import Case
from app.cases.policy import can_add_records
from app.cases.queries import get_case
from app.core.blobs import BlobMissing, StoreFailed
from app.core.crypto import TamperedCiphertext, UnknownMasterKey
from app.core.errors import Invalid, Refusal
from app.core.text import N_
from app.records import forms, policy, queries, service
from app.records.blueprint import blueprint
from app.records.inspection import kinds
from app.records.models import Record, UploadKind
from app.records.permissions import RecordPermission
from app.records.reading.content import RecordBytes
from app.records.reading.text import decode_beginning
from app.records.receiving.parts import receive_upload
from app.records.receiving.routes import make_upload_sender
from app.records.service import NewUpload
from app.web.access import require_permission, require_recent_factor
from app.web.compression import compress_response
from app.web.context import current_person, db_session, get_blob_store
from app.web.errors import translate_refusal

MAX_SHOWN_TEXT_BYTES = 1_000_000
INLINE_CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


class RecordUnreadable(Refusal):
    status = 503
    default = N_(
        "We cannot open this file at the moment. It is safe with us. Try again in a few minutes."
    )


# Pages


@blueprint.get("/cases/<case_id>/records")
@require_permission(RecordPermission.RECORD_READ)
def show_records(case_id: str) -> str | Response:
    case = get_case(db_session(), current_person(), case_id, policy.can_list_records)
    page, since = forms.read_records_page(request.args)
    panel = queries.load_records_panel(db_session(), current_person(), case, page, since)
    if request.headers.get("X-Requested-With") == "fetch":
        return _records_fragment(panel, only_changes=since is not None)
    looks = queries.list_record_accesses(db_session(), current_person(), case)
    return render_template("records/list.html", panel=panel, case=case, looks=looks)


@blueprint.post("/cases/<case_id>/records")
@require_permission(RecordPermission.RECORD_WRITE)
def post_records_form(case_id: str) -> Response:
    """The way without scripts: one form with files in it."""
    case = get_case(db_session(), current_person(), case_id, can_add_records)
    files = [file for file in request.files.getlist("files") if file.filename]
    if not files:
        raise Invalid(N_("Choose at least one file to send."), field="files")
    case_key = case.id
    for file in files:
        try:
            name = _receive_form_file(case_key, file.filename or "", file.stream)
            flash(_("“%(name)s” has arrived. We are checking it now.", name=name), "good")
        except Refusal as refusal:
            db_session().rollback()
            flash(translate_refusal(refusal), "error")
    return redirect(url_for("records.show_records", case_id=case_key))


@blueprint.get("/records/<record_id>")
@require_permission(RecordPermission.RECORD_READ)
def show_record(record_id: str) -> str:
    record, case = queries.load_record(db_session(), current_person(), record_id)
    return _record_page(record, case)


@blueprint.post("/records/<record_id>/reason")
@require_recent_factor
@require_permission(RecordPermission.RECORD_READ)
def post_access_reason(record_id: str) -> Response | tuple[str, int]:
    record, case = queries.load_record(db_session(), current_person(), record_id)
    try:
        typed = forms.read_access_reason(request.form)
    except Invalid as fault:
        return _record_page(record, case, {"reason": translate_refusal(fault)}), fault.status
    service.grant_reasoned_access(db_session(), current_person(), record, case, typed)
    return redirect(url_for("records.show_record", record_id=record.id))


@blueprint.post("/records/<record_id>/remove")
@require_permission(RecordPermission.RECORD_WRITE)
def post_record_removal(record_id: str) -> Response:
    record, case = queries.load_record(db_session(), current_person(), record_id)
    service.remove_record(db_session(), current_person(), record, case)
    flash(_("“%(name)s” was removed.", name=record.name), "good")
    return redirect(url_for("records.show_records", case_id=case.id))


def _records_fragment(panel: queries.RecordsPanel, *, only_changes: bool) -> Response:
    """The list, or only the rows that changed, for the script of the page."""
    headers = {"Records-As-Of": panel.as_of.isoformat(), "Records-Total": str(panel.total)}
    if only_changes and not panel.records and not panel.removed_ids:
        return Response(status=204, headers=headers)
    name = "records/_changes.html" if only_changes else "records/_list.html"
    page = render_template(name, panel=panel)
    return compress_response(request, Response(page, headers=headers, mimetype="text/html"))


def _receive_form_file(case_id: str, filename: str, stream: IO[bytes]) -> str:
    """Takes in one file of a form; gives the name under which it is kept."""
    session, person = db_session(), current_person()
    case = get_case(session, person, case_id, can_add_records)
    size = stream.seek(0, 2)
    stream.seek(0)
    head = stream.read(kinds.HEAD_BYTES)
    stream.seek(0)
    name = forms.clean_file_name(filename)
    upload = service.begin_upload(
        session, person, case, NewUpload(UploadKind.SINGLE, name, size, head)
    )
    sender = make_upload_sender(upload, service.take_over_upload(session, upload, 0))
    session.commit()
    receive_upload(sender, stream)
    return name


def _record_page(record: Record, case: Case, errors: dict[str, str] | None = None) -> str:
    session, person = db_session(), current_person()
    may_open, text = queries.can_open_record_now(session, person, record, case), None
    kind = kinds.KIND_BY_MEDIA_TYPE.get(record.media_type or "")
    if may_open and kind is not None and kind.shown == "text":
        service.open_record(session, person, record, case, how="viewed")
        beginning = b"".join(_stream_record(record, 0, MAX_SHOWN_TEXT_BYTES))
        text = decode_beginning(beginning, is_cut=record.size > MAX_SHOWN_TEXT_BYTES)
    return render_template(
        "records/view.html",
        record=record,
        case=case,
        kind=kind,
        may_open=may_open,
        errors=errors or {},
        may_give_reason=policy.can_open_with_reason(person, case),
        text=text,
        is_text_cut=record.size > MAX_SHOWN_TEXT_BYTES,
        may_remove=queries.can_remove_record_now(session, person, record, case),
    )


# Bytes


@blueprint.get("/records/<record_id>/content")
@require_permission(RecordPermission.RECORD_READ)
def serve_record_content(record_id: str) -> Response:
    return _record_response(record_id, inline=True)


@blueprint.get("/records/<record_id>/download")
@require_permission(RecordPermission.RECORD_READ)
def download_record(record_id: str) -> Response:
    return _record_response(record_id, inline=False)


def _record_response(record_id: str, *, inline: bool) -> Response:
    """The record's bytes, or the one range asked for (RFC 9110, 14). That it was opened is
    committed before the first byte leaves.
    """
    session, person = db_session(), current_person()
    record, case = queries.load_record(session, person, record_id)
    start, end, status = _requested_range(record)
    how = "viewed" if inline else "downloaded"
    service.open_record(
        session, person, record, case, how=how, **({"bytes": [start, end]} if status == 206 else {})
    )
    kind = kinds.KIND_BY_MEDIA_TYPE[record.media_type or ""]
    headers = {
        "Content-Length": str(end - start),
        "Accept-Ranges": "bytes",
        "ETag": f'"{record.sha256}"',
        "Content-Disposition": _content_disposition(
            kinds.name_for_download(record.name, kind), inline=inline and kind.shown is not None
        ),
        "Content-Security-Policy": INLINE_CONTENT_SECURITY_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    if status == 206:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{record.size}"
    if status == 416:
        return Response(status=416, headers={"Content-Range": f"bytes */{record.size}"})
    media_type = "text/plain; charset=utf-8" if kind.shown == "text" else kind.media_type
    body = () if request.method == "HEAD" else _stream_record(record, start, end)
    return Response(body, status, headers, content_type=media_type, direct_passthrough=True)


def _stream_record(record: Record, start: int, end: int) -> Iterator[bytes]:
    """The bytes, needing no database once this has returned. Raises ``RecordUnreadable``."""
    try:
        return RecordBytes(
            get_blob_store(), queries.upload_parts_of(db_session(), record.upload_id)
        ).stream(start, end)
    except (BlobMissing, StoreFailed, TamperedCiphertext, UnknownMasterKey) as error:
        current_app.logger.error("record %s cannot be read: %s", record.id, type(error).__name__)
        raise RecordUnreadable() from error


def _requested_range(record: Record) -> tuple[int, int, int]:
    """(start, end, status): one range is honoured, several are answered with the whole."""
    wanted = request.range
    changed = request.if_range.etag is not None and request.if_range.etag != record.sha256
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1 or changed:
        return 0, record.size, 200
    found = wanted.range_for_length(record.size)
    return (0, 0, 416) if found is None else (*found, 206)


def _content_disposition(name: str, *, inline: bool) -> str:
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    extra = {} if plain == name else {"filename*": f"UTF-8''{quote(name, safe='')}"}
    return dump_options_header("inline" if inline else "attachment", {"filename": plain, **extra})
