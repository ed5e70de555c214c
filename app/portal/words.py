"""The words that several pages of the portal share, by key. Msgids: the template translates
them.
"""

from __future__ import annotations

from app.cases.models import Case
from app.core.permissions import Role
from app.core.text import N_
from app.portal.journey import STAGE_WORDS
from app.portal.next_steps import ACTS

__all__ = ["ACTS", "OFFICE_REASONS", "ROLES", "STAGE_WORDS", "tone_of"]

ROLES: dict[str, str] = {
    Role.PATIENT: N_("Patient"),
    Role.SPECIALIST: N_("Specialist"),
    Role.INTERPRETER: N_("Medical interpreter"),
    Role.COORDINATOR: N_("Coordinator"),
    Role.REFERRER: N_("Referring doctor"),
    Role.ADMINISTRATOR: N_("Administrator"),
    Role.AUDITOR: N_("Auditor"),
    Role.GUEST: N_("Guest"),
}
OFFICE_REASONS: dict[str, str] = {
    "triage": N_("Checking whether the request is complete"),
    "matching": N_("Finding the right specialist"),
    "patient_asked": N_("The patient asked the office for help"),
    "other": N_("Another reason"),
}


def tone_of(case: Case) -> str:
    """The colour of a case's stage: done, stopped, or nothing."""
    return {
        "released": "done",
        "closed": "done",
        "declined": "stopped",
        "withdrawn": "stopped",
    }.get(case.stage, "")
