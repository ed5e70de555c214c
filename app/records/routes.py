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
from app.cases.queries import case_for
from app.core.blobs import BlobMissing, StoreFailed
from app.core.crypto import Tampered, UnknownKey
from app.core.errors import Invalid, Refusal
from app.core.permissions import Permission
from app.core.text import N_
from app.records import forms, policy, queries, service, words
from app.records.inspection import kinds
from app.records.models import Record, Upload, UploadKind
from app.records.reading.content import RecordBytes
from app.records.receiving import tus
from app.records.receiving.parts import Sender, receive
from app.records.receiving.spool import SealedRequest
from app.records.service import NewUpload
from app.web.access import public, requires
from app.web.context import blobs, current_person, database, db_session
from app.web.errors import sentence_of

blueprint = Blueprint("records", __name__, template_folder="templates")
LONGEST_TEXT_SHOWN = 1_000_000
INLINE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


class Unreadable(Refusal):
    status = 503
    default = N_(
        "We cannot open this file at the moment. It is safe with us; please try again in a few"
        " minutes."
    )


@blueprint.record_once
def _seal_forms(state: BlueprintSetupState) -> None:
    cast(Flask, state.app).request_class = SealedRequest


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    return {
        "record_words": words,
        "kind_of_record": lambda record: kinds.BY_MEDIA_TYPE.get(record.media_type),
    }


# tus 1.0.0


@blueprint.route("/cases/<case_id>/uploads", methods=["OPTIONS"], provide_automatic_options=False)
@blueprint.route("/uploads/<upload_id>", methods=["OPTIONS"], provide_automatic_options=False)
@public
def say_what_we_speak(**_names: str) -> Response:
    return Response(
        status=204,
        headers=tus.headers(
            tus_version=tus.VERSION,
            tus_extension=tus.EXTENSIONS,
            tus_max_size=service.LARGEST_FILE,
            tus_checksum_algorithm=",".join(tus.ALGORITHMS),
        ),
    )


@blueprint.post("/cases/<case_id>/uploads", provide_automatic_options=False)
@requires(Permission.RECORD_WRITE)
def begin(case_id: str) -> Response:
    tus.require_version(_said())
    new = forms.upload_from(_said())
    case = case_for(db_session(), current_person(), case_id, can_add_records)
    make = service.join_uploads if new.kind == UploadKind.FINAL else service.begin_upload
    upload = make(db_session(), current_person(), case, new)
    place = url_for("records.receive_bytes", upload_id=upload.id)
    if _brings_bytes() and upload.kind != UploadKind.FINAL:
        return Response(status=201, headers=tus.headers(location=place, **_append(upload, 0)))
    return Response(
        status=201,
        headers=tus.headers(
            location=place, upload_offset=upload.received, upload_expires=_expiry(upload)
        ),
    )


@blueprint.route("/uploads/<upload_id>", methods=["HEAD"], provide_automatic_options=False)
@requires(Permission.RECORD_WRITE)
def say_how_far(upload_id: str) -> Response:
    tus.require_version(_said())
    upload = _live(upload_id)
    return Response(
        status=200,
        headers=tus.headers(
            upload_offset=upload.received,
            upload_length=upload.size,
            upload_metadata=upload.metadata_sent or None,
            upload_concat=_concat(upload),
            upload_expires=_expiry(upload),
        ),
    )


@blueprint.patch("/uploads/<upload_id>", provide_automatic_options=False)
@requires(Permission.RECORD_WRITE)
def receive_bytes(upload_id: str) -> Response:
    tus.require_version(_said())
    if request.mimetype != tus.CONTENT_TYPE:
        raise tus.WrongContentType()
    upload = queries.upload_for(db_session(), current_person(), upload_id)
    state = _append(upload, tus.parse_size(request.headers.get("Upload-Offset")))
    return Response(status=204, headers=tus.headers(**state))


@blueprint.delete("/uploads/<upload_id>", provide_automatic_options=False)
@requires(Permission.RECORD_WRITE)
def cancel(upload_id: str) -> Response:
    tus.require_version(_said())
    upload = queries.upload_for(db_session(), current_person(), upload_id)
    service.cancel_upload(db_session(), current_person(), upload)
    return Response(status=204, headers=tus.headers())


@blueprint.post("/uploads/<upload_id>", provide_automatic_options=False)
@requires(Permission.RECORD_WRITE)
def overridden(upload_id: str) -> Response:
    """For lines on which only GET and POST pass (tus, X-HTTP-Method-Override)."""
    verbs: dict[str | None, Callable[[str], Response]] = {
        "PATCH": receive_bytes,
        "DELETE": cancel,
        "HEAD": say_how_far,
    }
    verb = verbs.get(request.headers.get("X-HTTP-Method-Override"))
    if verb is None:
        raise Invalid(tus.BROKEN)
    return verb(upload_id)


