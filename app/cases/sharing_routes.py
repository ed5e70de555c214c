"""Sharing a case with another office, from its page."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.cases import policy, queries, sharing
from app.cases.models import Case
from app.cases.permissions import CasePermission
from app.cases.routes import blueprint
from app.core.errors import Conflict, Invalid
from app.web.access import require_permission
from app.web.context import current_person, db_session
from app.web.errors import translate_refusal


@blueprint.post("/cases/<case_id>/shares")
@require_permission(CasePermission.CASE_ASSIGN)
def post_case_share(case_id: str) -> Response:
    case = _get_own_case(case_id)
    try:
        sharing.share_case(
            db_session(),
            current_person(),
            case,
            request.form.get("office", "")[:32],
            request.form.get("share_reason", ""),
        )
    except (Invalid, Conflict) as refusal:
        flash(translate_refusal(refusal), "error")
    else:
        flash(_("The other office can now see this case."))
    return _back_to_case(case)


@blueprint.post("/cases/<case_id>/shares/<share_id>/end")
@require_permission(CasePermission.CASE_ASSIGN)
def post_case_share_end(case_id: str, share_id: str) -> Response:
    case = _get_own_case(case_id)
    sharing.end_case_share(db_session(), current_person(), sharing.get_case_share(case, share_id))
    flash(_("The other office can no longer see this case."))
    return _back_to_case(case)


def _get_own_case(case_id: str) -> Case:
    return queries.get_case(
        db_session(),
        current_person(),
        case_id,
        lambda person, case, member: policy.can_share_case(person, case),
    )


def _back_to_case(case: Case) -> Response:
    return redirect(url_for("portal.show_case", case_id=case.id, _anchor="offices"))
