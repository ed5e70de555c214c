"""Records over HTTP: the tus protocol, the plain form, the pages, and the bytes themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, cast
from urllib.parse import quote

from flask import Blueprint, Flask, current_app, flash, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
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
from app.records import forms, policy, queries, service, words
from app.records.inspection import kinds
from app.records.models import Record, Upload, UploadKind
from app.records.permissions import RecordPermission
from app.records.reading.content import RecordBytes
from app.records.receiving import tus
from app.records.receiving.parts import UploadSender, receive_upload
from app.records.receiving.spool import SealedRequest
from app.records.service import NewUpload
from app.web.access import allow_public, require_permission
from app.web.context import current_person, db_session, get_blob_store, get_database
from app.web.errors import translate_refusal

blueprint = Blueprint("records", __name__, template_folder="templates")
MAX_SHOWN_TEXT_BYTES = 1_000_000
INLINE_CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


class RecordUnreadable(Refusal):
    status = 503
    default = N_(
        "We cannot open this file at the moment. It is safe with us. Try again in a few minutes."
    )


@blueprint.record_once
def _install_sealed_requests(state: BlueprintSetupState) -> None:
    cast(Flask, state.app).request_class = SealedRequest


@blueprint.app_context_processor
def _template_words() -> dict[str, object]:
    return {
        "record_words": words,
        "kind_of_record": lambda record: kinds.KIND_BY_MEDIA_TYPE.get(record.media_type),
    }


# tus 1.0.0


@blueprint.route("/cases/<case_id>/uploads", methods=["OPTIONS"], provide_automatic_options=False)
@blueprint.route("/uploads/<upload_id>", methods=["OPTIONS"], provide_automatic_options=False)
@allow_public
def show_tus_capabilities(**_names: str) -> Response:
    return Response(
        status=204,
        headers=tus.build_tus_headers(
            tus_version=tus.TUS_VERSION,
            tus_extension=tus.TUS_EXTENSIONS,
            tus_max_size=service.MAX_FILE_BYTES,
            tus_checksum_algorithm=",".join(tus.CHECKSUM_ALGORITHMS),
        ),
    )


@blueprint.post("/cases/<case_id>/uploads", provide_automatic_options=False)
@require_permission(RecordPermission.RECORD_WRITE)
def post_upload(case_id: str) -> Response:
    tus.require_tus_version(_request_headers())
    new = forms.read_new_upload(_request_headers())
    case = get_case(db_session(), current_person(), case_id, can_add_records)
    make = service.join_uploads if new.kind == UploadKind.FINAL else service.begin_upload
    upload = make(db_session(), current_person(), case, new)
    place = url_for("records.patch_upload", upload_id=upload.id)
    if _has_upload_body() and upload.kind != UploadKind.FINAL:
        return Response(
            status=201,
            headers=tus.build_tus_headers(location=place, **_append_request_body(upload, 0)),
        )
    return Response(
        status=201,
        headers=tus.build_tus_headers(
            location=place, upload_offset=upload.received, upload_expires=_upload_expiry(upload)
        ),
    )


@blueprint.route("/uploads/<upload_id>", methods=["HEAD"], provide_automatic_options=False)
@require_permission(RecordPermission.RECORD_WRITE)
def show_upload_offset(upload_id: str) -> Response:
    tus.require_tus_version(_request_headers())
    upload = _load_live_upload(upload_id)
    return Response(
        status=200,
        headers=tus.build_tus_headers(
            upload_offset=upload.received,
            upload_length=upload.size,
            upload_metadata=upload.metadata_sent or None,
            upload_concat=_concat_header(upload),
            upload_expires=_upload_expiry(upload),
        ),
    )


@blueprint.patch("/uploads/<upload_id>", provide_automatic_options=False)
@require_permission(RecordPermission.RECORD_WRITE)
def patch_upload(upload_id: str) -> Response:
    tus.require_tus_version(_request_headers())
    if request.mimetype != tus.TUS_CONTENT_TYPE:
        raise tus.WrongUploadContentType()
    upload = queries.load_upload(db_session(), current_person(), upload_id)
    state = _append_request_body(
        upload, tus.parse_upload_size(request.headers.get("Upload-Offset"))
    )
    return Response(status=204, headers=tus.build_tus_headers(**state))


@blueprint.delete("/uploads/<upload_id>", provide_automatic_options=False)
@require_permission(RecordPermission.RECORD_WRITE)
def delete_upload(upload_id: str) -> Response:
    tus.require_tus_version(_request_headers())
    upload = queries.load_upload(db_session(), current_person(), upload_id)
    service.cancel_upload(db_session(), current_person(), upload)
    return Response(status=204, headers=tus.build_tus_headers())


@blueprint.post("/uploads/<upload_id>", provide_automatic_options=False)
@require_permission(RecordPermission.RECORD_WRITE)
def post_method_override(upload_id: str) -> Response:
    """For lines on which only GET and POST pass (tus, X-HTTP-Method-Override)."""
    verbs: dict[str | None, Callable[[str], Response]] = {
        "PATCH": patch_upload,
        "DELETE": delete_upload,
        "HEAD": show_upload_offset,
    }
    verb = verbs.get(request.headers.get("X-HTTP-Method-Override"))
    if verb is None:
        raise Invalid(tus.BROKEN_UPLOAD_MESSAGE)
    return verb(upload_id)


@blueprint.after_request
def _add_tus_version(response: Response) -> Response:
    if response.status_code == tus.WrongTusVersion.status:
        response.headers["Tus-Version"] = tus.TUS_VERSION
    return response


def _append_request_body(upload: Upload, offset: int) -> dict[str, object]:
    """Takes the request's body into the upload. The unit of work ends before the body, which may
    take hours.
    """
    session = db_session()
    if request.content_length is not None and offset + request.content_length > upload.size:
        raise _UploadTooLong()
    checksum = tus.parse_upload_checksum(request.headers.get("Upload-Checksum"))
    writer = service.take_over_upload(session, upload, offset)
    sender = _make_sender(upload, writer)
    expires = _upload_expiry(upload)
    session.commit()
    received = receive_upload(sender, request.stream, checksum)
    return {
        "upload_offset": received,
        "upload_expires": expires if received < upload.size else None,
    }


class _UploadTooLong(Refusal):
    status = 413
    default = N_("More data arrived than this file should have. Choose the file again.")


def _make_sender(upload: Upload, writer: str) -> UploadSender:
    return UploadSender(
        database=get_database(),
        blobs=get_blob_store(),
        person_id=upload.person_id,
        upload_id=upload.id,
        origin=request.remote_addr or "unknown",
        writer=writer,
        size=upload.size,
        received=upload.received,
        sniffs=upload.kind == UploadKind.SINGLE,
    )


def _load_live_upload(upload_id: str) -> Upload:
    upload = queries.load_upload(db_session(), current_person(), upload_id)
    if upload.is_gone:
        raise tus.UploadGone()
    return upload


def _upload_expiry(upload: Upload):  # type: ignore[no-untyped-def]
    return upload.expires_at if upload.finished_at is None else None


def _concat_header(upload: Upload) -> str | None:
    if upload.kind == UploadKind.FINAL:
        urls = (url_for("records.patch_upload", upload_id=one) for one in upload.joined_from or [])
        return "final;" + " ".join(urls)
    return "partial" if upload.kind == UploadKind.PARTIAL else None


def _request_headers() -> dict[str, str]:
    """The request's headers, each under its name in Title-Case, as WSGI brings them."""
    return dict(request.headers)


