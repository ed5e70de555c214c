"""The next steps while a time for the meeting is chosen."""

from __future__ import annotations

from collections.abc import Mapping

from app.cases.page.next_steps import NextStep, NextStepRule, StepButton
from app.cases.states import CaseStage
from app.core.permissions import Role
from app.core.text import N_
from app.records.case_page import READ_FILE_BUTTON

CHOOSE_TIME_BUTTON = StepButton("choose_time", N_("Choose a time"), "scheduling.show_times")
_ACCEPTED = frozenset({CaseStage.ACCEPTED})
SCHEDULING_STEP_RULES = (
    NextStepRule(
        Role.PATIENT,
        _ACCEPTED,
        NextStep(
            "you",
            N_("Choose a time for the consultation"),
            N_("All times are in your time zone."),
            CHOOSE_TIME_BUTTON,
        ),
    ),
    NextStepRule(
        Role.SPECIALIST,
        _ACCEPTED,
        NextStep(
            "go",
            N_("Read the file"),
            N_("It is complete. The patient is choosing a time."),
            READ_FILE_BUTTON,
        ),
    ),
    NextStepRule(
        Role.COORDINATOR,
        _ACCEPTED,
        NextStep(
            "go",
            N_("A time for the consultation"),
            N_("The patient has been asked to choose a time. You can choose one too."),
            CHOOSE_TIME_BUTTON,
        ),
    ),
)

SCHEDULING_EVENT_LABELS: Mapping[str, str] = {
    "booking_moved": N_("The consultation was moved to another time."),
    "interpreter_accepted": N_("The interpreter accepted."),
    "interpreter_declined": N_("The interpreter cannot come. We are asking another one."),
    "interpreter_replaced": N_("Another interpreter was asked."),
}
