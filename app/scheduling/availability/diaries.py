"""Everybody's calendars, built from the database and kept by version.

A calendar is cached in the process under the version of its person's diary. Whoever changes a
person's time raises that version in the same transaction (``lock_diaries``), so one small query
tells, in any process, which calendars still hold.
"""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Engine,
    String,
    any_,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_on_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_on_sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.core.clock import now
from app.scheduling.models import (
    LIVE_BOOKING_STATES,
    AvailabilityException,
    AvailabilityWindow,
    Booking,
    BusySpan,
    Claim,
    Diary,
)
from app.scheduling.time.calendar import (
    DatedHours,
    WeeklyWindow,
    dated_bits,
    free_bits,
    quarter_bits,
    window_bits,
)
from app.scheduling.time.quarters import Horizon, instant_of, low_bits, quarter_of
from app.scheduling.time.recurrence import expand_saved_recurrence

HORIZON_DAYS = 130
"""How far ahead calendars reach: the 90 days that people may book, and a margin."""

_CHANGED_DIARIES_KEY = "diaries_changed"

IdColumn = InstrumentedAttribute[str] | InstrumentedAttribute[str | None]


@dataclass(frozen=True, slots=True)
class AvailabilityCalendar:
    """One person's time over a horizon. ``opened`` is what their hours allow; ``free`` is that,
    less what is taken.
    """

    horizon: Horizon
    opened: int
    free: int
    version: int
    taken: int = 0
    """How many quarters are claimed: how busy the person is."""
    notice_hours: int = 0


@dataclass(frozen=True, slots=True)
class DiaryRules:
    """What a person's diary asks beside the hours."""

    version: int = 0
    buffer: int = 0
    notice_hours: int = 0
    daily_most: int | None = None
    weekly_most: int | None = None


_calendar_cache: WeakKeyDictionary[Engine, dict[str, AvailabilityCalendar]] = WeakKeyDictionary()
_calendar_cache_lock = threading.Lock()


def lock_diaries(session: Session, person_ids: Iterable[str]) -> None:
    """Holds the diaries of these people until the end of the transaction, and makes their calendars
    stale.

    Locks are taken in the order of the ids, so that two bookings never wait for each other.
    """
    ids = sorted(set(person_ids))
    insert = insert_on_postgresql if _dialect_name(session) == "postgresql" else insert_on_sqlite
    for person_id in ids:
        raised = session.execute(
            update(Diary)
            .where(Diary.person_id == person_id)
            .values(version=Diary.version + 1)
            .execution_options(synchronize_session=False)
        )
        if not raised.rowcount:  # type: ignore[attr-defined]
            first = insert(Diary).values(person_id=person_id, version=1, buffer=0, notice_hours=0)
            session.execute(
                first.on_conflict_do_update(
                    index_elements=[Diary.person_id], set_={"version": Diary.version + 1}
                )
            )
    session.info.setdefault(_CHANGED_DIARIES_KEY, set()).update(ids)


def current_horizon() -> Horizon:
    """What calendars cover now: from the midnight (UTC) before last, so that buffers around
    midnight count.
    """
    return _horizon_on(now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0))


@lru_cache(maxsize=8)
def _horizon_on(today: datetime) -> Horizon:
    """One object a day: thousands of calendars are held against it."""
    return Horizon.between(today - timedelta(days=1), today + timedelta(days=HORIZON_DAYS))


def load_calendars(
    session: Session,
    zones: Mapping[str, str],
    *,
    open_unless_said: bool = False,
    versions: Mapping[str, int] | None = None,
) -> dict[str, AvailabilityCalendar]:
    """The calendars of these people (``zones``: id to zone of residence) over ``current_horizon``.

    With ``open_unless_said``, somebody who has entered no hours is open at all times: so it is with
    patients. ``versions`` are those of the diaries, where they have been read in this transaction
    already.
    """
    horizon = current_horizon()
    versions = _load_diary_versions(session, zones) if versions is None else versions
    mine = session.info.get(_CHANGED_DIARIES_KEY, frozenset())
    with _calendar_cache_lock:
        kept = _calendar_cache.setdefault(_engine_of_session(session), {})
        held = {
            person_id: kept.get(_calendar_cache_key(person_id, open_unless_said))
            for person_id in zones
        }
    found: dict[str, AvailabilityCalendar] = {}
    missing: list[str] = []
    for person_id, calendar in held.items():
        if (
            calendar is not None
            and calendar.version == versions.get(person_id, 0)
            and (calendar.horizon is horizon or calendar.horizon == horizon)
            and person_id not in mine
        ):
            found[person_id] = calendar
        else:
            missing.append(person_id)
    if missing:
        built = _build_calendars(session, {p: zones[p] for p in missing}, horizon, open_unless_said)
        found.update(built)
        # What this transaction has changed may still be rolled back: it must not be shown to
        # others.
        lasting = {
            _calendar_cache_key(p, open_unless_said): c for p, c in built.items() if p not in mine
        }
        with _calendar_cache_lock:
            kept.update(lasting)
    return found


