"""Where each role can go from the head of every page."""

from __future__ import annotations

from flask import current_app, request, url_for
from flask_babel import gettext as _

from app.core.permissions import Role
from app.core.text import N_
from app.identity.models import Person

PLACES: dict[str, tuple[tuple[str, str], ...]] = {
    Role.PATIENT: (
        (N_("Your cases"), "portal.home"),
        (N_("Ask for a second opinion"), "portal.start"),
    ),
    Role.SPECIALIST: ((N_("Today"), "portal.home"), (N_("Your hours"), "scheduling.hours")),
    Role.INTERPRETER: (
        (N_("Today"), "portal.home"),
        (N_("Engagements"), "scheduling.engagements"),
        (N_("Your hours"), "scheduling.hours"),
    ),
    Role.COORDINATOR: ((N_("Worklist"), "portal.worklist"), (N_("Week"), "scheduling.board")),
    Role.ADMINISTRATOR: (
        (N_("Overview"), "portal.home"),
        (N_("Audit trail"), "portal.audit_trail"),
    ),
    Role.AUDITOR: ((N_("Audit trail"), "portal.audit_trail"),),
    Role.REFERRER: ((N_("Your cases"), "portal.home"),),
}


def navigation(person: Person) -> list[tuple[str, str, bool]]:
    """Address, words, and whether it is the page one is on."""
    places = [
        (url_for(endpoint), label, endpoint)
        for label, endpoint in PLACES.get(person.role, ())
        if endpoint in current_app.view_functions
    ]
    return [
        (address, _(label), endpoint == request.endpoint) for address, label, endpoint in places
    ]
