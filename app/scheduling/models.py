"""Hours, claims, bookings, and the people who make a meeting understood."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
    false,
    or_,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.cases.models import Case
from app.core.clock import now
from app.core.columns import EncryptedText, Json, UtcDateTime
from app.core.db import Base
from app.core.ids import new_id
from app.core.permissions import Role
from app.identity.models import Person
from app.records.models import Record
from app.scheduling.matching.slots import count_interpreters_needed
from app.scheduling.time.quarters import QUARTER_MINUTES, quarter_of

DEFAULT_LENGTH_QUARTERS = 3
"""Quarters: a consult is 45 minutes unless somebody says otherwise."""
MAX_REASON_CHARACTERS = 500
"""Of the reason why a booking is moved, cancelled or declined."""


class BookingState(StrEnum):
    HELD = "held"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class EngagementState(StrEnum):
    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    REPLACED = "replaced"
    NO_SHOW = "no_show"


LIVE_BOOKING_STATES = (BookingState.HELD, BookingState.CONFIRMED)
LIVE_ENGAGEMENT_STATES = (
    EngagementState.PROPOSED,
    EngagementState.ACCEPTED,
    EngagementState.CONFIRMED,
)


class Diary(Base):
    """One per person: the rules they keep, and a version that changes whenever their time does.

    Whoever changes anybody's time locks the diaries of all concerned first, in the order of their
    ids, by raising their versions; so calendars built from an older version are known to be stale,
    in every process.
    """

    __tablename__ = "diaries"

    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, default=1)
    buffer: Mapped[int] = mapped_column(
        default=0
    )  # quarters kept free before and after each meeting
    notice_hours: Mapped[int] = mapped_column(default=0)
    daily_most: Mapped[int | None]  # meetings a day, on the person's own wall calendar
    weekly_most: Mapped[int | None]
    feed_key: Mapped[str | None] = mapped_column(
        String(64), unique=True
    )  # hash of the key of the private calendar


class AvailabilityWindow(Base):
    """Weekly open hours in the local time of a named zone. An end at or before the start lies on
    the next day.
    """

    __tablename__ = "availability_windows"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    weekday: Mapped[int]  # 0 is Monday
    start_minute: Mapped[int]
    end_minute: Mapped[int]
    zone: Mapped[str] = mapped_column(String(64))
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]


class AvailabilityException(Base):
    """Dated hours: a closure, or extra hours. With an RRULE (RFC 5545) the first day is the start
    of a series.
    """

    __tablename__ = "availability_exceptions"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    opens: Mapped[bool] = mapped_column(default=False)
    first_day: Mapped[date]
    last_day: Mapped[date]
    start_minute: Mapped[int] = mapped_column(default=0)
    end_minute: Mapped[int] = mapped_column(default=24 * 60)
    zone: Mapped[str] = mapped_column(String(64))
    rule: Mapped[str | None] = mapped_column(String(300))


class BusyFeed(Base):
    """Somebody's other calendar, read from an ICS address; only busy times are kept of it."""

    __tablename__ = "busy_feeds"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    url: Mapped[str] = mapped_column(EncryptedText)
    etag: Mapped[str | None] = mapped_column(String(200))
    fetched_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failure: Mapped[str | None] = mapped_column(String(200))


