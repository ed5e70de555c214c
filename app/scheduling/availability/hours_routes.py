"""Hours, days and other calendars over HTTP."""

from __future__ import annotations

from collections import Counter
from zoneinfo import available_timezones

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.core.clock import now
from app.core.errors import Invalid, NotFound, Refusal
from app.core.permissions import Role
from app.i18n.locales import LOCALES
from app.i18n.zones import list_zone_choices
from app.identity.models import Person
from app.scheduling import forms, pages, policy
from app.scheduling.availability import calendar_links, hours, moving_zone
from app.scheduling.availability.hours import CREDENTIAL_KINDS, WeeklyHours
from app.scheduling.availability.queries import (
    availability_exceptions_of,
    availability_windows_of,
    busy_feeds_of,
    diary_habits_of,
    qualifications_of,
)
from app.scheduling.blueprint import blueprint
from app.scheduling.interpreters import credentials
from app.scheduling.matching.languages import is_well_formed_tag
from app.scheduling.matching.queries import list_interpreted_languages
from app.scheduling.models import AvailabilityException, AvailabilityWindow, BusyFeed, Qualification
from app.scheduling.permissions import SchedulingPermission
from app.web.access import require_permission
from app.web.context import current_person, db_session
from app.web.errors import answer_refusal, is_page_request, translate_refusal
from app.web.locale import get_current_language

Page = str | Response | tuple[str, int]


@blueprint.get("/hours")
@require_permission(SchedulingPermission.AVAILABILITY_READ)
def show_hours() -> Page:
    if current_person().role == Role.COORDINATOR and "person" not in request.args:
        return redirect(url_for("scheduling.show_board"))  # the office has no hours of its own
    return _hours_page(owner_of_hours())


@blueprint.post("/hours")
@require_permission(SchedulingPermission.AVAILABILITY_WRITE)
def post_hours() -> Page:
    owner = owner_of_hours()
    try:
        entered = forms.HoursForm.read(request.form)
        if _is_only_the_zone_new(owner, entered):
            return redirect(
                url_for(
                    "scheduling.show_hours_zone", to=entered.zone, person=request.form.get("person")
                )
            )
        hours.set_availability(db_session(), current_person(), owner, entered.rows, entered.zone)
    except Invalid as refusal:
        return _hours_page(owner, refusal)
    return respond_hours_saved(owner)


@blueprint.post("/hours/habits")
@require_permission(SchedulingPermission.AVAILABILITY_WRITE)
def post_habits() -> Page:
    owner = owner_of_hours()
    try:
        hours.set_diary_habits(
            db_session(), current_person(), owner, forms.HabitsForm.read(request.form).habits
        )
    except Invalid as refusal:
        return _hours_page(owner, refusal)
    return respond_hours_saved(owner)


@blueprint.post("/hours/days")
@require_permission(SchedulingPermission.AVAILABILITY_WRITE)
def post_exception_days() -> Page:
    owner = owner_of_hours()
    try:
        entered = forms.DaysForm.read(request.form)
        row = hours.add_availability_exception(
            db_session(), current_person(), owner, entered.days, entered.zone or owner.timezone
        )
    except Invalid as refusal:
        return _hours_page(owner, refusal)
    return respond_hours_saved(owner, row.id)


@blueprint.post("/hours/days/<row_id>/remove")
@require_permission(SchedulingPermission.AVAILABILITY_WRITE)
def post_exception_days_removal(row_id: str) -> Page:
    owner = owner_of_hours()
    row = db_session().get(AvailabilityException, row_id)
    if row is None:
        raise NotFound()
    hours.remove_availability_exception(db_session(), current_person(), owner, row)
    return respond_hours_saved(owner)


@blueprint.post("/hours/feeds")
@require_permission(SchedulingPermission.AVAILABILITY_WRITE)
def post_busy_feed() -> Page:
    owner = owner_of_hours()
    try:
        calendar_links.add_busy_feed(
            db_session(), current_person(), owner, request.form.get("url", "")
        )
    except Invalid as refusal:
        return _hours_page(owner, refusal)
    return respond_hours_saved(owner)


@blueprint.post("/hours/feeds/<feed_id>/remove")
@require_permission(SchedulingPermission.AVAILABILITY_WRITE)
def post_busy_feed_removal(feed_id: str) -> Page:
    owner = owner_of_hours()
    feed = db_session().get(BusyFeed, feed_id)
    if feed is None:
        raise NotFound()
    calendar_links.remove_busy_feed(db_session(), current_person(), owner, feed)
    return respond_hours_saved(owner)


@blueprint.post("/hours/pairs")
@require_permission(SchedulingPermission.AVAILABILITY_WRITE)
def post_qualification() -> Page:
    owner = owner_of_hours()
    try:
        entered = forms.CredentialForm.read(request.form)
        credentials.add_qualification(db_session(), current_person(), owner, entered.held)
    except Invalid as refusal:
        return _hours_page(owner, refusal)
    return respond_hours_saved(owner)


