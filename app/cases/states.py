"""The stages of a case: one table of who may move it from where to where (DESIGN 1)."""

from __future__ import annotations

from enum import StrEnum

from app.core.errors import Conflict, Forbidden
from app.core.permissions import Role
from app.core.text import N_


class CaseStage(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    TRIAGE = "triage"
    RECORDS_REQUESTED = "records_requested"
    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    CONSULTED = "consulted"
    OPINION_SIGNED = "opinion_signed"
    RELEASED = "released"
    CLOSED = "closed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class CaseMove(StrEnum):
    SUBMIT = "submit"
    TRIAGE = "triage"
    REQUEST_RECORDS = "request_records"
    PROVIDE_RECORDS = "provide_records"
    ACCEPT = "accept"
    SCHEDULE = "schedule"
    UNSCHEDULE = "unschedule"
    CONSULT = "consult"
    SIGN = "sign"
    RELEASE = "release"
    CLOSE = "close"
    DECLINE = "decline"
    WITHDRAW = "withdraw"


S, M = CaseStage, CaseMove
_PATIENT, _OFFICE, _SPECIALIST = Role.PATIENT, Role.COORDINATOR, Role.SPECIALIST
_SYSTEM = "system"
_WITHDRAWABLE_STAGES = (
    S.DRAFT,
    S.SUBMITTED,
    S.TRIAGE,
    S.RECORDS_REQUESTED,
    S.ACCEPTED,
    S.SCHEDULED,
    S.CONSULTED,
)

# (from, move) -> (to, who may)
STAGE_MOVES: dict[tuple[CaseStage, CaseMove], tuple[CaseStage, frozenset[str]]] = {
    (S.DRAFT, M.SUBMIT): (S.SUBMITTED, frozenset({_PATIENT})),
    (S.SUBMITTED, M.TRIAGE): (S.TRIAGE, frozenset({_OFFICE})),
    (S.TRIAGE, M.REQUEST_RECORDS): (S.RECORDS_REQUESTED, frozenset({_OFFICE})),
    (S.RECORDS_REQUESTED, M.REQUEST_RECORDS): (S.RECORDS_REQUESTED, frozenset({_OFFICE})),
    (S.RECORDS_REQUESTED, M.PROVIDE_RECORDS): (S.TRIAGE, frozenset({_PATIENT, _OFFICE})),
    (S.TRIAGE, M.ACCEPT): (S.ACCEPTED, frozenset({_OFFICE})),
    (S.ACCEPTED, M.SCHEDULE): (S.SCHEDULED, frozenset({_PATIENT, _OFFICE})),
    (S.SCHEDULED, M.UNSCHEDULE): (S.ACCEPTED, frozenset({_PATIENT, _OFFICE, _SYSTEM})),
    (S.SCHEDULED, M.CONSULT): (S.CONSULTED, frozenset({_SPECIALIST, _OFFICE})),
    (S.CONSULTED, M.SIGN): (S.OPINION_SIGNED, frozenset({_SPECIALIST})),
    (S.OPINION_SIGNED, M.RELEASE): (S.RELEASED, frozenset({_OFFICE, _SYSTEM})),
    (S.RELEASED, M.CLOSE): (S.CLOSED, frozenset({_OFFICE, _PATIENT})),
    **{
        (stage, M.DECLINE): (S.DECLINED, frozenset({_OFFICE}))
        for stage in (S.SUBMITTED, S.TRIAGE, S.RECORDS_REQUESTED, S.ACCEPTED)
    },
    **{
        (stage, M.WITHDRAW): (S.WITHDRAWN, frozenset({_PATIENT, _OFFICE}))
        for stage in _WITHDRAWABLE_STAGES
    },
}
WRITTEN_ONLY_MOVES = {(S.ACCEPTED, M.SIGN): (S.OPINION_SIGNED, frozenset({_SPECIALIST}))}
END_STAGES = frozenset({S.CLOSED, S.DECLINED, S.WITHDRAWN})


def find_next_stage(
    stage: str, move: CaseMove, role: str, *, written_only: bool = False
) -> CaseStage:
    """The stage that ``move`` leads to. Raises ``Conflict`` where there is no such way,
    ``Forbidden`` for another's move.
    """
    table = STAGE_MOVES | WRITTEN_ONLY_MOVES if written_only else STAGE_MOVES
    way = table.get((CaseStage(stage), move))
    if way is None:
        raise Conflict(
            N_(
                "This case has moved to another stage in the meantime, so this step is no"
                " longer possible. Nothing was changed."
            )
        )
    to, who = way
    if role not in who:
        raise Forbidden()
    return to
