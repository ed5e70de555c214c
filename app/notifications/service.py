"""Telling people: a notice on the page and a mail beside it, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.cases import queries as cases
from app.cases.models import Case
from app.core.clock import now
from app.core.outbox import enqueue_job
from app.core.permissions import Role
from app.core.text import N_
from app.i18n.translate import make_translator
from app.identity.models import Person
from app.notifications.models import Mail, Notice
from app.notifications.verbs import NoticeAuditVerb
from app.notifications.wording import (
    NoticeFacts,
    NoticeWording,
    notice_kind_of,
    render_notice_wording,
)

MEETING_ROLES = (Role.PATIENT, Role.SPECIALIST, Role.INTERPRETER)
MAIL_CLOSING = N_(
    "This message contains no medical details. Do not reply to it. Nobody reads the replies."
)


def create_notice(
    session: Session,
    kind: str,
    person: Person,
    case: Case | None,
    facts: NoticeFacts,
    *,
    key: str,
    site: str,
    hospital: str,
    links: Sequence[tuple[str, str]] = (),
) -> Notice | None:
    """Writes the notice and queues its mail. Does nothing when ``key`` was told before or the
    person is gone.

    ``site`` is the address under which people reach Consilium; ``links`` are further ways on in the
    mail, as words and paths. Raises ``UnknownNoticeKind``.
    """
    meets = notice_kind_of(kind).is_meeting
    if not person.active or session.scalar(select(Notice.id).where(Notice.key == key)):
        return None
    if meets and "zones" not in facts:
        facts = {**facts, "zones": _other_zones(session, person, case)}
    notice = Notice(
        key=key,
        person_id=person.id,
        person=person,
        kind=kind,
        case_id=case.id if case else None,
        case=case,
        facts=dict(facts),
    )
    session.add(notice)
    session.flush()
    _queue_mail(session, notice, person, site, hospital, links)
    audit.record_audit_entry(
        session,
        None,
        NoticeAuditVerb.NOTICE_SENT,
        "notice",
        notice.id,
        notice.case_id,
        message=kind,
        person=person.id,
    )
    return notice


def queue_account_mail(
    session: Session,
    kind: str,
    reader: Person,
    address: str,
    facts: NoticeFacts,
    *,
    site: str,
    hospital: str,
    links: Sequence[tuple[str, str]],
) -> None:
    """A mail to an address that need not be the reader's, without a message on the page."""
    wording = render_notice_wording(
        kind, facts, language=reader.language, zone=reader.timezone, case_id=None, number=""
    )
    mail = Mail(
        to=address,
        language=reader.language,
        subject=wording.title,
        body=_mail_body(wording, reader.language, site, hospital, links),
    )
    session.add(mail)
    session.flush()
    enqueue_job(session, "mail.send", {"mail_id": mail.id}, key=f"mail:{mail.id}")


def render_notice(notice: Notice, language: str, zone: str) -> NoticeWording:
    """The notice in words, as its reader reads now."""
    return render_notice_wording(
        notice.kind,
        notice.facts,
        language=language,
        zone=zone,
        case_id=notice.case_id,
        number=notice.case.number if notice.case else "",
    )


def mark_notice_read(session: Session, actor: Person, notice: Notice) -> None:
    if notice.read_at is None:
        notice.read_at = now()
        audit.record_audit_entry(
            session, actor.id, NoticeAuditVerb.NOTICE_READ, "notice", notice.id, notice.case_id
        )


def mark_all_notices_read(session: Session, actor: Person) -> None:
    session.execute(
        update(Notice)
        .where(Notice.person_id == actor.id, Notice.read_at.is_(None))
        .values(read_at=now())
    )
    audit.record_audit_entry(session, actor.id, NoticeAuditVerb.NOTICE_READ, "notice", "all")


def _queue_mail(
    session: Session,
    notice: Notice,
    person: Person,
    site: str,
    hospital: str,
    links: Sequence[tuple[str, str]],
) -> None:
    wording = render_notice(notice, person.language, person.timezone)
    mail = Mail(
        notice_id=notice.id,
        to=person.email,
        language=person.language,
        subject=wording.title,
        body=_mail_body(wording, person.language, site, hospital, links),
    )
    session.add(mail)
    session.flush()
    enqueue_job(session, "mail.send", {"mail_id": mail.id}, key=f"mail:{mail.id}")


def _mail_body(
    wording: NoticeWording,
    language: str,
    site: str,
    hospital: str,
    links: Sequence[tuple[str, str]],
) -> str:
    say = make_translator(language)
    paragraphs = [*wording.sentences]
    if wording.times:
        paragraphs.append("\n".join(f"{one.who}: {one.when}" for one in wording.times))
    paragraphs += [f"{say(label)}:\n{site}{path}" for label, path in links]
    paragraphs += [f"{wording.action}:\n{site}{wording.path}", say(MAIL_CLOSING), hospital]
    return "\n\n".join(paragraphs) + "\n"


def _other_zones(session: Session, reader: Person, case: Case | None) -> list[tuple[str, str]]:
    """Role and zone of everyone else who meets in this case."""
    if case is None:
        return []
    at = {
        member.role: member.person.timezone
        for member in cases.list_members(session, case.id)
        if member.person_id != reader.id
    }
    return [(str(role), at[role]) for role in MEETING_ROLES if role in at]
