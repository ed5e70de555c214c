"""Minutes worked: noted once, counted in the month of the interpreter's own wall, and given out as
a table.
"""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from app.core.errors import Conflict, Invalid
from app.scheduling.interpreters.statements import (
    build_statement,
    format_statement_csv,
    month_bounds,
    record_minutes_worked,
)
from app.scheduling.models import Booking, InterpreterProfile
from tests.scheduling.clinic import Clinic


def test_the_last_figure_stands(session: Session, clinic: Clinic, booking: Booking):
    for minutes in (40, 52, 52):
        record_minutes_worked(session, clinic.coordinator, booking, clinic.interpreter.id, minutes)
    one = build_statement(session, clinic.interpreter, booking.starts_at.date())
    assert (one.minutes, len(one.lines), one.amount) == (52, 1, None)
    session.add(
        InterpreterProfile(person_id=clinic.interpreter.id, hourly_rate=9000, currency="EUR")
    )
    session.flush()
    assert build_statement(session, clinic.interpreter, booking.starts_at.date()).amount == 7_800


def test_a_month_is_that_of_the_interpreters_wall(
    session: Session, clinic: Clinic, booking: Booking
):
    """Half past eleven at night, UTC, on the last of May is already June in Tokyo."""
    clinic.interpreter.timezone = "Asia/Tokyo"
    booking.starts_at = datetime(2026, 5, 31, 23, 30, tzinfo=UTC)
    record_minutes_worked(session, None, booking, clinic.interpreter.id, 45)
    assert build_statement(session, clinic.interpreter, date(2026, 5, 1)).minutes == 0
    assert build_statement(session, clinic.interpreter, date(2026, 6, 15)).minutes == 45


@pytest.mark.parametrize(
    "month, hours",
    [
        (date(2026, 3, 1), 31 * 24 - 1),
        (date(2026, 10, 9), 31 * 24 + 1),
        (date(2026, 12, 31), 31 * 24),
        (date(2028, 2, 1), 29 * 24),
    ],
)
def test_months_are_as_long_as_their_clocks_make_them(month: date, hours: int):
    first, last = month_bounds(month, "Europe/Berlin")
    assert last - first == timedelta(hours=hours)


def test_a_table_reads_back(session: Session, clinic: Clinic, booking: Booking):
    record_minutes_worked(session, None, booking, clinic.interpreter.id, 45)
    one = build_statement(session, clinic.interpreter, booking.starts_at.date())
    rows = list(
        csv.reader(
            io.StringIO(
                format_statement_csv(one, ["Date", "Time", "Zone", "Case", "Languages", "Minutes"])
            )
        )
    )
    assert len(rows) == 2 and rows[1][2:] == [
        "Europe/Lisbon",
        booking.case.number,
        "ar-en",
        "45",
        "",
        "",
        "",
    ]


def test_what_cannot_be_noted(session: Session, clinic: Clinic, booking: Booking):
    for minutes in (-1, 1441):
        with pytest.raises(Invalid):
            record_minutes_worked(session, None, booking, clinic.interpreter.id, minutes)
    with pytest.raises(Conflict):
        record_minutes_worked(session, None, booking, clinic.specialist.id, 10)
