"""The office calls a further interpreter into a consult: a partner to take turns with, or the other
half of a relay.
"""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.consults import queries
from app.consults.blueprint import blueprint
from app.consults.room import announcing, service
from app.core.errors import Invalid, Refusal
from app.core.text import N_
from app.scheduling.permissions import SchedulingPermission
from app.web.access import require_permission
from app.web.context import current_person, db_session
from app.web.errors import translate_refusal

CallingPageResponse = str | Response | tuple[str, int]


@blueprint.get("/<consult_id>/interpreters")
@require_permission(SchedulingPermission.BOOKING_OVERRIDE)
def show_callable_interpreters(consult_id: str) -> CallingPageResponse:
    """The interpreters whom the office can call into a consultation that has begun."""
    return _render_calling_page(consult_id)


@blueprint.post("/<consult_id>/interpreters")
@require_permission(SchedulingPermission.BOOKING_OVERRIDE)
def post_interpreter_call(consult_id: str) -> CallingPageResponse:
    """Calls the chosen interpreter. A refusal shows the page again with its sentence."""
    session, person = db_session(), current_person()
    consult = queries.get_consult(session, person, consult_id)
    credential = next(
        (
            one
            for one in queries.list_callable_credentials(session, consult)
            if one.id == request.form.get("credential")
        ),
        None,
    )
    try:
        if credential is None:
            raise Invalid(N_("Choose one of the interpreters in the list."), field="credential")
        service.call_interpreter(session, person, consult, credential)
    except Refusal as refusal:
        session.rollback()
        return _render_calling_page(consult_id, refusal)
    announcing.announce_consult_state(session, consult)
    flash(_("%(name)s now has a place and was asked to join.", name=credential.person.name), "good")
    return redirect(url_for("consults.show_callable_interpreters", consult_id=consult.id), 303)


def _render_calling_page(consult_id: str, refusal: Refusal | None = None) -> CallingPageResponse:
    session = db_session()
    consult = queries.get_consult(session, current_person(), consult_id)
    service.require_consult_not_over(consult)
    page = render_template(
        "consults/interpreters.html",
        consult=consult,
        credentials=queries.list_callable_credentials(session, consult),
        seated=[seat for seat in consult.present_seats if seat.pair],
        errors={"credential": translate_refusal(refusal)} if refusal else {},
    )
    return (page, refusal.status) if refusal else page
