"""Reads: who could meet, when they could, and what has been booked."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.cases.models import Case
from app.cases.visibility import office_cases
from app.core.clock import now
from app.core.errors import Forbidden, NotFound
from app.identity.models import Person
from app.scheduling import policy
from app.scheduling.interpreters.missing import lacks_interpreter_condition
from app.scheduling.models import (
    LIVE_BOOKING_STATES,
    LIVE_ENGAGEMENT_STATES,
    Booking,
    BookingState,
    Engagement,
    EngagementState,
)

# --- what has been booked ---


def load_booking(session: Session, person: Person, booking_id: str) -> Booking:
    """The booking, if the person may see it. Raises ``NotFound`` or ``Forbidden``."""
    booking = session.get(Booking, booking_id, options=_people_options())
    if booking is None:
        raise NotFound()
    if not policy.can_see_booking(person, booking):
        raise Forbidden()
    return booking


def booking_of_case(session: Session, case_id: str) -> Booking | None:
    """The case's confirmed meeting that is next, else the last one that was; None when none was
    confirmed.
    """
    confirmed = (
        select(Booking)
        .options(*_people_options())
        .where(Booking.case_id == case_id, Booking.state == BookingState.CONFIRMED)
    )
    upcoming = session.scalars(
        confirmed.where(Booking.starts_at > now() - timedelta(hours=4)).order_by(Booking.starts_at)
    ).first()
    return upcoming or session.scalars(confirmed.order_by(Booking.starts_at.desc())).first()


def hold_of_case(session: Session, case_id: str) -> Booking | None:
    """The time that is being held for the case, if its ten minutes have not run out."""
    return session.scalars(
        select(Booking)
        .options(*_people_options())
        .where(
            Booking.case_id == case_id,
            Booking.state == BookingState.HELD,
            Booking.hold_expires_at > now(),
        )
    ).first()


def booking_by_token(session: Session, form_token: str) -> Booking | None:
    return session.scalars(
        select(Booking).options(*_people_options()).where(Booking.form_token == form_token)
    ).first()


def upcoming_bookings(session: Session, person: Person, limit: int = 20) -> list[Booking]:
    """The confirmed meetings that the person takes part in and that are not over, soonest first."""
    return list(
        session.scalars(
            select(Booking)
            .options(*_people_options(), joinedload(Booking.case))
            .where(
                Booking.state == BookingState.CONFIRMED,
                Booking.takes_part(person.id),
                Booking.starts_at > now() - timedelta(hours=4),
            )
            .order_by(Booking.starts_at)
            .limit(limit)
        )
    )


def load_engagement(session: Session, person: Person, engagement_id: str) -> Engagement:
    """The engagement, if the person may answer it. Raises ``NotFound`` or ``Forbidden``."""
    engagement = session.get(
        Engagement,
        engagement_id,
        options=[
            joinedload(Engagement.booking).options(*_people_options()),
            joinedload(Engagement.interpreter),
        ],
    )
    if engagement is None:
        raise NotFound()
    if not policy.can_answer_engagement(person, engagement):
        raise Forbidden()
    return engagement


def engagements_of(session: Session, person: Person, limit: int = 50) -> list[Engagement]:
    """What an interpreter is asked for or has agreed to, and is not over, soonest first."""
    return list(
        session.scalars(
            select(Engagement)
            .join(Engagement.booking)
            .options(joinedload(Engagement.booking).options(*_people_options()))
            .where(
                Engagement.interpreter_id == person.id,
                Engagement.state.in_(LIVE_ENGAGEMENT_STATES),
                Booking.state == BookingState.CONFIRMED,
                Booking.starts_at > now() - timedelta(hours=4),
            )
            .order_by(Booking.starts_at)
            .limit(limit)
        )
    )


def open_proposals(session: Session, person: Person) -> list[Engagement]:
    """The engagements that wait for this interpreter's answer."""
    return [one for one in engagements_of(session, person) if one.state == EngagementState.PROPOSED]


def unfilled_bookings(session: Session, reader: Person, limit: int = 50) -> list[Booking]:
    """Confirmed meetings of the reader's cases that lack an interpreter who said yes, soonest
    first.
    """
    return list(
        session.scalars(
            select(Booking)
            .options(*_people_options(), joinedload(Booking.case))
            .where(lacks_interpreter_condition(), of_office(reader))
            .order_by(Booking.starts_at)
            .limit(limit)
        )
    )


def list_cases_without_interpreter(session: Session, reader: Person) -> tuple[str, ...]:
    """The ids of the reader's cases whose coming meeting needs an interpreter, and none has said
    yes.
    """
    return tuple(
        session.scalars(
            select(Booking.case_id)
            .distinct()
            .where(lacks_interpreter_condition(), of_office(reader))
        )
    )


def of_office(reader: Person) -> ColumnElement[bool]:
    """The condition on ``Booking`` that the reader coordinates its case."""
    return Booking.case_id.in_(select(Case.id).where(office_cases(reader)))


def bookings_between(
    session: Session, reader: Person, first: datetime, last: datetime
) -> list[Booking]:
    """The office's week: confirmed meetings that begin in a period, in order of time."""
    return list(
        session.scalars(
            select(Booking)
            .options(*_people_options(), joinedload(Booking.case))
            .where(
                Booking.state == BookingState.CONFIRMED,
                Booking.starts_at >= first,
                Booking.starts_at < last,
                of_office(reader),
            )
            .order_by(Booking.starts_at, Booking.id)
        )
    )


def bookings_with_changed_clocks(session: Session, reader: Person) -> list[Booking]:
    """Meetings ahead for which a country has changed its clocks since they were agreed, soonest
    first.
    """
    return list(
        session.scalars(
            select(Booking)
            .options(*_people_options(), joinedload(Booking.case))
            .where(
                Booking.state == BookingState.CONFIRMED,
                Booking.starts_at > now(),
                Booking.clocks_changed != {},
                of_office(reader),
            )
            .order_by(Booking.starts_at)
        )
    )


def bookings_of_person(
    session: Session, person: Person, first: datetime, last: datetime
) -> list[Booking]:
    """The live meetings of one person that touch a period, in order of time."""
    return list(
        session.scalars(
            select(Booking)
            .options(*_people_options(), joinedload(Booking.case))
            .where(
                Booking.state.in_(LIVE_BOOKING_STATES),
                Booking.starts_at > first - timedelta(hours=6),
                Booking.starts_at < last,
                Booking.takes_part(person.id),
            )
            .order_by(Booking.starts_at)
        )
    )


def bookings_for_calendar(session: Session, person: Person) -> list[Booking]:
    """A person's meetings from a month ago on, the cancelled ones too, so that calendars drop
    them.
    """
    return list(
        session.scalars(
            select(Booking)
            .options(*_people_options(), joinedload(Booking.case))
            .where(
                Booking.state.in_((BookingState.CONFIRMED, BookingState.CANCELLED)),
                Booking.takes_part(person.id),
                Booking.starts_at > now() - timedelta(days=30),
            )
            .order_by(Booking.starts_at)
            .limit(500)
        )
    )


# --- hours ---


# --- inside ---


def _people_options():  # type: ignore[no-untyped-def]
    return (
        joinedload(Booking.patient),
        joinedload(Booking.specialist),
        joinedload(Booking.interpreter),
        joinedload(Booking.second_interpreter),
        selectinload(Booking.engagements).joinedload(Engagement.interpreter),
    )
