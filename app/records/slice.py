"""Records: sending, inspecting, reading."""

from __future__ import annotations

from app.core.demo import DemoData
from app.core.slices import SliceManifest
from app.records import jobs
from app.records.case_page import RECORD_EVENT_LABELS, RECORD_PANELS
from app.records.demo import seed_demo_records
from app.records.notices import RECORD_NOTICES
from app.records.permissions import RECORD_PERMISSION_ROLES
from app.records.verbs import RECORD_AUDIT_VERB_LABELS

MANIFEST = SliceManifest(
    name="records",
    office_sources=(
        "verbs.py",
        "templates/records/identities.html",
        "templates/records/_identities.html",
    ),
    after=("cases",),
    permissions=RECORD_PERMISSION_ROLES,
    audit_verbs=RECORD_AUDIT_VERB_LABELS,
    jobs=jobs.HANDLERS,
    periodic=jobs.PERIODIC,
    notices=RECORD_NOTICES,
    case_events=RECORD_EVENT_LABELS,
    extensions=RECORD_PANELS,
    blueprint="app.records.blueprint:blueprint",
    routes=(
        "app.records.receiving.routes",
        "app.records.routes",
        "app.records.imaging.routes",
        "app.records.reading.routes",
    ),
    demo=DemoData(seed=seed_demo_records),
)
