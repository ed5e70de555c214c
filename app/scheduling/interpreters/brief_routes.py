"""The interpreter's brief, and what the patient wishes for it, over HTTP."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.cases import queries as cases
from app.cases.specialties import SPECIALTIES
from app.scheduling import policy, queries
from app.scheduling.blueprint import blueprint
from app.scheduling.interpreters import briefs
from app.scheduling.permissions import SchedulingPermission
from app.web.access import require_permission
from app.web.context import current_person, db_session


@blueprint.get("/engagements/<engagement_id>/brief")
@require_permission(SchedulingPermission.ENGAGEMENT_WRITE)
def show_interpreter_brief(engagement_id: str) -> str:
    asked = queries.load_engagement(db_session(), current_person(), engagement_id)
    one = briefs.load_interpreter_brief(db_session(), current_person(), asked)
    return render_template(
        "scheduling/brief.html", brief=one, booking=asked.booking, specialties=SPECIALTIES
    )


@blueprint.post("/engagements/<engagement_id>/brief")
@require_permission(SchedulingPermission.ENGAGEMENT_WRITE)
def post_renderings(engagement_id: str) -> Response:
    asked = queries.load_engagement(db_session(), current_person(), engagement_id)
    given = {
        name.removeprefix("term-"): text
        for name, text in request.form.items()
        if name.startswith("term-")
    }
    briefs.save_renderings(db_session(), current_person(), asked, given)
    flash(_("Your terms are saved for this consultation and the next ones."))
    return redirect(url_for("scheduling.show_interpreter_brief", engagement_id=asked.id))


@blueprint.get("/cases/<case_id>/wishes")
@require_permission(SchedulingPermission.BOOKING_WRITE)
def show_brief_preference(case_id: str) -> str:
    case = cases.get_case(db_session(), current_person(), case_id, policy.is_patient_of_case)
    return render_template(
        "scheduling/wishes.html", case=case, wish=briefs.brief_preference_of(db_session(), case)
    )


@blueprint.post("/cases/<case_id>/wishes")
@require_permission(SchedulingPermission.BOOKING_WRITE)
def post_brief_preference(case_id: str) -> Response:
    case = cases.get_case(db_session(), current_person(), case_id, policy.is_patient_of_case)
    gender, _dash, only = request.form.get("gender", "").partition("-")
    briefs.set_brief_preference(
        db_session(),
        current_person(),
        case,
        request.form.get("tell", ""),
        request.form.get("numbers") == "yes",
        gender,
        gender_only=only == "only",
    )
    flash(_("Thank you. Your interpreter will see this."))
    return redirect(url_for("portal.show_case", case_id=case.id))
