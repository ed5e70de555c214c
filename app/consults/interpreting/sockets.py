"""What a browser may say about languages: the mode, the interpreter's switch, hand-over, listening,
signals.
"""

from __future__ import annotations

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from app.consults.interpreting import service as interpreting
from app.consults.interpreting.channels import InterpretingMode
from app.consults.interpreting.service import SpeakerSignal
from app.consults.permissions import ConsultPermission
from app.consults.room import announcing
from app.consults.room.seating import get_own_seat, on_consult_event
from app.identity.models import Person
from app.web.sockets import SocketAnswer


class ModeSetMessage(BaseModel):
    """``mode.set``: how everybody is interpreted from now on."""

    mode: InterpretingMode


class ChannelTakeMessage(BaseModel):
    """``language`` is the one that goes out; none is to rest."""

    language: str | None = Field(default=None, max_length=16)


class HandoverOfferMessage(BaseModel):
    """``handover.offer``: the offer to the partners, or its withdrawal."""

    offered: bool = True


class HandoverAcceptMessage(BaseModel):
    """``handover.accept``: ``giver`` is the id of the seat that offered."""

    giver: str = Field(max_length=32)


class ListenSetMessage(BaseModel):
    """``listen.set``: a BCP 47 tag, and the original's gain from 0 to 1. None changes nothing."""

    listens: str | None = Field(default=None, max_length=16)
    gain: float | None = None


class SignalRaiseMessage(BaseModel):
    """``signal.raise``: what is asked of whoever speaks."""

    signal: SpeakerSignal


@on_consult_event("mode.set", ConsultPermission.CONSULT_SIGNAL, ModeSetMessage, recorded=True)
def handle_mode_set(
    session: Session, person: Person, sid: str, message: ModeSetMessage
) -> SocketAnswer:
    """Answers ``{}``. Everybody gets the new routes. Raises what ``set_interpreting_mode``
    raises.
    """
    seat = get_own_seat(session, person, sid)
    interpreting.set_interpreting_mode(session, seat, message.mode)
    announcing.announce_media_routes(session, seat.consult)
    return {}


@on_consult_event(
    "channel.take", ConsultPermission.CONSULT_INTERPRET, ChannelTakeMessage, recorded=True
)
def handle_channel_take(
    session: Session, person: Person, sid: str, message: ChannelTakeMessage
) -> SocketAnswer:
    """Answers ``{}``. Everybody gets the new routes. Raises what ``take_channel`` raises."""
    seat = get_own_seat(session, person, sid)
    if message.language is None:
        interpreting.release_channel(session, seat)
    else:
        interpreting.take_channel(session, seat, message.language)
    announcing.announce_media_routes(session, seat.consult)
    return {}


@on_consult_event("handover.offer", ConsultPermission.CONSULT_INTERPRET, HandoverOfferMessage)
def handle_handover_offer(
    session: Session, person: Person, sid: str, message: HandoverOfferMessage
) -> SocketAnswer:
    """Answers ``{}``. The partners see the offer. Raises what ``offer_hand_over`` raises."""
    seat = get_own_seat(session, person, sid)
    interpreting.offer_hand_over(session, seat, offered=message.offered)
    announcing.announce_media_routes(session, seat.consult)
    return {}


@on_consult_event(
    "handover.accept", ConsultPermission.CONSULT_INTERPRET, HandoverAcceptMessage, recorded=True
)
def handle_handover_accept(
    session: Session, person: Person, sid: str, message: HandoverAcceptMessage
) -> SocketAnswer:
    """Answers ``{}``. Everybody gets the new routes. Raises what ``accept_hand_over`` raises."""
    seat = get_own_seat(session, person, sid)
    interpreting.accept_hand_over(session, seat, message.giver)
    announcing.announce_media_routes(session, seat.consult)
    return {}


@on_consult_event("listen.set", ConsultPermission.CONSULT_SIGNAL, ListenSetMessage)
def handle_listen_set(
    session: Session, person: Person, sid: str, message: ListenSetMessage
) -> SocketAnswer:
    """Answers ``{}``. The listener gets other sound. Raises what ``set_listening`` raises."""
    seat = get_own_seat(session, person, sid)
    interpreting.set_listening(session, seat, listens=message.listens, gain=message.gain)
    announcing.announce_media_routes(session, seat.consult)
    return {}


@on_consult_event("signal.raise", ConsultPermission.CONSULT_SIGNAL, SignalRaiseMessage)
def handle_signal_raise(
    session: Session, person: Person, sid: str, message: SignalRaiseMessage
) -> SocketAnswer:
    """Answers ``{}``. Everybody in the room sees the signal. Raises what ``raise_signal``
    raises.
    """
    seat = get_own_seat(session, person, sid)
    interpreting.raise_signal(session, seat, message.signal)
    announcing.tell_seats_in_room(
        session, seat.consult, "signal", {"seat": seat.id, "signal": message.signal}
    )
    return {}
