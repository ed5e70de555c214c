"""The one next step of a case, for each reader at each stage.

Each slice declares rules for the stages that it knows about; this module chooses among them. The
portal draws what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from app.cases.models import Case
from app.cases.page.facts import CaseFacts
from app.cases.states import CaseStage
from app.core.permissions import Role
from app.core.slices import get_slices
from app.core.text import N_


def _ids_of_case(case: Case, facts: CaseFacts) -> Mapping[str, str]:
    return {"case_id": case.id}


def _always(case: Case, facts: CaseFacts) -> bool:
    return True


@dataclass(frozen=True)
class StepButton:
    """What a next step's button says and does.

    It goes to ``endpoint``, or with ``posts`` sends a form there. With an ``anchor`` it goes to
    a part of the page of the case. ``ids`` gives the values in the endpoint's address.
    """

    name: str
    label: str
    endpoint: str = "portal.show_case"
    anchor: str = ""
    posts: bool = False
    ids: Callable[[Case, CaseFacts], Mapping[str, str]] = _ids_of_case


@dataclass(frozen=True)
class NextStep:
    """``kind`` is you (the reader acts), wait, go, done or stopped. ``ids`` is filled in by
    ``choose_next_step``.
    """

    kind: str
    title: str
    text: str
    button: StepButton | None = None
    ids: Mapping[str, str] = field(default_factory=dict)

    @property
    def act(self) -> str | None:
        """The button's name."""
        return self.button.name if self.button else None


@dataclass(frozen=True)
class NextStepRule:
    """At these stages, when the condition holds, this is the next step for people of a role.

    The rule with the lowest position that holds is taken: 10 to 40 for a special condition, 50 for
    what is usual at a stage, 90 for what remains.
    """

    role: Role
    stages: frozenset[CaseStage]
    step: NextStep
    position: int = 50
    when: Callable[[Case, CaseFacts], bool] = _always


STOPPED_STEPS: Mapping[str, NextStep] = {
    CaseStage.DECLINED: NextStep("stopped", N_("The hospital could not take this case"), ""),
    CaseStage.WITHDRAWN: NextStep(
        "stopped",
        N_("This request was withdrawn"),
        N_("Nobody is working on it any more. What was sent stays encrypted with the case."),
    ),
}
EVERY_STAGE = frozenset(CaseStage)
_NOTHING_TO_DO = NextStep("wait", "", "")


def choose_next_step(case: Case, role: str, facts: CaseFacts) -> NextStep:
    """What this reader of the case does next, or waits for. A role without rules of its own reads
    the patient's.
    """
    if case.stage in STOPPED_STEPS:
        return STOPPED_STEPS[case.stage]
    rules = get_slices().list_extensions(NextStepRule)
    own = [rule for rule in rules if rule.role == role]
    candidates = own or [rule for rule in rules if rule.role == Role.PATIENT]
    for rule in sorted(candidates, key=lambda rule: rule.position):
        if case.stage in rule.stages and rule.when(case, facts):
            return _fill_in_ids(rule.step, case, facts)
    return _NOTHING_TO_DO


def _fill_in_ids(step: NextStep, case: Case, facts: CaseFacts) -> NextStep:
    return replace(step, ids=step.button.ids(case, facts)) if step.button else step
