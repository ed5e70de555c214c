"""What an interpreter has worked: minutes a meeting and a month, on the page and as a table for the
accounts.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.audit import service as audit
from app.core.errors import Conflict, Invalid
from app.core.text import N_
from app.identity.models import Person
from app.scheduling.interpreters.profiles import format_plain_amount
from app.scheduling.models import Booking, Engagement, InterpreterProfile
from app.scheduling.verbs import SchedulingAuditVerb

MAX_MINUTES_WORKED = 24 * 60


@dataclass(frozen=True)
class StatementLine:
    """One meeting that was interpreted. ``minutes`` are those worked."""

    engagement: Engagement
    starts_at: datetime
    minutes: int


@dataclass(frozen=True)
class InterpreterStatement:
    """A month of one interpreter, in their own zone. ``hourly_rate`` is in minor units, if one is
    agreed.
    """

    person: Person
    month: date
    lines: list[StatementLine]
    hourly_rate: int | None
    currency: str

    @property
    def minutes(self) -> int:
        return sum(line.minutes for line in self.lines)

    @property
    def amount(self) -> int | None:
        """In minor units of the currency: the sum of the lines, each rounded by itself, so that
        they add up.
        """
        return (
            None
            if self.hourly_rate is None
            else sum(self.amount_of(line) or 0 for line in self.lines)
        )

    def amount_of(self, line: StatementLine) -> int | None:
        """A line's share, in minor units, rounded half up."""
        return None if self.hourly_rate is None else (line.minutes * self.hourly_rate + 30) // 60


def record_minutes_worked(
    session: Session, actor: Person | None, booking: Booking, interpreter_id: str, minutes: int
) -> None:
    """Notes what an interpreter worked in a meeting; the last figure stands. ``Invalid`` for what
    nobody can work.
    """
    if not 0 <= minutes <= MAX_MINUTES_WORKED:
        raise Invalid(
            N_("Enter the minutes worked as a number from 0 to %(most)s."),
            field="minutes",
            most=MAX_MINUTES_WORKED,
        )
    engagement = next(
        (one for one in booking.engagements if one.interpreter_id == interpreter_id), None
    )
    if engagement is None:
        raise Conflict(N_("This interpreter was not asked for this consultation."))
    if engagement.minutes_worked == minutes:
        return
    engagement.minutes_worked = minutes
    session.flush()
    audit.record_audit_entry(
        session,
        actor.id if actor else None,
        SchedulingAuditVerb.ENGAGEMENT_CHANGED,
        "engagement",
        engagement.id,
        booking.case_id,
        minutes=minutes,
    )


def build_statement(session: Session, person: Person, month: date) -> InterpreterStatement:
    """What the person worked in the calendar month of ``month``, by the meetings' beginnings on
    their own wall.
    """
    first, last = month_bounds(month, person.timezone)
    found = session.scalars(
        select(Engagement)
        .join(Engagement.booking)
        .options(joinedload(Engagement.booking).joinedload(Booking.case))
        .where(
            Engagement.interpreter_id == person.id,
            Engagement.minutes_worked > 0,
            Booking.starts_at >= first,
            Booking.starts_at < last,
        )
        .order_by(Booking.starts_at)
    )
    lines = [StatementLine(one, one.booking.starts_at, one.minutes_worked or 0) for one in found]
    profile = session.get(InterpreterProfile, person.id)
    return InterpreterStatement(
        person,
        month.replace(day=1),
        lines,
        profile.hourly_rate if profile else None,
        profile.currency if profile else "EUR",
    )


def month_bounds(month: date, zone: str) -> tuple[datetime, datetime]:
    """The instants at which a calendar month begins and ends in the local time of a zone."""
    first = month.replace(day=1)
    following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    info = ZoneInfo(zone)
    return (
        datetime.combine(first, time.min, info).astimezone(UTC),
        datetime.combine(following, time.min, info).astimezone(UTC),
    )


def format_statement_csv(one: InterpreterStatement, headings: Sequence[str]) -> str:
    """A table that a spreadsheet reads (RFC 4180), one meeting a line: date, time, zone, case,
    pair, minutes, and where a rate is agreed what an hour costs, the amount and the currency.
    """
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(headings)
    zone = ZoneInfo(one.person.timezone)
    for line in one.lines:
        booking, at = line.engagement.booking, line.starts_at.astimezone(zone)
        rows.writerow(
            [
                at.date().isoformat(),
                at.strftime("%H:%M"),
                one.person.timezone,
                booking.case.number,
                f"{booking.source}-{booking.target}",
                line.minutes,
                *_price_columns(one, line),
            ]
        )
    return text.getvalue()


def _price_columns(one: InterpreterStatement, line: StatementLine) -> list[str]:
    if one.hourly_rate is None:
        return ["", "", ""]
    return [
        format_plain_amount(one.hourly_rate, one.currency),
        format_plain_amount(one.amount_of(line), one.currency),
        one.currency,
    ]
