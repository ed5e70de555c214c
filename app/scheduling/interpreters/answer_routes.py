"""Answering a request to interpret from the mail. A look shows one button; only the button
answers.
"""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.core.clock import now
from app.core.errors import Refusal
from app.identity.permissions import IdentityPermission
from app.scheduling import pages
from app.scheduling.blueprint import blueprint
from app.scheduling.interpreters import answers
from app.scheduling.interpreters.answers import EngagementAnswer, OpenAnswerLink
from app.web.access import require_permission
from app.web.context import current_person, db_session, get_settings
from app.web.errors import answer_refusal, is_page_request, translate_refusal

Page = str | Response | tuple[str, int]


@blueprint.get("/answers/<token>")
@require_permission(IdentityPermission.HOME_READ)
def show_answer_link(token: str) -> Page:
    """Changes nothing: scanners of mail come by as well."""
    try:
        asked = _open_requested_link(token)
    except Refusal as refusal:
        return _closed_link_page(refusal)
    booking = asked.engagement.booking
    return render_template(
        "scheduling/answer.html",
        asked=asked,
        token=token,
        booking=booking,
        companions=pages.list_companions(booking, current_person()),
        clock_changes=pages.list_people_with_clock_change(booking, now()),
    )


@blueprint.post("/answers/<token>")
@require_permission(IdentityPermission.HOME_READ)
def post_answer_link(token: str) -> Page:
    try:
        asked = _open_requested_link(token)
        answers.answer_engagement(
            db_session(), current_person(), asked, request.form.get("reason", "")
        )
    except Refusal as refusal:
        return _closed_link_page(refusal)
    if asked.answer == EngagementAnswer.ACCEPT:
        flash(_("Thank you. The consultation is in your list."))
    else:
        flash(_("Thank you for telling us. We are asking someone else."))
    return redirect(url_for("scheduling.show_engagements"), 303)


def _open_requested_link(token: str) -> OpenAnswerLink:
    return answers.open_answer_link(
        db_session(), get_settings().secret_key, current_person(), token
    )


def _closed_link_page(refusal: Refusal) -> Page:
    """Why a link answers nothing, and where to go instead."""
    if not is_page_request():
        return answer_refusal(refusal)
    return (
        render_template("scheduling/answer_closed.html", sentence=translate_refusal(refusal)),
        refusal.status,
    )
