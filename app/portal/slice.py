"""Home pages, the page of a case, the office's worklist, the demo."""

from __future__ import annotations

from app.core.permissions import Role
from app.core.slices import NavigationLink, SliceManifest
from app.core.text import N_
from app.portal.case_page import PORTAL_PANELS
from app.portal.permissions import PORTAL_PERMISSION_ROLES

MANIFEST = SliceManifest(
    name="portal",
    office_sources=(
        "templates/portal/_office.html",
        "templates/portal/audit.html",
        "templates/portal/home_administrator.html",
        "templates/portal/home_specialist.html",
        "templates/portal/people.html",
        "templates/portal/invite*.html",
        "people/*.py",
        "templates/portal/person.html",
        "templates/portal/institution.html",
        "templates/portal/office*.html",
        "templates/portal/worklist.html",
    ),
    after=("notifications",),
    permissions=PORTAL_PERMISSION_ROLES,
    extensions=PORTAL_PANELS,
    addresses={"portal.show_case": "/cases/<case_id>"},
    blueprint="app.portal.blueprint:blueprint",
    routes=(
        "app.portal.routes",
        "app.portal.acts",
        "app.portal.oversight",
        "app.portal.worklist",
        "app.portal.people.people_routes",
        "app.portal.people.staff_routes",
        "app.portal.people.settings_routes",
    ),
    commands=(
        "app.portal.commands:seed_demo",
        "app.portal.commands:print_demo_accounts",
    ),
    navigation=(
        NavigationLink(Role.PATIENT, N_("Your cases"), "portal.show_home", 10),
        NavigationLink(Role.PATIENT, N_("Ask for a second opinion"), "portal.show_start_page", 20),
        NavigationLink(Role.SPECIALIST, N_("Today"), "portal.show_home", 10),
        NavigationLink(Role.INTERPRETER, N_("Today"), "portal.show_home", 10),
        NavigationLink(Role.COORDINATOR, N_("Worklist"), "portal.show_worklist", 10),
        NavigationLink(Role.ADMINISTRATOR, N_("Overview"), "portal.show_home", 10),
        NavigationLink(Role.COORDINATOR, N_("People"), "portal.show_people", 40),
        NavigationLink(Role.ADMINISTRATOR, N_("People"), "portal.show_people", 15),
        NavigationLink(Role.ADMINISTRATOR, N_("Settings"), "portal.show_institution", 18),
        NavigationLink(Role.ADMINISTRATOR, N_("Audit trail"), "portal.show_audit_trail", 20),
        NavigationLink(Role.AUDITOR, N_("Audit trail"), "portal.show_audit_trail", 10),
        NavigationLink(Role.REFERRER, N_("Your cases"), "portal.show_home", 10),
    ),
)
