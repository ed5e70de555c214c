"""Follow-ups over HTTP: how often, a look at every date, then all of them at once."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, request, url_for
from flask_babel import ngettext
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app.core.errors import Invalid, Refusal
from app.core.ids import new_id
from app.core.text import N_, parse_whole_number
from app.i18n import formats
from app.identity.models import Person
from app.scheduling import forms, pages, queries
from app.scheduling.blueprint import blueprint
from app.scheduling.bookings import series, slot_request
from app.scheduling.bookings.claims import SlotTaken
from app.scheduling.bookings.series import DateTaken, SeriesPlan
from app.scheduling.models import Booking
from app.scheduling.permissions import SchedulingPermission
from app.web.access import require_permission
from app.web.context import current_person, db_session
from app.web.errors import translate_refusal
from app.web.locale import get_current_language

Page = str | Response | tuple[str, int]


@blueprint.get("/bookings/<booking_id>/series")
@require_permission(SchedulingPermission.BOOKING_OVERRIDE)
def show_series_plan(booking_id: str) -> Page:
    return _series_page(queries.load_booking(db_session(), current_person(), booking_id))


@blueprint.post("/bookings/<booking_id>/series")
@require_permission(SchedulingPermission.BOOKING_OVERRIDE)
def post_series(booking_id: str) -> Page:
    booking = queries.load_booking(db_session(), current_person(), booking_id)
    token = request.form.get("form_token") or new_id()
    try:
        made = series.book_series(
            db_session(), current_person(), booking, _chosen_slot_requests(booking), token
        )
    except DateTaken as taken:
        db_session().rollback()
        return _series_page(booking, explain_date_taken(taken))
    except (SlotTaken, Invalid) as refusal:
        db_session().rollback()
        return _series_page(booking, refusal)
    flash(
        ngettext(
            "%(num)s follow-up is booked. Everyone has been told.",
            "%(num)s follow-ups are booked. Everyone has been told.",
            len(made),
        )
    )
    return redirect(url_for("scheduling.show_booking", booking_id=booking.id))


@blueprint.post("/bookings/<booking_id>/series/cancel")
@require_permission(SchedulingPermission.BOOKING_WRITE)
def post_series_cancellation(booking_id: str) -> Page:
    """This meeting and all that follow it."""
    booking = queries.load_booking(db_session(), current_person(), booking_id)
    gone = series.cancel_series(
        db_session(), current_person(), booking, request.form.get("reason", "")
    )
    flash(
        ngettext(
            "%(num)s consultation is cancelled. Everyone has been told.",
            "%(num)s consultations are cancelled. Everyone has been told.",
            len(gone),
        )
    )
    return redirect(url_for("portal.show_case", case_id=booking.case_id))


def explain_date_taken(taken: DateTaken) -> SlotTaken:
    """The refusal of several dates, with the one that is to blame as its reader writes a date."""
    day = formats.format_long_moment(
        taken.starts_at, current_person().timezone, get_current_language().tag
    )
    return SlotTaken(
        N_("%(day)s: %(why)s Nothing was changed."), day=day, why=translate_refusal(taken.cause)
    )


def _chosen_slot_requests(booking: Booking) -> list[slot_request.SlotRequest]:
    """The dates that are ticked; one that is left out sends nothing."""
    chosen = [value for key, value in request.form.items() if key.startswith("date-") and value]
    same = {"length": str(booking.length), "mode": booking.mode}
    return [
        forms.SlotForm.read(MultiDict({"slot": value, **same})).wish
        for value in chosen[: series.MAX_FOLLOW_UPS]
    ]


def _series_page(booking: Booking, refusal: Refusal | None = None) -> Page:
    asked, whose = request.values, _clock_owner(booking)
    proposed, plan = [], None
    if "count" in asked:
        try:
            plan = _read_series_plan(booking, whose)
            proposed = series.propose_series(db_session(), booking, plan)
        except Invalid as invalid:
            refusal = refusal or invalid
    page = render_template(
        "scheduling/series.html",
        booking=booking,
        proposed=proposed,
        plan=plan,
        asked=asked,
        whose=whose,
        everyone=booking.people,
        every=series.FOLLOW_UP_INTERVALS_WEEKS,
        most=series.MAX_FOLLOW_UPS,
        form_token=new_id(),
        roles=dict(
            zip([one.id for one in booking.people], pages.ROLE_NAMES.values(), strict=False)
        ),
        value_of=pages.format_slot_value,
        errors={refusal.field or "dates": translate_refusal(refusal)} if refusal else {},
    )
    return (page, refusal.status) if refusal else page


def _clock_owner(booking: Booking) -> Person:
    return next(
        (one for one in booking.people if one.id == request.values.get("whose")), booking.patient
    )


def _read_series_plan(booking: Booking, whose: Person) -> SeriesPlan:
    asked, zone = request.values, ZoneInfo(whose.timezone)
    every, count = (parse_whole_number(asked.get(name, "")) or 0 for name in ("every", "count"))
    wall = booking.starts_at.astimezone(zone)
    day = forms.read_day(asked.get("first")) or (wall + timedelta(weeks=every)).date()
    at: time = forms.read_time(asked.get("time")) or wall.time()
    return SeriesPlan(
        datetime.combine(day, at, zone).astimezone(UTC), every, min(count, 99), whose.timezone
    )
