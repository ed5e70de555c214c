"""DICOMweb under a case (QIDO-RS and WADO-RS), and the coordinator's page of identities."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from flask import Response as JsonResponse
from flask import flash, redirect, render_template, request, url_for
from flask_babel import ngettext
from werkzeug.wrappers import Response

from app.cases.models import Case
from app.cases.policy import can_read_file, can_run_office
from app.cases.queries import get_case
from app.core.errors import Invalid, NotFound, Refusal
from app.core.ids import new_id
from app.core.text import N_
from app.identity.models import Person
from app.records.blueprint import blueprint
from app.records.imaging import dicomweb, queries, service
from app.records.imaging.dicomweb import DicomJson
from app.records.imaging.frames import FRAME_MEDIA_TYPES, StoredImage
from app.records.imaging.models import ImagingInstance
from app.records.permissions import RecordPermission
from app.records.reading.content import RecordBytes
from app.web.access import require_permission
from app.web.context import current_person, db_session, get_blob_store, get_settings

_CASE = "/dicomweb/cases/<case_id>"
_STUDY = f"{_CASE}/studies/<study_uid>"
_SERIES = f"{_STUDY}/series/<series_uid>"
_INSTANCE = f"{_SERIES}/instances/<uid>"
_THUMBNAIL_PIXELS = 160
_MAX_PICTURE_PIXELS = 4096


class NoSuchRepresentation(Refusal):
    status = 406
    default = N_("These images cannot be given in the format that was asked for.")


# Search


@blueprint.get(f"{_CASE}/studies")
@require_permission(RecordPermission.RECORD_READ)
def search_imaging_studies(case_id: str) -> Response:
    case = _load_case(case_id)
    address = _address_of(case)
    return _search_answer(
        [
            dicomweb.write_study(one, address)
            for one in queries.list_study_summaries(db_session(), case.id)
        ]
    )


@blueprint.get(f"{_CASE}/series")
@blueprint.get(f"{_STUDY}/series")
@require_permission(RecordPermission.RECORD_READ)
def search_imaging_series(case_id: str, study_uid: str = "") -> Response:
    case = _load_case(case_id)
    address = _address_of(case)
    return _search_answer(
        [
            dicomweb.write_series(study, one, address)
            for study in queries.list_study_summaries(db_session(), case.id)
            if study_uid in ("", study.study.uid)
            for one in study.series
        ]
    )


@blueprint.get(f"{_CASE}/instances")
@blueprint.get(f"{_STUDY}/instances")
@blueprint.get(f"{_SERIES}/instances")
@require_permission(RecordPermission.RECORD_READ)
def search_imaging_instances(case_id: str, study_uid: str = "", series_uid: str = "") -> Response:
    case = _load_case(case_id)
    address = _address_of(case)
    rows = queries.list_instances_without_headers(
        db_session(), case.id, study_uid=study_uid, series_uid=series_uid
    )
    return _search_answer(
        [
            dicomweb.write_instance(study_uid, series_uid, modality, instance, address)
            for instance, study_uid, series_uid, modality in rows
        ]
    )


# Retrieval


@blueprint.get(f"{_STUDY}/metadata")
@blueprint.get(f"{_SERIES}/metadata")
@blueprint.get(f"{_INSTANCE}/metadata")
@require_permission(RecordPermission.RECORD_READ)
def show_imaging_metadata(
    case_id: str, study_uid: str, series_uid: str = "", uid: str = ""
) -> Response:
    _, instances = _open_instances(case_id, study_uid, series_uid, uid)
    headers = ",".join(instance.header for instance in instances)
    return _json_answer(f"[{headers}]")


@blueprint.get(_STUDY)
@blueprint.get(_SERIES)
@blueprint.get(_INSTANCE)
@require_permission(RecordPermission.RECORD_READ)
def retrieve_imaging_instances(
    case_id: str, study_uid: str, series_uid: str = "", uid: str = ""
) -> Response:
    _, instances = _open_instances(case_id, study_uid, series_uid, uid)
    images = _stored_images(instances)
    accepted = request.headers.get("Accept", "*/*")
    if uid and "multipart" not in accepted and "application/dicom" in accepted:
        return Response(images[0].stream(), content_type="application/dicom")
    _require_accepted("application/dicom")
    return _multipart_answer("application/dicom", (image.stream() for image in images))


@blueprint.get(f"{_INSTANCE}/frames/<numbers>")
@require_permission(RecordPermission.RECORD_READ)
def retrieve_imaging_frames(
    case_id: str, study_uid: str, series_uid: str, uid: str, numbers: str
) -> Response:
    """One frame alone may be asked for as plain ``application/octet-stream``."""
    image = _open_image(case_id, study_uid, series_uid, uid)
    wanted = _read_frame_numbers(numbers, image)
    accepted = request.headers.get("Accept", "*/*")
    if len(wanted) == 1 and accepted == "application/octet-stream":
        return Response(image.decode(wanted[0]), content_type="application/octet-stream")
    compressed = FRAME_MEDIA_TYPES.get(image.transfer_syntax)
    if compressed and compressed in accepted:
        kind = f"{compressed}; transfer-syntax={image.transfer_syntax}"
        return _multipart_answer(kind, (iter([image.compressed(one)]) for one in wanted))
    _require_accepted("application/octet-stream")
    first = image.decode(wanted[0])  # a refusal comes before the answer begins
    rest = (iter([image.decode(one)]) for one in wanted[1:])
    return _multipart_answer("application/octet-stream", _chain_first(iter([first]), rest))


@blueprint.get(f"{_INSTANCE}/rendered")
@blueprint.get(f"{_INSTANCE}/frames/<int:number>/rendered")
@require_permission(RecordPermission.RECORD_READ)
def render_imaging_instance(
    case_id: str, study_uid: str, series_uid: str, uid: str, number: int = 1
) -> Response:
    image = _open_image(case_id, study_uid, series_uid, uid)
    wish = request.accept_mimetypes.best_match(["image/jpeg", "image/png"])
    if wish is None:
        raise NoSuchRepresentation()
    picture = image.render(
        number, media_type=wish, window=_read_window(), most=_read_viewport(_MAX_PICTURE_PIXELS)
    )
    return Response(picture, content_type=wish)


@blueprint.get(f"{_SERIES}/thumbnail")
@blueprint.get(f"{_INSTANCE}/thumbnail")
@blueprint.get(f"{_INSTANCE}/frames/<int:number>/thumbnail")
@require_permission(RecordPermission.RECORD_READ)
def show_imaging_thumbnail(
    case_id: str, study_uid: str, series_uid: str, uid: str = "", number: int = 0
) -> Response:
    """Of a series, its middle image: the first one often shows little."""
    _, instances = _open_instances(case_id, study_uid, series_uid, uid)
    shown = [one for one in instances if one.frames]
    if not shown:
        raise NotFound()
    [image] = _stored_images([shown[len(shown) // 2]])
    small = _read_viewport(_THUMBNAIL_PIXELS) or (_THUMBNAIL_PIXELS, _THUMBNAIL_PIXELS)
    picture = image.render(number or (image.frames + 1) // 2, most=small)
    return Response(picture, content_type="image/jpeg")


# Whose images these are


@blueprint.get("/cases/<case_id>/imaging/identities")
@require_permission(RecordPermission.RECORD_DECIDE)
def show_imaging_identities(case_id: str) -> str:
    session = db_session()
    case = _load_office_case(case_id)
    return render_template(
        "records/identities.html",
        case=case,
        patient=session.get(Person, case.patient_id),
        accepted=queries.list_accepted_identities(session, case.id),
        questions=queries.list_identity_questions(session, case.id),
    )


@blueprint.post("/cases/<case_id>/imaging/identities/<identity_id>")
@require_permission(RecordPermission.RECORD_DECIDE)
def post_identity_decision(case_id: str, identity_id: str) -> Response:
    session = db_session()
    case = _load_office_case(case_id)
    decision = request.form.get("decision")
    if decision not in ("same", "other"):
        raise Invalid(N_("Choose whether the images are of this patient."), field="decision")
    identity = queries.find_identity(session, case.id, identity_id)
    count = service.decide_identity(
        session, current_person(), case, identity, is_patient=decision == "same"
    )
    if decision == "same":
        said = ngettext("%(num)s file was accepted.", "%(num)s files were accepted.", count)
    else:
        said = ngettext("%(num)s file was refused.", "%(num)s files were refused.", count)
    flash(said, "good")
    return redirect(url_for("records.show_imaging_identities", case_id=case.id))


def _load_case(case_id: str) -> Case:
    """Imaging is read by those who may read the file; the office after it has given a reason."""
    return get_case(db_session(), current_person(), case_id, can_read_file)


def _load_office_case(case_id: str) -> Case:
    return get_case(
        db_session(),
        current_person(),
        case_id,
        lambda person, case, _: can_run_office(person, case),
    )


def _address_of(case: Case) -> str:
    return f"{get_settings().web_url}/dicomweb/cases/{case.id}"


def _search_answer(results: Sequence[DicomJson]) -> Response:
    search = dicomweb.read_imaging_search(request.args)
    found = search.pick(results)
    return _json_answer(json.dumps(found)) if found else Response(status=204)


def _json_answer(text: str) -> Response:
    return JsonResponse(text, content_type="application/dicom+json")


def _open_instances(
    case_id: str, study_uid: str, series_uid: str, uid: str
) -> tuple[Case, list[ImagingInstance]]:
    """The instances, once it is written down that the person reads the study."""
    session, case = db_session(), _load_case(case_id)
    instances = queries.list_live_instances(
        session, case.id, study_uid=study_uid, series_uid=series_uid, uid=uid
    )
    study = queries.find_study(session, case.id, study_uid)
    service.note_imaging_sitting(session, current_person(), case, study, instances[0].record_id)
    return case, instances


def _open_image(case_id: str, study_uid: str, series_uid: str, uid: str) -> StoredImage:
    _, instances = _open_instances(case_id, study_uid, series_uid, uid)
    return _stored_images(instances)[0]


def _stored_images(instances: Sequence[ImagingInstance]) -> list[StoredImage]:
    parts = queries.list_parts_by_upload(
        db_session(), [instance.record.upload_id for instance in instances]
    )
    return [
        StoredImage(
            uid=instance.uid,
            whole=RecordBytes(get_blob_store(), parts.get(instance.record.upload_id, [])),
            transfer_syntax=instance.transfer_syntax,
            layout=instance.layout,
            frames=instance.frames,
            header_text=instance.header,
        )
        for instance in instances
    ]


def _require_accepted(media_type: str) -> None:
    accepted = request.headers.get("Accept", "*/*")
    if "*/*" not in accepted and media_type not in accepted and "multipart/*" not in accepted:
        raise NoSuchRepresentation()


def _multipart_answer(media_type: str, parts: Iterable[Iterator[bytes]]) -> Response:
    """A ``multipart/related`` answer (RFC 2387) that is written part by part."""
    boundary = new_id()

    def write() -> Iterator[bytes]:
        for part in parts:
            yield f"--{boundary}\r\nContent-Type: {media_type}\r\n\r\n".encode()
            yield from part
            yield b"\r\n"
        yield f"--{boundary}--\r\n".encode()

    kind = media_type.partition(";")[0]
    return Response(write(), content_type=f'multipart/related; type="{kind}"; boundary={boundary}')


def _chain_first(
    first: Iterator[bytes], rest: Iterable[Iterator[bytes]]
) -> Iterator[Iterator[bytes]]:
    yield first
    yield from rest


def _read_frame_numbers(typed: str, image: StoredImage) -> list[int]:
    numbers = typed.split(",")
    if not all(number.isascii() and number.isdigit() and len(number) < 7 for number in numbers):
        raise Invalid(N_("Frames are counted from 1, for example 1,2,3."))
    wanted = [int(number) for number in numbers]
    if not all(1 <= number <= image.frames for number in wanted):
        raise NotFound()
    return wanted


def _read_window() -> tuple[float, float] | None:
    typed = request.args.get("window", "")
    if not typed:
        return None
    try:
        centre, width = (float(number) for number in typed.split(",")[:2])
    except ValueError:
        raise Invalid(N_("A window has a centre and a width, for example 40,400.")) from None
    if not (abs(centre) < 1e9 and 0 < width < 1e9):
        raise Invalid(N_("A window has a centre and a width, for example 40,400."))
    return centre, width


def _read_viewport(most: int) -> tuple[int, int] | None:
    typed = request.args.get("viewport", "")
    if not typed:
        return None
    sides = typed.split(",")[:2]
    if len(sides) < 2 or not all(side.isascii() and side.isdigit() for side in sides):
        raise Invalid(N_("A viewport has a width and a height, for example 512,512."))
    return cast("tuple[int, int]", tuple(min(max(int(side[:6]), 1), most) for side in sides))
