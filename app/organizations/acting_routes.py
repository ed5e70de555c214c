"""The switcher: in which role, for which office."""

from __future__ import annotations

from flask import Flask, flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.core.errors import Forbidden
from app.identity.models import Person
from app.organizations import acting, queries
from app.organizations.blueprint import blueprint
from app.organizations.permissions import OrganizationPermission
from app.organizations.words import ROLE_LABELS
from app.web.access import require_permission
from app.web.context import current_person, db_session, get_person_or_none


@blueprint.post("/act-as")
@require_permission(OrganizationPermission.ROLE_SWITCH)
def post_acting_role() -> Response:
    try:
        acting.switch_acting_role(db_session(), current_person(), request.form.get("as", "")[:32])
    except Forbidden:
        flash(_("You no longer have this role. Choose another one."), "error")
    return redirect(url_for("portal.show_home"))


def list_acting_choices(person: Person) -> list[tuple[str, str, bool]]:
    """Value, words, and whether it is the present one; empty where there is nothing to choose."""
    held = queries.list_affiliations(db_session(), person)
    if not held:
        return []
    choices = [
        (
            one.id,
            _("%(role)s, %(office)s", role=_(ROLE_LABELS[one.role]), office=one.office.name),
            one.id == person.acting_as,
        )
        for one in held
    ]
    return [*choices, (acting.ACTING_AS_PATIENT, _("Patient"), person.acting_as is None)]


def install_acting_menu(app: Flask) -> None:
    @app.context_processor
    def offer_roles() -> dict[str, object]:
        person = get_person_or_none()
        return {"acting_choices": lambda: list_acting_choices(person) if person else []}
