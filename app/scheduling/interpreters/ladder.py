"""The verbs of an interpreter's engagement: asked, accepted, declined, replaced; somebody is always
being asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.cases import queries as case_queries
from app.cases import service as cases
from app.cases.visibility import list_case_coordinator_ids
from app.core.clock import now
from app.core.errors import Conflict, Forbidden
from app.core.outbox import enqueue_job
from app.core.permissions import Role
from app.core.text import N_
from app.identity.models import Person
from app.scheduling import policy
from app.scheduling.availability import diaries
from app.scheduling.bookings import claims
from app.scheduling.interpreters import terms
from app.scheduling.matching.queries import find_free_interpreters
from app.scheduling.models import MAX_REASON_CHARACTERS, Booking, Engagement, EngagementState
from app.scheduling.verbs import SchedulingAuditVerb

CASE_ACCESS_AFTER_MEETING = timedelta(hours=1)
"""How long an interpreter still reaches the brief once the meeting is over."""

ANSWER_DUE_BEFORE_MEETING = timedelta(hours=24)
"""When an interpreter's silence counts as a no, and a yes becomes firm."""

MIN_TIME_TO_ANSWER = timedelta(minutes=3)

_SUBSTITUTES_LOCKED_TOGETHER = 5  # substitutes whose diaries are locked together


def propose_engagement(
    session: Session, actor: Person | None, booking: Booking, interpreter: Person, rank: int = 0
) -> Engagement:
    """Asks the interpreter, who has been claimed for the booking, and lets them in on the case for
    its time.
    """
    engagement = Engagement(
        booking_id=booking.id,
        interpreter_id=interpreter.id,
        interpreter=interpreter,
        rank=rank,
        answer_by=_answer_deadline(booking),
    )
    booking.engagements.append(engagement)
    session.flush()
    _grant_case_access(session, actor, booking, interpreter)
    _record_engagement_change(session, actor, engagement)
    terms.request_terms(session, booking.case_id)
    notify_about_booking(
        session,
        "engagement_proposed",
        booking,
        [interpreter.id],
        engagement_id=engagement.id,
        answer_at=engagement.answer_by.isoformat() if engagement.answer_by else None,
    )
    enqueue_job(
        session,
        "check_engagement",
        {"engagement_id": engagement.id},
        run_at=engagement.answer_by,
        key=f"check_engagement:{engagement.id}:{booking.sequence}",
    )
    return engagement


def accept_engagement(session: Session, actor: Person, engagement: Engagement) -> None:
    """The interpreter says yes. Saying it twice is harmless; ``Conflict`` once somebody else stands
    in their place.
    """
    _refuse_unless_own_engagement(actor, engagement)
    if engagement.state in (EngagementState.ACCEPTED, EngagementState.CONFIRMED):
        return
    if engagement.state != EngagementState.PROPOSED or not engagement.booking.is_confirmed:
        raise Conflict(N_("This request is no longer open. Thank you for answering."))
    engagement.state, engagement.answered_at = EngagementState.ACCEPTED, now()
    session.flush()
    _record_engagement_change(session, actor, engagement)
    booking = engagement.booking
    notify_about_booking(
        session, "engagement_accepted", booking, [booking.patient_id, booking.specialist_id]
    )
    notify_about_booking(session, "engagement_agreed", booking, [actor.id])


def decline_engagement(
    session: Session, actor: Person, engagement: Engagement, reason: str = ""
) -> None:
    """The interpreter says no, also after a yes; the next one who is free is asked at once."""
    _refuse_unless_own_engagement(actor, engagement)
    if engagement.state == EngagementState.DECLINED:
        return
    if not engagement.is_live or not engagement.booking.is_confirmed:
        raise Conflict(N_("This request is no longer open. Thank you for answering."))
    replace_interpreter(
        session,
        actor,
        engagement,
        EngagementState.DECLINED,
        reason.strip()[:MAX_REASON_CHARACTERS] or None,
    )


def replace_interpreter(
    session: Session,
    actor: Person | None,
    engagement: Engagement,
    state: EngagementState,
    reason: str | None = None,
) -> Person | None:
    """Ends the engagement (declined, replaced, no show) and asks the next one on the ladder.
    Returns whom.
    """
    booking, gone = engagement.booking, engagement.interpreter

    def act() -> Person | None:
        claims.lock_and_refresh(session, booking)
        engagement.state, engagement.reason = state, reason
        if actor is not None and actor.id == gone.id:
            engagement.answered_at = now()
        _record_engagement_change(session, actor, engagement)
        if gone not in booking.interpreters:
            session.flush()
            return booking.interpreter
        claims.release_claims(session, booking, gone.id)
        _end_case_access(session, actor, booking, gone)
        booking.unseat(gone.id)
        booking.changed_at = now()
        session.flush()
        notify_about_booking(session, "engagement_ended", booking, [gone.id])
        return promote_substitutes(session, actor, booking)

    return claims.retry_on_deadlock(session, act)


def promote_substitutes(session: Session, actor: Person | None, booking: Booking) -> Person | None:
    """Asks the first free substitute for each empty place, and tells everyone. Returns who was
    asked last.

    None, and the office is told, when there is nobody.
    """
    found = None
    while booking.interpreters_missing > 0:
        found = _ask_next_substitute(session, actor, booking)
        if found is None:
            notify_about_booking(
                session, "interpreter_missing", booking, list_case_coordinator_ids(booking.case)
            )
            return None
    return found


