"""What patients see of the institution: its name and contact on every page, its privacy notice; and
whether they may sign up.
"""

from __future__ import annotations

from flask import Flask, g, render_template, request
from sqlalchemy.exc import SQLAlchemyError

from app.core.errors import NotFound
from app.organizations.blueprint import blueprint
from app.organizations.models import UNNAMED_ORGANISATION, Organisation
from app.organizations.queries import get_organisation
from app.web.access import allow_public
from app.web.context import db_session

SIGN_UP_ENDPOINTS = ("identity.show_sign_up", "identity.post_sign_up")


@blueprint.get("/privacy")
@allow_public
def show_privacy_notice() -> str:
    organisation = find_named_institution()
    if organisation is None or not organisation.privacy_notice:
        raise NotFound()
    return render_template("organizations/privacy.html", organisation=organisation)


def find_named_institution() -> Organisation | None:
    """The institution once an administrator has named it; looked up once in a request. None where
    the database does not answer: the page that says so names nobody.
    """
    if "institution" not in g:
        try:
            found = get_organisation(db_session())
        except SQLAlchemyError:
            found = None
        g.institution = found if found and found.name != UNNAMED_ORGANISATION else None
    return g.institution


def install_institution(app: Flask) -> None:
    @app.context_processor
    def name_institution() -> dict[str, object]:
        return {"institution": find_named_institution}

    @app.before_request
    def close_sign_up() -> tuple[str, int] | None:
        if request.endpoint not in SIGN_UP_ENDPOINTS:
            return None
        organisation = get_organisation(db_session())
        if organisation is None or organisation.sign_up_open:
            return None
        return render_template("organizations/sign_up_closed.html"), 403
