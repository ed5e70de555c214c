"""The stage table: what may follow what, and by whose hand."""

from __future__ import annotations

import pytest

from app.cases.states import ENDS, TABLE, Move, Stage, next_stage
from app.core.errors import Conflict, Forbidden
from app.core.permissions import Role

WAY = [
    (Move.SUBMIT, Role.PATIENT, Stage.SUBMITTED),
    (Move.TRIAGE, Role.COORDINATOR, Stage.TRIAGE),
    (Move.REQUEST_RECORDS, Role.COORDINATOR, Stage.RECORDS_REQUESTED),
    (Move.PROVIDE_RECORDS, Role.PATIENT, Stage.TRIAGE),
    (Move.ACCEPT, Role.COORDINATOR, Stage.ACCEPTED),
    (Move.SCHEDULE, Role.PATIENT, Stage.SCHEDULED),
    (Move.CONSULT, Role.SPECIALIST, Stage.CONSULTED),
    (Move.SIGN, Role.SPECIALIST, Stage.OPINION_SIGNED),
    (Move.RELEASE, Role.COORDINATOR, Stage.RELEASED),
    (Move.CLOSE, Role.PATIENT, Stage.CLOSED),
]


def test_the_whole_way():
    stage = Stage.DRAFT
    for move, role, expected in WAY:
        stage = next_stage(stage, move, role)
        assert stage == expected


def test_nothing_follows_an_end():
    for stage in ENDS:
        for move in Move:
            for role in Role:
                with pytest.raises(Conflict):
                    next_stage(stage, move, role)


@pytest.mark.parametrize("stage, move", sorted(TABLE))
def test_only_those_whom_the_table_names(stage, move):
    to, who = TABLE[stage, move]
    for role in Role:
        if role in who:
            assert next_stage(stage, move, role) == to
        else:
            with pytest.raises(Forbidden):
                next_stage(stage, move, role)


def test_a_written_opinion_needs_no_meeting_and_only_a_written_one():
    assert (
        next_stage(Stage.ACCEPTED, Move.SIGN, Role.SPECIALIST, written_only=True)
        == Stage.OPINION_SIGNED
    )
    with pytest.raises(Conflict):
        next_stage(Stage.ACCEPTED, Move.SIGN, Role.SPECIALIST)
