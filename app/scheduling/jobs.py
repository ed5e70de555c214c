"""What happens by itself: holds run out, interpreters' silence is noticed, people are reminded."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cases.visibility import list_case_coordinator_ids
from app.core.clock import now
from app.core.outbox import (
    JobContext,
    JobHandler,
    JobPayload,
    enqueue_job,
    enqueue_notice,
    read_payload_text,
)
from app.core.permissions import Role
from app.core.runtime.parser_pool import BytesInMemory, ParserFailed, parse_in_child
from app.core.text import N_
from app.identity.models import Person
from app.organizations.queries import list_people_of_role
from app.scheduling.availability import calendar_links, diaries, feeds
from app.scheduling.bookings import reminders, service
from app.scheduling.interpreters import ladder, terms
from app.scheduling.models import Booking, BookingState, BusyFeed, Engagement, Qualification
from app.scheduling.time.calendar import QuarterInterval, split_at_clock_changes
from app.scheduling.time.recurrence import BadCalendar

EXPIRY_WARNING_DAYS = (60, 30, 7)
_BUSY_SPANS_PARSER = "app.scheduling.time.recurrence:read_busy_spans_of_file"


def expire_hold_job(session: Session, payload: JobPayload, context: JobContext) -> None:
    booking = session.get(Booking, payload["booking_id"])
    if booking is not None:
        service.expire_hold(session, booking)


def expire_holds_job(session: Session, payload: JobPayload, context: JobContext) -> None:
    """Whatever the single jobs may have missed."""
    service.expire_holds(session)


def check_engagement(session: Session, payload: JobPayload, context: JobContext) -> None:
    engagement = session.get(Engagement, payload["engagement_id"])
    if engagement is not None:
        ladder.check_engagement_answer(session, engagement)


def remind_booking(session: Session, payload: JobPayload, context: JobContext) -> None:
    """One reminder to each person, unless the meeting was moved or called off since."""
    booking = session.get(Booking, payload["booking_id"])
    if booking is None or not booking.is_confirmed or booking.sequence != payload["sequence"]:
        return
    if booking.starts_at <= now():
        return
    ladder.notify_about_booking(
        session,
        "reminder",
        booking,
        [person.id for person in booking.people],
        hours=payload["hours"],
    )


def fetch_busy_feed(session: Session, payload: JobPayload, context: JobContext) -> None:
    """Reads another calendar. The network comes first: a transaction that waits for it would make
    everybody wait.
    """
    with context.database.unit_of_work() as reading:
        feed = reading.get(BusyFeed, payload["feed_id"])
        if feed is None:
            return
        person = reading.get_one(Person, feed.person_id)
        url, etag, zone = feed.url, feed.etag, person.timezone
    failure, spans, fetched = None, [], None
    try:
        fetched = feeds.fetch_feed(url, etag)
        if fetched.body is not None:
            spans = _read_busy_spans(fetched.body, zone)
    except feeds.FeedRefused as refused:
        failure = refused.sentence
    except BadCalendar:
        failure = N_("We could not read a calendar at this address.")
    feed = session.get(BusyFeed, payload["feed_id"])
    if feed is None:
        return
    if failure is not None:
        feed.failure = (
            failure  # what was read before stays: better busy too long than asked too often
        )
    elif fetched is not None and fetched.body is not None:
        calendar_links.replace_busy_spans(session, feed, spans, fetched.etag)
    else:
        feed.fetched_at, feed.failure = now(), None


def _read_busy_spans(ics: bytes, zone: str) -> list[QuarterInterval]:
    """Raises ``BadCalendar``, also for one whose reading takes too long."""
    horizon = diaries.current_horizon()
    arguments = {"zone": zone, "horizon": [horizon.start, horizon.length]}
    try:
        spans = parse_in_child(_BUSY_SPANS_PARSER, BytesInMemory(ics), arguments)
    except ParserFailed as failed:
        raise BadCalendar(failed.reason) from failed
    if spans is None:
        raise BadCalendar("not a calendar")
    return [(begin, end) for begin, end in spans]


def fetch_busy_feeds(session: Session, payload: JobPayload, context: JobContext) -> None:
    """Every feed, each in a job of its own. Once a day in full, because the horizon has moved
    on.
    """
    for feed in session.scalars(select(BusyFeed)):
        if feed.fetched_at is None or feed.fetched_at.date() != now().date():
            feed.etag = None
        enqueue_job(session, "fetch_busy_feed", {"feed_id": feed.id})


def warn_of_credential_expiry(session: Session, payload: JobPayload, context: JobContext) -> None:
    """Sixty, thirty and seven days before a credential expires its holder and the office are told,
    once each.
    """
    today = now().date()
    for days in EXPIRY_WARNING_DAYS:
        last = today + timedelta(days=days)
        for held in session.scalars(select(Qualification).where(Qualification.valid_until == last)):
            for person_id in dict.fromkeys([held.person_id, *_list_coordinator_ids(session)]):
                enqueue_notice(
                    session,
                    "credential_expiring",
                    person_id,
                    {"days": days},
                    key=f"expiry:{held.id}:{days}:{person_id}",
                )


def _list_coordinator_ids(session: Session) -> list[str]:
    return [person.id for person in list_people_of_role(session, Role.COORDINATOR)]


def check_clock_rules(session: Session, payload: JobPayload, context: JobContext) -> None:
    """A country may change its clocks after a meeting was agreed. The instant stays; everyone
    learns their new time.

    The rules are read anew from the disk: this process may be older than they are. Who has moved to
    another zone is held to the rules of that one from now on.
    """
    ZoneInfo.clear_cache()
    split_at_clock_changes.cache_clear()
    ahead = session.scalars(
        select(Booking).where(Booking.state == BookingState.CONFIRMED, Booking.starts_at > now())
    )
    for booking in ahead:
        zones = {
            person.id: booking.zones.get(person.id, person.timezone) for person in booking.people
        }
        today = {
            person_id: reminders.minutes_from_utc(zone, booking.starts_at)
            for person_id, zone in zones.items()
        }
        changed = {
            person_id: [booking.offsets[person_id], minutes]
            for person_id, minutes in today.items()
            if booking.offsets.get(person_id, minutes) != minutes
        }
        before = booking.clocks_changed
        if changed or any(
            person.timezone != booking.zones.get(person.id) for person in booking.people
        ):
            reminders.snapshot_utc_offsets(booking)
            booking.clocks_changed = before | {
                person_id: [before.get(person_id, was)[0], minutes]
                for person_id, (*was, minutes) in changed.items()
            }
        if changed:
            booking.sequence += 1
            reminders.schedule_reminders(session, booking)
            ladder.notify_about_booking(
                session,
                "clock_rules_changed",
                booking,
                [
                    *(person.id for person in booking.people),
                    *list_case_coordinator_ids(booking.case),
                ],
            )


def gather_terms(session: Session, payload: JobPayload, context: JobContext) -> None:
    """The words of a case's records, for the brief. The files are read while no transaction is
    held.
    """
    case_id = read_payload_text(payload, "case_id")
    with context.database.unit_of_work() as reading:
        unread = terms.list_unread_records(reading, context.blobs, case_id)
    found = [(one, terms.read_record_terms(one)) for one in unread]
    for one, words in found:
        terms.save_record_terms(session, one, words)


def gather_all_terms(session: Session, payload: JobPayload, context: JobContext) -> None:
    terms.request_all_terms(session)


HANDLERS: dict[str, JobHandler] = {
    "expire_hold": expire_hold_job,
    "gather_terms": gather_terms,
    "gather_all_terms": gather_all_terms,
    "expire_holds": expire_holds_job,
    "check_engagement": check_engagement,
    "remind_booking": remind_booking,
    "fetch_busy_feed": fetch_busy_feed,
    "fetch_busy_feeds": fetch_busy_feeds,
    "check_clock_rules": check_clock_rules,
    "warn_of_expiry": warn_of_credential_expiry,
}
PERIODIC = [
    ("expire_holds", timedelta(minutes=5)),
    ("gather_all_terms", timedelta(minutes=10)),
    ("fetch_busy_feeds", timedelta(minutes=30)),
    ("check_clock_rules", timedelta(days=1)),
    ("warn_of_expiry", timedelta(hours=12)),
]
