"""The stages of a case: every stage, every move and every role, written down by hand.

The code's own table is compared with this one; the test never reads it to know what to expect. A
move that is not listed is refused to everybody. A new stage, move or role fails until it is listed.
"""

from __future__ import annotations

import pytest

from app.cases.states import END_STAGES, CaseMove, CaseStage, find_next_stage
from app.core.errors import Conflict, Forbidden
from app.core.permissions import Role

STAGES = (
    "draft submitted triage records_requested accepted scheduled consulted opinion_signed released"
    " closed declined withdrawn"
)
MOVES = (
    "submit triage request_records provide_records accept schedule unschedule consult sign release"
    " close decline withdraw"
)
PEOPLE = "patient specialist interpreter coordinator referrer administrator auditor guest"
SYSTEM = "system"  # what happens without a person

# stage, move, next stage: who may
ALLOWED = """
draft              submit           submitted          : patient
draft              withdraw         withdrawn          : patient coordinator

submitted          triage           triage             : coordinator
submitted          decline          declined           : coordinator
submitted          withdraw         withdrawn          : patient coordinator

triage             request_records  records_requested  : coordinator
triage             accept           accepted           : coordinator
triage             decline          declined           : coordinator
triage             withdraw         withdrawn          : patient coordinator

records_requested  request_records  records_requested  : coordinator
records_requested  provide_records  triage             : patient coordinator
records_requested  decline          declined           : coordinator
records_requested  withdraw         withdrawn          : patient coordinator

accepted           schedule         scheduled          : patient coordinator
accepted           decline          declined           : coordinator
accepted           withdraw         withdrawn          : patient coordinator

scheduled          unschedule       accepted           : patient coordinator system
scheduled          consult          consulted          : specialist coordinator
scheduled          withdraw         withdrawn          : patient coordinator

consulted          sign             opinion_signed     : specialist
consulted          withdraw         withdrawn          : patient coordinator

opinion_signed     release          released           : coordinator system

released           close            closed             : patient coordinator
"""

# What else is possible where the patient asked for a written opinion only.
ALLOWED_IF_WRITTEN_ONLY = """
accepted           sign             opinion_signed     : specialist
"""

ENDS = "closed declined withdrawn"


def read_table(text: str) -> dict[tuple[str, str], tuple[str, set[str]]]:
    table = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        way, _, who = line.partition(":")
        stage, move, to = way.split()
        table[stage, move] = to, set(who.split())
    return table


def outcome(stage: str, move: str, role: str, *, written_only: bool) -> str:
    """The next stage, or ``Conflict``, or ``Forbidden``."""
    try:
        return str(find_next_stage(stage, CaseMove(move), role, written_only=written_only))
    except (Conflict, Forbidden) as refusal:
        return type(refusal).__name__


def test_every_stage_move_and_role_is_listed_here():
    assert {str(stage) for stage in CaseStage} == set(STAGES.split())
    assert {str(move) for move in CaseMove} == set(MOVES.split())
    assert {str(role) for role in Role} == set(PEOPLE.split())
    assert {str(stage) for stage in END_STAGES} == set(ENDS.split())


@pytest.mark.parametrize("written_only", [False, True], ids=["with a meeting", "written only"])
@pytest.mark.parametrize("stage", STAGES.split())
def test_who_may_move_a_case_and_where_to(stage: str, written_only: bool):
    table = read_table(ALLOWED)
    if written_only:
        table |= read_table(ALLOWED_IF_WRITTEN_ONLY)
    for move in MOVES.split():
        to, who = table.get((stage, move), (None, set()))
        for role in [*PEOPLE.split(), SYSTEM]:
            expected = to if role in who else ("Forbidden" if to else "Conflict")
            assert outcome(stage, move, role, written_only=written_only) == expected, (
                f"{role}: {move} from {stage}"
            )


@pytest.mark.parametrize("stage", ENDS.split())
def test_nothing_follows_an_end(stage: str):
    assert not [way for way in read_table(ALLOWED + ALLOWED_IF_WRITTEN_ONLY) if way[0] == stage]


def test_the_whole_way_and_by_whom():
    """A case that goes well, step by step."""
    stage = "draft"
    for role, move, expected in (
        ("patient", "submit", "submitted"),
        ("coordinator", "triage", "triage"),
        ("coordinator", "request_records", "records_requested"),
        ("patient", "provide_records", "triage"),
        ("coordinator", "accept", "accepted"),
        ("patient", "schedule", "scheduled"),
        ("specialist", "consult", "consulted"),
        ("specialist", "sign", "opinion_signed"),
        ("coordinator", "release", "released"),
        ("patient", "close", "closed"),
    ):
        stage = outcome(stage, move, role, written_only=False)
        assert stage == expected
