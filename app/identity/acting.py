"""Where another slice says in which role a signed-in person acts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.identity.models import Person, SignIn


@dataclass(frozen=True)
class ActingRoleResolver:
    """Sets ``acting_role`` and ``acting_office_id`` of a person for one sign-in. A slice lists it
    among the extensions of its manifest.
    """

    resolve: Callable[[Session, Person, SignIn], None]
