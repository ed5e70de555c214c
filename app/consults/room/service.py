"""The verbs of a consult. Each checks, changes, records; none commits, none speaks to a browser or
a media node.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.cases import queries as cases
from app.cases import service as case_service
from app.cases.states import CaseStage
from app.cases.verbs import CaseAuditVerb
from app.cases.visibility import is_office_case
from app.consults import policy, queries
from app.consults.interpreting import service as interpreting
from app.consults.interpreting.channels import InterpretingMode
from app.consults.models import (
    MAX_SEATS_PER_CONSULT,
    ChatChannel,
    ChatMessage,
    Consult,
    ConsultState,
    Seat,
)
from app.consults.room import timeline
from app.consults.room.timeline import record_consult_event
from app.consults.verbs import ConsultAuditVerb
from app.core.clock import now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.permissions import Role
from app.core.text import N_
from app.identity.models import Person
from app.organizations.queries import has_role
from app.scheduling.models import Booking, Qualification

MAX_CHAT_MESSAGE_CHARACTERS = 2_000
ACCESS_AFTER_CONSULT_DURATION = timedelta(hours=1)
CONSULT_IS_OVER = N_(
    "This consultation has ended. You can still read what was written, on the case page."
)
CONSULT_NOT_OPEN_YET = N_(
    "The waiting room is not open yet. It opens 15 minutes before the consultation."
)


# --- the consult and its seats ---


def ensure_consult(session: Session, booking: Booking) -> Consult:
    """The consult of a confirmed booking, made on first need and brought up to date when the
    booking has changed.
    """
    consult = queries.find_consult_of_booking(session, booking.id)
    if consult is None:
        consult = Consult(
            booking=booking,
            case=booking.case,
            mode=InterpretingMode(booking.mode),
            booked_for=booking.starts_at,
            opens_at=booking.starts_at - queries.CONSULT_OPENS_BEFORE,
            closes_at=booking.starts_at + queries.CONSULT_CLOSES_AFTER,
        )
        session.add(consult)
        session.flush()
        audit.record_audit_entry(
            session, None, ConsultAuditVerb.CONSULT_OPENED, "consult", consult.id, consult.case_id
        )
    if consult.state == ConsultState.WAITING:
        follow_booking(session, consult)
    return consult


def ensure_seat(session: Session, person: Person, consult: Consult) -> Seat:
    """The person's seat. A coordinator gets one on first need. Raises ``NotFound`` for whoever
    has no place here.
    """
    for seat in consult.seats:
        if seat.person_id == person.id and seat.removed_at is None:
            return seat
    if not is_office_case(person, consult.case):
        raise NotFound()
    return _give_seat(session, consult, person, Role.COORDINATOR, person.language, booked=False)


def add_interpreter_seat(
    session: Session, actor: Person, consult: Consult, person: Person, pair: tuple[str, str]
) -> Seat:
    """Gives a further interpreter a seat: a partner to take turns with, or the other half of a
    relay.
    """
    if not policy.can_call_interpreter(actor):
        raise Forbidden()
    require_consult_not_over(consult)
    if not has_role(person, Role.INTERPRETER) or not person.active:
        raise Invalid(N_("This person cannot be assigned to a case."), field="person")
    if cases.find_membership(session, person, consult.case_id) is None:
        case_service.grant_membership(
            session,
            actor,
            consult.case,
            person,
            Role.INTERPRETER,
            reason="consult",
            until=consult.closes_at + ACCESS_AFTER_CONSULT_DURATION,
        )
    return _give_seat(
        session, consult, person, Role.INTERPRETER, pair[0], pair=list(pair), booked=False
    )


def call_interpreter(
    session: Session, actor: Person, consult: Consult, credential: Qualification
) -> Seat:
    """Gives the holder of the credential a seat and tells them to come."""
    seat = add_interpreter_seat(
        session, actor, consult, credential.person, (credential.source, credential.target)
    )
    record_consult_event(session, consult, "interpreter_called", seat)
    case_service.notify_people(
        session,
        "interpreter_called",
        consult.case,
        [credential.person_id],
        consult_id=consult.id,
        starts_at=consult.booking.starts_at.isoformat(),
    )
    return seat


def add_guest_seat(session: Session, consult: Consult, person: Person, kind: str) -> Seat:
    """Gives an invited guest a seat. They are let in like everybody else, by who opens the door."""
    require_consult_not_over(consult)
    case_service.grant_membership(
        session,
        None,
        consult.case,
        person,
        Role.GUEST,
        reason="guest of the consult",
        until=consult.closes_at + ACCESS_AFTER_CONSULT_DURATION,
    )
    seat = _give_seat(session, consult, person, Role.GUEST, person.language, booked=False)
    seat.kind = kind
    return seat


def follow_booking(session: Session, consult: Consult) -> list[Seat] | None:
    """Brings seats and hours up to date with the booking: an interpreter who steps in has a seat,
    also while the meeting is on. Returns the seats that were taken away; None when nothing has
    changed.
    """
    booking = consult.booking
    if consult.state not in (ConsultState.WAITING, ConsultState.LIVE):
        return None
    if consult.state == ConsultState.WAITING and consult.booked_for != booking.starts_at:
        consult.opens_at += booking.starts_at - consult.booked_for
        consult.closes_at += booking.starts_at - consult.booked_for
        consult.booked_for = booking.starts_at
    wanted = {person.id for person in booking.people}
    gone = [seat for seat in consult.present_seats if seat.booked and seat.person_id not in wanted]
    for seat in gone:
        _vacate_seat(seat)
        seat.removed_at = now()
    seated = {seat.person_id for seat in consult.present_seats}
    new = [person for person in booking.people if person.id not in seated]
    for person in new:
        role = {booking.patient_id: Role.PATIENT, booking.specialist_id: Role.SPECIALIST}.get(
            person.id, Role.INTERPRETER
        )
        pair = [booking.source, booking.target] if role == Role.INTERPRETER else None
        _give_seat(
            session,
            consult,
            person,
            role,
            booking.target if role == Role.SPECIALIST else booking.source,
            pair=pair,
        )
    return gone if gone or new else None


def _give_seat(
    session: Session,
    consult: Consult,
    person: Person,
    role: Role,
    language: str,
    *,
    pair: list[str] | None = None,
    booked: bool = True,
) -> Seat:
    taken = {seat.number for seat in consult.present_seats}
    number = next((number for number in range(MAX_SEATS_PER_CONSULT) if number not in taken), None)
    if number is None:
        raise Conflict(
            N_("All %(most)s places in this consultation are taken."), most=MAX_SEATS_PER_CONSULT
        )
    seat = next((seat for seat in consult.seats if seat.person_id == person.id), None)
    if seat is None:
        seat = Seat(
            consult=consult,
            person=person,
            role=role,
            number=number,
            speaks=language,
            listens=language,
        )
        session.add(seat)
    seat.removed_at, seat.number, seat.booked, seat.pair = None, number, booked, pair
    seat.role, seat.speaks, seat.listens = role, language, language
    seat.admitted = policy.can_admit_people(seat)
    session.flush()
    return seat


# --- taking a seat, and leaving it ---


def take_seat(session: Session, person: Person, seat: Seat, sid: str, tab: str) -> str | None:
    """Puts this socket in the seat. Returns the socket of another tab that had it until now and
    must be told.
    """
    consult = seat.consult
    require_consult_open(consult)
    if seat.removed_at is not None or seat.person_id != person.id:
        raise NotFound()
    if not queries.can_stay_in_consult(session, person, consult):
        raise NotFound()
    other = seat.sid if seat.sid != sid and seat.tab != tab else None
    was_absent = seat.sid is None
    seat.sid, seat.tab, seat.seen_at, seat.sign_in_id, seat.lost_at = (
        sid,
        tab,
        now(),
        person.sign_in_id,
        None,
    )
    if other:
        record_consult_event(session, consult, "taken_over", seat)
    elif was_absent:
        record_consult_event(session, consult, "returned" if seat.entered else "arrived", seat)
    return other


def enter_consult(session: Session, seat: Seat, *, mic: bool, camera: bool) -> None:
    """The person is ready. Who opens the door goes in at once, the others when they have been
    admitted.
    """
    consult = seat.consult
    require_consult_open(consult)
    seat.mic_on, seat.camera_on, seat.sharing = mic, camera, False
    if policy.can_admit_people(seat):
        seat.admitted = True
    if seat.entered:
        return
    seat.entered, seat.left_at = True, None
    if seat.admitted:
        _note_joined(session, consult, seat)
    else:
        record_consult_event(session, consult, "knocked", seat)


def admit_seat(session: Session, actor: Person, by: Seat, seat: Seat) -> None:
    """Opens the door for one person."""
    _require_can_admit(by, seat)
    require_consult_open(seat.consult)
    if seat.admitted:
        return
    seat.admitted = True
    audit.record_audit_entry(
        session, actor.id, ConsultAuditVerb.SEAT_ADMITTED, "seat", seat.id, seat.consult.case_id
    )
    record_consult_event(session, seat.consult, "admitted", seat, by=by.id)
    if seat.entered:
        _note_joined(session, seat.consult, seat)


def return_seat_to_waiting(session: Session, actor: Person, by: Seat, seat: Seat) -> None:
    """Asks somebody to wait outside again."""
    _require_can_admit(by, seat)
    if not policy.can_be_removed(seat):
        raise Invalid(
            N_("%(name)s lets people in here and cannot be removed."), name=seat.person.name
        )
    seat.admitted, seat.entered, seat.sharing = False, False, False
    seat.live_on, seat.handing_over = None, False
    record_consult_event(session, seat.consult, "sent_back", seat, by=by.id)


def remove_seat(session: Session, actor: Person, by: Seat, seat: Seat) -> None:
    """Takes somebody out of the consultation for good."""
    _require_can_admit(by, seat)
    if not policy.can_be_removed(seat):
        raise Invalid(
            N_("%(name)s lets people in here and cannot be removed."), name=seat.person.name
        )
    _vacate_seat(seat)
    seat.removed_at = now()
    audit.record_audit_entry(
        session, actor.id, ConsultAuditVerb.SEAT_REMOVED, "seat", seat.id, seat.consult.case_id
    )
    record_consult_event(session, seat.consult, "removed", seat, by=by.id)


def evict_seat(session: Session, seat: Seat) -> None:
    """The person may be here no longer (signed out, suspended, off the case): the seat is emptied
    at once.
    """
    _vacate_seat(seat)
    seat.left_at = now()
    audit.record_audit_entry(
        session,
        None,
        ConsultAuditVerb.SEAT_REMOVED,
        "seat",
        seat.id,
        seat.consult.case_id,
        reason="no longer allowed",
    )
    record_consult_event(session, seat.consult, "left", seat)


def leave_consult(session: Session, seat: Seat) -> None:
    """The person goes, of their own will. The seat stays theirs: they may come back."""
    if seat.is_in_room:
        audit.record_audit_entry(
            session,
            seat.person_id,
            ConsultAuditVerb.SEAT_LEFT,
            "seat",
            seat.id,
            seat.consult.case_id,
        )
        record_consult_event(session, seat.consult, "left", seat)
    _vacate_seat(seat)
    seat.left_at = now()


def note_socket_lost(session: Session, sid: str) -> Seat | None:
    """The socket is gone. The seat is kept as it was, for the person to come back to."""
    seat = queries.find_seat_of_socket(session, sid)
    if seat is None:
        return None
    seat.sid, seat.seen_at = None, now()
    interpreting.note_seat_audibility(seat, is_heard=False)
    if seat.is_in_room and not seat.consult.is_over:
        record_consult_event(session, seat.consult, "lost", seat)
    return seat


def note_seat_alive(seat: Seat) -> None:
    """A sign of life from the seat's browser."""
    seat.seen_at = now()


