"""Answering a request to interpret from the mail. A look shows one button; only the button
answers.
"""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.core.clock import now
from app.core.errors import Refusal
from app.core.permissions import Permission
from app.scheduling import pages
from app.scheduling.blueprint import blueprint
from app.scheduling.interpreters import answers
from app.scheduling.interpreters.answers import Answer, Asked
from app.web.access import requires
from app.web.context import current_person, db_session, settings
from app.web.errors import answer, sentence_of, wants_page

Page = str | Response | tuple[str, int]


@blueprint.get("/answers/<token>")
@requires(Permission.HOME_READ)
def answer_link(token: str) -> Page:
    """Changes nothing: scanners of mail come by as well."""
    try:
        asked = _asked(token)
    except Refusal as refusal:
        return _closed(refusal)
    booking = asked.engagement.booking
    return render_template(
        "scheduling/answer.html",
        asked=asked,
        token=token,
        booking=booking,
        companions=pages.companions(booking, current_person()),
        clock_changes=pages.clock_changes(booking, now()),
    )


@blueprint.post("/answers/<token>")
@requires(Permission.HOME_READ)
def give_answer(token: str) -> Page:
    try:
        asked = _asked(token)
        answers.give(db_session(), current_person(), asked, request.form.get("reason", ""))
    except Refusal as refusal:
        return _closed(refusal)
    if asked.answer == Answer.ACCEPT:
        flash(_("Thank you. The meeting is in your list."))
    else:
        flash(_("Thank you for telling us. We are asking somebody else."))
    return redirect(url_for("scheduling.engagements"), 303)


def _asked(token: str) -> Asked:
    return answers.open_link(db_session(), settings().secret_key, current_person(), token)


def _closed(refusal: Refusal) -> Page:
    """Why a link answers nothing, and where to go instead."""
    if not wants_page():
        return answer(refusal)
    return (
        render_template("scheduling/answer_closed.html", sentence=sentence_of(refusal)),
        refusal.status,
    )
