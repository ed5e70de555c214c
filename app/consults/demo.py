"""The demo's consultation that is always open."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.cases import queries as case_queries
from app.cases.demo import accept_demo_case, submit_demo_case
from app.cases.models import Case
from app.cases.states import CaseStage
from app.consults.models import Consult
from app.consults.room import service as consults
from app.core import clock
from app.core.permissions import Role
from app.identity.demo import load_demo_people
from app.identity.models import Person
from app.scheduling import queries as scheduling
from app.scheduling.demo import book_demo_consult, next_quarter
from app.scheduling.models import DEFAULT_LENGTH_QUARTERS, Booking, BookingState, Claim
from app.scheduling.time.quarters import instant_of, quarter_of

DEMO_CONSULT_OPEN_DURATION = timedelta(days=30)
# An open consultation that closes sooner than this is replaced by a new one.
DEMO_CONSULT_RENEWAL_MARGIN = timedelta(days=2)
# A booking is checked a moment after its time was chosen, and must not have begun by then.
DEMO_BOOKING_LEAD_TIME = timedelta(minutes=1)
# Who can join the open consultation.
CONSULT_KEYS = ("patient", "specialist", "interpreter")


def keep_demo_consult_open(session: Session) -> None:
    """Holds afterwards: the demo's patient, specialist and interpreter can join one consultation
    from now on, for weeks.

    Raises a ``Refusal`` where visitors changed so much that none can be opened.
    """
    people = load_demo_people(session)
    consult = _find_open_consult(session, people)
    if consult is None:
        case = _get_case_for_consult(session, people)
        booking = book_demo_consult(session, case, _find_free_time(session, people))
        consult = consults.ensure_consult(session, booking)
        consult.opens_at = clock.now()
        consult.closes_at = clock.now() + DEMO_CONSULT_OPEN_DURATION
    for member in case_queries.list_members(session, consult.case_id):
        if member.person_id == people["interpreter"].id:
            member.until = consult.closes_at
    session.flush()


def _find_open_consult(session: Session, people: dict[str, Person]) -> Consult | None:
    """The consultation that the three can join now and for some time, if there is one.

    One that was cancelled, moved to a later time or given to another interpreter does not count.
    """
    candidates = session.scalars(
        select(Consult)
        .join(Consult.booking)
        .where(
            Booking.patient_id == people["patient"].id,
            Booking.state == BookingState.CONFIRMED,
            Consult.closes_at > clock.now(),
        )
        .order_by(Consult.closes_at.desc())
    ).all()
    for consult in candidates:
        consults.follow_booking(session, consult)
        if _is_joinable_for_some_time(session, people, consult):
            return consult
    return None


def _is_joinable_for_some_time(
    session: Session, people: dict[str, Person], consult: Consult
) -> bool:
    return (
        consult.is_open
        and consult.closes_at > clock.now() + DEMO_CONSULT_RENEWAL_MARGIN
        and consult.case.stage == CaseStage.SCHEDULED
        and all(
            people[key] in consult.booking.people
            and case_queries.find_membership(session, people[key], consult.case_id) is not None
            for key in CONSULT_KEYS
        )
    )


def _get_case_for_consult(session: Session, people: dict[str, Person]) -> Case:
    """An accepted case that waits for a meeting of just these people, or else a new one."""
    patient = people["patient"]
    accepted = case_queries.list_cases(session, patient, stages=[CaseStage.ACCEPTED])
    for case in accepted:
        if _waits_for_demo_meeting(session, people, case):
            return case
    case = submit_demo_case(session, patient)
    accept_demo_case(session, case, [people["specialist"], people["interpreter"]])
    return case


def _waits_for_demo_meeting(session: Session, people: dict[str, Person], case: Case) -> bool:
    specialist = case_queries.find_member_of_role(session, case.id, Role.SPECIALIST)
    return (
        specialist is people["specialist"]
        and case.patient_id == people["patient"].id
        and not case.written_only
        and case.language == people["patient"].language
        and scheduling.hold_of_case(session, case.id) is None
    )


def _find_free_time(session: Session, people: dict[str, Person]) -> datetime:
    """The next time at which patient, specialist and interpreter have no other meeting."""
    first = quarter_of(next_quarter(clock.now() + DEMO_BOOKING_LEAD_TIME))
    claimed = set(
        session.scalars(
            select(Claim.quarter).where(
                Claim.person_id.in_([people[key].id for key in CONSULT_KEYS]),
                Claim.quarter >= first,
                or_(Claim.expires_at.is_(None), Claim.expires_at > clock.now()),
            )
        )
    )
    start = next(
        quarter
        for quarter in count(first)
        if claimed.isdisjoint(range(quarter, quarter + DEFAULT_LENGTH_QUARTERS))
    )
    return instant_of(start)
