"""People, sign-in and profile."""

from __future__ import annotations

from app.core.demo import DemoData
from app.core.slices import SliceManifest
from app.identity.accounts.links import SET_PASSWORD_ENDPOINT
from app.identity.demo import seed_demo_people
from app.identity.notices import IDENTITY_NOTICES
from app.identity.permissions import IDENTITY_PERMISSION_ROLES
from app.identity.verbs import IDENTITY_AUDIT_VERB_LABELS

MANIFEST = SliceManifest(
    name="identity",
    office_sources=("verbs.py",),
    after=("audit",),
    permissions=IDENTITY_PERMISSION_ROLES,
    audit_verbs=IDENTITY_AUDIT_VERB_LABELS,
    notices=IDENTITY_NOTICES,
    addresses={
        "identity.show_account": "/account",
        "identity.show_security": "/account/security",
        SET_PASSWORD_ENDPOINT: "/set-password/<token>",
    },
    blueprint="app.identity.routes:blueprint",
    routes=(
        "app.identity.accounts.account_routes",
        "app.identity.factors.factor_routes",
        "app.identity.factors.proof_routes",
    ),
    web_setup=("app.identity.factors.proof_routes:install_factor_guard",),
    demo=DemoData(seed=seed_demo_people),
)