@blueprint.after_request
def _name_our_version(response: Response) -> Response:
    if response.status_code == tus.WrongVersion.status:
        response.headers["Tus-Version"] = tus.VERSION
    return response


def _append(upload: Upload, offset: int) -> dict[str, object]:
    """Takes the request's body into the upload. The unit of work ends before the body, which may
    take hours.
    """
    session = db_session()
    if request.content_length is not None and offset + request.content_length > upload.size:
        raise _TooLong()
    checksum = tus.parse_checksum(request.headers.get("Upload-Checksum"))
    writer = service.take_over(session, upload, offset)
    sender = _sender(upload, writer)
    expires = _expiry(upload)
    session.commit()
    received = receive(sender, request.stream, checksum)
    return {
        "upload_offset": received,
        "upload_expires": expires if received < upload.size else None,
    }


class _TooLong(Refusal):
    status = 413
    default = N_("More arrived than this file should have. Please choose the file again.")


def _sender(upload: Upload, writer: str) -> Sender:
    return Sender(
        database=database(),
        blobs=blobs(),
        person_id=upload.person_id,
        upload_id=upload.id,
        origin=request.remote_addr or "unknown",
        writer=writer,
        size=upload.size,
        received=upload.received,
        sniffs=upload.kind == UploadKind.SINGLE,
    )


def _live(upload_id: str) -> Upload:
    upload = queries.upload_for(db_session(), current_person(), upload_id)
    if upload.ended_at is not None:
        raise tus.Gone()
    return upload


def _expiry(upload: Upload):  # type: ignore[no-untyped-def]
    return upload.expires_at if upload.finished_at is None else None


def _concat(upload: Upload) -> str | None:
    if upload.kind == UploadKind.FINAL:
        urls = (url_for("records.receive_bytes", upload_id=one) for one in upload.joined_from or [])
        return "final;" + " ".join(urls)
    return "partial" if upload.kind == UploadKind.PARTIAL else None


def _said() -> dict[str, str]:
    """The request's headers, each under its name in Title-Case, as WSGI brings them."""
    return dict(request.headers)


def _brings_bytes() -> bool:
    return request.mimetype == tus.CONTENT_TYPE and request.content_length != 0


# Pages


@blueprint.get("/cases/<case_id>/records")
@requires(Permission.RECORD_READ)
def list_records(case_id: str) -> str:
    case = case_for(db_session(), current_person(), case_id, policy.can_list)
    panel = queries.panel(db_session(), current_person(), case)
    if request.headers.get("X-Requested-With") == "fetch":
        return render_template("records/_list.html", panel=panel)
    looks = queries.looks_at(db_session(), current_person(), case)
    return render_template("records/list.html", panel=panel, case=case, looks=looks)


@blueprint.post("/cases/<case_id>/records")
@requires(Permission.RECORD_WRITE)
def send_form(case_id: str) -> Response:
    """The way without scripts: one form with files in it."""
    case = case_for(db_session(), current_person(), case_id, can_add_records)
    files = [file for file in request.files.getlist("files") if file.filename]
    if not files:
        raise Invalid(N_("Please choose at least one file to send."), field="files")
    case_key = case.id
    for file in files:
        try:
            name = _take_whole(case_key, file.filename or "", file.stream)
            flash(_("“%(name)s” has arrived. We are checking it now.", name=name), "good")
        except Refusal as refusal:
            db_session().rollback()
            flash(sentence_of(refusal), "error")
    return redirect(url_for("records.list_records", case_id=case_key))


@blueprint.get("/records/<record_id>")
@requires(Permission.RECORD_READ)
def view(record_id: str) -> str:
    record, case = queries.record_for(db_session(), current_person(), record_id)
    return _viewer(record, case)


@blueprint.post("/records/<record_id>/reason")
@requires(Permission.RECORD_READ)
def reason(record_id: str) -> Response | tuple[str, int]:
    record, case = queries.record_for(db_session(), current_person(), record_id)
    try:
        typed = forms.reason_from(request.form)
    except Invalid as fault:
        return _viewer(record, case, {"reason": sentence_of(fault)}), fault.status
    service.give_reason(db_session(), current_person(), record, case, typed)
    return redirect(url_for("records.view", record_id=record.id))


