"""The recording, from the room."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from app.consults.recording import service as recording
from app.consults.room import announcing
from app.consults.room.seating import event, my_seat
from app.core.permissions import Permission
from app.identity.models import Person


class Answer(BaseModel):
    """`seat` is whose answer it is: only one's own is taken."""

    agrees: bool
    seat: str | None = Field(default=None, max_length=32)


class Decision(BaseModel):
    purges: bool


@event("recording.ask", Permission.CONSULT_SIGNAL, recorded=True)
def ask(session: Session, person: Person, sid: str, _message: Any) -> dict[str, Any]:
    seat = my_seat(session, person, sid)
    recording.ask(session, seat)
    announcing.state(session, seat.consult)
    return {}


@event("recording.answer", Permission.CONSULT_SIGNAL, Answer, recorded=True)
def answer(session: Session, person: Person, sid: str, message: Answer) -> dict[str, Any]:
    seat = my_seat(session, person, sid)
    one = recording.answer(session, seat, agrees=message.agrees, of=message.seat)
    if not message.agrees:
        announcing.recording_changed(session, seat.consult, one)
    announcing.state(session, seat.consult)
    return {}


@event("recording.stop", Permission.CONSULT_SIGNAL, recorded=True)
def stop(session: Session, person: Person, sid: str, _message: Any) -> dict[str, Any]:
    seat = my_seat(session, person, sid)
    one = recording.stop(session, seat)
    announcing.recording_changed(session, seat.consult, one)
    announcing.state(session, seat.consult)
    return {}


@event("recording.decide", Permission.CONSULT_SIGNAL, Decision, recorded=True)
def decide(session: Session, person: Person, sid: str, message: Decision) -> dict[str, Any]:
    seat = my_seat(session, person, sid)
    recording.decide(session, seat, purges=message.purges)
    announcing.state(session, seat.consult)
    return {}
