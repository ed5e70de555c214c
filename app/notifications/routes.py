"""One's own messages; in the demo, the outbox of all mail."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.core.errors import NotFound
from app.core.permissions import Permission
from app.i18n.locales import known
from app.notifications import queries, service
from app.scheduling.queries import open_proposals
from app.web.access import public, requires
from app.web.context import current_person, db_session, settings
from app.web.locale import current_language, reader_zone

blueprint = Blueprint("notifications", __name__, template_folder="templates")


@blueprint.get("/messages")
@requires(Permission.NOTICE_READ)
def messages() -> str:
    language, zone = current_language().tag, reader_zone()
    notices = queries.notices_of(db_session(), current_person())
    answerable = {one.id for one in open_proposals(db_session(), current_person())}
    return render_template(
        "notifications/messages.html",
        answerable=answerable,
        messages=[(notice, service.said(notice, language, zone)) for notice in notices],
    )


@blueprint.post("/messages/<notice_id>/open")
@requires(Permission.NOTICE_WRITE)
def open_message(notice_id: str) -> Response:
    """Marks it as read and goes to the page that it speaks of."""
    notice = queries.notice_for(db_session(), current_person(), notice_id)
    service.mark_read(db_session(), current_person(), notice)
    return redirect(service.said(notice, current_language().tag, reader_zone()).path, 303)


@blueprint.post("/messages/read")
@requires(Permission.NOTICE_WRITE)
def read_all() -> Response:
    service.mark_all_read(db_session(), current_person())
    return redirect(url_for("notifications.messages"), 303)


@blueprint.get("/outbox")
@public
def outbox() -> str:
    """Demo only: what would have been mailed, to everybody. Anywhere else there is no such page."""
    if not settings().is_demo:
        raise NotFound()
    wanted = request.args.get("to", "")
    mails = [mail for mail in queries.latest_mails(db_session()) if wanted in ("", mail.to)]
    return render_template("notifications/outbox.html", mails=mails, language_of=known)
