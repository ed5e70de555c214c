"""The reading room of a case, and pointers into its records."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.cases.policy import can_read_file
from app.cases.queries import get_case
from app.core.errors import Invalid
from app.core.text import N_
from app.records.blueprint import blueprint
from app.records.permissions import RecordPermission
from app.records.reading import places, queries, service
from app.records.reading.models import PointerKind
from app.web.access import require_permission
from app.web.context import current_person, db_session
from app.web.errors import translate_refusal

MAX_NOTE_CHARACTERS = 2_000


@blueprint.get("/cases/<case_id>/reading")
@require_permission(RecordPermission.RECORD_READ)
def show_reading_room(case_id: str) -> str:
    return _reading_page(case_id)


@blueprint.post("/cases/<case_id>/pointers")
@require_permission(RecordPermission.RECORD_READ)
def post_pointer(case_id: str) -> Response | tuple[str, int]:
    session, person = db_session(), current_person()
    case = get_case(session, person, case_id, can_read_file)
    note = request.form.get("note", "").strip()
    kind, typed = request.form.get("kind", ""), request.form.get("place", "")
    try:
        if not 0 < len(note) <= MAX_NOTE_CHARACTERS:
            raise Invalid(N_("Write a note that says what is to be seen here."), field="note")
        if kind == PointerKind.IMAGE:
            place = places.read_image_place(typed)
        else:
            place = places.read_page_place(typed)
        pointer = service.add_pointer(session, person, case, place, note)
    except Invalid as fault:
        return _reading_page(case_id, {"note": translate_refusal(fault)}), fault.status
    flash(_("The place was marked."), "good")
    return redirect(url_for("records.show_reading_room", case_id=case.id, pointer=pointer.id))


@blueprint.get("/pointers/<pointer_id>")
@require_permission(RecordPermission.RECORD_READ)
def show_pointer(pointer_id: str) -> Response:
    pointer = queries.load_pointer(db_session(), current_person(), pointer_id)
    return redirect(
        url_for("records.show_reading_room", case_id=pointer.case_id, pointer=pointer.id)
    )


@blueprint.post("/pointers/<pointer_id>/remove")
@require_permission(RecordPermission.RECORD_READ)
def post_pointer_removal(pointer_id: str) -> Response:
    pointer = queries.load_pointer(db_session(), current_person(), pointer_id)
    service.remove_pointer(db_session(), current_person(), pointer)
    flash(_("The marked place was removed."), "good")
    return redirect(url_for("records.show_reading_room", case_id=pointer.case_id))


def _reading_page(case_id: str, errors: dict[str, str] | None = None) -> str:
    session, person = db_session(), current_person()
    case = get_case(session, person, case_id, can_read_file)
    return render_template(
        "records/reading.html",
        case=case,
        room=queries.load_reading_room(session, case),
        wanted_pointer=request.args.get("pointer", ""),
        errors=errors or {},
    )
