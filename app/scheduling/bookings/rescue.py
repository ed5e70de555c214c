"""The office's verbs when something goes wrong: somebody does not come, is ill, is late, or cannot
be understood.

Each keeps the meeting as the same booking, so that calendars follow, and tells everyone.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.cases import queries as case_queries
from app.cases import service as cases
from app.cases.visibility import is_office_case
from app.core.clock import now
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.permissions import Role
from app.core.text import N_
from app.identity.models import Person
from app.organizations.queries import has_role
from app.scheduling.bookings import claims
from app.scheduling.bookings.reminders import schedule_reminders, snapshot_utc_offsets
from app.scheduling.interpreters import ladder
from app.scheduling.matching import candidates
from app.scheduling.matching.languages import is_well_formed_tag
from app.scheduling.matching.queries import find_free_people, is_qualified, is_within_hours
from app.scheduling.models import Booking, EngagementState
from app.scheduling.time.quarters import QUARTER_MINUTES
from app.scheduling.verbs import SchedulingAuditVerb

MAX_DELAY_QUARTERS = 4  # quarters


def report_no_show(
    session: Session, actor: Person | None, booking: Booking, interpreter: Person | None = None
) -> Person | None:
    """The interpreter has not come: the next one who is free is asked at once. Returns whom.

    ``actor`` is the specialist or the office, or None where the consult itself has noticed. Of a
    team, ``interpreter`` says who is missing; without it, both are.
    """
    if (
        actor is not None
        and actor.id != booking.specialist_id
        and not is_office_case(actor, booking.case)
    ):
        raise Forbidden()
    if booking.starts_at > now():
        raise Conflict(N_("The consultation has not started yet, so nobody is missing."))
    return _ask_next_interpreter(session, actor, booking, EngagementState.NO_SHOW, interpreter)


def ask_another_interpreter(
    session: Session, actor: Person, booking: Booking, interpreter: Person | None = None
) -> Person | None:
    """The office asks the next interpreter in the place of the one who is booked, or looks for one
    again.

    Of a team, ``interpreter`` is the one in whose place; a place that is empty is filled first.
    """
    _refuse_unless_rescuable(actor, booking)
    return _ask_next_interpreter(session, actor, booking, EngagementState.REPLACED, interpreter)


def change_booking_language(
    session: Session, actor: Person, booking: Booking, language: str
) -> Person | None:
    """The patient needs another language than was booked; an interpreter for that pair is
    sought.
    """
    _refuse_unless_rescuable(actor, booking)
    if not is_well_formed_tag(language):
        raise Invalid(N_("Choose a language."), field="language")

    def act() -> Person | None:
        claims.lock_and_refresh(session, booking)
        source, target, needs_interpreter = candidates.language_pair_of(
            language, booking.specialist
        )
        booking.source, booking.target, booking.needs_interpreter = (
            source,
            target,
            needs_interpreter,
        )
        session.flush()
        unfit = [
            one
            for one in booking.interpreters
            if not is_qualified(
                session, one, source, target, booking.starts_at.date(), booking.mode
            )
        ]
        audit.record_audit_entry(
            session,
            actor.id,
            SchedulingAuditVerb.BOOKING_MOVED,
            "booking",
            booking.id,
            booking.case_id,
            language=source,
        )
        if not needs_interpreter:
            _remove_interpreters(session, actor, booking)
            return None
        found = booking.interpreter
        for one in unfit:
            found = _ask_next_interpreter(session, actor, booking, EngagementState.REPLACED, one)
        if booking.interpreters_missing:
            found = _ask_next_interpreter(session, actor, booking, EngagementState.REPLACED)
        return found

    return claims.retry_on_deadlock(session, act)


def find_substitute_specialists(session: Session, booking: Booking) -> list[Person]:
    """Other specialists of the case's specialty, in the same language, who are free for the whole
    meeting.
    """
    able = [
        one
        for one in candidates.load_specialists(session, booking.case.specialty)
        if one.id != booking.specialist_id
        and candidates.language_pair_of(booking.source, one)[1] == booking.target
    ]
    return find_free_people(session, able, booking.quarters)


def change_booking_specialist(
    session: Session, actor: Person, booking: Booking, specialist: Person
) -> None:
    """Another specialist takes the case and the meeting; the patient keeps the time and the
    interpreter.

    Raises ``SlotTaken`` when the new one is no longer free, and then nothing has changed.
    """
    _refuse_unless_rescuable(actor, booking)
    if (
        not has_role(specialist, Role.SPECIALIST)
        or not specialist.active
        or specialist.id == booking.specialist_id
    ):
        raise Invalid(N_("Choose another specialist."), field="specialist")
    if booking.case.specialty not in (*specialist.specialties, "general"):
        raise Invalid(
            N_("%(name)s does not cover this specialty."),
            field="specialist",
            name=specialist.name,
        )
    if candidates.language_pair_of(booking.source, specialist)[1] != booking.target:
        raise Invalid(
            N_("%(name)s speaks a different language from the one that was booked."),
            field="specialist",
            name=specialist.name,
        )

    def act() -> None:
        claims.lock_and_refresh(session, booking, specialist.id)
        gone = booking.specialist
        claims.release_claims(session, booking, gone.id)
        claims.claim_quarters(session, booking, [specialist.id])
        if not is_within_hours(session, specialist, booking.quarters):
            raise claims.SlotTaken(
                N_("One of the people is not available at this time. These times are available.")
            )
        _hand_case_over(session, actor, booking, gone, specialist)
        booking.specialist_id, booking.specialist = specialist.id, specialist
        _record_booking_change(session, actor, booking, specialist=specialist.id)
        ladder.notify_about_booking(session, "booking_cancelled", booking, [gone.id])
        ladder.notify_about_booking(
            session, "booking_moved", booking, [person.id for person in booking.people]
        )

    claims.retry_on_deadlock(session, act)


def postpone_booking(session: Session, actor: Person, booking: Booking, quarters: int = 1) -> None:
    """Somebody is late: the meeting begins a little later, for everyone. Raises ``SlotTaken`` if
    that is not free.
    """
    _refuse_unless_rescuable(actor, booking)
    if not 1 <= quarters <= MAX_DELAY_QUARTERS:
        raise Invalid(
            N_("A consultation can start up to one hour later. For more, choose another time."),
            field="quarters",
        )

    def act() -> None:
        claims.lock_and_refresh(session, booking)
        if booking.ends_at <= now():
            raise Conflict(N_("This consultation is already over."))
        was = booking.starts_at
        claims.release_claims(session, booking)
        booking.starts_at += timedelta(minutes=QUARTER_MINUTES * quarters)
        claims.claim_quarters(session, booking, [person.id for person in booking.people])
        snapshot_utc_offsets(booking)
        _record_booking_change(
            session, actor, booking, was=was.isoformat(), now=booking.starts_at.isoformat()
        )
        ladder.extend_interpreter_access(session, booking)
        ladder.notify_about_booking(
            session,
            "booking_moved",
            booking,
            [person.id for person in booking.people],
            was_at=was.isoformat(),
        )
        schedule_reminders(session, booking)

    claims.retry_on_deadlock(session, act)


def acknowledge_clock_change(session: Session, actor: Person, booking: Booking) -> None:
    """The office has seen that somebody's clock has changed, and the meeting stays at its
    moment.
    """
    _refuse_unless_rescuable(actor, booking)
    claims.lock_and_refresh(session, booking)
    if booking.clocks_changed:
        booking.clocks_changed = {}
        session.flush()
        audit.record_audit_entry(
            session,
            actor.id,
            SchedulingAuditVerb.BOOKING_MOVED,
            "booking",
            booking.id,
            booking.case_id,
            clocks="seen",
        )


def _hand_case_over(
    session: Session, actor: Person, booking: Booking, gone: Person, specialist: Person
) -> None:
    for member in case_queries.list_members(session, booking.case_id):
        if member.person_id == gone.id and member.role == Role.SPECIALIST:
            cases.end_membership(session, actor, member, reason="replaced")
    cases.grant_membership(
        session, actor, booking.case, specialist, Role.SPECIALIST, reason="took over"
    )
    cases.record_case_event(session, booking.case_id, "specialist_assigned", actor)
    cases.notify_people(session, "specialist_assigned", booking.case, [specialist.id])


def _ask_next_interpreter(
    session: Session,
    actor: Person | None,
    booking: Booking,
    state: EngagementState,
    interpreter: Person | None = None,
) -> Person | None:
    """Asks somebody in the place of ``interpreter``; without one, fills what is empty, else
    replaces whoever is there.
    """
    if not booking.is_confirmed or not booking.needs_interpreter or booking.ends_at <= now():
        raise Conflict(N_("This consultation no longer needs an interpreter."))
    leaving = [
        one
        for one in booking.current_engagements
        if interpreter is None or one.interpreter is interpreter
    ]
    if leaving and (interpreter is not None or not booking.interpreters_missing):
        found = [ladder.replace_interpreter(session, actor, one, state) for one in leaving]
        return None if None in found else found[-1]

    def act() -> Person | None:
        claims.lock_and_refresh(session, booking)
        return (
            ladder.promote_substitutes(session, actor, booking)
            if booking.interpreters_missing
            else booking.interpreter
        )

    return claims.retry_on_deadlock(session, act)


def _remove_interpreters(session: Session, actor: Person, booking: Booking) -> None:
    gone = booking.interpreters
    ladder.dismiss_interpreters(session, actor, booking)
    for one in gone:
        claims.release_claims(session, booking, one.id)
        booking.unseat(one.id)
    session.flush()
    ladder.notify_about_booking(session, "engagement_ended", booking, [one.id for one in gone])


def _record_booking_change(
    session: Session, actor: Person, booking: Booking, **facts: object
) -> None:
    booking.sequence, booking.changed_at = booking.sequence + 1, now()
    session.flush()
    audit.record_audit_entry(
        session,
        actor.id,
        SchedulingAuditVerb.BOOKING_MOVED,
        "booking",
        booking.id,
        booking.case_id,
        **facts,
    )


def _refuse_unless_rescuable(actor: Person, booking: Booking) -> None:
    if not is_office_case(actor, booking.case):
        raise Forbidden()
    if not booking.is_confirmed:
        raise Conflict(N_("This consultation was cancelled in the meantime. Choose another time."))
