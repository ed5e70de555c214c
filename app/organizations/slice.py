"""Organisations, offices, affiliations."""

from __future__ import annotations

from app.core.demo import DemoData
from app.core.slices import SliceManifest
from app.organizations.acting import ACTING_ROLE_RESOLVER
from app.organizations.demo import seed_demo_offices
from app.organizations.notices import ORGANIZATION_NOTICES
from app.organizations.permissions import ORGANIZATION_PERMISSION_ROLES
from app.organizations.verbs import ORGANIZATION_AUDIT_VERB_LABELS

MANIFEST = SliceManifest(
    name="organizations",
    office_sources=("verbs.py", "people/*.py"),
    after=("identity",),
    permissions=ORGANIZATION_PERMISSION_ROLES,
    audit_verbs=ORGANIZATION_AUDIT_VERB_LABELS,
    extensions=(ACTING_ROLE_RESOLVER,),
    blueprint="app.organizations.blueprint:blueprint",
    routes=(
        "app.organizations.acting_routes",
        "app.organizations.institution_routes",
    ),
    notices=ORGANIZATION_NOTICES,
    web_setup=(
        "app.organizations.acting_routes:install_acting_menu",
        "app.organizations.institution_routes:install_institution",
    ),
    commands=("app.organizations.commands:people_commands",),
    demo=DemoData(seed=seed_demo_offices),
)