def load_diary_rules(session: Session, person_id: str) -> DiaryRules:
    return _rules_by_person(session, [person_id])[person_id]


def clear_calendar_cache() -> None:
    """Empties the cache, for benchmarks."""
    with _calendar_cache_lock:
        _calendar_cache.clear()


# --- building ---


def _build_calendars(
    session: Session, zones: Mapping[str, str], horizon: Horizon, open_unless_said: bool
) -> dict[str, AvailabilityCalendar]:
    ids = list(zones)
    rules = _rules_by_person(
        session, ids
    )  # first: a change that comes between this and the rest makes it stale, not wrong
    windows = _windows_by_person(session, ids)
    extra, closed = _dated_hours_by_person(session, ids, horizon)
    taken = _claimed_quarters_by_person(session, ids, horizon)
    busy = _busy_spans_by_person(session, ids, horizon)
    limited = [
        p for p in ids if rules[p].daily_most is not None or rules[p].weekly_most is not None
    ]
    starts = _booked_starts_by_person(session, limited, horizon) if limited else {}
    weekly: dict[tuple[WeeklyWindow, ...], int] = {}
    built: dict[str, AvailabilityCalendar] = {}
    for person_id in ids:
        own = tuple(windows.get(person_id, ()))
        if own not in weekly:
            weekly[own] = window_bits(own, horizon)
        opened = horizon.full if open_unless_said and not own else weekly[own]
        if person_id in extra:
            opened |= dated_bits(extra[person_id], horizon, outward=False)
        if person_id in closed:
            opened &= ~dated_bits(closed[person_id], horizon, outward=True)
        rule = rules[person_id]
        occupied = quarter_bits(taken.get(person_id, ()), horizon)
        for begin, end in busy.get(person_id, ()):
            occupied |= horizon.span(begin, end)
        full = (
            _full_day_bits(starts[person_id], rule, zones[person_id], horizon)
            if person_id in starts
            else 0
        )
        free = free_bits(horizon, opened=opened, closed=full, busy=occupied, buffer=rule.buffer)
        claimed = len(taken.get(person_id, ()))
        built[person_id] = AvailabilityCalendar(
            horizon, opened, free, rule.version, claimed, rule.notice_hours
        )
    return built


def _rules_by_person(session: Session, person_ids: Iterable[str]) -> dict[str, DiaryRules]:
    ids = list(person_ids)
    found = dict.fromkeys(ids, DiaryRules())
    rows = session.execute(
        select(
            Diary.person_id,
            Diary.version,
            Diary.buffer,
            Diary.notice_hours,
            Diary.daily_most,
            Diary.weekly_most,
        ).where(column_in_ids(session, Diary.person_id, ids))
    )
    for person_id, version, buffer, notice_hours, daily_most, weekly_most in rows:
        found[person_id] = DiaryRules(version, buffer, notice_hours, daily_most, weekly_most)
    return found


def _windows_by_person(session: Session, ids: list[str]) -> dict[str, list[WeeklyWindow]]:
    W = AvailabilityWindow
    found: dict[str, list[WeeklyWindow]] = defaultdict(list)
    rows = session.execute(
        select(
            W.person_id,
            W.weekday,
            W.start_minute,
            W.end_minute,
            W.zone,
            W.valid_from,
            W.valid_until,
        ).where(column_in_ids(session, W.person_id, ids))
    )
    for person_id, weekday, start, end, zone, valid_from, valid_until in rows:
        found[person_id].append(WeeklyWindow(weekday, start, end, zone, valid_from, valid_until))
    return found


def _dated_hours_by_person(
    session: Session, ids: list[str], horizon: Horizon
) -> tuple[dict[str, list[DatedHours]], dict[str, list[DatedHours]]]:
    E = AvailabilityException
    extra: dict[str, list[DatedHours]] = defaultdict(list)
    closed: dict[str, list[DatedHours]] = defaultdict(list)
    for row in session.scalars(select(E).where(column_in_ids(session, E.person_id, ids))):
        hours = DatedHours(row.first_day, row.last_day, row.zone, row.start_minute, row.end_minute)
        days = expand_saved_recurrence(hours, row.rule, horizon) if row.rule else [hours]
        (extra if row.opens else closed)[row.person_id] += days
    return extra, closed


def _claimed_quarters_by_person(
    session: Session, ids: list[str], horizon: Horizon
) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    moment = now()
    rows = session.execute(
        select(Claim.person_id, Claim.quarter).where(
            column_in_ids(session, Claim.person_id, ids),
            Claim.quarter.between(horizon.start, horizon.end),
            (Claim.expires_at.is_(None)) | (Claim.expires_at > moment),
        )
    )
    for person_id, quarter in rows:
        found[person_id].append(quarter)
    return found


