"""A case and what belongs to it alone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.cases.states import CaseStage
from app.core.clock import now
from app.core.columns import EncryptedText, Json, UtcDateTime
from app.core.db import Base
from app.core.ids import new_id
from app.identity.models import Person
from app.organizations.models import Office


class Case(Base):
    """One request for a second opinion. ``language`` is the patient's; the opinion goes home in it.

    ``subject_*`` say whose illness it is where the patient account belongs to a proxy (guardian,
    relative). ``complete_at`` starts the turnaround clock; ``due_at`` is when the opinion is
    due. ``act_by`` is when somebody must have taken the next step: it orders the office's
    worklist and is empty once nobody has to. ``needs_interpreter`` is known as soon as a
    specialist is on the case: whether the two share no language.
    """

    __tablename__ = "cases"
    __table_args__ = (
        # Each ends in the id, so that the worklist finds its page in the index alone, however far
        # down it is.
        Index("ix_cases_act_by", "act_by", "id"),
        Index("ix_cases_stage_act_by", "stage", "act_by", "id", "needs_interpreter"),
        Index("ix_cases_specialty_act_by", "specialty", "act_by", "id"),
        Index("ix_cases_stage_changed", "stage", "changed_at", "id"),
        Index("ix_cases_office_stage", "office_id", "stage"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    patient_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"))
    stage: Mapped[str] = mapped_column(String(20), default=CaseStage.DRAFT)
    specialty: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(16))
    story: Mapped[str] = mapped_column(EncryptedText, default="")
    written_only: Mapped[bool] = mapped_column(default=False)
    for_self: Mapped[bool] = mapped_column(default=True)
    subject_name: Mapped[str | None] = mapped_column(EncryptedText)
    subject_relation: Mapped[str | None] = mapped_column(String(20))
    subject_authority: Mapped[str | None] = mapped_column(EncryptedText)
    closing_reason: Mapped[str | None] = mapped_column(EncryptedText)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    submitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    complete_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    act_by: Mapped[datetime | None] = mapped_column(UtcDateTime)
    needs_interpreter: Mapped[bool | None]
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    patient: Mapped[Person] = relationship()
    office: Mapped[Office] = relationship()
    shares: Mapped[list[CaseShare]] = relationship(
        order_by="CaseShare.since", back_populates="case"
    )
    questions: Mapped[list[Question]] = relationship(
        order_by="Question.number", cascade="all, delete-orphan", back_populates="case"
    )
    members: Mapped[list[CaseMember]] = relationship(
        order_by="CaseMember.since", back_populates="case"
    )


class CaseShare(Base):
    """A case that its office shares with another one, until it takes that back."""

    __tablename__ = "case_shares"
    __table_args__ = (Index("ix_case_shares_office", "office_id", "until", "case_id"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"))
    since: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    granted_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    reason: Mapped[str] = mapped_column(EncryptedText, default="")

    case: Mapped[Case] = relationship(back_populates="shares")
    office: Mapped[Office] = relationship()


class CaseCounter(Base):
    """The last case number given out in a year."""

    __tablename__ = "case_counters"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(default=0)


class Question(Base):
    """One of up to ten numbered questions that the opinion must answer."""

    __tablename__ = "questions"
    __table_args__ = (UniqueConstraint("case_id", "number"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    number: Mapped[int]
    text: Mapped[str] = mapped_column(EncryptedText)

    case: Mapped[Case] = relationship(back_populates="questions")


class Consent(Base):
    """What somebody agreed to: which text, in which version and language, when.

    ``text`` is what the page showed, and ``text_hash`` its SHA-256 (hex, over UTF-8). Both are
    missing for consents given before they were kept.
    """

    __tablename__ = "consents"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    kind: Mapped[str] = mapped_column(String(20))
    text_version: Mapped[str] = mapped_column(String(16))
    language: Mapped[str] = mapped_column(String(16))
    text: Mapped[str | None] = mapped_column(EncryptedText)
    text_hash: Mapped[str | None] = mapped_column(String(64))
    given_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CaseMember(Base):
    """The only way to a case: who, as what, from when until when, let in by whom and why."""

    __tablename__ = "case_members"
    __table_args__ = (Index("ix_case_members_person", "person_id", "until", "case_id"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    role: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    granted_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    reason: Mapped[str] = mapped_column(String(200), default="")

    case: Mapped[Case] = relationship(back_populates="members")
    person: Mapped[Person] = relationship(foreign_keys=[person_id])


class RecordRequest(Base):
    """Something the office asks the patient to send."""

    __tablename__ = "record_requests"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    asked_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    what: Mapped[str] = mapped_column(EncryptedText)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    provided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CaseEvent(Base):
    """One line of the case's timeline. ``kind`` is a stage move or a slice's own event;
    ``facts`` are not clinical.
    """

    __tablename__ = "case_events"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    kind: Mapped[str] = mapped_column(String(40))
    actor_id: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    facts: Mapped[dict[str, object]] = mapped_column(Json, default=dict)
