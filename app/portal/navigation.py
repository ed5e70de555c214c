"""The links at the top of every page, as the slices declare them."""

from __future__ import annotations

from flask import request, url_for
from flask_babel import gettext as _

from app.core.slices import get_slices
from app.identity.models import Person


def list_navigation_links(person: Person) -> list[tuple[str, str, bool]]:
    """Address, words, and whether it is the page one is on."""
    return [
        (url_for(link.endpoint), _(link.label), link.endpoint == request.endpoint)
        for link in get_slices().navigation_by_role.get(person.role, ())
    ]