def set_seat_devices(
    session: Session, seat: Seat, *, mic: bool, camera: bool, sharing: bool
) -> None:
    """What the seat sends now. One screen is shared at a time, by somebody who was let in."""
    if sharing and not seat.sharing:
        interpreting.require_seat_in_room(seat)
        other = next(
            (one for one in seat.consult.present_seats if one.sharing and one.id != seat.id), None
        )
        if other:
            raise Conflict(
                N_("%(name)s is sharing their screen. You can share yours after that."),
                name=other.person.name,
            )
        record_consult_event(session, seat.consult, "sharing", seat)
    seat.mic_on, seat.camera_on, seat.sharing = mic, camera, sharing


# --- saying and ending ---


def add_chat_message(
    session: Session,
    seat: Seat,
    client_id: str,
    text: str,
    channel: ChatChannel = ChatChannel.EVERYONE,
) -> ChatMessage:
    """Adds a line to the chat. The same ``client_id`` again gives back the line that stands
    already.
    """
    consult = seat.consult
    require_consult_open(consult)
    standing = session.scalars(
        select(ChatMessage).where(
            ChatMessage.seat_id == seat.id, ChatMessage.client_id == client_id
        )
    ).first()
    if standing:
        return standing
    text = text.strip()
    if not text:
        raise Invalid(N_("Write something first, then send it."), field="text")
    if len(text) > MAX_CHAT_MESSAGE_CHARACTERS:
        raise Invalid(
            N_("This is too long. Keep it under %(most)s characters."),
            field="text",
            most=MAX_CHAT_MESSAGE_CHARACTERS,
        )
    if not seat.is_in_room:
        raise Conflict(N_("You can write to the others when you have been let in."))
    if channel == ChatChannel.INTERPRETERS and not seat.pair:
        raise Forbidden(N_("Only the interpreters can see these messages."))
    line = ChatMessage(
        consult_id=consult.id,
        case_id=consult.case_id,
        seat=seat,
        channel=channel,
        number=_next_chat_number(consult, channel),
        client_id=client_id,
        text=text,
    )
    session.add(line)
    session.flush()
    audit.record_audit_entry(
        session, seat.person_id, ConsultAuditVerb.CHAT_WRITTEN, "chat", line.id, consult.case_id
    )
    return line


