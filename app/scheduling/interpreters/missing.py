"""Which meetings to come lack an interpreter: the same rule for a loaded booking and for a query.

``tests/scheduling/interpreters/test_missing.py`` compares the two.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from app.core.clock import now
from app.scheduling.matching.slots import SINGLE_INTERPRETER_MAX_QUARTERS
from app.scheduling.models import Booking, BookingState, Engagement, EngagementState

AGREED_ENGAGEMENT_STATES = (EngagementState.ACCEPTED, EngagementState.CONFIRMED)


def lacks_interpreter(booking: Booking) -> bool:
    """Whether a confirmed meeting is to come for which too few interpreters have said yes."""
    agreed = sum(one.state in AGREED_ENGAGEMENT_STATES for one in booking.current_engagements)
    return (
        booking.is_confirmed and booking.starts_at > now() and agreed < booking.interpreters_needed
    )


def lacks_interpreter_condition() -> ColumnElement[bool]:
    """``lacks_interpreter`` as a condition on bookings."""
    first, second = _has_agreed(Booking.interpreter_id), _has_agreed(Booking.second_interpreter_id)
    return and_(
        Booking.state == BookingState.CONFIRMED,
        Booking.starts_at > now(),
        Booking.needs_interpreter,
        or_(
            and_(~first, ~second),
            and_(Booking.length > SINGLE_INTERPRETER_MAX_QUARTERS, or_(~first, ~second)),
        ),
    )


def _has_agreed(
    place: InstrumentedAttribute[str] | InstrumentedAttribute[str | None],
) -> ColumnElement[bool]:
    return (
        select(Engagement.booking_id)
        .where(
            Engagement.booking_id == Booking.id,
            Engagement.interpreter_id == place,
            Engagement.state.in_(AGREED_ENGAGEMENT_STATES),
        )
        .exists()
    )
