"""The office's board over HTTP: a page that reads without scripts, what a calendar draws of it, and
a drag.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import Response, jsonify, render_template, request, url_for
from flask_babel import gettext as _

from app.core.clock import now
from app.core.errors import Invalid, Refusal
from app.core.text import N_, parse_whole_number
from app.i18n import formats
from app.scheduling import forms, pages, queries
from app.scheduling.blueprint import blueprint
from app.scheduling.bookings import board as boards
from app.scheduling.bookings import series, service
from app.scheduling.bookings.claims import OutsideHours, SlotTaken
from app.scheduling.models import Booking
from app.scheduling.permissions import SchedulingPermission
from app.scheduling.time.quarters import wall_time_of
from app.web.access import require_permission
from app.web.context import current_person, db_session
from app.web.errors import translate_refusal
from app.web.locale import get_current_language

MOVE_CONFLICT_MESSAGE = N_(
    "Someone in this consultation already has another one at that time. The consultation"
    " was not moved."
)
MOVE_OUTSIDE_HOURS_MESSAGE = N_(
    "This does not fit the availability, the pauses or the notice period of %(name)s. You"
    " can still move the consultation if you give a reason."
)


@blueprint.get("/board")
@require_permission(SchedulingPermission.BOARD_READ)
def show_board() -> str:
    zone = ZoneInfo(current_person().timezone)
    day = forms.read_day(request.args.get("week")) or now().astimezone(zone).date()
    monday = day - timedelta(days=day.weekday())
    booked = queries.bookings_between(
        db_session(), current_person(), *_period_bounds(monday, 7, zone)
    )
    return render_template(
        "scheduling/board.html",
        monday=monday,
        week=pages.group_bookings_by_day(booked, monday, zone),
        standing=boards.describe_interpreter_status,
        role_names=pages.ROLE_NAMES,
        before=monday - timedelta(days=7),
        after=monday + timedelta(days=7),
        loads=boards.list_staff_loads(booked, get_current_language().tag),
        no_shows=boards.list_recent_no_shows(db_session(), current_person()),
        unfilled=queries.unfilled_bookings(db_session(), current_person()),
        clocks=queries.bookings_with_changed_clocks(db_session(), current_person()),
    )


@blueprint.get("/board/meetings.json")
@require_permission(SchedulingPermission.BOARD_READ)
def list_board_meetings() -> Response:
    """The meetings of ``days`` days from ``from``, on the office's wall, and the people whose
    rows they are in.
    """
    zone, days = (
        ZoneInfo(current_person().timezone),
        parse_whole_number(request.args.get("days", "")) or 7,
    )
    first = forms.read_day(request.args.get("from")) or now().astimezone(zone).date()
    booked = queries.bookings_between(
        db_session(), current_person(), *_period_bounds(first, min(days, 31), zone)
    )
    return jsonify(
        people=[
            {
                "id": one.person.id,
                "name": one.person.name,
                "role": _(pages.ROLE_NAMES[one.person.role]),
                "meetings": one.meetings,
                "minutes": one.minutes,
            }
            for one in boards.list_staff_loads(booked, get_current_language().tag)
        ],
        meetings=[_meeting_as_json(one, zone) for one in booked],
    )


@blueprint.post("/board/meetings/<booking_id>/move")
@require_permission(SchedulingPermission.BOOKING_OVERRIDE)
def post_board_move(booking_id: str) -> Response | tuple[Response, int]:
    """A meeting was dragged to ``wall``, a time on the office's own wall. Refused as everywhere;
    ``needs`` says what helps: a «reason», because it is near, or an «override», because it fits
    somebody's hours only with one.
    """
    booking = queries.load_booking(db_session(), current_person(), booking_id)
    asked = {
        name: request.form.get(name, "").strip() for name in ("wall", "reason", "override_reason")
    }
    try:
        goal = (
            forms.read_wall_time(asked["wall"])
            .replace(tzinfo=ZoneInfo(current_person().timezone))
            .astimezone(UTC)
        )
        was = booking.starts_at
        service.move_booking(
            db_session(),
            current_person(),
            booking,
            goal,
            asked["reason"],
            override_reason=asked["override_reason"] or None,
        )
    except (SlotTaken, Invalid) as refusal:
        db_session().rollback()
        return _move_refused_response(refusal)
    zone, tag = current_person().timezone, get_current_language().tag
    return jsonify(
        said=_(
            "Case %(number)s: moved from %(was)s to %(time)s. Everyone has been told.",
            number=booking.case.number,
            was=formats.format_short_moment(was, zone, tag),
            time=formats.format_short_moment(goal, zone, tag),
        )
    )


def _move_refused_response(refusal: Refusal) -> tuple[Response, int]:
    needs, sentence = None, translate_refusal(refusal)
    if isinstance(refusal, OutsideHours):
        needs, sentence = "override", _(MOVE_OUTSIDE_HOURS_MESSAGE, name=refusal.who)
    elif isinstance(refusal, SlotTaken):
        sentence = _(MOVE_CONFLICT_MESSAGE)
    elif refusal.field == "reason":
        needs = "reason"
    return jsonify(error=sentence, needs=needs), refusal.status


def _meeting_as_json(one: Booking, zone: ZoneInfo) -> dict[str, object]:
    starts, ends = (
        wall_time_of(at, zone).isoformat(timespec="minutes") for at in (one.starts_at, one.ends_at)
    )
    return {
        "id": one.id,
        "case": one.case.number,
        "standing": boards.describe_interpreter_status(one),
        "starts": starts,
        "ends": ends,
        "people": [one.specialist_id, *(person.id for person in one.interpreters)],
        "names": [one.specialist.name, *(person.name for person in one.interpreters)],
        "movable": one.starts_at > now(),
        "late": one.starts_at - now() < service.LATE_CHANGE_PERIOD,
        "follow": len(series.list_following_bookings(db_session(), one)) if one.series_id else 0,
        "href": url_for("scheduling.show_booking", booking_id=one.id),
    }


def _load_bookings(first: date, days: int, zone: ZoneInfo) -> list[Booking]:
    return queries.bookings_between(
        db_session(), current_person(), *_period_bounds(first, days, zone)
    )


def _period_bounds(first: date, days: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    begin, end = (
        datetime.combine(day, time.min, zone) for day in (first, first + timedelta(days=days))
    )
    return begin, end
