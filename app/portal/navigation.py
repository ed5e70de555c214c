"""Where each role can go from the head of every page."""

from __future__ import annotations

from flask import current_app, request, url_for
from flask_babel import gettext as _

from app.core.permissions import Role
from app.core.text import N_
from app.identity.models import Person

NAVIGATION_LINKS: dict[str, tuple[tuple[str, str], ...]] = {
    Role.PATIENT: (
        (N_("Your cases"), "portal.show_home"),
        (N_("Ask for a second opinion"), "portal.show_start_page"),
    ),
    Role.SPECIALIST: (
        (N_("Today"), "portal.show_home"),
        (N_("Your hours"), "scheduling.show_hours"),
    ),
    Role.INTERPRETER: (
        (N_("Today"), "portal.show_home"),
        (N_("Engagements"), "scheduling.show_engagements"),
        (N_("Your hours"), "scheduling.show_hours"),
    ),
    Role.COORDINATOR: (
        (N_("Worklist"), "portal.show_worklist"),
        (N_("Week"), "scheduling.show_board"),
    ),
    Role.ADMINISTRATOR: (
        (N_("Overview"), "portal.show_home"),
        (N_("Audit trail"), "portal.show_audit_trail"),
    ),
    Role.AUDITOR: ((N_("Audit trail"), "portal.show_audit_trail"),),
    Role.REFERRER: ((N_("Your cases"), "portal.show_home"),),
}


def list_navigation_links(person: Person) -> list[tuple[str, str, bool]]:
    """Address, words, and whether it is the page one is on."""
    places = [
        (url_for(endpoint), label, endpoint)
        for label, endpoint in NAVIGATION_LINKS.get(person.role, ())
        if endpoint in current_app.view_functions
    ]
    return [
        (address, _(label), endpoint == request.endpoint) for address, label, endpoint in places
    ]
