"""Hours, days and other calendars over HTTP."""

from __future__ import annotations

from collections import Counter
from zoneinfo import available_timezones

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.core.clock import now
from app.core.errors import Invalid, NotFound, Refusal
from app.core.permissions import Permission, Role
from app.i18n.locales import LOCALES
from app.i18n.zones import zone_choices
from app.identity.models import Person
from app.scheduling import forms, pages, policy, queries
from app.scheduling.availability import moving_zone
from app.scheduling.availability.hours import CREDENTIALS, WeeklyHours
from app.scheduling.blueprint import blueprint
from app.scheduling.bookings import service
from app.scheduling.matching.languages import is_tag
from app.scheduling.models import AvailabilityException, AvailabilityWindow, BusyFeed, Qualification
from app.web.access import requires
from app.web.context import current_person, db_session
from app.web.errors import answer, sentence_of, wants_page
from app.web.locale import current_language

Page = str | Response | tuple[str, int]


@blueprint.get("/hours")
@requires(Permission.AVAILABILITY_READ)
def hours() -> Page:
    if current_person().role == Role.COORDINATOR and "person" not in request.args:
        return redirect(url_for("scheduling.board"))  # the office has no hours of its own
    return _hours_page(owner_of_hours())


@blueprint.post("/hours")
@requires(Permission.AVAILABILITY_WRITE)
def set_hours() -> Page:
    owner = owner_of_hours()
    try:
        entered = forms.HoursForm.read(request.form)
        if _is_only_the_zone_new(owner, entered):
            return redirect(
                url_for("scheduling.hours_zone", to=entered.zone, person=request.form.get("person"))
            )
        service.set_availability(db_session(), current_person(), owner, entered.rows, entered.zone)
    except Invalid as refusal:
        return _hours_page(owner, refusal)
    return hours_saved(owner)


@blueprint.post("/hours/habits")
@requires(Permission.AVAILABILITY_WRITE)
def set_habits() -> Page:
    owner = owner_of_hours()
    try:
        service.set_habits(
            db_session(), current_person(), owner, forms.HabitsForm.read(request.form).habits
        )
    except Invalid as refusal:
        return _hours_page(owner, refusal)
    return hours_saved(owner)


@blueprint.post("/hours/days")
@requires(Permission.AVAILABILITY_WRITE)
def add_days() -> Page:
    owner = owner_of_hours()
    try:
        entered = forms.DaysForm.read(request.form)
        row = service.add_days(
            db_session(), current_person(), owner, entered.days, entered.zone or owner.timezone
        )
    except Invalid as refusal:
        return _hours_page(owner, refusal)
    return hours_saved(owner, row.id)


@blueprint.post("/hours/days/<row_id>/remove")
@requires(Permission.AVAILABILITY_WRITE)
def remove_days(row_id: str) -> Page:
    owner = owner_of_hours()
    row = db_session().get(AvailabilityException, row_id)
    if row is None:
        raise NotFound()
    service.remove_days(db_session(), current_person(), owner, row)
    return hours_saved(owner)


@blueprint.post("/hours/feeds")
@requires(Permission.AVAILABILITY_WRITE)
def add_feed() -> Page:
    owner = owner_of_hours()
    try:
        service.add_feed(db_session(), current_person(), owner, request.form.get("url", ""))
    except Invalid as refusal:
        return _hours_page(owner, refusal)
    return hours_saved(owner)


@blueprint.post("/hours/feeds/<feed_id>/remove")
@requires(Permission.AVAILABILITY_WRITE)
def remove_feed(feed_id: str) -> Page:
    owner = owner_of_hours()
    feed = db_session().get(BusyFeed, feed_id)
    if feed is None:
        raise NotFound()
    service.remove_feed(db_session(), current_person(), owner, feed)
    return hours_saved(owner)


@blueprint.post("/hours/pairs")
@requires(Permission.AVAILABILITY_WRITE)
def add_pair() -> Page:
    owner = owner_of_hours()
    try:
        entered = forms.CredentialForm.read(request.form)
        service.add_qualification(db_session(), current_person(), owner, entered.held)
    except Invalid as refusal:
        return _hours_page(owner, refusal)
    return hours_saved(owner)


@blueprint.post("/hours/pairs/<row_id>/remove")
@requires(Permission.AVAILABILITY_WRITE)
def remove_pair(row_id: str) -> Page:
    owner = owner_of_hours()
    row = db_session().get(Qualification, row_id)
    if row is None:
        raise NotFound()
    service.end_qualification(db_session(), current_person(), owner, row)
    return hours_saved(owner)


