"""Who may do what with people and their sign-ins."""

from __future__ import annotations

from app.identity.models import Person, SignIn


def can_end_sign_in(person: Person, sign_in: SignIn) -> bool:
    """A person ends their own sign-ins; nobody ends another's here."""
    return sign_in.person_id == person.id