@blueprint.post("/records/<record_id>/remove")
@requires(Permission.RECORD_WRITE)
def remove(record_id: str) -> Response:
    record, case = queries.record_for(db_session(), current_person(), record_id)
    service.remove_record(db_session(), current_person(), record, case)
    flash(_("“%(name)s” has been removed.", name=record.name), "good")
    return redirect(url_for("records.list_records", case_id=case.id))


def _take_whole(case_id: str, filename: str, stream: IO[bytes]) -> str:
    """Takes in one file of a form; gives the name under which it is kept."""
    session, person = db_session(), current_person()
    case = case_for(session, person, case_id, can_add_records)
    size = stream.seek(0, 2)
    stream.seek(0)
    head = stream.read(kinds.HEAD_BYTES)
    stream.seek(0)
    name = forms.base_name(filename)
    upload = service.begin_upload(
        session, person, case, NewUpload(UploadKind.SINGLE, name, size, head)
    )
    sender = _sender(upload, service.take_over(session, upload, 0))
    session.commit()
    receive(sender, stream)
    return name


def _viewer(record: Record, case: Case, errors: dict[str, str] | None = None) -> str:
    session, person = db_session(), current_person()
    may_open, text = queries.can_open(session, person, record, case), None
    kind = kinds.BY_MEDIA_TYPE.get(record.media_type or "")
    if may_open and kind is not None and kind.shown == "text":
        service.open_record(session, person, record, case, how="viewed")
        text = b"".join(_stream(record, 0, LONGEST_TEXT_SHOWN))
    return render_template(
        "records/view.html",
        record=record,
        case=case,
        kind=kind,
        may_open=may_open,
        errors=errors or {},
        may_give_reason=policy.can_open_with_reason(person, case),
        text=_decoded(text) if text is not None else None,
        may_remove=queries.can_remove(session, person, record, case),
    )


def _decoded(text: bytes) -> str:
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        return text.decode("utf-16", "replace")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError:
        return text.decode("latin-1")


# Bytes


@blueprint.get("/records/<record_id>/content")
@requires(Permission.RECORD_READ)
def content(record_id: str) -> Response:
    return _deliver(record_id, inline=True)


@blueprint.get("/records/<record_id>/download")
@requires(Permission.RECORD_READ)
def download(record_id: str) -> Response:
    return _deliver(record_id, inline=False)


def _deliver(record_id: str, *, inline: bool) -> Response:
    """The record's bytes, or the one range asked for (RFC 9110, 14). That it was opened is
    committed before the first byte leaves.
    """
    session, person = db_session(), current_person()
    record, case = queries.record_for(session, person, record_id)
    start, end, status = _range(record)
    how = "viewed" if inline else "downloaded"
    service.open_record(
        session, person, record, case, how=how, **({"bytes": [start, end]} if status == 206 else {})
    )
    kind = kinds.BY_MEDIA_TYPE[record.media_type or ""]
    headers = {
        "Content-Length": str(end - start),
        "Accept-Ranges": "bytes",
        "ETag": f'"{record.sha256}"',
        "Content-Disposition": _disposition(record.name, inline=inline and kind.shown is not None),
        "Content-Security-Policy": INLINE_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    if status == 206:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{record.size}"
    if status == 416:
        return Response(status=416, headers={"Content-Range": f"bytes */{record.size}"})
    media_type = "text/plain; charset=utf-8" if kind.shown == "text" else kind.media_type
    body = () if request.method == "HEAD" else _stream(record, start, end)
    return Response(body, status, headers, content_type=media_type, direct_passthrough=True)


def _stream(record: Record, start: int, end: int) -> Iterator[bytes]:
    """The bytes, needing no database once this has returned. Raises `Unreadable`."""
    try:
        return RecordBytes(blobs(), queries.parts_of(db_session(), record.upload_id)).stream(
            start, end
        )
    except (BlobMissing, StoreFailed, Tampered, UnknownKey) as error:
        current_app.logger.error("record %s cannot be read: %s", record.id, type(error).__name__)
        raise Unreadable() from error


def _range(record: Record) -> tuple[int, int, int]:
    """(start, end, status): one range is honoured, several are answered with the whole."""
    wanted = request.range
    changed = request.if_range.etag is not None and request.if_range.etag != record.sha256
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1 or changed:
        return 0, record.size, 200
    found = wanted.range_for_length(record.size)
    return (0, 0, 416) if found is None else (*found, 206)


def _disposition(name: str, *, inline: bool) -> str:
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    extra = {} if plain == name else {"filename*": f"UTF-8''{quote(name, safe='')}"}
    return dump_options_header("inline" if inline else "attachment", {"filename": plain, **extra})
