"""Consultations: the room, interpreting, recording."""

from __future__ import annotations

from app.consults import jobs
from app.consults.case_page import (
    CONSULT_EVENT_LABELS,
    CONSULT_FACTS,
    CONSULT_PANELS,
    CONSULT_STEP_RULES,
)
from app.consults.demo import keep_demo_consult_open
from app.consults.nodes.registry import is_any_node_alive
from app.consults.notices import CONSULT_NOTICES
from app.consults.permissions import CONSULT_PERMISSION_ROLES
from app.consults.verbs import CONSULT_AUDIT_VERB_LABELS
from app.core.demo import DemoData
from app.core.slices import SliceManifest

MANIFEST = SliceManifest(
    name="consults",
    office_sources=(
        "verbs.py",
        "templates/consults/interpreters.html",
        "interpreting/calling_routes.py",
    ),
    after=("scheduling",),
    permissions=CONSULT_PERMISSION_ROLES,
    audit_verbs=CONSULT_AUDIT_VERB_LABELS,
    jobs=jobs.HANDLERS,
    notices=CONSULT_NOTICES,
    case_events=CONSULT_EVENT_LABELS,
    extensions=(CONSULT_FACTS, *CONSULT_PANELS, *CONSULT_STEP_RULES),
    addresses={"consults.show_consult": "/consults/<consult_id>"},
    blueprint="app.consults.blueprint:blueprint",
    routes=(
        "app.consults.room.routes",
        "app.consults.guests.routes",
        "app.consults.interpreting.calling_routes",
        "app.consults.recording.routes",
    ),
    sockets=(
        "app.consults.room.sockets",
        "app.consults.connection_check.sockets",
        "app.consults.interpreting.sockets",
        "app.consults.recording.sockets",
        "app.consults.teachback.sockets",
    ),
    web_setup=("app.consults.nodes.namespace:install_node_events",),
    readiness={"media": is_any_node_alive},
    demo=DemoData(keep=keep_demo_consult_open),
)
