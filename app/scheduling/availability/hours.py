"""The verbs of hours and qualifications: when people can be asked, and for which languages."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import available_timezones

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import now
from app.core.errors import Forbidden, Invalid
from app.core.ids import new_id
from app.core.outbox import enqueue_job
from app.core.permissions import Role
from app.core.text import N_
from app.identity.models import Person
from app.scheduling import policy, queries
from app.scheduling.availability import diaries, feeds
from app.scheduling.matching.languages import is_well_formed_tag
from app.scheduling.models import (
    AvailabilityException,
    AvailabilityWindow,
    BusyFeed,
    BusySpan,
    Diary,
    Qualification,
)
from app.scheduling.time.calendar import MINUTES_IN_DAY, QuarterInterval
from app.scheduling.time.quarters import QUARTER_MINUTES
from app.scheduling.time.recurrence import BadRecurrenceRule, check_recurrence_rule
from app.scheduling.verbs import SchedulingAuditVerb

MAX_WEEKLY_OPENINGS = 50
MAX_AVAILABILITY_EXCEPTIONS = 400
MAX_BUSY_FEEDS = 5
INTERPRETING_MODES = ("consecutive", "simultaneous")
CREDENTIAL_KINDS = ("CHI", "CMI", "CoreCHI", "court", "state", "other")


@dataclass(frozen=True)
class WeeklyHours:
    """Open from `start` until `end` (minutes after midnight on the wall) on a weekday; 0 is
    Monday.
    """

    weekday: int
    start: int
    end: int
    valid_from: date | None = None
    valid_until: date | None = None


@dataclass(frozen=True)
class DatedAvailability:
    """A closure, or with `opens` extra hours, on each day from `first` to `last`."""

    first: date
    last: date
    opens: bool = False
    start: int = 0
    end: int = MINUTES_IN_DAY
    rule: str | None = None


@dataclass(frozen=True)
class DiaryHabits:
    """What a person asks beside the hours; None means no limit."""

    buffer: int = 0
    notice_hours: int = 0
    daily_most: int | None = None
    weekly_most: int | None = None


@dataclass(frozen=True)
class InterpreterCredential:
    """What makes an interpreter proposable for a pair of languages."""

    source: str
    target: str
    credential: str = "other"
    number: str = ""
    issuer: str = ""
    both_ways: bool = True
    modes: tuple[str, ...] = INTERPRETING_MODES
    valid_from: date | None = None
    valid_until: date | None = None


def set_availability(
    session: Session, actor: Person, owner: Person, hours: Sequence[WeeklyHours], zone: str
) -> None:
    """Replaces the weekly hours of `owner`. Meetings already booked stay. Raises `Forbidden`,
    `Invalid`.
    """
    _refuse_unless_may_set_hours(actor, owner)
    _check_zone(zone)
    if len(hours) > MAX_WEEKLY_OPENINGS:
        raise Invalid(
            N_("Please enter at most %(most)s openings a week."), most=MAX_WEEKLY_OPENINGS
        )
    for one in hours:
        _check_opening(one)
    diaries.lock_diaries(session, [owner.id])
    session.execute(delete(AvailabilityWindow).where(AvailabilityWindow.person_id == owner.id))
    session.add_all(
        AvailabilityWindow(
            person_id=owner.id,
            weekday=one.weekday,
            start_minute=one.start,
            end_minute=one.end,
            zone=zone,
            valid_from=one.valid_from,
            valid_until=one.valid_until,
        )
        for one in sorted(set(hours), key=lambda one: (one.weekday, one.start))
    )
    session.flush()
    _record_availability_change(session, actor, owner, windows=len(hours), zone=zone)


def add_opening(
    session: Session, actor: Person, owner: Person, one: WeeklyHours, zone: str
) -> AvailabilityWindow:
    """One more opening of every week, beside those that are there."""
    _refuse_unless_may_set_hours(actor, owner)
    _check_zone(zone)
    _check_opening(one)
    held = session.scalar(select(func.count()).where(AvailabilityWindow.person_id == owner.id)) or 0
    if held >= MAX_WEEKLY_OPENINGS:
        raise Invalid(
            N_("Please enter at most %(most)s openings a week."),
            field="start",
            most=MAX_WEEKLY_OPENINGS,
        )
    diaries.lock_diaries(session, [owner.id])
    row = AvailabilityWindow(
        person_id=owner.id,
        weekday=one.weekday,
        start_minute=one.start,
        end_minute=one.end,
        zone=zone,
        valid_from=one.valid_from,
        valid_until=one.valid_until,
    )
    session.add(row)
    session.flush()
    _record_availability_change(
        session, actor, owner, opening=row.id, weekday=one.weekday, start=one.start, end=one.end
    )
    return row


def change_opening(
    session: Session, actor: Person, owner: Person, row: AvailabilityWindow, one: WeeklyHours
) -> None:
    """Another day, other times or another period for an opening of every week; its zone stays."""
    _refuse_unless_may_set_hours(actor, owner)
    _refuse_other_owner(row.person_id, owner)
    _check_opening(one)
    diaries.lock_diaries(session, [owner.id])
    row.weekday, row.start_minute, row.end_minute = one.weekday, one.start, one.end
    row.valid_from, row.valid_until = one.valid_from, one.valid_until
    session.flush()
    _record_availability_change(
        session, actor, owner, opening=row.id, weekday=one.weekday, start=one.start, end=one.end
    )


def remove_opening(session: Session, actor: Person, owner: Person, row: AvailabilityWindow) -> None:
    _refuse_unless_may_set_hours(actor, owner)
    _refuse_other_owner(row.person_id, owner)
    diaries.lock_diaries(session, [owner.id])
    session.delete(row)
    session.flush()
    _record_availability_change(session, actor, owner, opening_removed=row.id, weekday=row.weekday)


def add_availability_exception(
    session: Session, actor: Person, owner: Person, days: DatedAvailability, zone: str
) -> AvailabilityException:
    """A closure or extra hours on certain days. Meetings already booked stay."""
    _refuse_unless_may_set_hours(actor, owner)
    _check_zone(zone)
    _check_dated_availability(days)
    if (
        session.scalar(select(func.count()).where(AvailabilityException.person_id == owner.id))
        >= MAX_AVAILABILITY_EXCEPTIONS
    ):
        raise Invalid(
            N_("There are too many entries. Please remove old ones first."), field="first"
        )
    diaries.lock_diaries(session, [owner.id])
    row = AvailabilityException(
        person_id=owner.id,
        opens=days.opens,
        first_day=days.first,
        last_day=days.last,
        start_minute=days.start,
        end_minute=days.end,
        zone=zone,
        rule=days.rule,
    )
    session.add(row)
    session.flush()
    _record_availability_change(
        session,
        actor,
        owner,
        opens=days.opens,
        first=days.first.isoformat(),
        last=days.last.isoformat(),
    )
    return row


def change_availability_exception(
    session: Session,
    actor: Person,
    owner: Person,
    row: AvailabilityException,
    days: DatedAvailability,
) -> None:
    """Other days or times for a closure or for extra hours; their zone stays."""
    _refuse_unless_may_set_hours(actor, owner)
    _refuse_other_owner(row.person_id, owner)
    _check_dated_availability(days)
    diaries.lock_diaries(session, [owner.id])
    row.opens, row.first_day, row.last_day = days.opens, days.first, days.last
    row.start_minute, row.end_minute, row.rule = days.start, days.end, days.rule
    session.flush()
    _record_availability_change(
        session,
        actor,
        owner,
        opens=days.opens,
        first=days.first.isoformat(),
        last=days.last.isoformat(),
    )


def remove_availability_exception(
    session: Session, actor: Person, owner: Person, row: AvailabilityException
) -> None:
    _refuse_unless_may_set_hours(actor, owner)
    _refuse_other_owner(row.person_id, owner)
    diaries.lock_diaries(session, [owner.id])
    session.delete(row)
    session.flush()
    _record_availability_change(session, actor, owner, removed=row.first_day.isoformat())


def set_diary_habits(session: Session, actor: Person, owner: Person, habits: DiaryHabits) -> None:
    """Buffers, notice and the most meetings a day and a week."""
    _refuse_unless_may_set_hours(actor, owner)
    if not 0 <= habits.buffer <= 8:
        raise Invalid(
            N_("The pause between two meetings is a number of quarter hours, at most two hours."),
            field="buffer",
        )
    if not 0 <= habits.notice_hours <= 24 * 14:
        raise Invalid(N_("The notice can be at most two weeks."), field="notice_hours")
    for name, most in (("daily_most", habits.daily_most), ("weekly_most", habits.weekly_most)):
        if most is not None and not 1 <= most <= 100:
            raise Invalid(
                N_("Please enter a number of meetings from 1 to 100, or leave it empty."),
                field=name,
            )
    if habits.daily_most and habits.weekly_most and habits.daily_most > habits.weekly_most:
        raise Invalid(
            N_("The most meetings a day cannot be more than the most a week."), field="daily_most"
        )
    diaries.lock_diaries(session, [owner.id])
    diary = session.get_one(Diary, owner.id, populate_existing=True)
    diary.buffer, diary.notice_hours = habits.buffer, habits.notice_hours
    diary.daily_most, diary.weekly_most = habits.daily_most, habits.weekly_most
    session.flush()
    _record_availability_change(
        session, actor, owner, buffer=habits.buffer, notice_hours=habits.notice_hours
    )


def add_qualification(
    session: Session, actor: Person, owner: Person, held: InterpreterCredential
) -> Qualification:
    """A pair of languages that `owner` may be proposed for. The office or an administrator has seen
    the paper.
    """
    if actor.role not in (Role.COORDINATOR, Role.ADMINISTRATOR):
        raise Forbidden()
    if owner.role != Role.INTERPRETER:
        raise Invalid(N_("Only interpreters have language pairs."), field="person")
    for field, tag in (("source", held.source), ("target", held.target)):
        if not is_well_formed_tag(tag):
            raise Invalid(N_("Please choose a language from the list."), field=field)
    if held.source.lower() == held.target.lower():
        raise Invalid(N_("Please choose two different languages."), field="target")
    if held.credential not in CREDENTIAL_KINDS:
        raise Invalid(N_("Please choose a kind of credential."), field="credential")
    if not held.modes or any(mode not in INTERPRETING_MODES for mode in held.modes):
        raise Invalid(N_("Please choose at least one way of interpreting."), field="modes")
    _check_period(held.valid_from, held.valid_until)
    row = Qualification(
        person_id=owner.id,
        source=held.source,
        target=held.target,
        both_ways=held.both_ways,
        modes=list(held.modes),
        credential=held.credential,
        number=held.number,
        issuer=held.issuer,
        valid_from=held.valid_from,
        valid_until=held.valid_until,
    )
    session.add(row)
    session.flush()
    _record_availability_change(
        session, actor, owner, qualification=row.id, source=held.source, target=held.target
    )
    return row


def end_qualification(session: Session, actor: Person, owner: Person, row: Qualification) -> None:
    """The pair no longer counts. Meetings already agreed stay; the office sees them on its
    board.
    """
    if actor.role not in (Role.COORDINATOR, Role.ADMINISTRATOR) or row.person_id != owner.id:
        raise Forbidden()
    session.delete(row)
    session.flush()
    _record_availability_change(
        session, actor, owner, qualification_ended=row.id, source=row.source, target=row.target
    )


def add_busy_feed(session: Session, actor: Person, owner: Person, url: str) -> BusyFeed:
    """Another calendar whose busy times count as taken. It is read soon, and then every half
    hour.
    """
    _refuse_unless_may_set_hours(actor, owner)
    try:
        url = feeds.normalize_feed_url(url)
    except feeds.FeedRefused as refused:
        raise Invalid(refused.sentence, field="url") from None
    if session.scalar(select(func.count()).where(BusyFeed.person_id == owner.id)) >= MAX_BUSY_FEEDS:
        raise Invalid(
            N_("Please enter at most %(most)s other calendars."), field="url", most=MAX_BUSY_FEEDS
        )
    feed = BusyFeed(id=new_id(), person_id=owner.id, url=url)
    session.add(feed)
    session.flush()
    enqueue_job(session, "fetch_busy_feed", {"feed_id": feed.id})
    _record_availability_change(session, actor, owner, feed=feed.id)
    return feed


def remove_busy_feed(session: Session, actor: Person, owner: Person, feed: BusyFeed) -> None:
    """Forgets another calendar, and what was read from it."""
    _refuse_unless_may_set_hours(actor, owner)
    if feed.person_id != owner.id:
        raise Forbidden()
    diaries.lock_diaries(session, [owner.id])
    session.execute(delete(BusySpan).where(BusySpan.feed_id == feed.id))
    session.delete(feed)
    session.flush()
    _record_availability_change(session, actor, owner, feed_removed=feed.id)


def create_calendar_key(session: Session, actor: Person) -> str:
    """A fresh key for the actor's private calendar address; an older one stops working."""
    diaries.lock_diaries(session, [actor.id])
    key = secrets.token_urlsafe(32)
    session.get_one(Diary, actor.id, populate_existing=True).feed_key = queries.hash_calendar_key(
        key
    )
    session.flush()
    _record_availability_change(session, actor, actor, calendar_key="made")
    return key


