"""The office's board: who meets when, who carries how much, who did not come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.core.clock import now
from app.core.permissions import Role
from app.i18n.collation import make_sort_key
from app.identity.models import Person
from app.scheduling.models import Booking, Engagement, EngagementState
from app.scheduling.queries import of_office

NO_SHOW_LIST_PERIOD = timedelta(days=14)


@dataclass
class StaffLoad:
    """A specialist or an interpreter in a period: meetings, minutes, and how many proposals wait
    for an answer.
    """

    person: Person
    meetings: int = 0
    minutes: int = 0
    unanswered: int = 0
    bookings: list[Booking] = field(default_factory=list)


def list_staff_loads(bookings: Iterable[Booking], reader: str) -> list[StaffLoad]:
    """Whoever works in these meetings: specialists first, then interpreters, each by name as a
    reader of ``reader`` looks for it.
    """
    found: dict[str, StaffLoad] = {}
    for booking in bookings:
        for person in (booking.specialist, *booking.interpreters):
            one = found.setdefault(person.id, StaffLoad(person))
            one.meetings, one.minutes = one.meetings + 1, one.minutes + booking.minutes
            one.bookings.append(booking)
            engagement = booking.engagement_of(person.id)
            one.unanswered += (
                engagement is not None and engagement.state == EngagementState.PROPOSED
            )
    return sorted(
        found.values(),
        key=lambda one: (
            one.person.role != Role.SPECIALIST,
            make_sort_key(one.person.name, reader),
        ),
    )


def describe_interpreter_status(booking: Booking) -> str:
    """Where a meeting stands with its interpreters: none, missing, asked or agreed; "" where it
    needs none.
    """
    if not booking.needs_interpreter:
        return ""
    if not booking.interpreters:
        return "none"
    if booking.interpreters_missing > 0:
        return "missing"
    asked = [one for one in booking.current_engagements if one.state == EngagementState.PROPOSED]
    return "asked" if asked else "agreed"


def list_recent_no_shows(session: Session, reader: Person) -> list[Engagement]:
    """The interpreters who did not come in the last two weeks, the latest first."""
    return list(
        session.scalars(
            select(Engagement)
            .join(Engagement.booking)
            .options(
                joinedload(Engagement.booking).joinedload(Booking.case),
                joinedload(Engagement.interpreter),
            )
            .where(
                Engagement.state == EngagementState.NO_SHOW,
                Booking.starts_at > now() - NO_SHOW_LIST_PERIOD,
                of_office(reader),
            )
            .order_by(Booking.starts_at.desc())
            .limit(20)
        )
    )
