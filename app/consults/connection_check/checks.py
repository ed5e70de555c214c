"""The test before the meeting: what was measured, and what that means in plain words."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.consults.models import ConnectionCheck, MediaNode
from app.consults.nodes import registry
from app.core.clock import now
from app.core.errors import Conflict, NotFound
from app.core.text import N_
from app.identity.models import Person
from app.scheduling.models import Booking

CHECK_ROOM_LIFETIME = timedelta(seconds=60)


class ConnectionVerdict(StrEnum):
    """What the line is good for; the words for it stand in the page."""

    VIDEO = "video"
    AUDIO = "audio"
    POOR = "poor"


class ConnectionMeasurement(BaseModel):
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


def judge_connection(measured: ConnectionMeasurement) -> ConnectionVerdict:
    """The plain verdict: a picture needs 300 kbit/s each way and little loss, a voice needs 40
    kbit/s.
    """
    if measured.rtt_ms is None or measured.loss is None or not measured.microphone:
        return ConnectionVerdict.POOR
    slowest = min(measured.rate_up or 0, measured.rate_down or 0)
    if measured.camera and measured.rtt_ms <= 400 and measured.loss <= 0.03 and slowest >= 300_000:
        return ConnectionVerdict.VIDEO
    if measured.rtt_ms <= 800 and measured.loss <= 0.12 and slowest >= 40_000:
        return ConnectionVerdict.AUDIO
    return ConnectionVerdict.POOR


def list_connection_advice(measured: ConnectionMeasurement) -> list[str]:
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


def get_booking_to_check(session: Session, person: Person, booking_id: str) -> Booking:
    """A confirmed booking of the person's own. Raises ``NotFound``, ``Conflict`` when it is
    over.
    """
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


def begin_connection_check(
    session: Session, person: Person, booking_id: str
) -> tuple[ConnectionCheck, MediaNode]:
    """A loop through the freest node. One loop of a person runs at a time; raises ``NoLine``
    when all nodes are full.
    """
    booking = get_booking_to_check(session, person, booking_id)
    node = registry.find_freest_node(session)
    check = ConnectionCheck(booking_id=booking.id, person_id=person.id, node_id=node.id)
    session.add(check)
    session.flush()
    return check, node


def finish_connection_check(
    session: Session, person: Person, check_id: str, measured: ConnectionMeasurement
) -> ConnectionCheck:
    """Writes down what was found. Raises ``NotFound`` for somebody else's check."""
    check = session.get(ConnectionCheck, check_id)
    if check is None or check.person_id != person.id:
        raise NotFound()
    for name, value in measured.model_dump().items():
        setattr(check, name, value)
    check.verdict = judge_connection(measured)
    return check


def find_latest_checks(session: Session, booking_id: str) -> dict[str, ConnectionCheck]:
    """The last finished check of each person, by person."""
    rows = session.scalars(
        select(ConnectionCheck)
        .options(joinedload(ConnectionCheck.person))
        .where(ConnectionCheck.booking_id == booking_id, ConnectionCheck.verdict.is_not(None))
        .order_by(ConnectionCheck.at)
    )
    return {check.person_id: check for check in rows}


def list_abandoned_checks(session: Session) -> list[ConnectionCheck]:
    """Loops that nobody finished, whose rooms still stand at a node."""
    return list(
        session.scalars(
            select(ConnectionCheck).where(
                ConnectionCheck.verdict.is_(None),
                ConnectionCheck.node_id.is_not(None),
                ConnectionCheck.at < now() - CHECK_ROOM_LIFETIME,
            )
        )
    )
