"""What a browser may say about languages: the mode, the interpreter's switch, hand-over, listening,
signals.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from app.consults.interpreting import service as interpreting
from app.consults.interpreting.channels import Mode
from app.consults.interpreting.service import Signal
from app.consults.room import announcing
from app.consults.room.seating import event, my_seat
from app.core.permissions import Permission
from app.identity.models import Person


class SetMode(BaseModel):
    mode: Mode


class TakeChannel(BaseModel):
    """`language` is the one that goes out; none is to rest."""

    language: str | None = Field(default=None, max_length=16)


class OfferHandOver(BaseModel):
    offered: bool = True


class AcceptHandOver(BaseModel):
    giver: str = Field(max_length=32)


class Listen(BaseModel):
    listens: str | None = Field(default=None, max_length=16)
    gain: float | None = None


class RaiseSignal(BaseModel):
    signal: Signal


@event("mode.set", Permission.CONSULT_SIGNAL, SetMode, recorded=True)
def set_mode(session: Session, person: Person, sid: str, message: SetMode) -> dict[str, Any]:
    seat = my_seat(session, person, sid)
    interpreting.set_mode(session, seat, message.mode)
    announcing.routes(session, seat.consult)
    return {}


@event("channel.take", Permission.CONSULT_INTERPRET, TakeChannel, recorded=True)
def take_channel(
    session: Session, person: Person, sid: str, message: TakeChannel
) -> dict[str, Any]:
    seat = my_seat(session, person, sid)
    if message.language is None:
        interpreting.rest(session, seat)
    else:
        interpreting.take_channel(session, seat, message.language)
    announcing.routes(session, seat.consult)
    return {}


@event("handover.offer", Permission.CONSULT_INTERPRET, OfferHandOver)
def offer_hand_over(
    session: Session, person: Person, sid: str, message: OfferHandOver
) -> dict[str, Any]:
    seat = my_seat(session, person, sid)
    interpreting.offer_hand_over(session, seat, offered=message.offered)
    announcing.routes(session, seat.consult)
    return {}


@event("handover.accept", Permission.CONSULT_INTERPRET, AcceptHandOver, recorded=True)
def accept_hand_over(
    session: Session, person: Person, sid: str, message: AcceptHandOver
) -> dict[str, Any]:
    seat = my_seat(session, person, sid)
    interpreting.accept_hand_over(session, seat, message.giver)
    announcing.routes(session, seat.consult)
    return {}


@event("listen.set", Permission.CONSULT_SIGNAL, Listen)
def listen(session: Session, person: Person, sid: str, message: Listen) -> dict[str, Any]:
    seat = my_seat(session, person, sid)
    interpreting.set_listening(session, seat, listens=message.listens, gain=message.gain)
    announcing.routes(session, seat.consult)
    return {}


@event("signal.raise", Permission.CONSULT_SIGNAL, RaiseSignal)
def raise_signal(
    session: Session, person: Person, sid: str, message: RaiseSignal
) -> dict[str, Any]:
    seat = my_seat(session, person, sid)
    interpreting.raise_signal(session, seat, message.signal)
    announcing.to_everyone_inside(
        session, seat.consult, "signal", {"seat": seat.id, "signal": message.signal}
    )
    return {}
