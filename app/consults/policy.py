"""Who may do what in a consult: pure functions over the seat."""

from __future__ import annotations

from app.cases.visibility import is_office_case
from app.consults.interpreting.channels import is_same_base_language
from app.consults.models import Consult, Seat
from app.core.permissions import Role
from app.identity.models import Person

ADMITTING_ROLES = (Role.SPECIALIST, Role.COORDINATOR)


def can_admit_people(seat: Seat) -> bool:
    """Specialist and coordinator open the door, and are never locked out themselves."""
    return seat.role in ADMITTING_ROLES


def can_end_consult(seat: Seat) -> bool:
    return seat.role in ADMITTING_ROLES


def can_be_removed(seat: Seat) -> bool:
    return not can_admit_people(seat)


def can_invite_guest(person: Person, consult: Consult) -> bool:
    """The patient brings a relative or the home doctor; the doctor and the office bring whom they
    need.
    """
    return person.role != Role.INTERPRETER and can_take_seat(person, consult)


def can_call_interpreter(person: Person) -> bool:
    """The office alone knows who could come, and pays for it."""
    return person.role == Role.COORDINATOR


def can_ask_to_record(seat: Seat) -> bool:
    """Those whose meeting it is ask to record it, and may stop it; that everybody agrees is another
    matter.
    """
    return seat.role in (*ADMITTING_ROLES, Role.PATIENT)


def can_set_interpreting_mode(seat: Seat) -> bool:
    return seat.role in (*ADMITTING_ROLES, Role.INTERPRETER)


def can_interpret(seat: Seat, language: str) -> bool:
    return bool(seat.pair) and any(is_same_base_language(language, tag) for tag in seat.pair or ())


def can_take_seat(person: Person, consult: Consult) -> bool:
    """Coordinators come to the consults of their cases to help; everybody else has been booked."""
    return is_office_case(person, consult.case) or any(
        seat.person_id == person.id for seat in consult.present_seats
    )
