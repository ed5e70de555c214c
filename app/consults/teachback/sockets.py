"""Teach-back and captions, from the room."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from app.consults import queries
from app.consults.interpreting.channels import same_language
from app.consults.models import Seat
from app.consults.room import announcing, views
from app.consults.room.seating import event, my_seat
from app.consults.teachback import service as teaching
from app.core.permissions import Permission
from app.identity.models import Person


class Ask(BaseModel):
    point: str = Field(max_length=teaching.LONGEST)


class Said(BaseModel):
    item: str = Field(max_length=32)
    said: str = Field(max_length=teaching.LONGEST)


class Judged(BaseModel):
    item: str = Field(max_length=32)
    verdict: str = Field(max_length=12)
    correction: str = Field(default="", max_length=teaching.LONGEST)


class CaptionSay(BaseModel):
    client_id: str = Field(min_length=8, max_length=64)
    language: str = Field(max_length=16)
    text: str = Field(max_length=teaching.LONGEST)


@event("teach.ask", Permission.CONSULT_TEACH, Ask)
def ask(session: Session, person: Person, sid: str, message: Ask) -> dict[str, Any]:
    seat = my_seat(session, person, sid)
    teaching.ask(session, seat, message.point)
    return _tell_all(session, seat)


@event("teach.said", Permission.CONSULT_CHAT, Said)
def said(session: Session, person: Person, sid: str, message: Said) -> dict[str, Any]:
    seat = my_seat(session, person, sid)
    teaching.render(session, seat, message.item, message.said)
    return _tell_all(session, seat)


@event("teach.judge", Permission.CONSULT_TEACH, Judged)
def judge(session: Session, person: Person, sid: str, message: Judged) -> dict[str, Any]:
    seat = my_seat(session, person, sid)
    teaching.judge(session, seat, message.item, message.verdict, message.correction)
    return _tell_all(session, seat)


@event("teach.list", Permission.CONSULT_CHAT)
def everything(session: Session, person: Person, sid: str, _message: Any) -> dict[str, Any]:
    """What a page shows when it comes in: the points, and the captions in its own language."""
    seat = my_seat(session, person, sid, change=False)
    if not seat.is_in_room:
        return {"points": [], "captions": []}
    return {
        "points": [views.point(item) for item in teaching.of_consult(session, seat.consult)],
        "captions": [
            views.caption(line) for line in queries.captions(session, seat.consult_id, seat.listens)
        ],
    }


@event("caption.say", Permission.CONSULT_INTERPRET, CaptionSay, recorded=True)
def caption(session: Session, person: Person, sid: str, message: CaptionSay) -> dict[str, Any]:
    seat = my_seat(session, person, sid)
    line = views.caption(
        teaching.caption(session, seat, message.client_id, message.language, message.text)
    )
    for one in seat.consult.present_seats:
        if one.is_in_room and (one.id == seat.id or same_language(one.listens, message.language)):
            announcing.tell(session, announcing.place(one.id), "caption", line)
    return {"caption": line}


def _tell_all(session: Session, seat: Seat) -> dict[str, Any]:
    session.flush()
    points = {"points": [views.point(item) for item in teaching.of_consult(session, seat.consult)]}
    announcing.to_everyone_inside(session, seat.consult, "teach", points)
    return points
