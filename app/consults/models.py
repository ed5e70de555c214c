"""A consult, its seats, what was said in writing, what happened, and the media nodes that carry
it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.cases.models import Case
from app.consults.interpreting.channels import InterpretingMode, SeatVoice
from app.core.clock import now
from app.core.columns import EncryptedText, Json, UtcDateTime
from app.core.db import Base
from app.core.ids import new_id
from app.identity.models import Person
from app.scheduling.models import Booking

MAX_SEATS_PER_CONSULT = 8
MEDIA_LOSS_GRACE_PERIOD = timedelta(
    seconds=1.5
)  # a line lost for less than this is not worth a word


class ConsultState(StrEnum):
    WAITING = "waiting"
    LIVE = "live"
    ENDED = "ended"
    CANCELLED = "cancelled"


class SeatPresence(StrEnum):
    """Where the person of a seat is. ``AWAY`` is somebody whose line was lost a moment ago: the
    seat is kept.
    """

    ABSENT = "absent"
    WAITING = "waiting"
    IN = "in"
    AWAY = "away"


class Consult(Base):
    """The meeting of one booking. It can be entered from ``opens_at`` until ``closes_at``, or
    until it has ended.

    ``booked_for`` is the booking's start that these were reckoned from: a booking that moves
    takes them along. ``node_id`` is the media node that carries the room now; ``routes_version``
    grows with every change of who receives whom; ``chat_count`` numbers the lines of the chat,
    ``partner_count`` those between the interpreters. The clinical clock stands still from
    ``paused_at`` on, and has stood for ``paused_seconds`` before.
    """

    __tablename__ = "consults"
    __table_args__ = (Index("ix_consults_state", "state", "closes_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    booking_id: Mapped[str] = mapped_column(ForeignKey("bookings.id"), unique=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    state: Mapped[str] = mapped_column(String(12), default=ConsultState.WAITING)
    mode: Mapped[str] = mapped_column(String(16), default=InterpretingMode.CONSECUTIVE)
    booked_for: Mapped[datetime] = mapped_column(UtcDateTime)
    opens_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closes_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    node_id: Mapped[str | None] = mapped_column(String(80), index=True)
    routes_version: Mapped[int] = mapped_column(default=0)
    chat_count: Mapped[int] = mapped_column(default=0)
    partner_count: Mapped[int] = mapped_column(default=0)
    paused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    paused_seconds: Mapped[float] = mapped_column(default=0.0)

    booking: Mapped[Booking] = relationship()
    case: Mapped[Case] = relationship()
    seats: Mapped[list[Seat]] = relationship(order_by="Seat.number", back_populates="consult")

    @property
    def room(self) -> str:
        """The room's name at the media node."""
        return self.id

    @property
    def is_over(self) -> bool:
        """Ended, or never begun in its time. One that is under way goes on past ``closes_at`` until
        somebody ends it.
        """
        if self.state == ConsultState.LIVE:
            return False
        return self.state != ConsultState.WAITING or now() >= self.closes_at

    @property
    def is_open(self) -> bool:
        return not self.is_over and self.opens_at <= now()

    @property
    def present_seats(self) -> list[Seat]:
        """The seats that people may still take, by number."""
        return [seat for seat in self.seats if seat.removed_at is None]


class Seat(Base):
    """One person's place in a consult. It survives every connection: a reload or another tab
    returns to it.

    ``kind`` is what a guest is to the patient. ``booked`` seats follow the booking; others were
    given by hand. ``number`` is unique among the seats that were not removed, and decides in
    which slot the others receive this seat. ``pair`` are the two languages of an interpreter,
    ``live_on`` is the one that goes out now, and ``handing_over`` says that the partner may take
    it. ``sid`` is the socket in the seat now, ``tab`` the browser tab that holds it,
    ``connection`` the line to the media node; ``seen_at`` is the last sign of life, ``lost_at``
    when the line went silent.
    """

    __tablename__ = "seats"
    __table_args__ = (UniqueConstraint("consult_id", "person_id"), Index("ix_seats_sid", "sid"))

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    consult_id: Mapped[str] = mapped_column(ForeignKey("consults.id"), index=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    role: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str | None] = mapped_column(String(16))
    booked: Mapped[bool] = mapped_column(default=True)
    number: Mapped[int]
    speaks: Mapped[str] = mapped_column(String(16))
    listens: Mapped[str] = mapped_column(String(16))
    pair: Mapped[list[str] | None] = mapped_column(Json)
    live_on: Mapped[str | None] = mapped_column(String(16))
    handing_over: Mapped[bool] = mapped_column(default=False)
    original_gain: Mapped[float] = mapped_column(default=0.15)
    admitted: Mapped[bool] = mapped_column(default=False)
    entered: Mapped[bool] = mapped_column(default=False)
    sid: Mapped[str | None] = mapped_column(String(64))
    tab: Mapped[str | None] = mapped_column(String(64))
    sign_in_id: Mapped[str | None] = mapped_column(String(32))
    connection: Mapped[str | None] = mapped_column(String(80))
    mic_on: Mapped[bool] = mapped_column(default=False)
    camera_on: Mapped[bool] = mapped_column(default=False)
    sharing: Mapped[bool] = mapped_column(default=False)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    joined_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lost_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    consult: Mapped[Consult] = relationship(back_populates="seats")
    person: Mapped[Person] = relationship()

    @property
    def place(self) -> SeatPresence:
        if self.admitted and self.entered:
            return SeatPresence.IN if self.sid else SeatPresence.AWAY
        return SeatPresence.WAITING if self.sid else SeatPresence.ABSENT

    @property
    def is_in_room(self) -> bool:
        """Admitted and entered, also while the line is being found again."""
        return self.removed_at is None and self.admitted and self.entered

    @property
    def is_lost(self) -> bool:
        """Whether the line has been silent for longer than a blink."""
        return self.lost_at is not None and now() - self.lost_at >= MEDIA_LOSS_GRACE_PERIOD

    @property
    def voice(self) -> SeatVoice:
        return SeatVoice(
            id=self.id,
            number=self.number,
            speaks=self.speaks,
            listens=self.listens,
            pair=(self.pair[0], self.pair[1]) if self.pair else None,
            live_on=self.live_on,
            original_gain=self.original_gain,
            away=not self.is_in_room or self.is_lost,
        )


