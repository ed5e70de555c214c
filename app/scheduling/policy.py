"""Who may do what with hours, bookings and engagements: pure functions over what has been
loaded.
"""

from __future__ import annotations

from app.cases.models import Case, CaseMember
from app.cases.policy import is_current_member
from app.cases.states import CaseStage
from app.cases.visibility import is_office_case
from app.core.permissions import Role
from app.identity.models import Person
from app.scheduling.models import Booking, Engagement

BOOKABLE_STAGES = frozenset({CaseStage.ACCEPTED, CaseStage.SCHEDULED, CaseStage.CONSULTED})


def can_see_slots(person: Person, case: Case, member: CaseMember | None) -> bool:
    """The patient chooses a time for their own case; the office for any that was sent to it."""
    if person.role == Role.COORDINATOR:
        return is_office_case(person, case)
    return is_current_member(member) and member is not None and member.role == Role.PATIENT


def can_book_meeting(person: Person, case: Case, member: CaseMember | None) -> bool:
    """As ``can_see_slots``; whether the case stands where a meeting may be booked is the
    service's to say.
    """
    return can_see_slots(person, case, member)


def is_patient_of_case(person: Person, case: Case, member: CaseMember | None) -> bool:
    """Only the patient of the case."""
    return is_current_member(member) and person.id == case.patient_id


def can_see_booking(person: Person, booking: Booking) -> bool:
    """The people in it, and the office."""
    return is_office_case(person, booking.case) or person.id in (
        booking.patient_id,
        booking.specialist_id,
        booking.interpreter_id,
        booking.second_interpreter_id,
    )


def can_change_booking(person: Person, booking: Booking) -> bool:
    """Moving and cancelling: the patient and the office. A specialist or an interpreter tells the
    office.
    """
    return is_office_case(person, booking.case) or person.id == booking.patient_id


def can_plan_series(person: Person, booking: Booking) -> bool:
    """The office books follow-ups of a meeting that stands, whether or not it has been."""
    return is_office_case(person, booking.case) and booking.is_confirmed


def can_answer_engagement(person: Person, engagement: Engagement) -> bool:
    """Only the interpreter who was asked answers."""
    return person.id == engagement.interpreter_id


def can_see_hours(person: Person, owner: Person) -> bool:
    """One's own, and for coordinators those of everybody who works here."""
    return person.id == owner.id or (
        person.role == Role.COORDINATOR and owner.role in (Role.SPECIALIST, Role.INTERPRETER)
    )


def can_set_hours(person: Person, owner: Person) -> bool:
    """Each keeps their own hours; the office may do it for those whom it calls upon."""
    if owner.role not in (Role.SPECIALIST, Role.INTERPRETER):
        return False
    return person.id == owner.id or person.role == Role.COORDINATOR