def forget_calendar_key(session: Session, actor: Person) -> None:
    diary = session.get(Diary, actor.id)
    if diary is not None and diary.feed_key is not None:
        diary.feed_key = None
        session.flush()
        _record_availability_change(session, actor, actor, calendar_key="forgotten")


def replace_busy_spans(
    session: Session, feed: BusyFeed, spans: Sequence[QuarterInterval], etag: str | None
) -> None:
    """Puts what a feed says now in the place of what it said before."""
    before = session.execute(
        select(BusySpan.start_quarter, BusySpan.end_quarter)
        .where(BusySpan.feed_id == feed.id)
        .order_by(BusySpan.start_quarter)
    ).all()
    feed.fetched_at, feed.failure, feed.etag = now(), None, etag
    if [tuple(row) for row in before] == list(spans):
        return
    diaries.lock_diaries(session, [feed.person_id])
    session.execute(delete(BusySpan).where(BusySpan.feed_id == feed.id))
    if spans:
        session.execute(
            insert(BusySpan),
            [
                {
                    "feed_id": feed.id,
                    "person_id": feed.person_id,
                    "start_quarter": begin,
                    "end_quarter": end,
                }
                for begin, end in spans
            ],
        )


def _check_opening(one: WeeklyHours) -> None:
    _check_minutes_of_day(one.start, one.end, wraps=True)
    if not 0 <= one.weekday <= 6:
        raise Invalid(N_("Please choose a day of the week."), field="weekday")
    _check_period(one.valid_from, one.valid_until)


