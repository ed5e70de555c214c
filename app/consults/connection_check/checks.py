"""The test before the meeting: what was measured, and what that means in plain words."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.consults.models import LineCheck, MediaNode
from app.consults.nodes import registry
from app.core.clock import now
from app.core.errors import Conflict, NotFound
from app.core.text import N_
from app.identity.models import Person
from app.scheduling.models import Booking

LOOP_ENDS_AFTER = timedelta(seconds=60)


class Verdict(StrEnum):
    """What the line is good for; the words for it stand in the page."""

    VIDEO = "video"
    AUDIO = "audio"
    POOR = "poor"


class Measured(BaseModel):
    """What the browser found in ten seconds through the media node. Rates are bit/s; None: it could
    not be measured.
    """

    camera: bool
    microphone: bool
    speaker: bool | None = None
    rtt_ms: float | None = Field(default=None, ge=0, le=60_000)
    loss: float | None = Field(default=None, ge=0, le=1)
    rate_up: int | None = Field(default=None, ge=0)
    rate_down: int | None = Field(default=None, ge=0)


def judge(measured: Measured) -> Verdict:
    """The plain verdict: a picture needs 300 kbit/s each way and little loss, a voice needs 40
    kbit/s.
    """
    if measured.rtt_ms is None or measured.loss is None or not measured.microphone:
        return Verdict.POOR
    slowest = min(measured.rate_up or 0, measured.rate_down or 0)
    if measured.camera and measured.rtt_ms <= 400 and measured.loss <= 0.03 and slowest >= 300_000:
        return Verdict.VIDEO
    if measured.rtt_ms <= 800 and measured.loss <= 0.12 and slowest >= 40_000:
        return Verdict.AUDIO
    return Verdict.POOR


def advice(measured: Measured) -> list[str]:
    """What to change, most important first: keys of sentences in the page."""
    said = []
    if not measured.microphone:
        said.append("microphone")
    if not measured.camera:
        said.append("camera")
    if measured.speaker is False:
        said.append("speaker")
    if measured.rtt_ms is None:
        said.append("blocked")
    elif (measured.loss or 0) > 0.03:
        said.append("wifi")
    elif min(measured.rate_up or 0, measured.rate_down or 0) < 300_000:
        said.append("narrow")
    elif measured.rtt_ms > 400:
        said.append("far")
    return said


def booking_for(session: Session, person: Person, booking_id: str) -> Booking:
    """A confirmed booking of the person's own. Raises `NotFound`, `Conflict` when it is over."""
    booking = session.get(Booking, booking_id)
    if (
        booking is None
        or not booking.is_confirmed
        or person.id not in {one.id for one in booking.people}
    ):
        raise NotFound()
    if now() > booking.ends_at + timedelta(hours=2):
        raise Conflict(N_("This consultation is over, so there is nothing left to test."))
    return booking


def begin(session: Session, person: Person, booking_id: str) -> tuple[LineCheck, MediaNode]:
    """A loop through the freest node. One loop of a person runs at a time; raises `NoLine` when all
    nodes are full.
    """
    booking = booking_for(session, person, booking_id)
    node = registry.freest(session)
    check = LineCheck(booking_id=booking.id, person_id=person.id, node_id=node.id)
    session.add(check)
    session.flush()
    return check, node


def finish(session: Session, person: Person, check_id: str, measured: Measured) -> LineCheck:
    """Writes down what was found. Raises `NotFound` for somebody else's check."""
    check = session.get(LineCheck, check_id)
    if check is None or check.person_id != person.id:
        raise NotFound()
    for name, value in measured.model_dump().items():
        setattr(check, name, value)
    check.verdict = judge(measured)
    return check


def latest(session: Session, booking_id: str) -> dict[str, LineCheck]:
    """The last finished check of each person, by person."""
    rows = session.scalars(
        select(LineCheck)
        .options(joinedload(LineCheck.person))
        .where(LineCheck.booking_id == booking_id, LineCheck.verdict.is_not(None))
        .order_by(LineCheck.at)
    )
    return {check.person_id: check for check in rows}


def abandoned(session: Session) -> list[LineCheck]:
    """Loops that nobody finished, whose rooms still stand at a node."""
    return list(
        session.scalars(
            select(LineCheck).where(
                LineCheck.verdict.is_(None),
                LineCheck.node_id.is_not(None),
                LineCheck.at < now() - LOOP_ENDS_AFTER,
            )
        )
    )
