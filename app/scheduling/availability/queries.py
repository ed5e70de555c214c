"""Reads of hours, absences, busy feeds, credentials and calendar keys."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.core.clock import now
from app.identity.models import Person
from app.scheduling.availability import diaries
from app.scheduling.models import (
    AvailabilityException,
    AvailabilityWindow,
    BusyFeed,
    Diary,
    Qualification,
)


def has_calendar_key(session: Session, person: Person) -> bool:
    return session.scalar(select(Diary.feed_key).where(Diary.person_id == person.id)) is not None


def person_by_calendar_key(session: Session, key: str) -> Person | None:
    """Whose private calendar address this is; only the hash of a key is kept."""
    return session.scalars(
        select(Person)
        .join(Diary, Diary.person_id == Person.id)
        .where(Diary.feed_key == hash_calendar_key(key), Person.active)
    ).first()


def hash_calendar_key(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def availability_windows_of(session: Session, person: Person) -> list[AvailabilityWindow]:
    return list(
        session.scalars(
            select(AvailabilityWindow)
            .where(AvailabilityWindow.person_id == person.id)
            .order_by(AvailabilityWindow.weekday, AvailabilityWindow.start_minute)
        )
    )


def availability_exceptions_of(session: Session, person: Person) -> list[AvailabilityException]:
    """Closures and extra hours that are not over yet, and every recurring one."""
    yesterday = now().date() - timedelta(days=1)
    return list(
        session.scalars(
            select(AvailabilityException)
            .where(
                AvailabilityException.person_id == person.id,
                or_(
                    AvailabilityException.last_day >= yesterday,
                    AvailabilityException.rule.is_not(None),
                ),
            )
            .order_by(AvailabilityException.first_day)
        )
    )


def busy_feeds_of(session: Session, person: Person) -> list[BusyFeed]:
    return list(
        session.scalars(
            select(BusyFeed).where(BusyFeed.person_id == person.id).order_by(BusyFeed.id)
        )
    )


def diary_habits_of(session: Session, person: Person) -> diaries.DiaryRules:
    return diaries.load_diary_rules(session, person.id)


def qualifications_of(session: Session, person: Person) -> list[Qualification]:
    return list(
        session.scalars(
            select(Qualification)
            .where(Qualification.person_id == person.id)
            .order_by(Qualification.source, Qualification.target)
        )
    )
