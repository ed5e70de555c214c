"""The office's ways out of trouble over HTTP, from the page of a meeting."""

from __future__ import annotations

from dataclasses import dataclass

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.cases.visibility import is_office_case
from app.core.clock import now
from app.core.errors import Invalid
from app.core.text import N_, parse_whole_number
from app.identity.models import Person
from app.scheduling import pages, queries
from app.scheduling.blueprint import blueprint
from app.scheduling.bookings import rescue
from app.scheduling.matching.languages import primary_language_of
from app.scheduling.matching.queries import find_free_interpreters, list_interpreted_languages
from app.scheduling.models import Booking
from app.scheduling.permissions import SchedulingPermission
from app.web.access import require_permission
from app.web.context import current_person, db_session
from app.web.locale import get_current_language

INTERPRETER_ASKED_MESSAGE = N_("The next interpreter has been asked. Everyone has been told.")
NO_SUBSTITUTE_MESSAGE = N_("Nobody else is available. The consultation still needs an interpreter.")


@dataclass(frozen=True)
class RescueOptions:
    """Who could step in, for the page of a meeting."""

    interpreters: list[Person]
    specialists: list[Person]
    languages: pages.LanguageGroups  # groups of the languages that the patient may need

    @property
    def specialist_options(self) -> list[tuple[str, str]]:
        return [(one.id, one.name) for one in self.specialists]


def load_rescue_options(reader: Person, booking: Booking) -> RescueOptions | None:
    """What the office sees beside a meeting that is not over."""
    if (
        not is_office_case(reader, booking.case)
        or not booking.is_confirmed
        or booking.ends_at <= now()
    ):
        return None
    asked = [one.interpreter_id for one in booking.engagements]
    ladder = (
        find_free_interpreters(db_session(), booking, leaving_out=asked)
        if booking.needs_interpreter
        else []
    )
    return RescueOptions(
        ladder,
        rescue.find_substitute_specialists(db_session(), booking),
        _patient_language_groups(booking),
    )


def _patient_language_groups(booking: Booking) -> pages.LanguageGroups:
    """First those for which somebody interprets, and the one that was booked; then all others."""
    near = list_interpreted_languages(db_session()) | {
        primary_language_of(tag) for tag in booking.specialist.languages
    }
    found = pages.list_language_choices(near, get_current_language().tag, booking.source)
    return [(_(group), named) for group, named in found]


@blueprint.post("/bookings/<booking_id>/ask-another")
@require_permission(SchedulingPermission.BOOKING_OVERRIDE)
def post_ask_another(booking_id: str) -> Response:
    booking = _load_booking(booking_id)
    return _redirect_to_booking(
        booking,
        _ask_outcome_message(
            rescue.ask_another_interpreter(
                db_session(), current_person(), booking, _named_interpreter(booking)
            )
        ),
    )


@blueprint.post("/bookings/<booking_id>/no-show")
@require_permission(SchedulingPermission.BOOKING_OVERRIDE)
def post_no_show(booking_id: str) -> Response:
    booking = _load_booking(booking_id)
    return _redirect_to_booking(
        booking,
        _ask_outcome_message(
            rescue.report_no_show(
                db_session(), current_person(), booking, _named_interpreter(booking)
            )
        ),
    )


@blueprint.post("/bookings/<booking_id>/language")
@require_permission(SchedulingPermission.BOOKING_OVERRIDE)
def post_booking_language(booking_id: str) -> Response:
    booking = _load_booking(booking_id)
    rescue.change_booking_language(
        db_session(), current_person(), booking, request.form.get("language", "").strip()
    )
    is_well = booking.interpreters_missing <= 0
    return _redirect_to_booking(
        booking,
        N_("The language was changed. Everyone has been told.")
        if is_well
        else NO_SUBSTITUTE_MESSAGE,
    )


@blueprint.post("/bookings/<booking_id>/specialist")
@require_permission(SchedulingPermission.BOOKING_OVERRIDE)
def post_booking_specialist(booking_id: str) -> Response:
    booking = _load_booking(booking_id)
    chosen = db_session().get(Person, request.form.get("specialist", ""))
    if chosen is None:
        raise Invalid(N_("Choose another specialist."), field="specialist")
    rescue.change_booking_specialist(db_session(), current_person(), booking, chosen)
    return _redirect_to_booking(
        booking, N_("The consultation has a new specialist. Everyone has been told.")
    )


@blueprint.post("/bookings/<booking_id>/postpone")
@require_permission(SchedulingPermission.BOOKING_OVERRIDE)
def post_booking_delay(booking_id: str) -> Response:
    booking, quarters = (
        _load_booking(booking_id),
        parse_whole_number(request.form.get("quarters", "1")),
    )
    rescue.postpone_booking(db_session(), current_person(), booking, quarters or 0)
    return _redirect_to_booking(
        booking, N_("The consultation starts later. Everyone has been told.")
    )


@blueprint.post("/bookings/<booking_id>/clocks-seen")
@require_permission(SchedulingPermission.BOOKING_OVERRIDE)
def post_clock_change_seen(booking_id: str) -> Response:
    rescue.acknowledge_clock_change(db_session(), current_person(), _load_booking(booking_id))
    flash(_("The consultation stays as it is."))
    return redirect(url_for("scheduling.show_board"))


def _load_booking(booking_id: str) -> Booking:
    return queries.load_booking(db_session(), current_person(), booking_id)


def _named_interpreter(booking: Booking) -> Person | None:
    """Of a team of interpreters, the one who was named."""
    named = request.form.get("interpreter", "")
    return next((one for one in booking.interpreters if one.id == named), None)


def _ask_outcome_message(found: Person | None) -> str:
    return INTERPRETER_ASKED_MESSAGE if found is not None else NO_SUBSTITUTE_MESSAGE


def _redirect_to_booking(booking: Booking, sentence: str) -> Response:
    flash(_(sentence), "warning" if sentence == NO_SUBSTITUTE_MESSAGE else "message")
    return redirect(url_for("scheduling.show_booking", booking_id=booking.id))
