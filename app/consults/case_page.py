"""What consultations add to the page of a case: the meeting, what was written in it, and the steps
that depend on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.cases.models import Case
from app.cases.page.facts import CaseFacts, CaseFactSource
from app.cases.page.next_steps import EVERY_STAGE, NextStep, NextStepRule, StepButton
from app.cases.page.panels import CasePanel, CaseReading
from app.cases.states import CaseStage
from app.consults import queries
from app.consults.models import ChatMessage, TeachBack
from app.consults.queries import BookedConsult, find_booked_consults
from app.consults.teachback import service as teaching
from app.core.permissions import CASE_AND_INTERPRETER_ROLES, Role
from app.core.text import N_
from app.records.case_page import READ_FILE_BUTTON
from app.scheduling.interpreters.missing import lacks_interpreter


def _booking_id(case: Case, facts: CaseFacts) -> Mapping[str, str]:
    meeting = facts.find(BookedConsult)
    return {"booking_id": meeting.booking.id} if meeting else {}


JOIN_BUTTON = StepButton(
    "join", N_("Go to the consultation"), "consults.open_consult_of_booking", ids=_booking_id
)
SEE_MEETING_BUTTON = StepButton("see_meeting", N_("See the consultation"), anchor="#meeting")
FIND_INTERPRETER_BUTTON = StepButton(
    "find_interpreter", N_("See the consultation"), anchor="#meeting"
)


def can_join(case: Case, facts: CaseFacts) -> bool:
    meeting = facts.find(BookedConsult)
    return meeting is not None and meeting.is_open


def is_meeting_over(case: Case, facts: CaseFacts) -> bool:
    meeting = facts.find(BookedConsult)
    return meeting is not None and meeting.is_over


def is_meeting_ahead(case: Case, facts: CaseFacts) -> bool:
    return facts.find(BookedConsult) is not None and not is_meeting_over(case, facts)


def is_interpreter_missing(case: Case, facts: CaseFacts) -> bool:
    """Whether a meeting is to come for which not enough interpreters have said yes."""
    meeting = facts.find(BookedConsult)
    return meeting is not None and lacks_interpreter(meeting.booking)


@dataclass(frozen=True)
class ConsultWritings:
    """What was written in the consultations of a case, and what the patient said back."""

    chat: Sequence[ChatMessage]
    teach_backs: Sequence[TeachBack]


def get_meeting(reading: CaseReading) -> BookedConsult | None:
    return reading.facts.find(BookedConsult)


def load_writings(reading: CaseReading) -> ConsultWritings:
    session, reader, case = reading.session, reading.reader, reading.case
    return ConsultWritings(
        chat=queries.list_chat_of_case(session, reader, case),
        teach_backs=teaching.list_teach_backs_of_case(session, reader, case),
    )


CONSULT_FACTS = CaseFactSource(find_booked_consults)
CONSULT_PANELS = (
    CasePanel("consults/_meeting_panel.html", 20, get_meeting, roles=CASE_AND_INTERPRETER_ROLES),
    CasePanel("consults/_writings_panel.html", 70, load_writings),
)

_SCHEDULED = frozenset({CaseStage.SCHEDULED})
_JOIN_STEP = NextStep(
    "you",
    N_("The consultation is open"),
    N_("You can go in now. First you test your camera and microphone."),
    JOIN_BUTTON,
)
CONSULT_STEP_RULES = (
    NextStepRule(Role.PATIENT, _SCHEDULED, _JOIN_STEP, 10, can_join),
    NextStepRule(
        Role.PATIENT,
        _SCHEDULED,
        NextStep(
            "wait",
            N_("Your consultation is booked"),
            N_("You can enter a little before it starts. We will remind you."),
            SEE_MEETING_BUTTON,
        ),
    ),
    NextStepRule(Role.SPECIALIST, _SCHEDULED, _JOIN_STEP, 10, can_join),
    NextStepRule(
        Role.SPECIALIST,
        _SCHEDULED,
        NextStep(
            "go",
            N_("Prepare for the consultation"),
            N_("The time is booked, and the file is complete."),
            READ_FILE_BUTTON,
        ),
    ),
    NextStepRule(Role.INTERPRETER, EVERY_STAGE, _JOIN_STEP, 10, can_join),
    NextStepRule(
        Role.INTERPRETER,
        EVERY_STAGE,
        NextStep(
            "wait",
            N_("Prepare for the consultation"),
            N_("You can enter a little before it starts."),
            SEE_MEETING_BUTTON,
        ),
        20,
        is_meeting_ahead,
    ),
    NextStepRule(
        Role.INTERPRETER,
        EVERY_STAGE,
        NextStep(
            "wait",
            N_("No consultation is booked yet"),
            N_("We ask you when the patient has chosen a time."),
        ),
        position=90,
    ),
    NextStepRule(
        Role.COORDINATOR,
        _SCHEDULED,
        NextStep(
            "you",
            N_("The consultation has no interpreter yet"),
            N_("Ask another interpreter, or move the consultation."),
            FIND_INTERPRETER_BUTTON,
        ),
        10,
        is_interpreter_missing,
    ),
    NextStepRule(
        Role.COORDINATOR,
        _SCHEDULED,
        NextStep("go", N_("The consultation is open"), N_("You can enter to help."), JOIN_BUTTON),
        20,
        can_join,
    ),
    NextStepRule(
        Role.COORDINATOR,
        _SCHEDULED,
        NextStep(
            "you",
            N_("The time of the consultation is over, but nothing shows that it took place"),
            N_("Find out what happened, then move or cancel it."),
            SEE_MEETING_BUTTON,
        ),
        30,
        is_meeting_over,
    ),
    NextStepRule(
        Role.COORDINATOR,
        _SCHEDULED,
        NextStep("wait", N_("The consultation is booked"), "", SEE_MEETING_BUTTON),
    ),
)

CONSULT_EVENT_LABELS: Mapping[str, str] = {
    "consult_opened": N_("The room of the consultation was opened."),
    "consult_started": N_("The consultation started."),
    "consult_ended": N_("The consultation ended."),
}