class BusySpan(Base):
    """A time at which a feed says its person is busy, in quarters, the end left out."""

    __tablename__ = "busy_spans"
    __table_args__ = (Index("ix_busy_spans_person", "person_id", "end_quarter"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    feed_id: Mapped[str] = mapped_column(
        ForeignKey("busy_feeds.id", ondelete="CASCADE"), index=True
    )
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    start_quarter: Mapped[int]
    end_quarter: Mapped[int]


class Booking(Base):
    """A meeting of a patient, a specialist and, where they share no language, an interpreter.

    ``starts_at`` lies on the quarter grid, ``length`` is in quarters. ``sequence`` counts the
    changes that calendars and messages must follow. ``offsets`` are the minutes from UTC of each
    person's clock when the time was agreed: they show later that a country has changed its
    rules, and ``zones`` whose rules they were: somebody who has moved house is no country.
    ``clocks_changed`` holds such changes, [was, is] by person, until the office has seen to
    them. ``interpreter_id`` is empty while a needed interpreter is sought, and so is
    ``second_interpreter_id`` in a meeting that is too long for one.
    """

    __tablename__ = "bookings"
    __table_args__ = (Index("ix_bookings_state_start", "state", "starts_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    patient_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    specialist_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    interpreter_id: Mapped[str | None] = mapped_column(ForeignKey("people.id"), index=True)
    second_interpreter_id: Mapped[str | None] = mapped_column(ForeignKey("people.id"), index=True)
    needs_interpreter: Mapped[bool] = mapped_column(default=True)
    source: Mapped[str] = mapped_column(String(16))  # the patient's language
    target: Mapped[str] = mapped_column(String(16))  # the specialist's
    mode: Mapped[str] = mapped_column(String(16), default="consecutive")
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    length: Mapped[int] = mapped_column(default=DEFAULT_LENGTH_QUARTERS)
    state: Mapped[str] = mapped_column(String(12), default=BookingState.HELD)
    form_token: Mapped[str] = mapped_column(String(64), unique=True)
    hold_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sequence: Mapped[int] = mapped_column(default=0)
    series_id: Mapped[str | None] = mapped_column(String(32), index=True)
    offsets: Mapped[dict[str, int]] = mapped_column(Json, default=dict)
    zones: Mapped[dict[str, str]] = mapped_column(Json, default=dict, server_default="{}")
    clocks_changed: Mapped[dict[str, list[int]]] = mapped_column(
        Json, default=dict, server_default="{}"
    )
    created_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    cancelled_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    cancel_reason: Mapped[str | None] = mapped_column(EncryptedText)
    override_reason: Mapped[str | None] = mapped_column(EncryptedText)

    case: Mapped[Case] = relationship()
    patient: Mapped[Person] = relationship(foreign_keys=[patient_id])
    specialist: Mapped[Person] = relationship(foreign_keys=[specialist_id])
    interpreter: Mapped[Person | None] = relationship(foreign_keys=[interpreter_id])
    second_interpreter: Mapped[Person | None] = relationship(foreign_keys=[second_interpreter_id])
    engagements: Mapped[list[Engagement]] = relationship(
        order_by="Engagement.proposed_at", back_populates="booking"
    )

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=QUARTER_MINUTES * self.length)

    @property
    def minutes(self) -> int:
        return QUARTER_MINUTES * self.length

    @property
    def people(self) -> list[Person]:
        """Everyone in the meeting: patient, specialist, and the interpreters there are."""
        return [self.patient, self.specialist, *self.interpreters]

    @property
    def interpreters(self) -> list[Person]:
        """Those who are booked now: one, or a team of two for a long meeting."""
        return [one for one in (self.interpreter, self.second_interpreter) if one is not None]

    @property
    def interpreters_needed(self) -> int:
        return count_interpreters_needed(self.length) if self.needs_interpreter else 0

    @property
    def interpreters_missing(self) -> int:
        return self.interpreters_needed - len(self.interpreters)

    @staticmethod
    def takes_part(person_id: str) -> ColumnElement[bool]:
        """The condition that somebody is in a meeting, for a query."""
        return or_(
            Booking.patient_id == person_id,
            Booking.specialist_id == person_id,
            Booking.interpreter_id == person_id,
            Booking.second_interpreter_id == person_id,
        )

    def role_of(self, person_id: str) -> Role:
        """What somebody in this meeting is there for."""
        if person_id == self.patient_id:
            return Role.PATIENT
        return Role.SPECIALIST if person_id == self.specialist_id else Role.INTERPRETER

    def seat(self, interpreter: Person) -> None:
        """Puts an interpreter in the first place that is empty."""
        if self.interpreter is None:
            self.interpreter_id, self.interpreter = interpreter.id, interpreter
        else:
            self.second_interpreter_id, self.second_interpreter = interpreter.id, interpreter

    def unseat(self, person_id: str) -> None:
        if self.interpreter_id == person_id:
            self.interpreter_id, self.interpreter = None, None
        if self.second_interpreter_id == person_id:
            self.second_interpreter_id, self.second_interpreter = None, None

    @property
    def quarters(self) -> range:
        first = quarter_of(self.starts_at)
        return range(first, first + self.length)

    @property
    def is_live(self) -> bool:
        return self.state in LIVE_BOOKING_STATES

    @property
    def is_confirmed(self) -> bool:
        return self.state == BookingState.CONFIRMED

    @property
    def engagement(self) -> Engagement | None:
        """That of the interpreter who is booked now; of a team, of the first."""
        return self.engagement_of(self.interpreter_id)

    @property
    def current_engagements(self) -> list[Engagement]:
        """Those of the interpreters who are booked now."""
        return [
            one
            for person in self.interpreters
            if (one := self.engagement_of(person.id)) is not None
        ]

    def engagement_of(self, person_id: str | None) -> Engagement | None:
        return next((one for one in self.engagements if one.interpreter_id == person_id), None)


class Claim(Base):
    """One person, one quarter, once. The unique index is what makes a double booking impossible."""

    __tablename__ = "claims"
    __table_args__ = (Index("ux_claims_person_quarter", "person_id", "quarter", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    quarter: Mapped[int]
    booking_id: Mapped[str] = mapped_column(ForeignKey("bookings.id"), index=True)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Engagement(Base):
    """An interpreter asked to stand in a booking. ``rank`` is the place on the ladder: 0 was asked
    first.
    """

    __tablename__ = "engagements"
    __table_args__ = (
        UniqueConstraint("booking_id", "interpreter_id"),
        Index("ix_engagements_interpreter", "interpreter_id", "state"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    booking_id: Mapped[str] = mapped_column(ForeignKey("bookings.id"), index=True)
    interpreter_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    state: Mapped[str] = mapped_column(String(12), default=EngagementState.PROPOSED)
    rank: Mapped[int] = mapped_column(default=0)
    proposed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    answer_by: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str | None] = mapped_column(EncryptedText)
    minutes_worked: Mapped[int | None]

    booking: Mapped[Booking] = relationship(back_populates="engagements")
    interpreter: Mapped[Person] = relationship()

    @property
    def is_live(self) -> bool:
        return self.state in LIVE_ENGAGEMENT_STATES


class Qualification(Base):
    """A language pair that an interpreter may be proposed for, and the credential that says so.

    ``source`` and ``target`` are BCP 47 tags; with ``both_ways`` the pair holds in either
    direction. The credential is good through the day of ``valid_until``.
    """

    __tablename__ = "qualifications"
    __table_args__ = (Index("ix_qualifications_pair", "source", "target"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    source: Mapped[str] = mapped_column(String(16))
    target: Mapped[str] = mapped_column(String(16))
    both_ways: Mapped[bool] = mapped_column(default=True)
    modes: Mapped[list[str]] = mapped_column(Json, default=lambda: ["consecutive", "simultaneous"])
    credential: Mapped[str] = mapped_column(String(20))  # CHI, CMI, CoreCHI, court, state, other
    number: Mapped[str] = mapped_column(String(60), default="")
    issuer: Mapped[str] = mapped_column(String(120), default="")
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]

    person: Mapped[Person] = relationship()


class InterpreterProfile(Base):
    """What else matters when an interpreter is chosen and paid.

    ``dialects`` are BCP 47 tags with a region (ar-EG) that they feel at home in. ``hourly_rate``
    is in minor units of ``currency``, agreed with the office.
    """

    __tablename__ = "interpreter_profiles"

    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True)
    gender: Mapped[str | None] = mapped_column(String(12))
    specialties: Mapped[list[str]] = mapped_column(Json, default=list)
    dialects: Mapped[list[str]] = mapped_column(Json, default=list, server_default="[]")
    hourly_rate: Mapped[int | None]
    currency: Mapped[str] = mapped_column(String(3), default="EUR")


class BriefPreference(Base):
    """How a patient wants to be told things, for the interpreter's brief: one row a case."""

    __tablename__ = "brief_preferences"

    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    tell: Mapped[str] = mapped_column(String(12), default="me")  # me, family
    numbers: Mapped[bool] = mapped_column(default=True)
    interpreter_gender: Mapped[str | None] = mapped_column(String(12))
    gender_only: Mapped[bool] = mapped_column(
        default=False, server_default=false()
    )  # nobody else may be asked


class RecordTerms(Base):
    """The terms that were found in the text of one record: words from closed lists, and nothing
    else of the file.
    """

    __tablename__ = "record_terms"

    record_id: Mapped[str] = mapped_column(ForeignKey(Record.id), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    terms: Mapped[str] = mapped_column(EncryptedText)  # JSON: pairs of kind and term
    read_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class GlossaryTerm(Base):
    """An interpreter's own rendering of a term, kept for the next time."""

    __tablename__ = "glossary_terms"
    __table_args__ = (UniqueConstraint("person_id", "target", "term"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    target: Mapped[str] = mapped_column(String(16))
    term: Mapped[str] = mapped_column(String(120))
    rendering: Mapped[str] = mapped_column(String(200), default="")
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
