"""The signed links by which an interpreter answers from a mail. A link names an engagement, a
person and a verb.

It lets nobody in: whoever follows it signs in as always, and is then asked to press one button,
because mail programs and their scanners follow every link that they see. It is good until the time
to answer is over, and once in effect: an engagement that has been answered takes no second answer
by link.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.orm import Session, joinedload

from app.core.clock import now
from app.core.errors import Conflict, NotFound, Refusal
from app.core.slices import get_slices
from app.core.text import N_
from app.identity.models import Person
from app.scheduling.interpreters import ladder
from app.scheduling.models import Booking, Engagement, EngagementState

LINK_DAMAGED_MESSAGE = N_(
    "This link is not complete. Open it again from the mail, or sign in and answer under"
    " “Engagements”."
)
LINK_OF_SOMEBODY_ELSE_MESSAGE = N_(
    "This link was sent to someone else. Sign in with the account that received the mail."
)
LINK_EXPIRED_MESSAGE = N_(
    "The time to answer is over, and someone else has been asked. You do not need to do anything."
)
REQUEST_CLOSED_MESSAGE = N_(
    "This request is no longer open. Someone else was asked, the time has changed, or the"
    " consultation will not take place."
)
ALREADY_ACCEPTED_MESSAGE = N_(
    "You have already accepted this consultation. If you cannot come, decline it under"
    " “Engagements”."
)
ALREADY_DECLINED_MESSAGE = N_(
    "You have already declined this consultation. You do not need to do anything."
)


class EngagementAnswer(StrEnum):
    ACCEPT = "accept"
    DECLINE = "decline"


class AnswerLinkExpired(Refusal):
    """It was there, and its time is over."""

    status = 410
    default = LINK_EXPIRED_MESSAGE


@dataclass(frozen=True)
class OpenAnswerLink:
    """What a link stands for, found to be open."""

    engagement: Engagement
    answer: EngagementAnswer


def build_answer_path(
    secret_key: str, engagement_id: str, person_id: str, answer: EngagementAnswer, until: datetime
) -> str:
    """The link's address from the root of the site on."""
    token = _answer_link_signer(secret_key).dumps(
        [engagement_id, person_id, str(answer), int(until.timestamp())]
    )
    return get_slices().build_path("scheduling.show_answer_link", {"token": token})


def open_answer_link(
    session: Session, secret_key: str, actor: Person, token: str
) -> OpenAnswerLink:
    """The engagement and the answer of a link that its owner may still give.

    Raises ``NotFound`` for a link that is damaged or another's, ``AnswerLinkExpired`` after its
    time, ``Conflict`` where it was answered.
    """
    engagement_id, person_id, answer, until = _read_answer_token(secret_key, token)
    if person_id != actor.id:
        raise NotFound(LINK_OF_SOMEBODY_ELSE_MESSAGE)
    engagement = session.get(
        Engagement,
        engagement_id,
        options=[
            joinedload(Engagement.booking).joinedload(Booking.case),
            joinedload(Engagement.interpreter),
        ],
    )
    if engagement is None or engagement.interpreter_id != person_id:
        raise Conflict(
            REQUEST_CLOSED_MESSAGE
        )  # moved to another time since: a new request with new links went out
    _refuse_if_answered(engagement)
    if until <= now():
        raise AnswerLinkExpired()
    return OpenAnswerLink(engagement, answer)


def answer_engagement(
    session: Session, actor: Person, asked: OpenAnswerLink, reason: str = ""
) -> None:
    """Accepts or declines, as the link says."""
    if asked.answer == EngagementAnswer.ACCEPT:
        ladder.accept_engagement(session, actor, asked.engagement)
    else:
        ladder.decline_engagement(session, actor, asked.engagement, reason)


def _refuse_if_answered(engagement: Engagement) -> None:
    if engagement.state == EngagementState.DECLINED:
        raise Conflict(ALREADY_DECLINED_MESSAGE)
    if not engagement.is_live or not engagement.booking.is_confirmed:
        raise Conflict(REQUEST_CLOSED_MESSAGE)
    if engagement.state != EngagementState.PROPOSED:
        raise Conflict(ALREADY_ACCEPTED_MESSAGE)


def _read_answer_token(secret_key: str, token: str) -> tuple[str, str, EngagementAnswer, datetime]:
    try:
        engagement_id, person_id, answer, until = _answer_link_signer(secret_key).loads(token)
        return (
            str(engagement_id),
            str(person_id),
            EngagementAnswer(answer),
            datetime.fromtimestamp(until, UTC),
        )
    except (BadSignature, ValueError, TypeError, OverflowError):
        raise NotFound(LINK_DAMAGED_MESSAGE) from None


def _answer_link_signer(secret_key: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key, salt="engagement-answer")