def _check_dated_availability(days: DatedAvailability) -> None:
    _check_minutes_of_day(days.start, days.end, wraps=False)
    _check_period(days.first, days.last)
    if (days.last - days.first).days > 366:
        raise Invalid(N_("Please enter at most a year at once."), field="last")
    if days.rule is None and days.last < now().date() - timedelta(days=1):
        raise Invalid(N_("These days have already passed."), field="last")
    _check_recurrence(days)


def _check_recurrence(days: DatedAvailability) -> None:
    if days.rule is not None:
        try:
            check_recurrence_rule(days.rule, days.first)
        except BadRecurrenceRule:
            raise Invalid(N_("We could not read how these days repeat."), field="repeat") from None


def _refuse_unless_may_set_hours(actor: Person, owner: Person) -> None:
    if not policy.can_set_hours(actor, owner):
        raise Forbidden()


def _refuse_other_owner(person_id: str, owner: Person) -> None:
    if person_id != owner.id:
        raise Forbidden()


def _check_zone(zone: str) -> None:
    if zone not in available_timezones():
        raise Invalid(N_("We do not know the time zone “%(zone)s”."), field="zone", zone=zone)


def _check_minutes_of_day(start: int, end: int, *, wraps: bool) -> None:
    if (
        not (0 <= start < MINUTES_IN_DAY and 0 <= end <= MINUTES_IN_DAY)
        or start % QUARTER_MINUTES
        or end % QUARTER_MINUTES
    ):
        raise Invalid(N_("Hours begin and end on a full quarter of an hour."), field="start")
    if start == end or (end < start and not wraps):
        raise Invalid(N_("The end must lie after the beginning."), field="end")


def _check_period(first: date | None, last: date | None) -> None:
    if first is not None and last is not None and last < first:
        raise Invalid(N_("The last day must not lie before the first."), field="last")


def _record_availability_change(
    session: Session, actor: Person, owner: Person, **facts: object
) -> None:
    audit.record_audit_entry(
        session, actor.id, SchedulingAuditVerb.AVAILABILITY_CHANGED, "person", owner.id, **facts
    )