class ChatChannel(StrEnum):
    EVERYONE = "everyone"
    INTERPRETERS = "interpreters"


class ChatMessage(Base):
    """One line of a channel of the chat: of everyone's, or the interpreters' own, which is no part
    of the case.

    ``number`` counts from 1 within the consult's channel without a hole; ``client_id`` is the
    sender's own name for the line, so that a line sent twice over a bad network stands there
    once.
    """

    __tablename__ = "chat_messages"
    __table_args__ = (
        UniqueConstraint("consult_id", "channel", "number"),
        UniqueConstraint("seat_id", "client_id"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    consult_id: Mapped[str] = mapped_column(ForeignKey("consults.id"))
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    seat_id: Mapped[str] = mapped_column(ForeignKey("seats.id"))
    channel: Mapped[str] = mapped_column(String(12), default=ChatChannel.EVERYONE)
    number: Mapped[int]
    client_id: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    text: Mapped[str] = mapped_column(EncryptedText)

    seat: Mapped[Seat] = relationship()


class ConsultEvent(Base):
    """One line of the consult's own timeline: joined, left, admitted, paused, handed over, ended.
    Never clinical.
    """

    __tablename__ = "consult_events"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    consult_id: Mapped[str] = mapped_column(ForeignKey("consults.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    kind: Mapped[str] = mapped_column(String(32))
    seat_id: Mapped[str | None] = mapped_column(ForeignKey("seats.id"))
    facts: Mapped[dict[str, object]] = mapped_column(Json, default=dict)


class Caption(Base):
    """What the interpreter typed for those who listen in ``language``. Numbered from 1 within the
    consult.
    """

    __tablename__ = "captions"
    __table_args__ = (
        UniqueConstraint("consult_id", "number"),
        UniqueConstraint("seat_id", "client_id"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    consult_id: Mapped[str] = mapped_column(ForeignKey("consults.id"))
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    seat_id: Mapped[str] = mapped_column(ForeignKey("seats.id"))
    number: Mapped[int]
    client_id: Mapped[str] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    text: Mapped[str] = mapped_column(EncryptedText)


class TeachBack(Base):
    """One point that the patient says back in their own words: asked by the specialist, rendered by
    the interpreter, confirmed or corrected by the specialist.
    """

    __tablename__ = "teach_backs"
    __table_args__ = (UniqueConstraint("consult_id", "number"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    consult_id: Mapped[str] = mapped_column(ForeignKey("consults.id"))
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    number: Mapped[int]
    point: Mapped[str] = mapped_column(EncryptedText)
    said: Mapped[str | None] = mapped_column(EncryptedText)
    said_by: Mapped[str | None] = mapped_column(ForeignKey("seats.id"))
    verdict: Mapped[str | None] = mapped_column(String(12))
    correction: Mapped[str | None] = mapped_column(EncryptedText)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    judged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class GuestInvitation(Base):
    """A link with which one named guest comes to one consult, once, until it expires. Only its hash
    is kept.
    """

    __tablename__ = "invitations"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    consult_id: Mapped[str] = mapped_column(ForeignKey("consults.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(EncryptedText)
    kind: Mapped[str] = mapped_column(String(16))
    language: Mapped[str] = mapped_column(String(16))
    invited_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    person_id: Mapped[str | None] = mapped_column(ForeignKey("people.id"))

    consult: Mapped[Consult] = relationship()
    inviter: Mapped[Person] = relationship(foreign_keys=[invited_by])

    @property
    def is_open(self) -> bool:
        return self.used_at is None and self.revoked_at is None and now() < self.expires_at


class ConnectionCheck(Base):
    """Somebody's test of camera, microphone, speaker and of the way to a media node, before a
    meeting.

    ``verdict`` is empty while the loop through ``node_id`` still runs; rates are bit/s, losses
    shares from 0.0 to 1.0.
    """

    __tablename__ = "line_checks"
    __table_args__ = (Index("ix_line_checks_booking", "booking_id", "person_id", "at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    booking_id: Mapped[str] = mapped_column(ForeignKey("bookings.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    node_id: Mapped[str | None] = mapped_column(String(80))
    verdict: Mapped[str | None] = mapped_column(String(12))
    camera: Mapped[bool] = mapped_column(default=False)
    microphone: Mapped[bool] = mapped_column(default=False)
    speaker: Mapped[bool | None]
    rtt_ms: Mapped[float | None]
    loss: Mapped[float | None]
    rate_up: Mapped[int | None]
    rate_down: Mapped[int | None]

    person: Mapped[Person] = relationship()

    @property
    def room(self) -> str:
        """The name of its room at the media node: nobody else is in it."""
        return f"check-{self.id}"


class MediaNode(Base):
    """The lease of a media node. It holds as long as heartbeats renew ``seen_at``; ``sid`` is its
    socket, if it has one.
    """

    __tablename__ = "media_nodes"

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    sid: Mapped[str | None] = mapped_column(String(64), index=True)
    capacity: Mapped[int] = mapped_column(default=0)
    rooms: Mapped[int] = mapped_column(default=0)
    seats: Mapped[int] = mapped_column(default=0)
    load: Mapped[float] = mapped_column(default=0.0)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    lost_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
