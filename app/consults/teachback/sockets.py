"""Teach-back and captions, from the room."""

from __future__ import annotations

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from app.consults import queries
from app.consults.interpreting.channels import is_same_base_language
from app.consults.models import Seat
from app.consults.permissions import ConsultPermission
from app.consults.room import announcing, views
from app.consults.room.seating import get_own_seat, on_consult_event
from app.consults.teachback import service as teaching
from app.identity.models import Person
from app.web.sockets import SocketAnswer


class TeachAskMessage(BaseModel):
    point: str = Field(max_length=teaching.MAX_TEACHING_TEXT_CHARACTERS)


class TeachSaidMessage(BaseModel):
    item: str = Field(max_length=32)
    said: str = Field(max_length=teaching.MAX_TEACHING_TEXT_CHARACTERS)


class TeachJudgeMessage(BaseModel):
    item: str = Field(max_length=32)
    verdict: str = Field(max_length=12)
    correction: str = Field(default="", max_length=teaching.MAX_TEACHING_TEXT_CHARACTERS)


class CaptionSayMessage(BaseModel):
    client_id: str = Field(min_length=8, max_length=64)
    language: str = Field(max_length=16)
    text: str = Field(max_length=teaching.MAX_TEACHING_TEXT_CHARACTERS)


@on_consult_event("teach.ask", ConsultPermission.CONSULT_TEACH, TeachAskMessage)
def handle_teach_ask(
    session: Session, person: Person, sid: str, message: TeachAskMessage
) -> SocketAnswer:
    seat = get_own_seat(session, person, sid)
    teaching.ask_teach_back(session, seat, message.point)
    return _announce_teach_backs(session, seat)


@on_consult_event("teach.said", ConsultPermission.CONSULT_CHAT, TeachSaidMessage)
def handle_teach_said(
    session: Session, person: Person, sid: str, message: TeachSaidMessage
) -> SocketAnswer:
    seat = get_own_seat(session, person, sid)
    teaching.write_teach_back_answer(session, seat, message.item, message.said)
    return _announce_teach_backs(session, seat)


@on_consult_event("teach.judge", ConsultPermission.CONSULT_TEACH, TeachJudgeMessage)
def handle_teach_judge(
    session: Session, person: Person, sid: str, message: TeachJudgeMessage
) -> SocketAnswer:
    seat = get_own_seat(session, person, sid)
    teaching.judge_teach_back(session, seat, message.item, message.verdict, message.correction)
    return _announce_teach_backs(session, seat)


@on_consult_event("teach.list", ConsultPermission.CONSULT_CHAT)
def handle_teach_list(session: Session, person: Person, sid: str, _message: object) -> SocketAnswer:
    """What a page shows when it comes in: the points, and the captions in its own language."""
    seat = get_own_seat(session, person, sid, change=False)
    if not seat.is_in_room:
        return {"points": [], "captions": []}
    return {
        "points": [
            views.serialize_teach_back(item)
            for item in teaching.list_teach_backs(session, seat.consult)
        ],
        "captions": [
            views.serialize_caption(line)
            for line in queries.list_captions(session, seat.consult_id, seat.listens)
        ],
    }


@on_consult_event(
    "caption.say", ConsultPermission.CONSULT_INTERPRET, CaptionSayMessage, recorded=True
)
def handle_caption_say(
    session: Session, person: Person, sid: str, message: CaptionSayMessage
) -> SocketAnswer:
    seat = get_own_seat(session, person, sid)
    line = views.serialize_caption(
        teaching.add_caption(session, seat, message.client_id, message.language, message.text)
    )
    for one in seat.consult.present_seats:
        if one.is_in_room and (
            one.id == seat.id or is_same_base_language(one.listens, message.language)
        ):
            announcing.tell_browsers(
                session, announcing.name_seat_audience(one.id), "caption", line
            )
    return {"caption": line}


def _announce_teach_backs(session: Session, seat: Seat) -> SocketAnswer:
    session.flush()
    points = {
        "points": [
            views.serialize_teach_back(item)
            for item in teaching.list_teach_backs(session, seat.consult)
        ]
    }
    announcing.tell_seats_in_room(session, seat.consult, "teach", points)
    return points
