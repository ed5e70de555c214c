"""The verbs of an interpreter's engagement: asked, accepted, declined, replaced; somebody is always
being asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.audit.verbs import Verb
from app.cases import queries as case_queries
from app.cases import service as cases
from app.core.clock import now
from app.core.errors import Conflict, Forbidden
from app.core.outbox import enqueue
from app.core.permissions import Role
from app.core.text import N_
from app.identity.models import Person
from app.scheduling import policy, queries
from app.scheduling.availability import diaries
from app.scheduling.bookings import claims
from app.scheduling.interpreters import terms
from app.scheduling.models import Booking, Engagement, EngagementState

AFTER_THE_MEETING = timedelta(hours=1)
"""How long an interpreter still reaches the brief once the meeting is over."""

FIRM_BEFORE = timedelta(hours=24)
"""When an interpreter's silence counts as a no, and a yes becomes firm."""

LEAST_TO_ANSWER = timedelta(minutes=3)

_AT_ONCE = 5  # substitutes whose diaries are locked together


def propose(
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
        answer_by=_deadline(booking),
    )
    booking.engagements.append(engagement)
    session.flush()
    _let_in(session, actor, booking, interpreter)
    _record(session, actor, engagement)
    terms.ask_for(session, booking.case_id)
    tell(
        session,
        "engagement_proposed",
        booking,
        [interpreter.id],
        engagement_id=engagement.id,
        answer_at=engagement.answer_by.isoformat() if engagement.answer_by else None,
    )
    enqueue(
        session,
        "check_engagement",
        {"engagement_id": engagement.id},
        run_at=engagement.answer_by,
        key=f"check_engagement:{engagement.id}:{booking.sequence}",
    )
    return engagement


def accept_engagement(session: Session, actor: Person, engagement: Engagement) -> None:
    """The interpreter says yes. Saying it twice is harmless; `Conflict` once somebody else stands
    in their place.
    """
    _refuse_unless_theirs(actor, engagement)
    if engagement.state in (EngagementState.ACCEPTED, EngagementState.CONFIRMED):
        return
    if engagement.state != EngagementState.PROPOSED or not engagement.booking.is_confirmed:
        raise Conflict(N_("This request is no longer open. Thank you for answering."))
    engagement.state, engagement.answered_at = EngagementState.ACCEPTED, now()
    session.flush()
    _record(session, actor, engagement)
    booking = engagement.booking
    tell(session, "engagement_accepted", booking, [booking.patient_id, booking.specialist_id])
    tell(session, "engagement_agreed", booking, [actor.id])


def decline_engagement(
    session: Session, actor: Person, engagement: Engagement, reason: str = ""
) -> None:
    """The interpreter says no, also after a yes; the next one who is free is asked at once."""
    _refuse_unless_theirs(actor, engagement)
    if engagement.state == EngagementState.DECLINED:
        return
    if not engagement.is_live or not engagement.booking.is_confirmed:
        raise Conflict(N_("This request is no longer open. Thank you for answering."))
    replace(session, actor, engagement, EngagementState.DECLINED, reason.strip()[:500] or None)