def list_remaining_substitutes(session: Session, booking: Booking) -> list[Person]:
    """Who has not been asked yet and is free, best first."""
    asked = {one.interpreter_id for one in booking.engagements}
    return find_free_interpreters(
        session, booking, leaving_out=asked | {person.id for person in booking.people}
    )


def _ask_next_substitute(session: Session, actor: Person | None, booking: Booking) -> Person | None:
    ladder, rank = list_remaining_substitutes(session, booking), len(booking.engagements)
    for first in range(0, len(ladder), _SUBSTITUTES_LOCKED_TOGETHER):
        some = ladder[first : first + _SUBSTITUTES_LOCKED_TOGETHER]
        diaries.lock_diaries(session, [person.id for person in some])
        for person in some:
            try:
                claims.claim_quarters(session, booking, [person.id])
            except claims.SlotTaken:
                continue
            booking.seat(person)
            propose_engagement(session, actor, booking, person, rank=rank)
            partners = [one.id for one in booking.interpreters if one.id != person.id]
            told = [
                booking.patient_id,
                booking.specialist_id,
                *partners,
                *list_case_coordinator_ids(booking.case),
            ]
            notify_about_booking(session, "interpreter_replaced", booking, told)
            return person
    return None


def check_engagement_answer(session: Session, engagement: Engagement) -> None:
    """At the deadline: silence passes the request on, a yes becomes firm. Harmless when
    repeated.
    """
    if (
        not engagement.booking.is_confirmed
        or engagement.interpreter not in engagement.booking.interpreters
    ):
        return
    if engagement.state == EngagementState.PROPOSED:
        replace_interpreter(session, None, engagement, EngagementState.REPLACED)
    elif engagement.state == EngagementState.ACCEPTED:
        engagement.state = EngagementState.CONFIRMED
        _record_engagement_change(session, None, engagement)


def dismiss_interpreters(session: Session, actor: Person | None, booking: Booking) -> None:
    """The interpreters need not come, and leave the case. Telling them is the caller's."""
    for engagement in booking.current_engagements:
        if engagement.is_live:
            engagement.state = EngagementState.REPLACED
            _record_engagement_change(session, actor, engagement)
    for interpreter in booking.interpreters:
        _end_case_access(session, actor, booking, interpreter)


def notify_about_booking(
    session: Session, kind: str, booking: Booking, person_ids: Iterable[str], **facts: object
) -> None:
    """A message about a meeting to each, with the zones of the others in it."""
    for person_id in dict.fromkeys(person_ids):
        zones = [
            [booking.role_of(one.id), one.timezone] for one in booking.people if one.id != person_id
        ]
        cases.notify_people(
            session,
            kind,
            booking.case,
            [person_id],
            zones=zones,
            **build_booking_facts(booking),
            **facts,
            mode=booking.mode if booking.needs_interpreter else "",
        )


def build_booking_facts(booking: Booking) -> dict[str, object]:
    """What a message about a booking needs; nothing clinical. The reader's zone and words come
    later.
    """
    return {
        "booking_id": booking.id,
        "starts_at": booking.starts_at.isoformat(),
        "minutes": booking.minutes,
        "sequence": booking.sequence,
    }


def extend_interpreter_access(session: Session, booking: Booking) -> None:
    """After a small delay the interpreters' way to the brief stays open as much longer."""
    here = {one.id for one in booking.interpreters}
    for member in case_queries.list_members(session, booking.case_id):
        if member.person_id in here and member.role == Role.INTERPRETER:
            member.until = booking.ends_at + CASE_ACCESS_AFTER_MEETING
    session.flush()


def _grant_case_access(
    session: Session, actor: Person | None, booking: Booking, interpreter: Person
) -> None:
    until = booking.ends_at + CASE_ACCESS_AFTER_MEETING
    for member in case_queries.list_members(session, booking.case_id):
        if member.person_id == interpreter.id and member.role == Role.INTERPRETER:
            member.until = until
            session.flush()
            return
    cases.grant_membership(
        session, actor, booking.case, interpreter, Role.INTERPRETER, reason="booking", until=until
    )


def _end_case_access(
    session: Session, actor: Person | None, booking: Booking, interpreter: Person
) -> None:
    for member in case_queries.list_members(session, booking.case_id):
        if member.person_id == interpreter.id and member.role == Role.INTERPRETER:
            cases.end_membership(session, actor, member, reason="no longer booked")


def _answer_deadline(booking: Booking) -> datetime:
    """A day before the meeting; for one that is nearer than two days, halfway there; but time
    enough to answer.
    """
    ahead = booking.starts_at - now()
    return max(
        booking.starts_at - min(ANSWER_DUE_BEFORE_MEETING, ahead / 2), now() + MIN_TIME_TO_ANSWER
    )


def _refuse_unless_own_engagement(actor: Person, engagement: Engagement) -> None:
    if not policy.can_answer_engagement(actor, engagement):
        raise Forbidden()


def _record_engagement_change(
    session: Session, actor: Person | None, engagement: Engagement
) -> None:
    audit.record_audit_entry(
        session,
        actor.id if actor else None,
        SchedulingAuditVerb.ENGAGEMENT_CHANGED,
        "engagement",
        engagement.id,
        engagement.booking.case_id,
        state=str(engagement.state),
        interpreter=engagement.interpreter_id,
    )