@blueprint.post("/hours/pairs/<row_id>/remove")
@require_permission(SchedulingPermission.AVAILABILITY_WRITE)
def post_qualification_removal(row_id: str) -> Page:
    owner = owner_of_hours()
    row = db_session().get(Qualification, row_id)
    if row is None:
        raise NotFound()
    credentials.end_qualification(db_session(), current_person(), owner, row)
    return respond_hours_saved(owner)


@blueprint.get("/hours/zone")
@require_permission(SchedulingPermission.AVAILABILITY_READ)
def show_hours_zone() -> Page:
    """Asks whether the weekly hours move with a new zone: ``to``, or the one in which the person
    lives.
    """
    return _hours_zone_page(owner_of_hours())


@blueprint.post("/hours/zone")
@require_permission(SchedulingPermission.AVAILABILITY_WRITE)
def post_hours_zone() -> Page:
    owner, zone = owner_of_hours(), request.form.get("to", "")
    try:
        moving_zone.move_hours_to_zone(
            db_session(), current_person(), owner, zone, request.form.get("way", "")
        )
    except Invalid as refusal:
        return _hours_zone_page(owner, refusal)
    return respond_hours_saved(owner)


# --- inside ---


def owner_of_hours() -> Person:
    """Whose hours: one's own, or for the office those of ``?person=``."""
    person_id = request.values.get("person") or current_person().id
    owner = db_session().get(Person, person_id)
    if owner is None or not policy.can_see_hours(current_person(), owner):
        raise NotFound()
    if not policy.can_set_hours(current_person(), owner):
        raise NotFound()
    return owner


def _is_only_the_zone_new(owner: Person, entered: forms.HoursForm) -> bool:
    """Then it is not clear what is meant, and the person is asked."""
    rows = availability_windows_of(db_session(), owner)
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


def _hours_zone_page(owner: Person, refusal: Refusal | None = None) -> Page:
    zone = request.values.get("to") or owner.timezone
    moving = (
        moving_zone.list_opening_moves(db_session(), owner, zone)
        if zone in available_timezones()
        else []
    )
    if not moving:
        return redirect(url_for("scheduling.show_hours", person=request.values.get("person")))
    was = moving[0].row.zone
    page = render_template(
        "scheduling/hours_zone.html",
        owner=owner,
        zone=zone,
        was=was,
        moving=moving,
        weekdays=pages.WEEKDAY_NAMES,
        meetings=moving_zone.list_zone_move_meetings(db_session(), owner, zone),
        clocks_part=moving_zone.has_varying_zone_offset(was, zone),
        error=translate_refusal(refusal) if refusal else None,
    )
    return (page, refusal.status) if refusal else page


def _hours_page(owner: Person, refusal: Refusal | None = None) -> Page:
    session = db_session()
    if refusal is not None:
        if not is_page_request():
            return answer_refusal(refusal)
        session.rollback()
    windows = availability_windows_of(session, owner)
    zone = request.form.get("zone") or (windows[0].zone if windows else owner.timezone)
    may_certify = owner.role == Role.INTERPRETER and current_person().role == Role.COORDINATOR
    page = render_template(
        "scheduling/hours.html",
        owner=owner,
        windows=windows,
        days=availability_exceptions_of(session, owner),
        feeds=busy_feeds_of(session, owner),
        repeats=forms.REPEAT_CHOICES,
        habits=diary_habits_of(session, owner),
        qualifications=qualifications_of(session, owner),
        zone=zone,
        zones=list_zone_choices(get_current_language().tag, now().date(), keep=zone),
        entered=request.form if refusal else None,
        weekdays=pages.WEEKDAY_NAMES,
        rows=range(_form_rows_per_day(windows)),
        credentials=CREDENTIAL_KINDS,
        may_certify=may_certify,
        languages=_qualification_language_groups() if may_certify else [],
        errors={refusal.field or "hours": translate_refusal(refusal)} if refusal else {},
        today=now().date(),
    )
    return (page, refusal.status) if refusal else page


def _qualification_language_groups() -> pages.LanguageGroups:
    """What an interpreter can be certified for, with what was entered before."""
    asked = request.form.get("source", ""), request.form.get("target", "")
    used = {*list_interpreted_languages(db_session()), *LOCALES}
    return pages.list_language_tag_choices(
        used, get_current_language().tag, *(one for one in asked if is_well_formed_tag(one))
    )


def respond_hours_saved(owner: Person, row_id: str | None = None) -> Response:
    """Back to the page of the hours; for a script, the row that there is now."""
    if not is_page_request():
        return jsonify(row=row_id)
    flash(_("Your availability is saved. Consultations that are already booked stay as they are."))
    person = None if owner.id == current_person().id else owner.id
    return redirect(url_for("scheduling.show_hours", person=person))


def _form_rows_per_day(windows: list[AvailabilityWindow]) -> int:
    """As many as the fullest day has, one more to fill in, and never fewer than three."""
    by_day = Counter(one.weekday for one in windows)
    return max(forms.MIN_FORM_ROWS_PER_DAY, max(by_day.values(), default=0) + 1)