def _busy_spans_by_person(
    session: Session, ids: list[str], horizon: Horizon
) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    rows = session.execute(
        select(BusySpan.person_id, BusySpan.start_quarter, BusySpan.end_quarter).where(
            column_in_ids(session, BusySpan.person_id, ids),
            BusySpan.end_quarter > horizon.start,
            BusySpan.start_quarter < horizon.end,
        )
    )
    for person_id, begin, end in rows:
        found[person_id].append((begin, end))
    return found


def _booked_starts_by_person(
    session: Session, ids: list[str], horizon: Horizon
) -> dict[str, list[datetime]]:
    """When the meetings of these people begin, from a week before the horizon, for the maxima of
    days and weeks.
    """
    found: dict[str, list[datetime]] = defaultdict(list)
    first, last = instant_of(horizon.start) - timedelta(days=7), instant_of(horizon.end)
    for column in (Booking.specialist_id, Booking.interpreter_id, Booking.second_interpreter_id):
        rows = session.execute(
            select(column, Booking.starts_at).where(
                column_in_ids(session, column, ids),
                Booking.state.in_(LIVE_BOOKING_STATES),
                Booking.starts_at.between(first, last),
            )
        )
        for person_id, starts_at in rows:
            if person_id is not None:
                found[person_id].append(starts_at)
    return found


def _full_day_bits(
    starts: Iterable[datetime], rule: DiaryRules, zone: str, horizon: Horizon
) -> int:
    """Days, and weeks from Monday, on the person's wall that already hold as many meetings as they
    may.
    """
    days, weeks = meetings_by_day_and_week(starts, zone)
    full: list[DatedHours] = []
    if rule.daily_most is not None:
        full += [
            DatedHours(day, day, zone) for day, count in days.items() if count >= rule.daily_most
        ]
    if rule.weekly_most is not None:
        full += [
            DatedHours(monday, monday + timedelta(days=6), zone)
            for monday, count in weeks.items()
            if count >= rule.weekly_most
        ]
    return dated_bits(full, horizon, outward=True)


def meetings_by_day_and_week(
    starts: Iterable[datetime], zone: str
) -> tuple[Counter[date], Counter[date]]:
    """How many meetings begin on each day, and in each week by its Monday, in the local time of a
    zone.
    """
    days = Counter(at.astimezone(ZoneInfo(zone)).date() for at in starts)
    weeks: Counter[date] = Counter()
    for day, count in days.items():
        weeks[monday_of(day)] += count
    return days, weeks


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def is_day_or_week_full(
    session: Session, person_id: str, zone: str, booking: Booking, rule: DiaryRules
) -> bool:
    """Whether the person's other meetings already fill the day or the week of this booking."""
    if rule.daily_most is None and rule.weekly_most is None:
        return False
    day = booking.starts_at.astimezone(ZoneInfo(zone)).date()
    around = (booking.starts_at - timedelta(days=8), booking.starts_at + timedelta(days=8))
    others = session.scalars(
        select(Booking.starts_at).where(
            or_(
                Booking.specialist_id == person_id,
                Booking.interpreter_id == person_id,
                Booking.second_interpreter_id == person_id,
            ),
            Booking.id != booking.id,
            Booking.state.in_(LIVE_BOOKING_STATES),
            Booking.starts_at.between(*around),
        )
    )
    days, weeks = meetings_by_day_and_week(others, zone)
    return (rule.daily_most is not None and days[day] >= rule.daily_most) or (
        rule.weekly_most is not None and weeks[monday_of(day)] >= rule.weekly_most
    )


def bits_after_notice(horizon: Horizon, notice_hours: int) -> int:
    """The quarters of a horizon that are still far enough ahead, and not in the past."""
    first = quarter_of(now() + timedelta(hours=notice_hours)) + 1
    return horizon.full & ~low_bits(first - horizon.start)


def column_in_ids(session: Session, column: IdColumn, ids: Collection[str]) -> ColumnElement[bool]:
    """Whether a column is one of many ids, which travel as one parameter however many there are."""
    if _dialect_name(session) == "postgresql":
        return column == any_(literal(list(ids), ARRAY(String)))
    return column.in_(select(func.json_each(json.dumps(list(ids))).table_valued("value").c.value))


def _load_diary_versions(session: Session, ids: Collection[str]) -> dict[str, int]:
    rows = session.execute(
        select(Diary.person_id, Diary.version).where(column_in_ids(session, Diary.person_id, ids))
    )
    return {person_id: version for person_id, version in rows}  # noqa: C416 - a Result is no mapping


def _calendar_cache_key(person_id: str, open_unless_said: bool) -> str:
    return f"{person_id}+" if open_unless_said else person_id


def _engine_of_session(session: Session) -> Engine:
    bind = session.get_bind()
    return bind if isinstance(bind, Engine) else bind.engine


def _dialect_name(session: Session) -> str:
    return session.get_bind().dialect.name
