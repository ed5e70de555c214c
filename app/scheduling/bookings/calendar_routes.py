"""Calendar files over HTTP: one meeting to download, and a private address to subscribe to."""

from __future__ import annotations

from flask import Response, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as Answer

from app.cases.permissions import CasePermission
from app.core.errors import NotFound
from app.identity.permissions import IdentityPermission
from app.scheduling import queries
from app.scheduling.availability import calendar_links
from app.scheduling.availability.queries import has_calendar_key, person_by_calendar_key
from app.scheduling.blueprint import blueprint
from app.scheduling.bookings import calendar_file
from app.web.access import allow_public, require_permission
from app.web.context import current_person, db_session, get_settings


@blueprint.get("/bookings/<booking_id>/meeting.ics")
@require_permission(CasePermission.CASE_READ)
def download_meeting_calendar(booking_id: str) -> Response:
    booking = queries.load_booking(db_session(), current_person(), booking_id)
    return _calendar_response(
        calendar_file.build_meeting_calendar(booking, current_person(), site=get_settings().web_url)
    )


@blueprint.get("/calendar")
@require_permission(IdentityPermission.HOME_READ)
def show_calendar_subscription() -> str:
    has_address = has_calendar_key(db_session(), current_person())
    return render_template("scheduling/calendar.html", address=None, has_address=has_address)


@blueprint.post("/calendar")
@require_permission(IdentityPermission.HOME_READ)
def post_calendar_address() -> str:
    """A new address; the old one stops working. It is shown this once: only its hash is kept."""
    key = calendar_links.create_calendar_key(db_session(), current_person())
    address = get_settings().web_url.rstrip("/") + url_for(
        "scheduling.serve_calendar_subscription", key=key
    )
    return render_template("scheduling/calendar.html", address=address, has_address=True)


@blueprint.post("/calendar/stop")
@require_permission(IdentityPermission.HOME_READ)
def post_calendar_stop() -> Answer:
    calendar_links.forget_calendar_key(db_session(), current_person())
    flash(_("The link no longer works."))
    return redirect(url_for("scheduling.show_calendar_subscription"))


@blueprint.get("/calendar/<key>.ics")
@allow_public
def serve_calendar_subscription(key: str) -> Response:
    """The meetings of whoever holds the key. It opens nothing else, and holds nothing clinical."""
    person = person_by_calendar_key(db_session(), key)
    if person is None:
        raise NotFound()
    bookings = queries.bookings_for_calendar(db_session(), person)
    return _calendar_response(
        calendar_file.build_subscription_calendar(bookings, person, site=get_settings().web_url)
    )


def _calendar_response(text: bytes) -> Response:
    return Response(
        text,
        mimetype="text/calendar",
        headers={
            "Content-Disposition": "attachment; filename=meeting.ics",
            "Cache-Control": "private, no-store",
        },
    )