@blueprint.get("/hours/zone")
@requires(Permission.AVAILABILITY_READ)
def hours_zone() -> Page:
    """Asks whether the weekly hours move with a new zone: `to`, or the one in which the person
    lives.
    """
    return _zone_page(owner_of_hours())


@blueprint.post("/hours/zone")
@requires(Permission.AVAILABILITY_WRITE)
def move_zone() -> Page:
    owner, zone = owner_of_hours(), request.form.get("to", "")
    try:
        moving_zone.move_hours(
            db_session(), current_person(), owner, zone, request.form.get("way", "")
        )
    except Invalid as refusal:
        return _zone_page(owner, refusal)
    return hours_saved(owner)


# --- inside ---------------------------------------------------------------------------------------
# ------------


def owner_of_hours() -> Person:
    """Whose hours: one's own, or for the office those of `?person=`."""
    person_id = request.values.get("person") or current_person().id
    owner = db_session().get(Person, person_id)
    if owner is None or not policy.can_see_hours(current_person(), owner):
        raise NotFound()
    if not policy.can_set_hours(current_person(), owner):
        raise NotFound()
    return owner


def _is_only_the_zone_new(owner: Person, entered: forms.HoursForm) -> bool:
    """Then it is not clear what is meant, and the person is asked."""
    rows = queries.windows_of(db_session(), owner)
    kept = {
        WeeklyHours(one.weekday, one.start_minute, one.end_minute, one.valid_from, one.valid_until)
        for one in rows
    }
    return (
        bool(rows)
        and set(entered.rows) == kept
        and entered.zone in available_timezones()
        and (entered.zone != rows[0].zone)
    )


def _zone_page(owner: Person, refusal: Refusal | None = None) -> Page:
    zone = request.values.get("to") or owner.timezone
    moving = (
        moving_zone.openings(db_session(), owner, zone) if zone in available_timezones() else []
    )
    if not moving:
        return redirect(url_for("scheduling.hours", person=request.values.get("person")))
    was = moving[0].row.zone
    page = render_template(
        "scheduling/hours_zone.html",
        owner=owner,
        zone=zone,
        was=was,
        moving=moving,
        weekdays=pages.WEEKDAYS,
        meetings=moving_zone.meetings(db_session(), owner, zone),
        clocks_part=moving_zone.clocks_part(was, zone),
        error=sentence_of(refusal) if refusal else None,
    )
    return (page, refusal.status) if refusal else page


def _hours_page(owner: Person, refusal: Refusal | None = None) -> Page:
    session = db_session()
    if refusal is not None:
        if not wants_page():
            return answer(refusal)
        session.rollback()
    windows = queries.windows_of(session, owner)
    zone = request.form.get("zone") or (windows[0].zone if windows else owner.timezone)
    may_certify = owner.role == Role.INTERPRETER and current_person().role == Role.COORDINATOR
    page = render_template(
        "scheduling/hours.html",
        owner=owner,
        windows=windows,
        days=queries.exceptions_of(session, owner),
        feeds=queries.feeds_of(session, owner),
        repeats=forms.REPEATS,
        habits=queries.habits_of(session, owner),
        qualifications=queries.qualifications_of(session, owner),
        zone=zone,
        zones=zone_choices(current_language().tag, now().date(), keep=zone),
        entered=request.form if refusal else None,
        weekdays=pages.WEEKDAYS,
        rows=range(_rows_a_day(windows)),
        credentials=CREDENTIALS,
        may_certify=may_certify,
        languages=_languages() if may_certify else [],
        errors={refusal.field or "hours": sentence_of(refusal)} if refusal else {},
        today=now().date(),
    )
    return (page, refusal.status) if refusal else page


def _languages() -> pages.Groups:
    """What an interpreter can be certified for, with what was entered before."""
    asked = request.form.get("source", ""), request.form.get("target", "")
    used = {*queries.interpreted_languages(db_session()), *LOCALES}
    return pages.tags_to_choose(
        used, current_language().tag, *(one for one in asked if is_tag(one))
    )


def hours_saved(owner: Person, row_id: str | None = None) -> Response:
    """Back to the page of the hours; for a script, the row that there is now."""
    if not wants_page():
        return jsonify(row=row_id)
    flash(_("Your hours are saved. Meetings that are already booked stay as they are."))
    person = None if owner.id == current_person().id else owner.id
    return redirect(url_for("scheduling.hours", person=person))


def _rows_a_day(windows: list[AvailabilityWindow]) -> int:
    """As many as the fullest day has, one more to fill in, and never fewer than three."""
    by_day = Counter(one.weekday for one in windows)
    return max(forms.ROWS_A_DAY, max(by_day.values(), default=0) + 1)
