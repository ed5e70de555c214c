"""Opinions: writing, signing, releasing."""

from __future__ import annotations

from app.core.demo import DemoData
from app.core.slices import SliceManifest
from app.opinions import jobs
from app.opinions.case_page import OPINION_FACTS, OPINION_PANEL, OPINION_STEP_RULES
from app.opinions.demo import seed_demo_opinion
from app.opinions.notices import OPINION_NOTICES
from app.opinions.permissions import OPINION_PERMISSION_ROLES
from app.opinions.verbs import OPINION_AUDIT_VERB_LABELS

MANIFEST = SliceManifest(
    name="opinions",
    after=("consults",),
    permissions=OPINION_PERMISSION_ROLES,
    audit_verbs=OPINION_AUDIT_VERB_LABELS,
    jobs=jobs.HANDLERS,
    notices=OPINION_NOTICES,
    extensions=(OPINION_FACTS, OPINION_PANEL, *OPINION_STEP_RULES),
    addresses={"opinions.show_opinion": "/cases/<case_id>/opinion"},
    blueprint="app.opinions.routes:blueprint",
    demo=DemoData(seed=seed_demo_opinion),
)
