"""Times, meetings, hours and engagements over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.cases import queries as cases
from app.cases.models import Case
from app.cases.permissions import CasePermission
from app.core.clock import now
from app.core.errors import Invalid, NotFound, Refusal
from app.core.ids import new_id
from app.core.permissions import Role
from app.core.text import parse_whole_number
from app.identity.models import Person
from app.scheduling import forms, pages, policy, queries
from app.scheduling.availability.hours import INTERPRETING_MODES
from app.scheduling.blueprint import blueprint
from app.scheduling.bookings import (
    rescue_routes,
    series,
    series_routes,
    service,
    slot_request,
)
from app.scheduling.bookings.claims import SlotTaken
from app.scheduling.interpreters import (
    ladder,
)
from app.scheduling.matching import reasons
from app.scheduling.matching.queries import find_slots_for_case
from app.scheduling.matching.search import SlotSearchResult
from app.scheduling.matching.slots import NoSlotCause
from app.scheduling.models import (
    DEFAULT_LENGTH_QUARTERS,
    MAX_REASON_CHARACTERS,
    Booking,
    BookingState,
)
from app.scheduling.permissions import SchedulingPermission
from app.web.access import require_permission
from app.web.context import current_person, db_session
from app.web.errors import answer_refusal, is_page_request, translate_refusal

Page = str | Response | tuple[str, int]
TIMES_PAGE_PERIOD = timedelta(days=14)
LENGTH_CHOICES_QUARTERS = (
    2,
    3,
    4,
    5,
    6,
    8,
)  # quarters that the office may choose from; over an hour it takes two interpreters


# --- choosing a time ---


@blueprint.get("/cases/<case_id>/times")
@require_permission(SchedulingPermission.SLOT_READ)
def show_times(case_id: str) -> Page:
    case = _load_case_for_slots(case_id)
    booked = queries.booking_of_case(db_session(), case.id)
    if booked is not None and booked.starts_at > now():
        return redirect(url_for("scheduling.show_booking", booking_id=booked.id))
    return _times_page(case)


@blueprint.get("/cases/<case_id>/slots.json")
@require_permission(SchedulingPermission.SLOT_READ)
def list_slots(case_id: str) -> Response:
    """The same times for a script: fairest first."""
    found = find_slots_for_case(
        db_session(),
        _load_case_for_slots(case_id),
        first=_period_start(),
        limit=200,
        length=_requested_length_quarters(),
        mode=_requested_mode(),
    )
    return jsonify(
        slots=[
            {
                "starts_at": slot.starts_at.isoformat(),
                "specialist": slot.specialist_id,
                "interpreter": slot.interpreter_id,
                "second_interpreter": slot.second_id,
                "worst": slot.worst,
                "kind": slot.is_kind,
            }
            for slot in found.slots
        ],
        minutes=found.length * 15,
        reason=found.reason.lack if found.reason else None,
        next_at=found.next_at.isoformat() if found.next_at else None,
    )


@blueprint.post("/cases/<case_id>/hold")
@require_permission(SchedulingPermission.BOOKING_WRITE)
def post_hold(case_id: str) -> Page:
    case = _load_case_for_slots(case_id)
    try:
        chosen = forms.SlotForm.read(request.form)
        reason = request.form.get("override_reason", "").strip() or None
        held = service.hold_slot(
            db_session(), current_person(), case, chosen.wish, chosen.token, override_reason=reason
        )
    except (SlotTaken, Invalid) as refusal:
        return _times_page_with_refusal(case, refusal)
    if held.is_confirmed:
        return redirect(url_for("scheduling.show_booking", booking_id=held.id))
    return redirect(url_for("scheduling.show_hold_confirmation", booking_id=held.id))


@blueprint.get("/bookings/<booking_id>/confirm")
@require_permission(SchedulingPermission.BOOKING_WRITE)
def show_hold_confirmation(booking_id: str) -> Page:
    held = _load_changeable_booking(booking_id)
    if held.is_confirmed:
        return redirect(url_for("scheduling.show_booking", booking_id=held.id))
    if held.state != BookingState.HELD:
        return redirect(url_for("scheduling.show_times", case_id=held.case_id))
    return render_template("scheduling/confirm.html", booking=held, **_companions_context(held))


@blueprint.post("/bookings/<booking_id>/confirm")
@require_permission(SchedulingPermission.BOOKING_WRITE)
def post_hold_confirmation(booking_id: str) -> Page:
    held = _load_changeable_booking(booking_id)
    try:
        service.confirm_booking(db_session(), current_person(), held)
    except (SlotTaken, Invalid) as refusal:
        return _times_page_with_refusal(held.case, refusal)
    flash(_("Your consultation is booked. Everyone has been told."))
    return redirect(url_for("scheduling.show_booking", booking_id=held.id))


@blueprint.post("/bookings/<booking_id>/release")
@require_permission(SchedulingPermission.BOOKING_WRITE)
def post_hold_release(booking_id: str) -> Page:
    held = _load_changeable_booking(booking_id)
    service.release_hold(db_session(), current_person(), held)
    return redirect(url_for("scheduling.show_times", case_id=held.case_id))


# --- a meeting ---


@blueprint.get("/bookings/<booking_id>")
@require_permission(CasePermission.CASE_READ)
def show_booking(booking_id: str) -> Page:
    return _booking_page(queries.load_booking(db_session(), current_person(), booking_id))


@blueprint.post("/bookings/<booking_id>/cancel")
@require_permission(SchedulingPermission.BOOKING_WRITE)
def post_booking_cancellation(booking_id: str) -> Page:
    booked = _load_changeable_booking(booking_id)
    try:
        service.cancel_booking(
            db_session(), current_person(), booked, request.form.get("reason", "")
        )
    except Invalid as refusal:
        return _booking_page(booked, refusal)
    flash(_("The consultation is cancelled. Everyone has been told."))
    return redirect(url_for("portal.show_case", case_id=booked.case_id))


@blueprint.get("/bookings/<booking_id>/move")
@require_permission(SchedulingPermission.BOOKING_WRITE)
def show_move_times(booking_id: str) -> Page:
    booked = _load_changeable_booking(booking_id)
    return _times_page(booked.case, moving=booked)


@blueprint.post("/bookings/<booking_id>/move")
@require_permission(SchedulingPermission.BOOKING_WRITE)
def post_booking_move(booking_id: str) -> Page:
    booked = _load_changeable_booking(booking_id)
    try:
        chosen = forms.SlotForm.read(request.form)
        if "following" in request.form:
            series.move_series(
                db_session(),
                current_person(),
                booked,
                chosen.wish.starts_at,
                request.form.get("reason", ""),
                override_reason=_override_reason(current_person()),
            )
        else:
            service.move_booking(
                db_session(),
                current_person(),
                booked,
                chosen.wish.starts_at,
                request.form.get("reason", ""),
                interpreter_id=chosen.wish.interpreter_id,
                second_interpreter_id=chosen.wish.second_interpreter_id,
                override_reason=_override_reason(current_person()),
            )
    except series.DateTaken as taken:
        return _times_page_with_refusal(
            booked.case, series_routes.explain_date_taken(taken), moving=booked
        )
    except (SlotTaken, Invalid) as refusal:
        return _times_page_with_refusal(booked.case, refusal, moving=booked)
    flash(_("The consultation was moved. Everyone has been told."))
    return redirect(url_for("scheduling.show_booking", booking_id=booked.id))


# --- an interpreter's engagements ---


@blueprint.get("/engagements")
@require_permission(SchedulingPermission.ENGAGEMENT_WRITE)
def show_engagements() -> Page:
    mine = queries.engagements_of(db_session(), current_person())
    return render_template("scheduling/engagements.html", engagements=mine)


@blueprint.get("/engagements/<engagement_id>")
@require_permission(SchedulingPermission.ENGAGEMENT_WRITE)
def show_engagement(engagement_id: str) -> Page:
    asked = queries.load_engagement(db_session(), current_person(), engagement_id)
    return render_template(
        "scheduling/engagement.html",
        engagement=asked,
        booking=asked.booking,
        **_companions_context(asked.booking),
    )


@blueprint.post("/engagements/<engagement_id>/accept")
@require_permission(SchedulingPermission.ENGAGEMENT_WRITE)
def post_engagement_acceptance(engagement_id: str) -> Page:
    asked = queries.load_engagement(db_session(), current_person(), engagement_id)
    ladder.accept_engagement(db_session(), current_person(), asked)
    flash(_("Thank you. The consultation is in your list."))
    return redirect(url_for("scheduling.show_engagements"))


@blueprint.post("/engagements/<engagement_id>/decline")
@require_permission(SchedulingPermission.ENGAGEMENT_WRITE)
def post_engagement_decline(engagement_id: str) -> Page:
    asked = queries.load_engagement(db_session(), current_person(), engagement_id)
    ladder.decline_engagement(db_session(), current_person(), asked, request.form.get("reason", ""))
    flash(_("Thank you for telling us. We are asking someone else."))
    return redirect(url_for("scheduling.show_engagements"))


# --- inside ---


def _load_case_for_slots(case_id: str) -> Case:
    return cases.get_case(db_session(), current_person(), case_id, policy.can_see_slots)


def _load_changeable_booking(booking_id: str) -> Booking:
    found = queries.load_booking(db_session(), current_person(), booking_id)
    if not policy.can_change_booking(current_person(), found):
        raise NotFound()
    return found


def _override_reason(person: Person) -> str | None:
    reason = request.form.get("override_reason", "").strip()
    return reason if reason and person.role == Role.COORDINATOR else None


def _period_start() -> datetime:
    """The beginning of the period that is shown: now, or the morning of ``?from=`` on the reader's
    wall.
    """
    day = forms.read_day(request.values.get("from"))
    if day is None:
        return now()
    morning = datetime.combine(day, time.min, ZoneInfo(current_person().timezone)).astimezone(UTC)
    return min(max(morning, now()), now() + timedelta(days=100))


def _requested_length_quarters() -> int:
    """Quarters: what the office has chosen, else what is usual."""
    wanted = parse_whole_number(request.values.get("length", ""))
    is_free = current_person().role == Role.COORDINATOR
    return (
        wanted if wanted in LENGTH_CHOICES_QUARTERS and is_free else forms.DEFAULT_LENGTH_QUARTERS
    )


def _requested_mode() -> str:
    """Interpreting in turn, unless the office has chosen otherwise."""
    wanted = request.values.get("mode", "")
    return (
        wanted
        if wanted in INTERPRETING_MODES and current_person().role == Role.COORDINATOR
        else slot_request.SlotRequest.mode
    )


def _times_page(case: Case, refusal: Refusal | None = None, moving: Booking | None = None) -> str:
    session, reader, first, mode = (
        db_session(),
        current_person(),
        _period_start(),
        moving.mode if moving else _requested_mode(),
    )
    found = find_slots_for_case(
        session,
        case,
        first=first,
        last=first + TIMES_PAGE_PERIOD,
        any_interpreter="any" in request.values,
        length=moving.length if moving else _requested_length_quarters(),
        mode=mode,
    )
    zone = ZoneInfo(reader.timezone)
    return render_template(
        "scheduling/times.html",
        case=case,
        found=found,
        moving=moving,
        form_token=new_id(),
        lengths=LENGTH_CHOICES_QUARTERS,
        usual_length=DEFAULT_LENGTH_QUARTERS,
        longest_reason=MAX_REASON_CHARACTERS,
        mode=mode,
        following=series.list_following_bookings(session, moving) if moving else [],
        credential=_nearest_credential(found, first),
        late=moving is not None and moving.starts_at - now() < service.LATE_CHANGE_PERIOD,
        days=pages.group_slots_by_day(found.slots, found.people, case.patient, reader),
        refusal=translate_refusal(refusal) if refusal else None,
        held=queries.hold_of_case(session, case.id),
        first=first.astimezone(zone).date(),
        later=(first + TIMES_PAGE_PERIOD).astimezone(zone).date(),
        earlier=(
            (first - TIMES_PAGE_PERIOD).astimezone(zone).date()
            if first > now() + timedelta(days=1)
            else None
        ),
        next_day=found.next_at.astimezone(zone).date() if found.next_at else None,
    )


def _nearest_credential(
    found: SlotSearchResult, first: datetime
) -> reasons.NearestCredential | None:
    """Where nobody has a valid credential: the one that is nearest to having been one."""
    if found.reason is None or found.reason.lack != NoSlotCause.INTERPRETER:
        return None
    return reasons.find_nearest_credential(db_session(), found.source, found.target, first.date())


def _times_page_with_refusal(case: Case, refusal: Refusal, moving: Booking | None = None) -> Page:
    """What could not be: the sentence, and the times that are free now, read anew."""
    if not is_page_request():
        return answer_refusal(refusal)
    db_session().rollback()
    return _times_page(case, refusal, moving), refusal.status


def _companions_context(booked: Booking) -> dict[str, object]:
    return {
        "companions": pages.list_companions(booked, current_person()),
        "clock_changes": pages.list_people_with_clock_change(booked, now()),
    }


def _booking_page(booked: Booking, refusal: Refusal | None = None) -> Page:
    if booked.state == BookingState.HELD and policy.can_change_booking(current_person(), booked):
        return redirect(url_for("scheduling.show_hold_confirmation", booking_id=booked.id))
    page = render_template(
        "scheduling/booking.html",
        booking=booked,
        longest_reason=MAX_REASON_CHARACTERS,
        following=series.list_following_bookings(db_session(), booked),
        may_follow=policy.can_plan_series(current_person(), booked),
        rescue=rescue_routes.load_rescue_options(current_person(), booked),
        can_change=policy.can_change_booking(current_person(), booked)
        and booked.is_confirmed
        and booked.starts_at > now(),
        late=booked.starts_at - now() < service.LATE_CHANGE_PERIOD,
        errors={refusal.field or "reason": translate_refusal(refusal)} if refusal else {},
        **_companions_context(booked),
    )
    return (page, refusal.status) if refusal else page