def end_consult(session: Session, actor: Person, seat: Seat) -> None:
    """Ends the consult for everyone. The case moves on; the interpreter's way to it closes an hour
    later.
    """
    if not policy.can_end_consult(seat):
        raise Forbidden()
    require_consult_open(seat.consult)
    close_consult(session, actor, seat.consult)
    record_consult_event(session, seat.consult, "ended", seat)


def close_consult(session: Session, actor: Person, consult: Consult) -> None:
    consult.state, consult.ended_at, consult.ended_by = ConsultState.ENDED, now(), actor.id
    if consult.paused_at is not None:
        consult.paused_seconds += (now() - consult.paused_at).total_seconds()
        consult.paused_at = None
    timeline.record_consult_minutes(
        session, consult, queries.list_consult_events(session, consult.id)
    )
    for seat in consult.seats:
        if seat.is_in_room:
            audit.record_audit_entry(
                session,
                seat.person_id,
                ConsultAuditVerb.SEAT_LEFT,
                "seat",
                seat.id,
                consult.case_id,
            )
        sid = seat.sid
        _vacate_seat(seat)
        # so that a late word is answered with "this has ended", not with "you have no seat"
        seat.sid = sid
    for member in cases.list_members(session, consult.case_id):
        if member.role in (Role.INTERPRETER, Role.GUEST):
            member.until = now() + ACCESS_AFTER_CONSULT_DURATION
            audit.record_audit_entry(
                session,
                actor.id,
                CaseAuditVerb.MEMBER_ENDED,
                "member",
                member.id,
                consult.case_id,
                person=member.person_id,
                reason="an hour after the session",
            )
    audit.record_audit_entry(
        session, actor.id, ConsultAuditVerb.CONSULT_ENDED, "consult", consult.id, consult.case_id
    )
    if consult.started_at:
        case_service.record_case_event(session, consult.case_id, "consult_ended", actor)
        case_service.notify_people(
            session, "consult_ended", consult.case, [consult.booking.patient_id]
        )
        if consult.case.stage == CaseStage.SCHEDULED:
            case_service.mark_case_consulted(session, actor, consult.case)


