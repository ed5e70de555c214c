"""The words that several pages of the portal share, by key. Msgids: the template translates
them.
"""

from __future__ import annotations

from app.cases.models import Case
from app.core.text import N_
from app.organizations.words import ROLE_LABELS
from app.portal.journey import STAGE_LABELS

__all__ = [
    "FILE_OPENING_REASONS",
    "ROLE_LABELS",
    "STAGE_LABELS",
    "get_stage_tone",
]

FILE_OPENING_REASONS: dict[str, str] = {
    "triage": N_("Check that the request is complete"),
    "matching": N_("Find the right specialist"),
    "patient_asked": N_("The patient asked the office for help"),
    "other": N_("Another reason"),
}


def get_stage_tone(case: Case) -> str:
    """The colour of a case's stage: done, stopped, or nothing."""
    return {
        "released": "done",
        "closed": "done",
        "declined": "stopped",
        "withdrawn": "stopped",
    }.get(case.stage, "")