def replace(
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
        claims.hold_still(session, booking)
        engagement.state, engagement.reason = state, reason
        if actor is not None and actor.id == gone.id:
            engagement.answered_at = now()
        _record(session, actor, engagement)
        if gone not in booking.interpreters:
            session.flush()
            return booking.interpreter
        claims.give_back(session, booking, gone.id)
        _see_out(session, actor, booking, gone)
        booking.unseat(gone.id)
        booking.changed_at = now()
        session.flush()
        tell(session, "engagement_ended", booking, [gone.id])
        return promote(session, actor, booking)

    return claims.patiently(session, act)


def promote(session: Session, actor: Person | None, booking: Booking) -> Person | None:
    """Asks the first free substitute for each empty place, and tells everyone. Returns who was
    asked last.

    None, and the office is told, when there is nobody.
    """
    found = None
    while booking.interpreters_missing > 0:
        found = _ask_next(session, actor, booking)
        if found is None:
            tell(session, "interpreter_missing", booking, office(session))
            return None
    return found


def rest(session: Session, booking: Booking) -> list[Person]:
    """Who has not been asked yet and is free, best first."""
    asked = {one.interpreter_id for one in booking.engagements}
    return queries.free_interpreters(
        session, booking, leaving_out=asked | {person.id for person in booking.people}
    )


def _ask_next(session: Session, actor: Person | None, booking: Booking) -> Person | None:
    ladder, rank = rest(session, booking), len(booking.engagements)
    for first in range(0, len(ladder), _AT_ONCE):
        some = ladder[first : first + _AT_ONCE]
        diaries.lock(session, [person.id for person in some])
        for person in some:
            try:
                claims.take(session, booking, [person.id])
            except claims.SlotTaken:
                continue
            booking.seat(person)
            propose(session, actor, booking, person, rank=rank)
            partners = [one.id for one in booking.interpreters if one.id != person.id]
            told = [booking.patient_id, booking.specialist_id, *partners, *office(session)]
            tell(session, "interpreter_replaced", booking, told)
            return person
    return None


def check_answer(session: Session, engagement: Engagement) -> None:
    """At the deadline: silence passes the request on, a yes becomes firm. Harmless when
    repeated.
    """
    if (
        not engagement.booking.is_confirmed
        or engagement.interpreter not in engagement.booking.interpreters
    ):
        return
    if engagement.state == EngagementState.PROPOSED:
        replace(session, None, engagement, EngagementState.REPLACED)
    elif engagement.state == EngagementState.ACCEPTED:
        engagement.state = EngagementState.CONFIRMED
        _record(session, None, engagement)


def stand_down(session: Session, actor: Person | None, booking: Booking) -> None:
    """The interpreters need not come, and leave the case. Telling them is the caller's."""
    for engagement in booking.current_engagements:
        if engagement.is_live:
            engagement.state = EngagementState.REPLACED
            _record(session, actor, engagement)
    for interpreter in booking.interpreters:
        _see_out(session, actor, booking, interpreter)


def tell(
    session: Session, kind: str, booking: Booking, person_ids: Iterable[str], **facts: object
) -> None:
    """A message about a meeting to each, with the zones of the others in it."""
    for person_id in dict.fromkeys(person_ids):
        zones = [
            [booking.role_of(one.id), one.timezone] for one in booking.people if one.id != person_id
        ]
        cases.notify(
            session,
            kind,
            booking.case,
            [person_id],
            zones=zones,
            **facts_of(booking),
            **facts,
            mode=booking.mode if booking.needs_interpreter else "",
        )


def facts_of(booking: Booking) -> dict[str, object]:
    """What a message about a booking needs; nothing clinical. The reader's zone and words come
    later.
    """
    return {
        "booking_id": booking.id,
        "starts_at": booking.starts_at.isoformat(),
        "minutes": booking.minutes,
        "sequence": booking.sequence,
    }


def stay_until(session: Session, booking: Booking) -> None:
    """After a small delay the interpreters' way to the brief stays open as much longer."""
    here = {one.id for one in booking.interpreters}
    for member in case_queries.members_of(session, booking.case_id):
        if member.person_id in here and member.role == Role.INTERPRETER:
            member.until = booking.ends_at + AFTER_THE_MEETING
    session.flush()


def _let_in(session: Session, actor: Person | None, booking: Booking, interpreter: Person) -> None:
    until = booking.ends_at + AFTER_THE_MEETING
    for member in case_queries.members_of(session, booking.case_id):
        if member.person_id == interpreter.id and member.role == Role.INTERPRETER:
            member.until = until
            session.flush()
            return
    cases.grant(
        session, actor, booking.case, interpreter, Role.INTERPRETER, reason="booking", until=until
    )


def _see_out(session: Session, actor: Person | None, booking: Booking, interpreter: Person) -> None:
    for member in case_queries.members_of(session, booking.case_id):
        if member.person_id == interpreter.id and member.role == Role.INTERPRETER:
            cases.end_membership(session, actor, member, reason="no longer booked")


def _deadline(booking: Booking) -> datetime:
    """A day before the meeting; for one that is nearer than two days, halfway there; but time
    enough to answer.
    """
    ahead = booking.starts_at - now()
    return max(booking.starts_at - min(FIRM_BEFORE, ahead / 2), now() + LEAST_TO_ANSWER)


def office(session: Session) -> list[str]:
    """Everybody who coordinates."""
    return list(
        session.scalars(select(Person.id).where(Person.role == Role.COORDINATOR, Person.active))
    )


def _refuse_unless_theirs(actor: Person, engagement: Engagement) -> None:
    if not policy.can_answer(actor, engagement):
        raise Forbidden()


def _record(session: Session, actor: Person | None, engagement: Engagement) -> None:
    audit.record(
        session,
        actor.id if actor else None,
        Verb.ENGAGEMENT_CHANGED,
        "engagement",
        engagement.id,
        engagement.booking.case_id,
        state=str(engagement.state),
        interpreter=engagement.interpreter_id,
    )
