"""What becomes of the consultations of somebody who leaves."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cases.visibility import list_case_coordinator_ids
from app.core.clock import now
from app.core.text import N_
from app.identity.models import Person
from app.organizations.people.departure import DeparturePart
from app.scheduling.interpreters import ladder
from app.scheduling.models import (
    LIVE_ENGAGEMENT_STATES,
    Booking,
    BookingState,
    Engagement,
    EngagementState,
)

SPECIALIST_LEFT_NOTICE = "specialist_left"


def _list_engagements_ahead(session: Session, person: Person) -> Sequence[Engagement]:
    return session.scalars(
        select(Engagement)
        .join(Engagement.booking)
        .where(
            Engagement.interpreter_id == person.id,
            Engagement.state.in_(LIVE_ENGAGEMENT_STATES),
            Booking.state == BookingState.CONFIRMED,
            Booking.starts_at > now(),
        )
        .order_by(Booking.starts_at)
    ).all()


def _count_engagements_ahead(session: Session, person: Person) -> int:
    return len(_list_engagements_ahead(session, person))


def _replace_in_engagements(session: Session, actor: Person, person: Person) -> None:
    for engagement in _list_engagements_ahead(session, person):
        ladder.replace_interpreter(session, actor, engagement, EngagementState.REPLACED)


def _list_bookings_ahead(session: Session, person: Person) -> Sequence[Booking]:
    return session.scalars(
        select(Booking)
        .where(
            Booking.specialist_id == person.id,
            Booking.state == BookingState.CONFIRMED,
            Booking.starts_at > now(),
        )
        .order_by(Booking.starts_at)
    ).all()


def _count_bookings_ahead(session: Session, person: Person) -> int:
    return len(_list_bookings_ahead(session, person))


def _tell_coordinators(session: Session, actor: Person, person: Person) -> None:
    for booking in _list_bookings_ahead(session, person):
        ladder.notify_about_booking(
            session, SPECIALIST_LEFT_NOTICE, booking, list_case_coordinator_ids(booking.case)
        )


ENGAGEMENTS_PART = DeparturePart(
    N_("Consultations as an interpreter"),
    N_("The next qualified interpreter is asked for each of them."),
    _count_engagements_ahead,
    _replace_in_engagements,
)
BOOKINGS_PART = DeparturePart(
    N_("Consultations as a specialist"),
    N_(
        "They stay booked. The coordinators are told to choose another specialist or to cancel"
        " them."
    ),
    _count_bookings_ahead,
    _tell_coordinators,
)
