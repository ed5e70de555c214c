"""The words for roles."""

from __future__ import annotations

from app.core.permissions import Role
from app.core.text import N_

ROLE_LABELS: dict[str, str] = {
    Role.PATIENT: N_("Patient"),
    Role.SPECIALIST: N_("Specialist"),
    Role.INTERPRETER: N_("Medical interpreter"),
    Role.COORDINATOR: N_("Coordinator"),
    Role.REFERRER: N_("Referring doctor"),
    Role.ADMINISTRATOR: N_("Administrator"),
    Role.AUDITOR: N_("Auditor"),
    Role.GUEST: N_("Guest"),
}
