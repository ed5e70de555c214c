"""People and their signed-in devices."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, Index, String, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.clock import now
from app.core.columns import EncryptedText, Json, UtcDateTime
from app.core.db import Base
from app.core.ids import new_id
from app.core.permissions import Permission, Role
from app.core.slices import has_permission


class Person(Base):
    """Somebody who can sign in. ``language`` is a BCP 47 tag, ``timezone`` an IANA zone,
    ``country`` ISO 3166-1 alpha-2.

    ``specialties`` (of a specialist) and ``speaks`` (BCP 47 tags besides ``language``) are small
    lists.
    """

    __tablename__ = "people"
    __table_args__ = (
        Index(
            "uq_people_confirmed_email",
            "email",
            unique=True,
            sqlite_where=text("email_confirmed_at IS NOT NULL"),
            postgresql_where=text("email_confirmed_at IS NOT NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(String(254), index=True)
    """Unique among the people who have confirmed theirs: until then, anyone can write any."""
    email_confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=now)
    name: Mapped[str] = mapped_column(EncryptedText)
    password: Mapped[str] = mapped_column(String(255))
    home_role: Mapped[str] = mapped_column("role", String(16), default=Role.PATIENT, index=True)
    """What they act as where nobody chose: the role of one of their affiliations, else patient."""
    language: Mapped[str] = mapped_column(String(16), default="en")
    timezone: Mapped[str] = mapped_column(String(64), default="UTC")
    country: Mapped[str] = mapped_column(String(2), default="")
    title: Mapped[str] = mapped_column(String(80), default="")
    specialties: Mapped[list[str]] = mapped_column(Json, default=list)
    speaks: Mapped[list[str]] = mapped_column(Json, default=list)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    __allow_unmapped__ = True
    sign_in_id: str | None = None  # of this request, as those below; not columns
    acting_role: str | None = None
    acting_office_id: str | None = None
    acting_as: str | None = None  # the id of the affiliation
    verified_at: datetime | None = None  # when this sign-in last had a second step
    confirmed_at: datetime | None = None  # the same for a password or a second step
    seen_at: datetime | None = None  # when this sign-in was used before this request
    signed_in_at: datetime | None = None
    is_authenticated = True  # what Flask-Login asks of a user
    is_anonymous = False

    @hybrid_property
    def role(self) -> str:
        """What the person acts as now. In SQL it is ``home_role``: to find people by what they
        work as, ask their affiliations.
        """
        return self.acting_role or self.home_role

    @role.inplace.setter
    def _set_role(self, role: str) -> None:
        self.home_role = role

    @role.inplace.expression
    @classmethod
    def _role_column(cls) -> ColumnElement[str]:
        return cls.home_role.expression

    @property
    def is_active(self) -> bool:
        return self.active

    def get_id(self) -> str:
        """What the session cookie names: not the person but this one sign-in, so that it can be
        revoked.
        """
        return self.sign_in_id or ""

    def may(self, permission: Permission) -> bool:
        return self.active and has_permission(self.role, permission)

    @property
    def languages(self) -> list[str]:
        """Every language the person can hold a consultation in, their own first."""
        return [self.language, *(tag for tag in self.speaks if tag != self.language)]


class SignIn(Base):
    """One device signed in. Ends by signing out, by revocation or by age.

    ``confirmed_at`` is when the person last proved who they are, by password or second step;
    ``verified_at`` is when they last did by a second step.
    """

    __tablename__ = "sign_ins"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    origin: Mapped[str] = mapped_column(String(64), default="")
    agent: Mapped[str] = mapped_column(String(200), default="")
    confirmed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    acting_as: Mapped[str | None] = mapped_column(String(32))
    """The id of the affiliation that was chosen, or ``patient``; None where nothing was."""

    person: Mapped[Person] = relationship()
