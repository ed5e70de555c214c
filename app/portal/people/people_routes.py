"""The directory and one person's page."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for

from app.cases.specialties import list_specialty_choices
from app.core.errors import NotFound
from app.core.permissions import STAFF_ROLES, Role
from app.i18n.locales import list_language_names
from app.identity.factors.queries import has_factor
from app.identity.models import Person
from app.identity.permissions import IdentityPermission
from app.identity.sign_in.devices import parse_device_names
from app.organizations.queries import list_all_affiliations, list_offices
from app.organizations.words import ROLE_LABELS
from app.portal.blueprint import blueprint
from app.portal.people.directory import (
    DirectoryFilter,
    can_see_person,
    load_directory_page,
    load_person_page,
)
from app.web.access import require_permission
from app.web.context import current_person, db_session
from app.web.locale import get_current_language


@blueprint.get("/people")
@require_permission(IdentityPermission.PEOPLE_READ)
def show_people() -> str:
    asked = request.args
    wanted = DirectoryFilter(
        sought=" ".join(asked.get("q", "").split())[:254],
        role=asked.get("role", "") if asked.get("role") in STAFF_ROLES else "",
        office_id=asked.get("office", "")[:32],
        with_inactive=asked.get("show") == "all",
    )
    page = load_directory_page(
        db_session(),
        current_person(),
        wanted,
        asked.get("page", 1, type=int),
        get_current_language().tag,
    )
    # ``Any``: url_for has parameters of its own beside the values for the query
    kept: dict[str, Any] = {
        key: value for key, value in asked.items() if key in ("q", "role", "office", "show")
    }
    return render_template(
        "portal/people.html",
        directory=page,
        wanted=wanted,
        role_labels=ROLE_LABELS,
        roles=STAFF_ROLES,
        offices=list_offices(db_session()),
        may_change=current_person().role == Role.ADMINISTRATOR,
        address=lambda number: url_for("portal.show_people", page=number, **kept),
    )


@blueprint.get("/people/<person_id>")
@require_permission(IdentityPermission.PEOPLE_READ)
def show_person(person_id: str) -> str:
    unit, reader = db_session(), current_person()
    person = unit.get(Person, person_id)
    if person is None or not can_see_person(reader, person, list_all_affiliations(unit, person)):
        raise NotFound()
    return render_person_page(person, {})


def render_person_page(person: Person, errors: dict[str, str]) -> str:
    """For somebody who may see the person. With errors, what was entered stands there too."""
    unit, reader = db_session(), current_person()
    page = load_person_page(unit, reader, person)
    language = get_current_language().tag
    return render_template(
        "portal/person.html",
        page=page,
        person=person,
        errors=errors,
        entered=request.form if errors else None,
        language_choices=list_language_names(language),
        specialty_choices=list_specialty_choices(language),
        role_labels=ROLE_LABELS,
        roles=STAFF_ROLES,
        offices=list_offices(unit),
        devices=[(one, *parse_device_names(one.agent)) for one in page.devices],
        may_change=reader.role == Role.ADMINISTRATOR,
        has_second_step=reader.role == Role.ADMINISTRATOR and has_factor(unit, person),
        is_coordinator=reader.role == Role.COORDINATOR,
    )