def _has_upload_body() -> bool:
    return request.mimetype == tus.TUS_CONTENT_TYPE and request.content_length != 0


# Pages


@blueprint.get("/cases/<case_id>/records")
@require_permission(RecordPermission.RECORD_READ)
def show_records(case_id: str) -> str:
    case = get_case(db_session(), current_person(), case_id, policy.can_list_records)
    panel = queries.load_records_panel(db_session(), current_person(), case)
    if request.headers.get("X-Requested-With") == "fetch":
        return render_template("records/_list.html", panel=panel)
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
    sender = _make_sender(upload, service.take_over_upload(session, upload, 0))
    session.commit()
    receive_upload(sender, stream)
    return name


def _record_page(record: Record, case: Case, errors: dict[str, str] | None = None) -> str:
    session, person = db_session(), current_person()
    may_open, text = queries.can_open_record_now(session, person, record, case), None
    kind = kinds.KIND_BY_MEDIA_TYPE.get(record.media_type or "")
    if may_open and kind is not None and kind.shown == "text":
        service.open_record(session, person, record, case, how="viewed")
        text = b"".join(_stream_record(record, 0, MAX_SHOWN_TEXT_BYTES))
    return render_template(
        "records/view.html",
        record=record,
        case=case,
        kind=kind,
        may_open=may_open,
        errors=errors or {},
        may_give_reason=policy.can_open_with_reason(person, case),
        text=_decode_text(text) if text is not None else None,
        may_remove=queries.can_remove_record_now(session, person, record, case),
    )


def _decode_text(text: bytes) -> str:
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        return text.decode("utf-16", "replace")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError:
        return text.decode("latin-1")


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
            record.name, inline=inline and kind.shown is not None
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
