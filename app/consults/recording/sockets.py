"""The recording, from the room."""

from __future__ import annotations

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from app.consults.permissions import ConsultPermission
from app.consults.recording import service as recording
from app.consults.room import announcing
from app.consults.room.seating import get_own_seat, on_consult_event
from app.identity.models import Person
from app.web.sockets import SocketAnswer


class RecordingAnswerMessage(BaseModel):
    """``seat`` is whose answer it is: only one's own is taken."""

    agrees: bool
    seat: str | None = Field(default=None, max_length=32)


class RecordingDecideMessage(BaseModel):
    purges: bool


@on_consult_event("recording.ask", ConsultPermission.CONSULT_SIGNAL, recorded=True)
def handle_recording_ask(
    session: Session, person: Person, sid: str, _message: object
) -> SocketAnswer:
    seat = get_own_seat(session, person, sid)
    recording.ask_to_record(session, seat)
    announcing.announce_consult_state(session, seat.consult)
    return {}


@on_consult_event(
    "recording.answer", ConsultPermission.CONSULT_SIGNAL, RecordingAnswerMessage, recorded=True
)
def handle_recording_answer(
    session: Session, person: Person, sid: str, message: RecordingAnswerMessage
) -> SocketAnswer:
    seat = get_own_seat(session, person, sid)
    one = recording.answer_recording_request(session, seat, agrees=message.agrees, of=message.seat)
    if not message.agrees:
        announcing.send_recording_command(session, seat.consult, one)
    announcing.announce_consult_state(session, seat.consult)
    return {}


@on_consult_event("recording.stop", ConsultPermission.CONSULT_SIGNAL, recorded=True)
def handle_recording_stop(
    session: Session, person: Person, sid: str, _message: object
) -> SocketAnswer:
    seat = get_own_seat(session, person, sid)
    one = recording.stop_recording(session, seat)
    announcing.send_recording_command(session, seat.consult, one)
    announcing.announce_consult_state(session, seat.consult)
    return {}


@on_consult_event(
    "recording.decide", ConsultPermission.CONSULT_SIGNAL, RecordingDecideMessage, recorded=True
)
def handle_recording_decide(
    session: Session, person: Person, sid: str, message: RecordingDecideMessage
) -> SocketAnswer:
    seat = get_own_seat(session, person, sid)
    recording.decide_recording_purge(session, seat, purges=message.purges)
    announcing.announce_consult_state(session, seat.consult)
    return {}
