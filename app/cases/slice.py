"""Cases: the request, its stages, its people."""

from __future__ import annotations

from app.cases.demo import seed_demo_cases
from app.cases.departure import OPEN_CASES_PART
from app.cases.notices import CASE_NOTICES
from app.cases.page.own_panels import CASE_EVENT_LABELS, CASE_PANELS
from app.cases.page.own_steps import CASE_STEP_RULES
from app.cases.permissions import CASE_PERMISSION_ROLES
from app.cases.verbs import CASE_AUDIT_VERB_LABELS
from app.core.demo import DemoData
from app.core.slices import SliceManifest

MANIFEST = SliceManifest(
    name="cases",
    office_sources=("verbs.py", "departure.py", "templates/cases/_offices_panel.html"),
    after=("organizations",),
    permissions=CASE_PERMISSION_ROLES,
    audit_verbs=CASE_AUDIT_VERB_LABELS,
    notices=CASE_NOTICES,
    case_events=CASE_EVENT_LABELS,
    extensions=(*CASE_PANELS, *CASE_STEP_RULES, OPEN_CASES_PART),
    blueprint="app.cases.routes:blueprint",
    demo=DemoData(seed=seed_demo_cases),
)
