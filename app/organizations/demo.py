"""The office of the demo: everybody who works there has their affiliation in it."""

from __future__ import annotations

from app.core.demo import DemoDiary
from app.core.permissions import STAFF_ROLES, Role
from app.identity.demo import load_demo_people
from app.organizations.service import ensure_default_office, grant_affiliation


def seed_demo_offices(diary: DemoDiary) -> None:
    office = ensure_default_office(diary.session)
    office.timezone, office.languages = "Europe/Berlin", ["en", "de", "es", "ar"]
    for person in load_demo_people(diary.session).values():
        if person.home_role in STAFF_ROLES:
            grant_affiliation(
                diary.session,
                None,
                person,
                office,
                Role(person.home_role),
                since=person.created_at,
            )
