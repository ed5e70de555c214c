"""The tus protocol over HTTP (https://tus.io/protocols/resumable-upload, 1.0.0)."""

from __future__ import annotations

from collections.abc import Callable

from flask import request, url_for
from werkzeug.wrappers import Response

from app.cases.policy import can_add_records
from app.cases.queries import get_case
from app.core.errors import Invalid, Refusal
from app.core.text import N_
from app.records import forms, queries, service
from app.records.blueprint import blueprint
from app.records.models import Upload, UploadKind
from app.records.permissions import RecordPermission
from app.records.receiving import tus
from app.records.receiving.parts import UploadSender, receive_upload
from app.web.access import allow_public, require_permission
from app.web.context import current_person, db_session, get_blob_store, get_database
from app.web.errors import translate_refusal


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
    try:
        upload = make(db_session(), current_person(), case, new)
    except service.DuplicateUpload as twin:
        return Response(
            translate_refusal(twin),
            status=twin.status,
            mimetype="text/plain",
            headers=tus.build_tus_headers(upload_duplicate=twin.record_id),
        )
    place = url_for("records.patch_upload", upload_id=upload.id)
    if _has_upload_body() and upload.kind != UploadKind.FINAL and not upload.received:
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
    sender = make_upload_sender(upload, writer)
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


def make_upload_sender(upload: Upload, writer: str) -> UploadSender:
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
        connection=request.environ.get("gunicorn.socket"),
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
