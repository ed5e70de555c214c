"""Next steps while the office and the patient prepare a case, and when all is done."""

from __future__ import annotations

from app.cases.models import Case
from app.cases.page.facts import CaseFacts
from app.cases.page.next_steps import EVERY_STAGE, NextStep, NextStepRule, StepButton
from app.cases.policy import is_current_member
from app.cases.states import CaseStage
from app.core.permissions import Role
from app.core.text import N_

S = CaseStage
GO_ON_BUTTON = StepButton("go_on", N_("Continue"))
SEND_RECORDS_BUTTON = StepButton("send_records", N_("Send records"), anchor="#records")
BEGIN_TRIAGE_BUTTON = StepButton(
    "begin_triage", N_("Start checking"), "portal.post_triage_start", posts=True
)
FIND_SPECIALIST_BUTTON = StepButton("find_specialist", N_("Find a specialist"), anchor="#people")
ACCEPT_BUTTON = StepButton(
    "accept", N_("Accept the case"), "portal.post_case_acceptance", posts=True
)
RECORDS_HERE_BUTTON = StepButton(
    "records_here", N_("The records have arrived"), "portal.post_records_sent", posts=True
)
CLOSE_BUTTON = StepButton("close", N_("Close the case"), "portal.post_case_closing", posts=True)


def lacks_specialist(case: Case, facts: CaseFacts) -> bool:
    return not any(
        member.role == Role.SPECIALIST and is_current_member(member) for member in case.members
    )


CASE_STEP_RULES = (
    NextStepRule(
        Role.PATIENT,
        frozenset({S.DRAFT}),
        NextStep(
            "you",
            N_("Your request is not sent yet"),
            N_("Everything you entered is saved. You can continue where you stopped."),
            GO_ON_BUTTON,
        ),
    ),
    NextStepRule(
        Role.PATIENT,
        frozenset({S.SUBMITTED}),
        NextStep(
            "wait",
            N_("We have your request"),
            N_("Someone at the hospital reads it within one working day."),
        ),
    ),
    NextStepRule(
        Role.PATIENT,
        frozenset({S.TRIAGE}),
        NextStep(
            "wait",
            N_("We are checking your records"),
            N_("We will tell you if something is missing."),
        ),
    ),
    NextStepRule(
        Role.PATIENT,
        frozenset({S.RECORDS_REQUESTED}),
        NextStep(
            "you",
            N_("Send the missing records"),
            N_("When they arrive, the hospital continues with your case."),
            SEND_RECORDS_BUTTON,
        ),
    ),
    NextStepRule(
        Role.SPECIALIST,
        EVERY_STAGE,
        NextStep(
            "wait",
            N_("The office is completing the file"),
            N_("You can read what has arrived so far. We will tell you when the file is complete."),
        ),
        position=90,
    ),
    NextStepRule(
        Role.COORDINATOR,
        frozenset({S.SUBMITTED}),
        NextStep(
            "you",
            N_("New request"),
            N_("Start checking it. The patient can then see that you are working on it."),
            BEGIN_TRIAGE_BUTTON,
        ),
    ),
    NextStepRule(
        Role.COORDINATOR,
        frozenset({S.TRIAGE}),
        NextStep(
            "you",
            N_("Find a specialist"),
            N_("Then accept the case, or ask for missing records."),
            FIND_SPECIALIST_BUTTON,
        ),
        position=10,
        when=lacks_specialist,
    ),
    NextStepRule(
        Role.COORDINATOR,
        frozenset({S.TRIAGE}),
        NextStep(
            "you",
            N_("Accept the case, or ask for missing records"),
            N_("When you accept the case, the turnaround time starts."),
            ACCEPT_BUTTON,
        ),
    ),
    NextStepRule(
        Role.COORDINATOR,
        frozenset({S.RECORDS_REQUESTED}),
        NextStep(
            "wait",
            N_("The patient is sending records"),
            N_("If they arrived another way, say so here."),
            RECORDS_HERE_BUTTON,
        ),
    ),
    NextStepRule(
        Role.COORDINATOR,
        frozenset({S.RELEASED}),
        NextStep(
            "go",
            N_("The patient has the opinion"),
            N_("Close the case when there is nothing left to do."),
            CLOSE_BUTTON,
        ),
    ),
    NextStepRule(
        Role.COORDINATOR, EVERY_STAGE, NextStep("done", N_("This case is closed"), ""), position=90
    ),
)
