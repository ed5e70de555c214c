"""The way of a case in a person's words: milestones, how its clock stands, and the lines of its
timeline. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.cases.models import Case, CaseEvent
from app.cases.states import ENDS, Move, Stage
from app.core.clock import now
from app.core.text import N_

SOON = timedelta(days=2)
STAGE_WORDS: dict[str, str] = {
    Stage.DRAFT: N_("Not sent yet"),
    Stage.SUBMITTED: N_("New"),
    Stage.TRIAGE: N_("Being checked"),
    Stage.RECORDS_REQUESTED: N_("Waiting for records"),
    Stage.ACCEPTED: N_("Accepted"),
    Stage.SCHEDULED: N_("Meeting agreed"),
    Stage.CONSULTED: N_("Opinion being written"),
    Stage.OPINION_SIGNED: N_("Opinion signed"),
    Stage.RELEASED: N_("Opinion sent"),
    Stage.CLOSED: N_("Closed"),
    Stage.DECLINED: N_("Not taken"),
    Stage.WITHDRAWN: N_("Withdrawn"),
}


@dataclass(frozen=True)
class Milestone:
    """One step of the way. `state` is done, now, next, skipped or stopped; `at` is when it was, or
    is to be.
    """

    label: str
    state: str
    at: datetime | None = None
    note: str | None = None


# The moves that complete each milestone, in order; those of a meeting fall away where the opinion
# is only written.
_WAY: tuple[tuple[str, Move, bool], ...] = (
    (N_("Request sent"), Move.SUBMIT, False),
    (N_("Records complete"), Move.ACCEPT, False),
    (N_("Time chosen"), Move.SCHEDULE, True),
    (N_("Meeting"), Move.CONSULT, True),
    (N_("Opinion signed"), Move.SIGN, False),
    (N_("Opinion with the patient"), Move.RELEASE, False),
)
_REACHED = {
    Stage.DRAFT: 0,
    Stage.SUBMITTED: 1,
    Stage.TRIAGE: 1,
    Stage.RECORDS_REQUESTED: 1,
    Stage.ACCEPTED: 2,
    Stage.SCHEDULED: 3,
    Stage.CONSULTED: 4,
    Stage.OPINION_SIGNED: 5,
    Stage.RELEASED: 6,
    Stage.CLOSED: 6,
}


def milestones(
    case: Case, events: Iterable[CaseEvent], meeting_at: datetime | None = None
) -> list[Milestone]:
    """The whole way with its dates: what is done, where the case stands, what is to come and
    when.
    """
    when = {event.kind: event.at for event in events}
    planned = {Move.CONSULT: meeting_at, Move.SIGN: case.due_at}
    stopped = case.stage in (Stage.DECLINED, Stage.WITHDRAWN)
    reached = _reached_before_the_end(when) if stopped else _REACHED[Stage(case.stage)]
    way, at_present = [], True
    for place, (label, move, of_meeting) in enumerate(_WAY):
        if of_meeting and case.written_only:
            way.append(Milestone(label, "skipped"))
        elif place < reached:
            way.append(Milestone(label, "done", when.get(move)))
        elif at_present:
            at_present = False
            way.append(
                Milestone(
                    label, "stopped" if stopped else "now", None if stopped else planned.get(move)
                )
            )
        else:
            way.append(Milestone(label, "next", None if stopped else planned.get(move)))
    return way


def _reached_before_the_end(when: dict[str, datetime]) -> int:
    return max((place + 1 for place, (_, move, _m) in enumerate(_WAY) if move in when), default=0)


def clock_state(at: datetime | None) -> str:
    """How an instant stands that something is due at: `late`, `soon`, or nothing."""
    if at is None:
        return ""
    return "late" if at < now() else "soon" if at < now() + SOON else ""


def due_state(case: Case) -> str:
    """How the turnaround clock of a case stands: "" | soon | late | done | none (it has not
    started).
    """
    if case.stage in (Stage.OPINION_SIGNED, Stage.RELEASED, Stage.CLOSED):
        return "done"
    if case.stage in ENDS or case.due_at is None:
        return "none"
    return clock_state(case.due_at)


MILESTONES = frozenset(
    {
        Move.SUBMIT,
        Move.ACCEPT,
        Move.SCHEDULE,
        Move.CONSULT,
        Move.SIGN,
        Move.RELEASE,
        Move.CLOSE,
        Move.DECLINE,
        Move.WITHDRAW,
    }
)
EVENT_WORDS: dict[str, str] = {
    "created": N_("The request was begun."),
    Move.SUBMIT: N_("The request was sent to the hospital."),
    Move.TRIAGE: N_("The hospital began to check the request."),
    Move.REQUEST_RECORDS: N_("The hospital asked for a record that is missing."),
    Move.PROVIDE_RECORDS: N_("What was missing has been sent."),
    Move.ACCEPT: N_(
        "The records are complete. The hospital accepted the case, and the clock started."
    ),
    Move.SCHEDULE: N_("A time for the meeting was agreed."),
    Move.UNSCHEDULE: N_("The meeting was cancelled."),
    Move.CONSULT: N_("The meeting took place."),
    Move.SIGN: N_("The specialist signed the opinion."),
    Move.RELEASE: N_("The opinion was sent to the patient."),
    Move.CLOSE: N_("The case was closed."),
    Move.DECLINE: N_("The hospital could not take the case."),
    Move.WITHDRAW: N_("The request was taken back."),
    "specialist_assigned": N_("A specialist was found."),
    "interpreter_assigned": N_("An interpreter was found."),
    "file_opened": N_("The office opened the clinical file, and said why."),
    "record_added": N_("A record was sent."),
    "record_arrived": N_("A record was sent."),
    "record_ready": N_("A record passed its check."),
    "record_refused": N_("A record could not be accepted."),
    "record_removed": N_("A record was taken back."),
    "booking_moved": N_("The meeting was moved to another time."),
    "interpreter_accepted": N_("The interpreter said yes."),
    "interpreter_declined": N_("The interpreter cannot come. Another one is being asked."),
    "interpreter_replaced": N_("Another interpreter was asked."),
    "consult_opened": N_("The room of the meeting was opened."),
    "consult_started": N_("The meeting began."),
    "consult_ended": N_("The meeting ended."),
}


@dataclass(frozen=True)
class Line:
    """One line of the timeline as its reader sees it: `text` is a msgid."""

    at: datetime
    text: str
    who: str | None
    kind: str


def timeline(events: Iterable[CaseEvent], names: dict[str, str]) -> list[Line]:
    """The lines that have words, newest first; `names` are those of the people on the case."""
    lines = [
        Line(
            event.at,
            EVENT_WORDS[event.kind],
            names.get(event.actor_id or ""),
            "milestone" if event.kind in MILESTONES else "",
        )
        for event in events
        if event.kind in EVENT_WORDS
    ]
    return lines[::-1]
