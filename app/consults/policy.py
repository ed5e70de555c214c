"""Who may do what in a consult: pure functions over the seat."""

from __future__ import annotations

from app.consults.interpreting.channels import same_language
from app.consults.models import Consult, Seat
from app.core.permissions import Role
from app.identity.models import Person

ADMITTERS = (Role.SPECIALIST, Role.COORDINATOR)


def can_admit(seat: Seat) -> bool:
    """Specialist and coordinator open the door, and are never locked out themselves."""
    return seat.role in ADMITTERS


def can_end(seat: Seat) -> bool:
    return seat.role in ADMITTERS


def can_be_shown_out(seat: Seat) -> bool:
    return not can_admit(seat)


def can_invite(person: Person, consult: Consult) -> bool:
    """The patient brings a relative or the home doctor; the doctor and the office bring whom they
    need.
    """
    return person.role != Role.INTERPRETER and can_take_a_seat(person, consult)


def can_call_interpreter(person: Person) -> bool:
    """The office alone knows who could come, and pays for it."""
    return person.role == Role.COORDINATOR


def can_record(seat: Seat) -> bool:
    """Those whose meeting it is ask to record it, and may stop it; that everybody agrees is another
    matter.
    """
    return seat.role in (*ADMITTERS, Role.PATIENT)


def can_set_mode(seat: Seat) -> bool:
    return seat.role in (*ADMITTERS, Role.INTERPRETER)


def can_interpret(seat: Seat, language: str) -> bool:
    return bool(seat.pair) and any(same_language(language, tag) for tag in seat.pair or ())


def can_take_a_seat(person: Person, consult: Consult) -> bool:
    """Coordinators come to any consult to help; everybody else has been booked for it."""
    return person.role == Role.COORDINATOR or any(
        seat.person_id == person.id for seat in consult.present_seats
    )
