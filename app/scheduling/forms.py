"""What people enter about times and hours, read into small frozen things. A word that cannot be
read is ``Invalid``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TypeVar

from werkzeug.datastructures import MultiDict

from app.core.errors import Invalid
from app.core.ids import new_id
from app.core.text import N_, parse_whole_number, write_digits_plainly
from app.scheduling.availability.hours import (
    MAX_WEEKLY_OPENINGS,
    DatedAvailability,
    DiaryHabits,
    WeeklyHours,
)
from app.scheduling.bookings.slot_request import SlotRequest
from app.scheduling.interpreters.credentials import InterpreterCredential
from app.scheduling.models import DEFAULT_LENGTH_QUARTERS
from app.scheduling.time.calendar import MINUTES_IN_DAY
from app.scheduling.time.quarters import QUARTER_MINUTES

FormFields = MultiDict[str, str]
_TIME_PATTERN = re.compile(r"(\d{1,2}):(\d{2})")
_ID_PATTERN = re.compile(r"[0-9a-f]{32}")
MIN_FORM_ROWS_PER_DAY = 3
ACCEPTED_YEARS = range(1900, 2200)
DateOrDatetime = TypeVar("DateOrDatetime", date, datetime)


@dataclass(frozen=True)
class SlotForm:
    """One chosen time. A button sends ``slot`` as «instant specialist interpreter second»; a script
    may send the parts.
    """

    wish: SlotRequest
    token: str

    @classmethod
    def read(cls, form: FormFields) -> SlotForm:
        at, specialist, interpreter, second = (form.get("slot", "").split(" ") + ["", "", "", ""])[
            :4
        ]
        at = form.get("starts_at") or at
        wish = SlotRequest(
            _read_instant(at),
            form.get("specialist") or specialist,
            form.get("interpreter") or interpreter or None,
            _read_whole_number(form, "length", DEFAULT_LENGTH_QUARTERS),
            form.get("second_interpreter") or second or None,
            form.get("mode") or SlotRequest.mode,
        )
        # One page offers many times: the same button twice is one wish, another button is another.
        return cls(
            wish, f"{form.get('form_token', '')[:30] or new_id()}.{wish.starts_at.isoformat()[:32]}"
        )


@dataclass(frozen=True)
class HoursForm:
    """A week of openings in one zone, up to three a day."""

    zone: str
    rows: tuple[WeeklyHours, ...]

    @classmethod
    def read(cls, form: FormFields) -> HoursForm:
        rows: list[WeeklyHours] = []
        for weekday in range(7):
            for row in range(MAX_WEEKLY_OPENINGS):
                start, end = (
                    form.get(f"start-{weekday}-{row}", ""),
                    form.get(f"end-{weekday}-{row}", ""),
                )
                if start or end:
                    first, last = (
                        form.get(f"first-{weekday}-{row}"),
                        form.get(f"last-{weekday}-{row}"),
                    )
                    rows.append(
                        WeeklyHours(
                            weekday,
                            _read_minute_of_day(start),
                            _read_minute_of_day(end) or MINUTES_IN_DAY,
                            _read_required_day(first, "hours") if first else None,
                            _read_required_day(last, "hours") if last else None,
                        )
                    )
        return cls(form.get("zone", ""), tuple(rows))


@dataclass(frozen=True)
class OpeningForm:
    """One opening of every week, as a calendar or its small form sends it."""

    opening: WeeklyHours

    @classmethod
    def read(cls, form: FormFields) -> OpeningForm:
        weekday, first, last = (
            parse_whole_number(form.get("weekday", "")),
            form.get("valid_from"),
            form.get("valid_until"),
        )
        return cls(
            WeeklyHours(
                -1 if weekday is None else weekday,
                _read_minute_of_day(form.get("start", "")),
                _read_minute_of_day(form.get("end", "")) or MINUTES_IN_DAY,
                _read_required_day(first, "valid_from") if first else None,
                _read_required_day(last, "valid_until") if last else None,
            )
        )


@dataclass(frozen=True)
class DaysForm:
    zone: str
    days: DatedAvailability

    @classmethod
    def read(cls, form: FormFields) -> DaysForm:
        first = _read_required_day(form.get("first", ""), "first")
        last = _read_required_day(form.get("last", ""), "last") if form.get("last") else first
        start = _read_minute_of_day(form["start"]) if form.get("start") else 0
        end = (
            (_read_minute_of_day(form["end"]) or MINUTES_IN_DAY)
            if form.get("end")
            else MINUTES_IN_DAY
        )
        return cls(
            form.get("zone", ""),
            DatedAvailability(
                first,
                last,
                form.get("kind") == "extra",
                start,
                end,
                _read_recurrence_rule(form, first),
            ),
        )


@dataclass(frozen=True)
class CredentialForm:
    held: InterpreterCredential

    @classmethod
    def read(cls, form: FormFields) -> CredentialForm:
        first, last = form.get("valid_from"), form.get("valid_until")
        return cls(
            InterpreterCredential(
                source=form.get("source", "").strip(),
                target=form.get("target", "").strip(),
                credential=form.get("credential", ""),
                number=form.get("number", "").strip()[:60],
                issuer=form.get("issuer", "").strip()[:120],
                both_ways=form.get("direction", "both") == "both",
                modes=tuple(form.getlist("modes")),
                valid_from=_read_required_day(first, "valid_from") if first else None,
                valid_until=_read_required_day(last, "valid_until") if last else None,
            )
        )


@dataclass(frozen=True)
class HabitsForm:
    habits: DiaryHabits

    @classmethod
    def read(cls, form: FormFields) -> HabitsForm:
        buffer = _read_whole_number(form, "buffer", 0)
        return cls(
            DiaryHabits(
                buffer=buffer // 15 if buffer % 15 == 0 else -1,
                notice_hours=_read_whole_number(form, "notice_hours", 0),
                daily_most=_read_whole_number(form, "daily_most", None),
                weekly_most=_read_whole_number(form, "weekly_most", None),
            )
        )


REPEAT_CHOICES: dict[str, str] = {
    "": N_("Never"),
    "weekly": N_("Every week"),
    "fortnightly": N_("Every two weeks"),
    "monthly": N_("Every month on this weekday"),
    "yearly": N_("Every year"),
    "rule": N_("By your own rule"),
}


def _read_recurrence_rule(form: FormFields, first: date) -> str | None:
    """The RRULE that stands for a choice of how days repeat; ``rule`` gives one in full."""
    repeat, until = form.get("repeat", ""), form.get("until", "")
    if repeat not in REPEAT_CHOICES:
        raise Invalid(
            N_("We could not read how these days repeat. Nothing was saved."), field="repeat"
        )
    if not repeat:
        return None
    weekday, number = (
        ("MO", "TU", "WE", "TH", "FR", "SA", "SU")[first.weekday()],
        (first.day - 1) // 7 + 1,
    )
    rule = {
        "weekly": "FREQ=WEEKLY",
        "fortnightly": "FREQ=WEEKLY;INTERVAL=2",
        "yearly": "FREQ=YEARLY",
        "monthly": f"FREQ=MONTHLY;BYDAY={number if number < 5 else -1}{weekday}",
        "rule": form.get("rule", "").strip(),
    }[repeat]
    return f"{rule};UNTIL={_read_required_day(until, 'until'):%Y%m%d}" if until else rule


def read_day(text: str | None) -> date | None:
    """A day from an address, or None where it is none."""
    try:
        return _check_year(date.fromisoformat(write_digits_plainly(text))) if text else None
    except ValueError:
        return None


def read_time(text: str | None) -> time | None:
    """A time of day on a full quarter, or None where there is none. Raises ``Invalid`` for one that
    cannot be.
    """
    if not text:
        return None
    minute = _read_minute_of_day(text)
    if minute % QUARTER_MINUTES or minute >= MINUTES_IN_DAY:
        raise Invalid(
            N_("Consultations start on a full quarter of an hour. Choose one of the times shown."),
            field="time",
        )
    return time(minute // 60, minute % 60)


def read_wall_time(text: str) -> datetime:
    """A day and a time on somebody's wall, without a zone. Raises ``Invalid`` for anything else."""
    try:
        at = _check_year(datetime.fromisoformat(write_digits_plainly(text)))
    except ValueError:
        at = None
    if at is None or at.tzinfo is not None:
        raise Invalid(N_("Enter a day and a time."), field="wall")
    return at


