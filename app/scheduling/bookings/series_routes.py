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
from app.core.permissions import Permission
from app.core.text import N_, whole_number
from app.i18n import formats
from app.identity.models import Person
from app.scheduling import forms, pages, queries
from app.scheduling.blueprint import blueprint
from app.scheduling.bookings import series
from app.scheduling.bookings.series import DateTaken, Plan
from app.scheduling.bookings.service import SlotTaken
from app.scheduling.models import Booking
from app.web.access import requires
from app.web.context import current_person, db_session
from app.web.errors import sentence_of
from app.web.locale import current_language

Page = str | Response | tuple[str, int]


@blueprint.get("/bookings/<booking_id>/series")
@requires(Permission.BOOKING_OVERRIDE)
def plan_series(booking_id: str) -> Page:
    return _series_page(queries.booking_for(db_session(), current_person(), booking_id))


@blueprint.post("/bookings/<booking_id>/series")
@requires(Permission.BOOKING_OVERRIDE)
def book_series(booking_id: str) -> Page:
    booking = queries.booking_for(db_session(), current_person(), booking_id)
    token = request.form.get("form_token") or new_id()
    try:
        made = series.book(db_session(), current_person(), booking, _wishes(booking), token)
    except DateTaken as taken:
        db_session().rollback()
        return _series_page(booking, worded(taken))
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
    return redirect(url_for("scheduling.booking", booking_id=booking.id))


@blueprint.post("/bookings/<booking_id>/series/cancel")
@requires(Permission.BOOKING_WRITE)
def cancel_series(booking_id: str) -> Page:
    """This meeting and all that follow it."""
    booking = queries.booking_for(db_session(), current_person(), booking_id)
    gone = series.cancel(db_session(), current_person(), booking, request.form.get("reason", ""))
    flash(
        ngettext(
            "%(num)s meeting is cancelled. Everyone has been told.",
            "%(num)s meetings are cancelled. Everyone has been told.",
            len(gone),
        )
    )
    return redirect(url_for("portal.case", case_id=booking.case_id))


def worded(taken: DateTaken) -> SlotTaken:
    """The refusal of several dates, with the one that is to blame as its reader writes a date."""
    day = formats.long_moment(taken.starts_at, current_person().timezone, current_language().tag)
    return SlotTaken(
        N_("%(day)s: %(why)s Nothing was changed."), day=day, why=sentence_of(taken.cause)
    )


def _wishes(booking: Booking) -> list[series.Wish]:
    """The dates that are ticked; one that is left out sends nothing."""
    chosen = [value for key, value in request.form.items() if key.startswith("date-") and value]
    same = {"length": str(booking.length), "mode": booking.mode}
    return [
        forms.SlotForm.read(MultiDict({"slot": value, **same})).wish
        for value in chosen[: series.MOST]
    ]


def _series_page(booking: Booking, refusal: Refusal | None = None) -> Page:
    asked, whose = request.values, _whose(booking)
    proposed, plan = [], None
    if "count" in asked:
        try:
            plan = _plan(booking, whose)
            proposed = series.propose(db_session(), booking, plan)
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
        every=series.EVERY,
        most=series.MOST,
        form_token=new_id(),
        roles=dict(
            zip([one.id for one in booking.people], pages.ROLE_NAMES.values(), strict=False)
        ),
        value_of=pages.value_of,
        errors={refusal.field or "dates": sentence_of(refusal)} if refusal else {},
    )
    return (page, refusal.status) if refusal else page


def _whose(booking: Booking) -> Person:
    return next(
        (one for one in booking.people if one.id == request.values.get("whose")), booking.patient
    )


def _plan(booking: Booking, whose: Person) -> Plan:
    asked, zone = request.values, ZoneInfo(whose.timezone)
    every, count = (whole_number(asked.get(name, "")) or 0 for name in ("every", "count"))
    wall = booking.starts_at.astimezone(zone)
    day = forms.read_day(asked.get("first")) or (wall + timedelta(weeks=every)).date()
    at: time = forms.read_time(asked.get("time")) or wall.time()
    return Plan(
        datetime.combine(day, at, zone).astimezone(UTC), every, min(count, 99), whose.timezone
    )
