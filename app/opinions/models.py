"""An opinion and its parts. Every clinical word lies encrypted."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.cases.models import Case, Question
from app.core.clock import now
from app.core.columns import EncryptedText, UtcDateTime
from app.core.db import Base
from app.core.ids import new_id
from app.core.rotation import describe_wrapped_key
from app.identity.models import Person


class OpinionState(StrEnum):
    DRAFT = "draft"
    SIGNED = "signed"
    RELEASED = "released"


class DiagnosisAgreement(StrEnum):
    """How the specialist sees the diagnosis that the patient came with."""

    AGREE = "agree"
    PARTLY = "partly"
    DISAGREE = "disagree"


class RecommendationUrgency(StrEnum):
    NOW = "now"
    SOON = "soon"
    ROUTINE = "routine"


class Opinion(Base):
    """One per case. ``version`` counts the saves of the draft; ``content_hash`` is what was signed.

    ``language`` is that of the document's headings, the patient's. The PDF is an encrypted object:
    ``pdf_object`` names it, and it is whole once ``rendered_at`` is set.
    """

    __tablename__ = "opinions"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), unique=True)
    specialist_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    state: Mapped[str] = mapped_column(String(12), default=OpinionState.DRAFT)
    version: Mapped[int] = mapped_column(Integer, default=0)
    language: Mapped[str] = mapped_column(String(16))
    agreement: Mapped[str | None] = mapped_column(String(12))
    diagnosis: Mapped[str] = mapped_column(EncryptedText, default="")
    further_tests: Mapped[str] = mapped_column(EncryptedText, default="")
    limits: Mapped[str] = mapped_column(EncryptedText, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    saved_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    signed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    content_hash: Mapped[str | None] = mapped_column(String(64))
    rendered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    pdf_object: Mapped[str | None] = mapped_column(String(64))
    pdf_key: Mapped[str | None] = mapped_column(Text, info=describe_wrapped_key("pdf_object"))
    pdf_size: Mapped[int | None]
    pdf_sha256: Mapped[str | None] = mapped_column(String(64))
    released_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    released_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))

    case: Mapped[Case] = relationship()
    specialist: Mapped[Person] = relationship(foreign_keys=[specialist_id])
    answers: Mapped[list[QuestionAnswer]] = relationship(
        cascade="all, delete-orphan", back_populates="opinion"
    )
    recommendations: Mapped[list[Recommendation]] = relationship(
        order_by="Recommendation.position", cascade="all, delete-orphan", back_populates="opinion"
    )
    addenda: Mapped[list[Addendum]] = relationship(
        order_by="Addendum.created_at", back_populates="opinion"
    )

    @property
    def is_draft(self) -> bool:
        return self.state == OpinionState.DRAFT

    @property
    def is_released(self) -> bool:
        return self.state == OpinionState.RELEASED

    @property
    def is_rendered(self) -> bool:
        return self.rendered_at is not None


class QuestionAnswer(Base):
    """The answer to one of the patient's numbered questions."""

    __tablename__ = "answers"
    __table_args__ = (UniqueConstraint("opinion_id", "question_id"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    opinion_id: Mapped[str] = mapped_column(ForeignKey("opinions.id"))
    question_id: Mapped[str] = mapped_column(ForeignKey("questions.id"))
    text: Mapped[str] = mapped_column(EncryptedText, default="")

    opinion: Mapped[Opinion] = relationship(back_populates="answers")
    question: Mapped[Question] = relationship()


class Recommendation(Base):
    """What to do, why, and how soon. ``citations`` has one source a line."""

    __tablename__ = "recommendations"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    opinion_id: Mapped[str] = mapped_column(ForeignKey("opinions.id"), index=True)
    position: Mapped[int]
    text: Mapped[str] = mapped_column(EncryptedText)
    rationale: Mapped[str] = mapped_column(EncryptedText, default="")
    urgency: Mapped[str] = mapped_column(String(12), default=RecommendationUrgency.ROUTINE)
    citations: Mapped[str] = mapped_column(EncryptedText, default="")

    opinion: Mapped[Opinion] = relationship(back_populates="recommendations")


class Addendum(Base):
    """What was added after the signature. Like the opinion, never changed."""

    __tablename__ = "addenda"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    opinion_id: Mapped[str] = mapped_column(ForeignKey("opinions.id"), index=True)
    author_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    text: Mapped[str] = mapped_column(EncryptedText)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    opinion: Mapped[Opinion] = relationship(back_populates="addenda")
    author: Mapped[Person] = relationship()


class SigningKey(Base):
    """The hospital's key for documents, made on first use. ``purpose`` is unique, so there is
    one.
    """

    __tablename__ = "signing_keys"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    purpose: Mapped[str] = mapped_column(String(20), unique=True)
    private_key: Mapped[str] = mapped_column(EncryptedText)  # PEM, PKCS #8
    certificate: Mapped[str] = mapped_column(Text)  # PEM, X.509
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
