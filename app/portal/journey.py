"""The way of a case in a person's words: milestones, how its clock stands, and the lines of its
timeline. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.cases.models import Case, CaseEvent
from app.cases.states import END_STAGES, CaseMove, CaseStage
from app.core.clock import now
from app.core.slices import get_slices
from app.core.text import N_

DUE_SOON_WITHIN = timedelta(days=2)
STAGE_LABELS: dict[str, str] = {
    CaseStage.DRAFT: N_("Not sent yet"),
    CaseStage.SUBMITTED: N_("New"),
    CaseStage.TRIAGE: N_("Being checked"),
    CaseStage.RECORDS_REQUESTED: N_("Waiting for records"),
    CaseStage.ACCEPTED: N_("Accepted"),
    CaseStage.SCHEDULED: N_("Consultation booked"),
    CaseStage.CONSULTED: N_("Opinion being written"),
    CaseStage.OPINION_SIGNED: N_("Opinion signed"),
    CaseStage.RELEASED: N_("Opinion released"),
    CaseStage.CLOSED: N_("Case closed"),
    CaseStage.DECLINED: N_("Declined by the hospital"),
    CaseStage.WITHDRAWN: N_("Withdrawn"),
}


@dataclass(frozen=True)
class CaseMilestone:
    """One step of the way. ``state`` is done, now, next, skipped or stopped; ``at`` is when it
    was, or is to be.
    """

    label: str
    state: str
    at: datetime | None = None
    note: str | None = None


# The moves that complete each milestone, in order; those of a meeting fall away where the opinion
# is only written.
_MILESTONE_STEPS: tuple[tuple[str, CaseMove, bool], ...] = (
    (N_("Request sent"), CaseMove.SUBMIT, False),
    (N_("Records complete"), CaseMove.ACCEPT, False),
    (N_("Time chosen"), CaseMove.SCHEDULE, True),
    (N_("Consultation"), CaseMove.CONSULT, True),
    (N_("Opinion signed"), CaseMove.SIGN, False),
    (N_("Opinion with the patient"), CaseMove.RELEASE, False),
)
_REACHED_BY_STAGE = {
    CaseStage.DRAFT: 0,
    CaseStage.SUBMITTED: 1,
    CaseStage.TRIAGE: 1,
    CaseStage.RECORDS_REQUESTED: 1,
    CaseStage.ACCEPTED: 2,
    CaseStage.SCHEDULED: 3,
    CaseStage.CONSULTED: 4,
    CaseStage.OPINION_SIGNED: 5,
    CaseStage.RELEASED: 6,
    CaseStage.CLOSED: 6,
}


def list_milestones(
    case: Case, events: Iterable[CaseEvent], meeting_at: datetime | None = None
) -> list[CaseMilestone]:
    """The whole way with its dates: what is done, where the case stands, what is to come and
    when.
    """
    when = {event.kind: event.at for event in events}
    planned = {CaseMove.CONSULT: meeting_at, CaseMove.SIGN: case.due_at}
    stopped = case.stage in (CaseStage.DECLINED, CaseStage.WITHDRAWN)
    reached = (
        _count_reached_milestones(when) if stopped else _REACHED_BY_STAGE[CaseStage(case.stage)]
    )
    way, at_present = [], True
    for place, (label, move, of_meeting) in enumerate(_MILESTONE_STEPS):
        if of_meeting and case.written_only:
            way.append(CaseMilestone(label, "skipped"))
        elif place < reached:
            way.append(CaseMilestone(label, "done", when.get(move)))
        elif at_present:
            at_present = False
            way.append(
                CaseMilestone(
                    label, "stopped" if stopped else "now", None if stopped else planned.get(move)
                )
            )
        else:
            way.append(CaseMilestone(label, "next", None if stopped else planned.get(move)))
    return way


def _count_reached_milestones(when: dict[str, datetime]) -> int:
    return max(
        (place + 1 for place, (_, move, _m) in enumerate(_MILESTONE_STEPS) if move in when),
        default=0,
    )


def classify_deadline(at: datetime | None) -> str:
    """How an instant stands that something is due at: ``late``, ``soon``, or nothing."""
    if at is None:
        return ""
    return "late" if at < now() else "soon" if at < now() + DUE_SOON_WITHIN else ""


def classify_turnaround(case: Case) -> str:
    """How the turnaround clock of a case stands: "" | soon | late | done | none (it has not
    started).
    """
    if case.stage in (CaseStage.OPINION_SIGNED, CaseStage.RELEASED, CaseStage.CLOSED):
        return "done"
    if case.stage in END_STAGES or case.due_at is None:
        return "none"
    return classify_deadline(case.due_at)


MILESTONE_MOVES = frozenset(
    {
        CaseMove.SUBMIT,
        CaseMove.ACCEPT,
        CaseMove.SCHEDULE,
        CaseMove.CONSULT,
        CaseMove.SIGN,
        CaseMove.RELEASE,
        CaseMove.CLOSE,
        CaseMove.DECLINE,
        CaseMove.WITHDRAW,
    }
)


@dataclass(frozen=True)
class TimelineEntry:
    """One line of the timeline as its reader sees it: ``text`` is a msgid."""

    at: datetime
    text: str
    who: str | None
    kind: str


def list_timeline_entries(
    events: Iterable[CaseEvent], names: dict[str, str]
) -> list[TimelineEntry]:
    """The lines that have words, newest first; ``names`` are those of the people on the case."""
    labels = get_slices().case_event_labels
    lines = [
        TimelineEntry(
            event.at,
            labels[event.kind],
            names.get(event.actor_id or ""),
            "milestone" if event.kind in MILESTONE_MOVES else "",
        )
        for event in events
        if event.kind in labels
    ]
    return lines[::-1]