def _read_instant(text: str) -> datetime:
    try:
        return _check_year(datetime.fromisoformat(text.replace("Z", "+00:00")))
    except ValueError:
        raise Invalid(
            N_("We could not read this time. Choose one of the times shown."),
            field="starts_at",
        ) from None


def _read_required_day(text: str, field: str) -> date:
    try:
        return _check_year(date.fromisoformat(write_digits_plainly(text)))
    except ValueError:
        raise Invalid(N_("Enter a day."), field=field) from None


def _check_year(day: DateOrDatetime) -> DateOrDatetime:
    """The day, or moment, unless it is so far off that weeks cannot be counted from it. Raises
    ``ValueError``.
    """
    if day.year not in ACCEPTED_YEARS:
        raise ValueError(day)
    return day


def _read_minute_of_day(text: str) -> int:
    found = _TIME_PATTERN.fullmatch(text.strip())
    minute = int(found[1]) * 60 + int(found[2]) if found else -1
    if not 0 <= minute <= MINUTES_IN_DAY or (found and int(found[2]) > 59):
        raise Invalid(
            N_("Enter a start and an end time, such as 09:00."),
            field="hours",
        )
    return minute


def _read_whole_number(form: FormFields, name: str, missing: int | None) -> int:
    text = form.get(name, "").strip()
    if not text:
        return missing  # type: ignore[return-value]
    number = parse_whole_number(text)
    if number is None or number > 9999:
        raise Invalid(N_("Enter a whole number."), field=name)
    return number
