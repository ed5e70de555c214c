"""Calendars from elsewhere that make a person busy, and the private link to their own."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.db import count_rows
from app.core.errors import Forbidden, Invalid
from app.core.ids import new_id
from app.core.outbox import enqueue_job
from app.core.text import N_
from app.identity.models import Person
from app.scheduling.availability import diaries, feeds
from app.scheduling.availability.hours import (
    MAX_BUSY_FEEDS,
    record_availability_change,
    refuse_unless_may_set_hours,
)
from app.scheduling.availability.queries import hash_calendar_key
from app.scheduling.models import (
    BusyFeed,
    BusySpan,
    Diary,
)
from app.scheduling.time.calendar import QuarterInterval


def add_busy_feed(session: Session, actor: Person, owner: Person, url: str) -> BusyFeed:
    """Another calendar whose busy times count as taken. It is read soon, and then every half
    hour.
    """
    refuse_unless_may_set_hours(actor, owner)
    try:
        url = feeds.normalize_feed_url(url)
    except feeds.FeedRefused as refused:
        raise Invalid(refused.sentence, field="url") from None
    if count_rows(session, BusyFeed.person_id == owner.id) >= MAX_BUSY_FEEDS:
        raise Invalid(
            N_("Enter at most %(most)s other calendars."), field="url", most=MAX_BUSY_FEEDS
        )
    feed = BusyFeed(id=new_id(), person_id=owner.id, url=url)
    session.add(feed)
    session.flush()
    enqueue_job(session, "fetch_busy_feed", {"feed_id": feed.id})
    record_availability_change(session, actor, owner, feed=feed.id)
    return feed


def remove_busy_feed(session: Session, actor: Person, owner: Person, feed: BusyFeed) -> None:
    """Forgets another calendar, and what was read from it."""
    refuse_unless_may_set_hours(actor, owner)
    if feed.person_id != owner.id:
        raise Forbidden()
    diaries.lock_diaries(session, [owner.id])
    session.execute(delete(BusySpan).where(BusySpan.feed_id == feed.id))
    session.delete(feed)
    session.flush()
    record_availability_change(session, actor, owner, feed_removed=feed.id)


def create_calendar_key(session: Session, actor: Person) -> str:
    """A fresh key for the actor's private calendar address; an older one stops working."""
    diaries.lock_diaries(session, [actor.id])
    key = secrets.token_urlsafe(32)
    session.get_one(Diary, actor.id, populate_existing=True).feed_key = hash_calendar_key(key)
    session.flush()
    record_availability_change(session, actor, actor, calendar_key="made")
    return key


def forget_calendar_key(session: Session, actor: Person) -> None:
    diary = session.get(Diary, actor.id)
    if diary is not None and diary.feed_key is not None:
        diary.feed_key = None
        session.flush()
        record_availability_change(session, actor, actor, calendar_key="forgotten")


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
