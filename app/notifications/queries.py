"""Reading one's own messages; and, in the demo, the outbox."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from app.core.errors import NotFound
from app.identity.models import Person
from app.notifications.models import Mail, Notice

MAX_SHOWN_MESSAGES = 100


def count_unread_notices(session: Session, person: Person) -> int:
    """How many messages wait for the person."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Notice)
            .where(Notice.person_id == person.id, Notice.read_at.is_(None))
        )
        or 0
    )


def notices_of(session: Session, person: Person, limit: int = MAX_SHOWN_MESSAGES) -> list[Notice]:
    """The person's messages, newest first, with the cases that they speak of."""
    return list(
        session.scalars(
            select(Notice)
            .options(joinedload(Notice.case))
            .where(Notice.person_id == person.id)
            .order_by(Notice.created_at.desc(), Notice.id.desc())
            .limit(limit)
        )
    )


def load_notice(session: Session, person: Person, notice_id: str) -> Notice:
    """The person's own message. Raises ``NotFound`` for another's."""
    notice = session.get(Notice, notice_id)
    if notice is None or notice.person_id != person.id:
        raise NotFound()
    return notice


def list_latest_mails(session: Session, limit: int = MAX_SHOWN_MESSAGES) -> list[Mail]:
    return list(
        session.scalars(select(Mail).order_by(Mail.created_at.desc(), Mail.id.desc()).limit(limit))
    )
