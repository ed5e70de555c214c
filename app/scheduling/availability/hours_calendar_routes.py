"""Hours on a calendar: what it draws, and each change that a drag, a key or its small form makes.

A script asks for JSON; a person whose scripts do not run is led back to the page of their hours.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

from flask import Response, jsonify, request
from werkzeug.wrappers import Response as Answer

from app.core.clock import now
from app.core.errors import NotFound
from app.core.text import parse_whole_number
from app.scheduling import forms
from app.scheduling.availability import hours, hours_week
from app.scheduling.availability.hours_routes import owner_of_hours, respond_hours_saved
from app.scheduling.blueprint import blueprint
from app.scheduling.models import AvailabilityException, AvailabilityWindow
from app.scheduling.permissions import SchedulingPermission
from app.web.access import require_permission
from app.web.context import current_person, db_session

AvailabilityRow = TypeVar("AvailabilityRow", AvailabilityWindow, AvailabilityException)


@blueprint.get("/hours/calendar.json")
@require_permission(SchedulingPermission.AVAILABILITY_READ)
def list_hours_calendar() -> Response:
    """The week (or ``days``) from ``from``: see ``hours_week.Drawn``."""
    owner, days = owner_of_hours(), parse_whole_number(request.args.get("days", "")) or 7
    zone = hours_week.zone_of_hours(db_session(), owner)
    first = forms.read_day(request.args.get("from")) or now().date() - timedelta(
        days=now().weekday()
    )
    drawn = hours_week.week_of_hours(db_session(), owner, zone, first, days)
    return jsonify(
        zone=zone,
        stretches=[
            {
                "kind": one.kind,
                "starts": one.starts.isoformat(),
                "ends": one.ends.isoformat(),
                "row": one.row_id,
                "weekday": one.weekday,
                "start": one.start_minute,
                "end": one.end_minute,
                "first": one.first.isoformat() if one.first else "",
                "last": one.last.isoformat() if one.last else "",
                "rule": one.rule or "",
                "movable": one.is_movable,
            }
            for one in drawn
        ],
    )


@blueprint.post("/hours/openings")
@require_permission(SchedulingPermission.AVAILABILITY_WRITE)
def post_opening() -> Answer:
    owner, entered = owner_of_hours(), forms.OpeningForm.read(request.form)
    zone = hours_week.zone_of_hours(db_session(), owner)
    row = hours.add_opening(db_session(), current_person(), owner, entered.opening, zone)
    return respond_hours_saved(owner, row.id)


@blueprint.post("/hours/openings/<row_id>")
@require_permission(SchedulingPermission.AVAILABILITY_WRITE)
def post_opening_change(row_id: str) -> Answer:
    owner, row = owner_of_hours(), _load_availability_row(AvailabilityWindow, row_id)
    hours.change_opening(
        db_session(), current_person(), owner, row, forms.OpeningForm.read(request.form).opening
    )
    return respond_hours_saved(owner, row_id)


@blueprint.post("/hours/openings/<row_id>/remove")
@require_permission(SchedulingPermission.AVAILABILITY_WRITE)
def post_opening_removal(row_id: str) -> Answer:
    owner, row = owner_of_hours(), _load_availability_row(AvailabilityWindow, row_id)
    hours.remove_opening(db_session(), current_person(), owner, row)
    return respond_hours_saved(owner)


@blueprint.post("/hours/days/<row_id>")
@require_permission(SchedulingPermission.AVAILABILITY_WRITE)
def post_exception_days_change(row_id: str) -> Answer:
    owner, row = owner_of_hours(), _load_availability_row(AvailabilityException, row_id)
    hours.change_availability_exception(
        db_session(), current_person(), owner, row, forms.DaysForm.read(request.form).days
    )
    return respond_hours_saved(owner, row_id)


def _load_availability_row(model: type[AvailabilityRow], row_id: str) -> AvailabilityRow:
    row = db_session().get(model, row_id)
    if row is None:
        raise NotFound()
    return row
