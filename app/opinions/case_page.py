"""What opinions add to the page of a case: their panel, and the steps until the patient has one."""

from __future__ import annotations

from app.cases.models import Case
from app.cases.page.facts import CaseFacts, CaseFactSource
from app.cases.page.next_steps import NextStep, NextStepRule, StepButton
from app.cases.page.panels import CasePanel, CaseReading
from app.cases.states import CaseStage
from app.core.permissions import Role
from app.core.text import N_
from app.opinions import queries
from app.opinions.queries import OpinionPanel, SignedOpinion, find_signed_opinions

READ_OPINION_BUTTON = StepButton("read_opinion", N_("Read the opinion"), "opinions.show_opinion")
WRITE_OPINION_BUTTON = StepButton("write_opinion", N_("Write the opinion"), "opinions.show_opinion")
RELEASE_BUTTON = StepButton(
    "release", N_("Release the opinion"), "opinions.post_opinion_release", posts=True
)


def is_written_only(case: Case, facts: CaseFacts) -> bool:
    return case.written_only


def is_pdf_missing(case: Case, facts: CaseFacts) -> bool:
    """Whether the opinion is signed but its PDF is not made yet, so that it cannot be released."""
    signed = facts.find(SignedOpinion)
    return signed is not None and not signed.is_rendered


def gather_opinion_panel(reading: CaseReading) -> OpinionPanel | None:
    """None where there is no opinion that this reader may know of, and none to write."""
    panel = queries.build_opinion_panel(reading.session, reading.reader, reading.case)
    return panel if panel.exists or panel.can_write else None


OPINION_FACTS = CaseFactSource(find_signed_opinions)
OPINION_PANEL = CasePanel("opinions/_panel.html", 30, gather_opinion_panel)

S = CaseStage
_ACCEPTED, _CONSULTED = frozenset({S.ACCEPTED}), frozenset({S.CONSULTED})
_SIGNED = frozenset({S.OPINION_SIGNED})
OPINION_STEP_RULES = (
    NextStepRule(
        Role.PATIENT,
        _ACCEPTED,
        NextStep(
            "wait",
            N_("The specialist is reading your records"),
            N_("You will receive a written opinion. We will tell you when you can read it."),
        ),
        10,
        is_written_only,
    ),
    NextStepRule(
        Role.PATIENT,
        _CONSULTED,
        NextStep(
            "wait",
            N_("The specialist is writing your opinion"),
            N_("We will tell you when you can read it."),
        ),
    ),
    NextStepRule(
        Role.PATIENT,
        _SIGNED,
        NextStep(
            "wait",
            N_("Your opinion is signed"),
            N_("The hospital is getting it ready for you."),
        ),
    ),
    NextStepRule(
        Role.PATIENT,
        frozenset({S.RELEASED, S.CLOSED}),
        NextStep(
            "done",
            N_("You can read your opinion now"),
            N_("Read it here, and show it to your doctor at home."),
            READ_OPINION_BUTTON,
        ),
    ),
    NextStepRule(
        Role.SPECIALIST,
        _ACCEPTED,
        NextStep(
            "you",
            N_("Write the opinion"),
            N_("The patient asked for a written opinion only."),
            WRITE_OPINION_BUTTON,
        ),
        10,
        is_written_only,
    ),
    NextStepRule(
        Role.SPECIALIST,
        _CONSULTED,
        NextStep(
            "you",
            N_("Write the opinion"),
            N_("The consultation took place. Answer each question, then sign."),
            WRITE_OPINION_BUTTON,
        ),
    ),
    NextStepRule(
        Role.SPECIALIST,
        frozenset({S.OPINION_SIGNED, S.RELEASED, S.CLOSED}),
        NextStep("done", N_("Your opinion is signed"), "", READ_OPINION_BUTTON),
    ),
    NextStepRule(
        Role.COORDINATOR,
        _ACCEPTED,
        NextStep("wait", N_("The specialist is writing the opinion"), ""),
        10,
        is_written_only,
    ),
    NextStepRule(
        Role.COORDINATOR,
        _CONSULTED,
        NextStep("wait", N_("The specialist is writing the opinion"), ""),
    ),
    NextStepRule(
        Role.COORDINATOR,
        _SIGNED,
        NextStep(
            "wait",
            N_("The opinion is signed"),
            N_("The PDF is being prepared. This takes a few seconds."),
        ),
        10,
        is_pdf_missing,
    ),
    NextStepRule(
        Role.COORDINATOR,
        _SIGNED,
        NextStep(
            "you", N_("The opinion is signed"), N_("Release it to the patient."), RELEASE_BUTTON
        ),
    ),
)
