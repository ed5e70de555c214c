"""The office's ways out of trouble over HTTP, from the page of a meeting."""

from __future__ import annotations

from dataclasses import dataclass

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.core.clock import now
from app.core.errors import Invalid
from app.core.permissions import Permission, Role
from app.core.text import N_, whole_number
from app.identity.models import Person
from app.scheduling import pages, queries
from app.scheduling.blueprint import blueprint
from app.scheduling.bookings import rescue
from app.scheduling.matching.languages import primary
from app.scheduling.models import Booking
from app.web.access import requires
from app.web.context import current_person, db_session
from app.web.locale import current_language

ASKED = N_("The next interpreter has been asked. Everyone has been told.")
NOBODY = N_("Nobody else is free. The meeting still needs an interpreter.")


@dataclass(frozen=True)
class Rescue:
    """Who could step in, for the page of a meeting."""

    interpreters: list[Person]
    specialists: list[Person]
    languages: pages.Groups  # groups of the languages that the patient may need

    @property
    def specialist_options(self) -> list[tuple[str, str]]:
        return [(one.id, one.name) for one in self.specialists]


def rescue_for(reader: Person, booking: Booking) -> Rescue | None:
    """What the office sees beside a meeting that is not over."""
    if reader.role != Role.COORDINATOR or not booking.is_confirmed or booking.ends_at <= now():
        return None
    asked = [one.interpreter_id for one in booking.engagements]
    ladder = (
        queries.free_interpreters(db_session(), booking, leaving_out=asked)
        if booking.needs_interpreter
        else []
    )
    return Rescue(ladder, rescue.substitutes_for(db_session(), booking), _languages(booking))


def _languages(booking: Booking) -> pages.Groups:
    """First those for which somebody interprets, and the one that was booked; then all others."""
    near = queries.interpreted_languages(db_session()) | {
        primary(tag) for tag in booking.specialist.languages
    }
    found = pages.languages_to_choose(near, current_language().tag, booking.source)
    return [(_(group), named) for group, named in found]


@blueprint.post("/bookings/<booking_id>/ask-another")
@requires(Permission.BOOKING_OVERRIDE)
def ask_another(booking_id: str) -> Response:
    booking = _booking(booking_id)
    return _done(
        booking, _said(rescue.ask_another(db_session(), current_person(), booking, _which(booking)))
    )


@blueprint.post("/bookings/<booking_id>/no-show")
@requires(Permission.BOOKING_OVERRIDE)
def no_show(booking_id: str) -> Response:
    booking = _booking(booking_id)
    return _done(
        booking,
        _said(rescue.report_no_show(db_session(), current_person(), booking, _which(booking))),
    )


@blueprint.post("/bookings/<booking_id>/language")
@requires(Permission.BOOKING_OVERRIDE)
def change_language(booking_id: str) -> Response:
    booking = _booking(booking_id)
    rescue.change_language(
        db_session(), current_person(), booking, request.form.get("language", "").strip()
    )
    is_well = booking.interpreters_missing <= 0
    return _done(
        booking, N_("The language is changed. Everyone has been told.") if is_well else NOBODY
    )


@blueprint.post("/bookings/<booking_id>/specialist")
@requires(Permission.BOOKING_OVERRIDE)
def change_specialist(booking_id: str) -> Response:
    booking = _booking(booking_id)
    chosen = db_session().get(Person, request.form.get("specialist", ""))
    if chosen is None:
        raise Invalid(N_("Please choose another specialist."), field="specialist")
    rescue.change_specialist(db_session(), current_person(), booking, chosen)
    return _done(booking, N_("The meeting has a new specialist. Everyone has been told."))


@blueprint.post("/bookings/<booking_id>/postpone")
@requires(Permission.BOOKING_OVERRIDE)
def postpone(booking_id: str) -> Response:
    booking, quarters = _booking(booking_id), whole_number(request.form.get("quarters", "1"))
    rescue.postpone(db_session(), current_person(), booking, quarters or 0)
    return _done(booking, N_("The meeting begins later. Everyone has been told."))


@blueprint.post("/bookings/<booking_id>/clocks-seen")
@requires(Permission.BOOKING_OVERRIDE)
def clocks_seen(booking_id: str) -> Response:
    rescue.see_to_clocks(db_session(), current_person(), _booking(booking_id))
    flash(_("The meeting stays as it is."))
    return redirect(url_for("scheduling.board"))


def _booking(booking_id: str) -> Booking:
    return queries.booking_for(db_session(), current_person(), booking_id)


def _which(booking: Booking) -> Person | None:
    """Of a team of interpreters, the one who was named."""
    named = request.form.get("interpreter", "")
    return next((one for one in booking.interpreters if one.id == named), None)


def _said(found: Person | None) -> str:
    return ASKED if found is not None else NOBODY


def _done(booking: Booking, sentence: str) -> Response:
    flash(_(sentence), "warning" if sentence == NOBODY else "message")
    return redirect(url_for("scheduling.booking", booking_id=booking.id))
