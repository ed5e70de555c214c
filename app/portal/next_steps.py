"""The one next thing, for each reader of a case at each stage. Pure: the page draws what this
says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.cases.models import Case
from app.cases.states import CaseStage
from app.core.permissions import Role
from app.core.text import N_


@dataclass(frozen=True)
class NextStepFacts:
    """What beside the stage decides who has to act."""

    has_specialist: bool = False
    has_booking: bool = False
    lacks_interpreter: bool = (
        False  # a meeting is agreed, needs an interpreter, and none has said yes
    )
    can_join: bool = False
    meeting_is_over: bool = False
    can_release: bool = True


@dataclass(frozen=True)
class NextStep:
    """`kind` is you (the reader acts), wait, go, done or stopped; `act` names the button, if there
    is one.
    """

    kind: str
    title: str
    text: str
    act: str | None = None


S = CaseStage
NEXT_STEP_LABELS: dict[str, str] = {
    "go_on": N_("Go on"),
    "send_records": N_("Send records"),
    "choose_time": N_("Choose a time"),
    "join": N_("Go to the meeting"),
    "read_opinion": N_("Read the opinion"),
    "read_file": N_("Read the records"),
    "write_opinion": N_("Write the opinion"),
    "begin_triage": N_("Begin to check"),
    "find_specialist": N_("Find a specialist"),
    "accept": N_("Accept the case"),
    "records_here": N_("The records are here"),
    "find_interpreter": N_("See the meeting"),
    "see_meeting": N_("See the meeting"),
    "release": N_("Release the opinion"),
    "close": N_("Close the case"),
}
JOIN_STEP = NextStep(
    "you",
    N_("The meeting is open"),
    N_("You can go in now. Your camera and microphone are tested first."),
    "join",
)
STOPPED_STEPS: dict[str, NextStep] = {
    S.DECLINED: NextStep("stopped", N_("The hospital could not take this case"), ""),
    S.WITHDRAWN: NextStep(
        "stopped",
        N_("This request was taken back"),
        N_("Nobody works on it any more. What was sent stays sealed with the case."),
    ),
}


def choose_next_step(case: Case, role: str, facts: NextStepFacts) -> NextStep:
    """What this reader of the case does next, or waits for."""
    if case.stage in STOPPED_STEPS:
        return STOPPED_STEPS[case.stage]
    return _CHOOSERS_BY_ROLE.get(role, _choose_for_patient)(case, facts)


def _choose_for_patient(case: Case, facts: NextStepFacts) -> NextStep:
    match CaseStage(case.stage):
        case S.DRAFT:
            return NextStep(
                "you",
                N_("Your request is not sent yet"),
                N_("Everything you entered is kept. Go on where you stopped."),
                "go_on",
            )
        case S.SUBMITTED:
            return NextStep(
                "wait",
                N_("We have your request"),
                N_("Somebody in the hospital reads it within one working day."),
            )
        case S.TRIAGE:
            return NextStep(
                "wait",
                N_("We are checking your records"),
                N_("We will tell you if something is missing."),
            )
        case S.RECORDS_REQUESTED:
            return NextStep(
                "you",
                N_("Please send what is missing"),
                N_("As soon as it is here, the hospital goes on with your case."),
                "send_records",
            )
        case S.ACCEPTED if case.written_only:
            return NextStep(
                "wait",
                N_("The specialist is reading your records"),
                N_("Your opinion comes in writing. We will tell you when it is here."),
            )
        case S.ACCEPTED:
            return NextStep(
                "you",
                N_("Choose a time for the meeting"),
                N_("Every time is shown as it is where you are."),
                "choose_time",
            )
        case S.SCHEDULED if facts.can_join:
            return JOIN_STEP
        case S.SCHEDULED:
            return NextStep(
                "wait",
                N_("Your meeting is agreed"),
                N_("The door opens before the meeting begins. We will remind you."),
                "see_meeting",
            )
        case S.CONSULTED:
            return NextStep(
                "wait",
                N_("The specialist is writing your opinion"),
                N_("We will tell you when it is here."),
            )
        case S.OPINION_SIGNED:
            return NextStep(
                "wait",
                N_("Your opinion is signed"),
                N_("The hospital is getting it ready for you."),
            )
        case _:
            return NextStep(
                "done",
                N_("Your opinion is here"),
                N_("Read it here, and show it to your doctor at home."),
                "read_opinion",
            )


def _choose_for_specialist(case: Case, facts: NextStepFacts) -> NextStep:
    match CaseStage(case.stage):
        case S.ACCEPTED if case.written_only:
            return NextStep(
                "you",
                N_("Write the opinion"),
                N_("The patient asks for an answer in writing only."),
                "write_opinion",
            )
        case S.ACCEPTED:
            return NextStep(
                "go",
                N_("Read the file"),
                N_("It is complete. The patient is choosing a time."),
                "read_file",
            )
        case S.SCHEDULED if facts.can_join:
            return JOIN_STEP
        case S.SCHEDULED:
            return NextStep(
                "go",
                N_("Prepare for the meeting"),
                N_("The time is agreed, and the file is complete."),
                "read_file",
            )
        case S.CONSULTED:
            return NextStep(
                "you",
                N_("Write the opinion"),
                N_("You have met. Answer each question, then sign."),
                "write_opinion",
            )
        case S.OPINION_SIGNED | S.RELEASED | S.CLOSED:
            return NextStep("done", N_("Your opinion is signed"), "", "read_opinion")
        case _:
            return NextStep(
                "wait",
                N_("The office is completing the file"),
                N_("You can read what is here. We will tell you when it is complete."),
            )


def _choose_for_interpreter(case: Case, facts: NextStepFacts) -> NextStep:
    if facts.can_join:
        return JOIN_STEP
    if facts.has_booking and not facts.meeting_is_over:
        return NextStep(
            "wait",
            N_("Prepare for the meeting"),
            N_("The door opens before the meeting begins."),
            "see_meeting",
        )
    return NextStep(
        "wait", N_("No meeting is agreed yet"), N_("You will be asked as soon as there is a time.")
    )


def _choose_for_office(case: Case, facts: NextStepFacts) -> NextStep:
    match CaseStage(case.stage):
        case S.SUBMITTED:
            return NextStep(
                "you",
                N_("A new request"),
                N_("Begin to check it, so that the patient knows."),
                "begin_triage",
            )
        case S.TRIAGE if not facts.has_specialist:
            return NextStep(
                "you",
                N_("Find a specialist"),
                N_("Then accept the case, or ask for what is missing."),
                "find_specialist",
            )
        case S.TRIAGE:
            return NextStep(
                "you",
                N_("Accept the case, or ask for what is missing"),
                N_("Accepting starts the clock."),
                "accept",
            )
        case S.RECORDS_REQUESTED:
            return NextStep(
                "wait",
                N_("The patient is sending records"),
                N_("If they have come another way, say so here."),
                "records_here",
            )
        case S.ACCEPTED if case.written_only:
            return NextStep("wait", N_("The specialist is writing the opinion"), "")
        case S.ACCEPTED:
            return NextStep(
                "go",
                N_("A time for the meeting"),
                N_("The patient has been asked; you can choose too."),
                "choose_time",
            )
        case S.SCHEDULED if facts.lacks_interpreter:
            return NextStep(
                "you",
                N_("The meeting has no interpreter yet"),
                N_("Ask another one, or move the meeting."),
                "find_interpreter",
            )
        case S.SCHEDULED if facts.can_join:
            return NextStep("go", N_("The meeting is open"), N_("You can go in to help."), "join")
        case S.SCHEDULED if facts.meeting_is_over:
            return NextStep(
                "you",
                N_("The meeting is over, but not marked as held"),
                N_("Ask what happened, then move or cancel it."),
                "see_meeting",
            )
        case S.SCHEDULED:
            return NextStep("wait", N_("The meeting is agreed"), "", "see_meeting")
        case S.CONSULTED:
            return NextStep("wait", N_("The specialist is writing the opinion"), "")
        case S.OPINION_SIGNED if not facts.can_release:
            return NextStep(
                "wait",
                N_("The opinion is signed"),
                N_("Its PDF is being made. It takes a few seconds."),
            )
        case S.OPINION_SIGNED:
            return NextStep(
                "you", N_("The opinion is signed"), N_("Release it to the patient."), "release"
            )
        case S.RELEASED:
            return NextStep(
                "go",
                N_("The patient has the opinion"),
                N_("Close the case when nothing is left to do."),
                "close",
            )
        case _:
            return NextStep("done", N_("This case is closed"), "")


_CHOOSERS_BY_ROLE: dict[str, Callable[[Case, NextStepFacts], NextStep]] = {
    Role.PATIENT: _choose_for_patient,
    Role.SPECIALIST: _choose_for_specialist,
    Role.INTERPRETER: _choose_for_interpreter,
    Role.COORDINATOR: _choose_for_office,
}
