"""The record of the meeting: what happened when, and what it amounts to."""
from __future__ import annotations

from sqlalchemy.orm import Session

from app.consults.models import Consult, ConsultEvent, Seat


def remember(session: Session, consult: Consult, kind: str, seat: Seat | None, **facts: object) -> None:
    """Adds a line to the consult's own timeline. `facts` are small and never clinical."""
    session.add(ConsultEvent(consult_id=consult.id, kind=kind, seat_id=seat.id if seat else None, facts=facts))
    session.flush()
