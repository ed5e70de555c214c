"""The stage table: what may follow what, and by whose hand."""

from __future__ import annotations

import pytest

from app.cases.states import END_STAGES, STAGE_MOVES, CaseMove, CaseStage, find_next_stage
from app.core.errors import Conflict, Forbidden
from app.core.permissions import Role

WAY = [
    (CaseMove.SUBMIT, Role.PATIENT, CaseStage.SUBMITTED),
    (CaseMove.TRIAGE, Role.COORDINATOR, CaseStage.TRIAGE),
    (CaseMove.REQUEST_RECORDS, Role.COORDINATOR, CaseStage.RECORDS_REQUESTED),
    (CaseMove.PROVIDE_RECORDS, Role.PATIENT, CaseStage.TRIAGE),
    (CaseMove.ACCEPT, Role.COORDINATOR, CaseStage.ACCEPTED),
    (CaseMove.SCHEDULE, Role.PATIENT, CaseStage.SCHEDULED),
    (CaseMove.CONSULT, Role.SPECIALIST, CaseStage.CONSULTED),
    (CaseMove.SIGN, Role.SPECIALIST, CaseStage.OPINION_SIGNED),
    (CaseMove.RELEASE, Role.COORDINATOR, CaseStage.RELEASED),
    (CaseMove.CLOSE, Role.PATIENT, CaseStage.CLOSED),
]


def test_the_whole_way():
    stage = CaseStage.DRAFT
    for move, role, expected in WAY:
        stage = find_next_stage(stage, move, role)
        assert stage == expected


def test_nothing_follows_an_end():
    for stage in END_STAGES:
        for move in CaseMove:
            for role in Role:
                with pytest.raises(Conflict):
                    find_next_stage(stage, move, role)


@pytest.mark.parametrize("stage, move", sorted(STAGE_MOVES))
def test_only_those_whom_the_table_names(stage, move):
    to, who = STAGE_MOVES[stage, move]
    for role in Role:
        if role in who:
            assert find_next_stage(stage, move, role) == to
        else:
            with pytest.raises(Forbidden):
                find_next_stage(stage, move, role)


def test_a_written_opinion_needs_no_meeting_and_only_a_written_one():
    assert (
        find_next_stage(CaseStage.ACCEPTED, CaseMove.SIGN, Role.SPECIALIST, written_only=True)
        == CaseStage.OPINION_SIGNED
    )
    with pytest.raises(Conflict):
        find_next_stage(CaseStage.ACCEPTED, CaseMove.SIGN, Role.SPECIALIST)
