"""Telling people, after the change that they are told about is safely committed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.utils import parseaddr
from typing import cast

import structlog
from sqlalchemy.orm import Session

from app.cases.models import Case
from app.core.clock import now
from app.core.outbox import JobContext, JobPayload, read_payload_text
from app.core.text import N_
from app.identity.models import Person
from app.notifications import post, service
from app.notifications.models import Mail, MailState, Notice
from app.notifications.wording import NoticeFacts, notice_kind_of
from app.organizations.institution import get_hospital_name
from app.scheduling.bookings.invitations import build_invitation
from app.scheduling.interpreters import answers
from app.scheduling.interpreters.answers import EngagementAnswer

log = structlog.get_logger("notifications")
ANSWER_LINK_LABELS = {
    EngagementAnswer.ACCEPT: N_("Accept"),
    EngagementAnswer.DECLINE: N_("Decline"),
}


def notify_person_job(session: Session, payload: JobPayload, context: JobContext) -> None:
    """``{kind, person_id, case_id, facts}``; told once per job, or once per ``key`` where the
    payload has one.
    """
    person = session.get(Person, payload["person_id"])
    if person is None:
        return
    case = session.get(Case, payload["case_id"]) if payload.get("case_id") else None
    key = payload.get("key") or f"job:{context.job_id}"
    facts = cast(NoticeFacts, payload.get("facts") or {})
    kind = read_payload_text(payload, "kind")
    service.create_notice(
        session,
        kind,
        person,
        case,
        facts,
        key=f"{key}:{person.id}",
        site=context.settings.web_url,
        hospital=get_hospital_name(session, context.settings.hospital_name),
        links=[*_answer_links(kind, facts, person, context), *_links_of_kind(kind, facts, context)],
    )


def write_mail_job(session: Session, payload: JobPayload, context: JobContext) -> None:
    """``{kind, person_id, to, facts}``: a mail in the person's language to the address ``to``."""
    reader = session.get(Person, payload["person_id"])
    if reader is None:
        return
    kind, facts = read_payload_text(payload, "kind"), cast(NoticeFacts, payload.get("facts") or {})
    service.queue_account_mail(
        session,
        kind,
        reader,
        read_payload_text(payload, "to"),
        facts,
        site=context.settings.web_url,
        hospital=context.settings.hospital_name,
        links=_links_of_kind(kind, facts, context),
    )


def _links_of_kind(kind: str, facts: NoticeFacts, context: JobContext) -> Sequence[tuple[str, str]]:
    make_links = notice_kind_of(kind).make_links
    return make_links(context.settings.secret_key, facts) if make_links else ()


def _answer_links(
    kind: str, facts: NoticeFacts, person: Person, context: JobContext
) -> list[tuple[str, str]]:
    """The two links by which an interpreter answers a request from the mail."""
    engagement_id, answer_at = facts.get("engagement_id"), facts.get("answer_at")
    if (
        kind != "engagement_proposed"
        or not isinstance(engagement_id, str)
        or not isinstance(answer_at, str)
    ):
        return []
    until = datetime.fromisoformat(answer_at)
    return [
        (
            words,
            answers.build_answer_path(
                context.settings.secret_key, engagement_id, person.id, one, until
            ),
        )
        for one, words in ANSWER_LINK_LABELS.items()
    ]


def send_mail_job(session: Session, payload: JobPayload, context: JobContext) -> None:
    """``{mail_id}``. The conversation with the mail server happens before this job's transaction
    begins.
    """
    with context.database.unit_of_work() as before:
        mail = before.get(Mail, payload["mail_id"])
        invited = _invitation_of_mail(before, mail, context) if mail is not None else None
    if mail is None or mail.state != MailState.QUEUED:
        return
    state = _hand_mail_over(mail, context, invited)
    row = session.get_one(Mail, mail.id)
    row.state = state
    row.sent_at = now() if state == MailState.SENT else None
    # Without a mail server each mail is routine: it is kept in the outbox.
    say = log.debug if state == MailState.KEPT else log.info
    say("Mail handled.", mail=mail.id, to=post.mask_email_address(mail.to), state=str(state))


def _invitation_of_mail(
    session: Session, mail: Mail, context: JobContext
) -> post.CalendarInvitation | None:
    """The calendar file that the message brings, as the meeting stands when the mail goes out."""
    notice = session.get(Notice, mail.notice_id) if mail.notice_id else None
    if notice is None:
        return None
    organizer = parseaddr(context.settings.mail_from)[1]
    return build_invitation(
        session,
        notice.kind,
        notice.facts,
        notice.person,
        site=context.settings.web_url,
        organizer=organizer,
    )


def _hand_mail_over(
    mail: Mail, context: JobContext, invited: post.CalendarInvitation | None
) -> MailState:
    url = context.settings.smtp_url
    if not url:
        return MailState.KEPT
    try:
        post.send_mail_by_smtp(mail, url, context.settings.mail_from, invited)
    except post.MailRefused:
        return MailState.REFUSED
    return MailState.SENT


HANDLERS = {
    "notify": notify_person_job,
    "mail.write": write_mail_job,
    "mail.send": send_mail_job,
}
