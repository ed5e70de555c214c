"""People, sign-in and profile."""

from __future__ import annotations

from app.core.demo import DemoData
from app.core.slices import SliceManifest
from app.identity.accounts.jobs import send_password_reset_job
from app.identity.accounts.links import (
    CONFIRM_EMAIL_ENDPOINT,
    FORGOTTEN_PASSWORD_ENDPOINT,
    SET_PASSWORD_ENDPOINT,
    SIGN_IN_ENDPOINT,
)
from app.identity.accounts.service import PASSWORD_RESET_JOB
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
    jobs={PASSWORD_RESET_JOB: send_password_reset_job},
    notices=IDENTITY_NOTICES,
    addresses={
        "identity.show_account": "/account",
        "identity.show_security": "/account/security",
        SET_PASSWORD_ENDPOINT: "/set-password/<token>",
        CONFIRM_EMAIL_ENDPOINT: "/confirm-email/<token>",
        SIGN_IN_ENDPOINT: "/sign-in",
        FORGOTTEN_PASSWORD_ENDPOINT: "/forgot-password",
    },
    blueprint="app.identity.routes:blueprint",
    routes=(
        "app.identity.accounts.account_routes",
        "app.identity.accounts.email_routes",
        "app.identity.factors.factor_routes",
        "app.identity.factors.proof_routes",
    ),
    web_setup=("app.identity.factors.proof_routes:install_factor_guard",),
    demo=DemoData(seed=seed_demo_people),
)
