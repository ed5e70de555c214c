"""One's own messages; in the demo, the outbox of all mail."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.core.errors import NotFound
from app.i18n.locales import match_language
from app.notifications import queries, service
from app.notifications.permissions import NoticePermission
from app.scheduling.queries import open_proposals
from app.web.access import allow_public, require_permission
from app.web.context import current_person, db_session, get_settings
from app.web.locale import get_current_language, get_reader_zone

blueprint = Blueprint("notifications", __name__, template_folder="templates")


@blueprint.get("/messages")
@require_permission(NoticePermission.NOTICE_READ)
def show_messages() -> str:
    language, zone = get_current_language().tag, get_reader_zone()
    notices = queries.notices_of(db_session(), current_person())
    answerable = {one.id for one in open_proposals(db_session(), current_person())}
    return render_template(
        "notifications/messages.html",
        answerable=answerable,
        messages=[(notice, service.render_notice(notice, language, zone)) for notice in notices],
    )


@blueprint.post("/messages/<notice_id>/open")
@require_permission(NoticePermission.NOTICE_WRITE)
def post_message_open(notice_id: str) -> Response:
    """Marks it as read and goes to the page that it speaks of."""
    notice = queries.load_notice(db_session(), current_person(), notice_id)
    service.mark_notice_read(db_session(), current_person(), notice)
    return redirect(
        service.render_notice(notice, get_current_language().tag, get_reader_zone()).path, 303
    )


@blueprint.post("/messages/read")
@require_permission(NoticePermission.NOTICE_WRITE)
def post_all_messages_read() -> Response:
    service.mark_all_notices_read(db_session(), current_person())
    return redirect(url_for("notifications.show_messages"), 303)


@blueprint.get("/outbox")
@allow_public
def show_outbox() -> str:
    """Demo only: what would have been mailed, to everybody. Anywhere else there is no such page."""
    if not get_settings().is_demo:
        raise NotFound()
    wanted = request.args.get("to", "")
    mails = [mail for mail in queries.list_latest_mails(db_session()) if wanted in ("", mail.to)]
    return render_template("notifications/outbox.html", mails=mails, language_of=match_language)
