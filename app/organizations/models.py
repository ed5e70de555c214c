"""A hospital group, its offices, and the affiliations from which roles come."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.clock import now
from app.core.columns import Json, UtcDateTime
from app.core.db import Base
from app.core.ids import new_id
from app.identity.models import Person

DEFAULT_ORGANISATION_ID = "organisation"
DEFAULT_OFFICE_ID = "office"
UNNAMED_ORGANISATION = "Consilium"
"""The ids of the first organisation and office of every installation. They are fixed, so that two
processes that start at once cannot make two.
"""
UNNAMED_ORGANISATION = "Consilium"
"""The name of an organisation until an administrator enters one."""


class Organisation(Base):
    """A hospital or a group of hospitals. An installation has at least one.

    ``specialties`` are those that patients may choose; empty means all. ``turnaround_days`` is how
    long an opinion may take once the records are complete.
    """

    __tablename__ = "organisations"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(120))
    contact_email: Mapped[str] = mapped_column(String(254), default="")
    contact_phone: Mapped[str] = mapped_column(String(40), default="")
    privacy_notice: Mapped[str] = mapped_column(Text, default="")
    sign_up_open: Mapped[bool] = mapped_column(default=True)
    turnaround_days: Mapped[int] = mapped_column(default=10)
    specialties: Mapped[list[str]] = mapped_column(Json, default=list)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Office(Base):
    """An international office: every case belongs to one, and its coordinators see that case.

    ``countries`` (ISO 3166-1 alpha-2) are those whose patients it takes; ``languages`` (BCP 47)
    those in which it answers. ``hours`` and ``holidays`` are told to patients as they stand.
    """

    __tablename__ = "offices"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    timezone: Mapped[str] = mapped_column(String(64), default="UTC")
    countries: Mapped[list[str]] = mapped_column(Json, default=list)
    languages: Mapped[list[str]] = mapped_column(Json, default=list)
    hours: Mapped[str] = mapped_column(String(200), default="")
    holidays: Mapped[list[str]] = mapped_column(Json, default=list)
    emergency_text: Mapped[str] = mapped_column(String(500), default="")
    sender: Mapped[str] = mapped_column(String(254), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    organisation: Mapped[Organisation] = relationship()


class Affiliation(Base):
    """Who works in which office as what, from when until when. A staff role comes from here alone.

    ``until`` is the first moment at which it no longer holds.
    """

    __tablename__ = "affiliations"
    __table_args__ = (
        Index("ix_affiliations_person", "person_id", "until"),
        Index("ix_affiliations_role", "role", "person_id", "office_id", "since", "until"),
        Index("ix_affiliations_office", "office_id", "role"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"))
    role: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    granted_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    office: Mapped[Office] = relationship()
