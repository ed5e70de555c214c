"""Addresses of the consult: the room, the way to it from a booking, and what comes after."""

from __future__ import annotations

from flask import current_app, jsonify, redirect, render_template, url_for
from werkzeug.wrappers import Response

from app.audit import service as audit
from app.cases.visibility import is_office_case
from app.consults import policy, queries
from app.consults.blueprint import blueprint
from app.consults.connection_check import checks
from app.consults.models import ConnectionCheck, Consult, Seat
from app.consults.permissions import ConsultPermission
from app.consults.room import service, tickets, timeline, watch
from app.consults.verbs import ConsultAuditVerb
from app.core.errors import Forbidden, NotFound
from app.identity.models import Person
from app.scheduling.models import Booking
from app.web.access import require_permission
from app.web.context import current_person, db_session, get_settings


@blueprint.get("/of/<booking_id>")
@require_permission(ConsultPermission.CONSULT_JOIN)
def open_consult_of_booking(booking_id: str) -> Response:
    """The way in from a booking: the consult stands ready from the first visit on."""
    session, person = db_session(), current_person()
    booking = session.get(Booking, booking_id)
    if booking is None or not booking.is_confirmed:
        raise NotFound()
    if person not in booking.people and not is_office_case(person, booking.case):
        raise Forbidden()
    consult = service.ensure_consult(session, booking)
    return redirect(url_for("consults.show_consult", consult_id=consult.id))


@blueprint.get("/check/<booking_id>")
@require_permission(ConsultPermission.CONSULT_JOIN)
def show_connection_check(booking_id: str) -> str:
    """Camera, microphone, speaker and line, tried at any time before the meeting."""
    session, person = db_session(), current_person()
    booking = checks.get_booking_to_check(session, person, booking_id)
    watch.start_consult_watch(current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001
    chosen = get_settings()
    facts = {
        "booking": booking.id,
        "iceServers": tickets.build_ice_servers(chosen.turn_url, chosen.turn_secret, person.id),
    }
    return render_template(
        "consults/check.html",
        booking=booking,
        facts=facts,
        last=checks.find_latest_checks(session, booking.id).get(person.id),
    )


@blueprint.get("/<consult_id>")
@require_permission(ConsultPermission.CONSULT_JOIN)
def show_consult(consult_id: str) -> Response | str:
    """Waiting room and consult room in one page: nobody loads anything anew between the two."""
    session, person = db_session(), current_person()
    consult = queries.get_consult(session, person, consult_id)
    if consult.is_over:
        return redirect(url_for("consults.show_consult_aftermath", consult_id=consult.id))
    service.ensure_consult(session, consult.booking)
    seat = service.ensure_seat(session, person, consult)
    watch.start_consult_watch(current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001
    return render_template(
        "consults/room.html",
        consult=consult,
        seat=seat,
        room=_build_page_facts(consult, seat, person),
        can_admit=policy.can_admit_people(seat),
        can_end=policy.can_end_consult(seat),
        can_set_mode=policy.can_set_interpreting_mode(seat),
        can_invite=policy.can_invite_guest(person, consult),
        can_call_interpreter=policy.can_call_interpreter(person),
    )


@blueprint.get("/<consult_id>/after")
@require_permission(ConsultPermission.CONSULT_JOIN)
def show_consult_aftermath(consult_id: str) -> Response | str:
    """What comes next, for each role."""
    session, person = db_session(), current_person()
    consult = queries.get_consult(session, person, consult_id)
    if not consult.is_over:
        return redirect(url_for("consults.show_consult", consult_id=consult.id))
    return render_template(
        "consults/after.html",
        consult=consult,
        case=consult.case,
        seat=service.ensure_seat(session, person, consult),
    )


@blueprint.get("/<consult_id>/timeline.json")
@require_permission(ConsultPermission.CONSULT_TIMELINE)
def download_consult_timeline(consult_id: str) -> Response:
    """The record of the meeting, for the people of the case: who came, what happened, minutes of
    each language.
    """
    session, person = db_session(), current_person()
    consult = queries.get_consult(session, person, consult_id)
    audit.record_audit_entry(
        session, person.id, ConsultAuditVerb.TIMELINE_READ, "consult", consult.id, consult.case_id
    )
    answer = jsonify(
        timeline.export_consult_timeline(consult, queries.list_consult_events(session, consult.id))
    )
    answer.headers["Content-Disposition"] = (
        f'attachment; filename="consultation-{consult.case.number}.json"'
    )
    return answer


@blueprint.app_context_processor
def add_consult_context() -> dict[str, object]:
    """What the panel of a meeting uses on other slices' pages. Nothing is read before it is
    called.
    """
    return {"line_checks": _line_checks}


def _line_checks(booking: Booking) -> list[tuple[Person, ConnectionCheck | None]]:
    found = checks.find_latest_checks(db_session(), booking.id)
    return [(person, found.get(person.id)) for person in booking.people]


def _build_page_facts(consult: Consult, seat: Seat, person: Person) -> dict[str, object]:
    """What the room's script starts from. No clinical content: it lies in the page's source."""
    chosen = get_settings()
    return {
        "consult": consult.id,
        "seat": seat.id,
        "ticket": tickets.issue_seat_ticket(chosen.secret_key, seat.id, person.id),
        "iceServers": tickets.build_ice_servers(chosen.turn_url, chosen.turn_secret, seat.id),
        "after": url_for("consults.show_consult_aftermath", consult_id=consult.id),
        "opensAt": consult.opens_at.isoformat(),
        "startsAt": consult.booking.starts_at.isoformat(),
        "language": person.language,
        "role": seat.role,
    }