# --- within ---


def _note_joined(session: Session, consult: Consult, seat: Seat) -> None:
    if consult.state == ConsultState.WAITING and policy.can_admit_people(seat):
        consult.state, consult.started_at = ConsultState.LIVE, now()
        record_consult_event(session, consult, "started", seat)
        case_service.record_case_event(session, consult.case_id, "consult_started", seat.person)
    audit.record_audit_entry(
        session, seat.person_id, ConsultAuditVerb.SEAT_ENTERED, "seat", seat.id, consult.case_id
    )
    record_consult_event(session, consult, "joined", seat)
    seat.joined_at = seat.joined_at or now()
    interpreting.assign_free_channel(session, seat)


def _vacate_seat(seat: Seat) -> None:
    seat.sid = seat.tab = seat.connection = seat.live_on = None
    seat.entered = seat.sharing = seat.mic_on = seat.camera_on = seat.handing_over = False


def _next_chat_number(consult: Consult, channel: ChatChannel) -> int:
    if channel == ChatChannel.INTERPRETERS:
        consult.partner_count += 1
        return consult.partner_count
    consult.chat_count += 1
    return consult.chat_count


def require_consult_not_over(consult: Consult) -> None:
    if consult.is_over:
        raise Conflict(CONSULT_IS_OVER)


def require_consult_open(consult: Consult) -> None:
    """Raises ``Conflict``, in words for the person, before the waiting room opens and after the
    end.
    """
    require_consult_not_over(consult)
    if not consult.is_open:
        raise Conflict(CONSULT_NOT_OPEN_YET)


def _require_can_admit(by: Seat, seat: Seat) -> None:
    if not policy.can_admit_people(by):
        raise Forbidden(N_("Only the specialist or the international office can let people in."))
    if seat.consult_id != by.consult_id or seat.removed_at is not None:
        raise NotFound(N_("This person is not in this consultation."))
