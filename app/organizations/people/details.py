"""What an office says about a person: title, languages spoken, specialties."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.audit import service as audit
from app.core.errors import Invalid
from app.core.text import N_
from app.i18n.locales import is_language_tag
from app.identity.models import Person
from app.identity.verbs import IdentityAuditVerb
from app.organizations.institution import read_line

MAX_TITLE_CHARACTERS = 80
MAX_LANGUAGES_SPOKEN = 20


@dataclass(frozen=True)
class PersonDetails:
    """``speaks`` are BCP 47 tags besides the person's own language."""

    title: str
    speaks: tuple[str, ...]
    specialties: tuple[str, ...]

    @classmethod
    def read(cls, form: MultiDict[str, str], known_specialties: Collection[str]) -> PersonDetails:
        """Raises ``Invalid`` with its field for the first thing that cannot be accepted."""
        speaks = tuple(dict.fromkeys(form.getlist("speaks")))
        if len(speaks) > MAX_LANGUAGES_SPOKEN or not all(is_language_tag(tag) for tag in speaks):
            raise Invalid(N_("Choose a language from the list."), field="speaks")
        specialties = tuple(dict.fromkeys(form.getlist("specialties")))
        if not set(specialties) <= set(known_specialties):
            raise Invalid(N_("Choose the specialties from the list."), field="specialties")
        return cls(read_line(form, "title", MAX_TITLE_CHARACTERS), speaks, specialties)


def change_person_details(
    session: Session, actor: Person, person: Person, entry: PersonDetails
) -> None:
    """The office's part of a person's details. The rest is theirs, in their account."""
    person.title = entry.title
    person.speaks = [tag for tag in entry.speaks if tag != person.language]
    person.specialties = list(entry.specialties)
    session.flush()
    audit.record_audit_entry(
        session, actor.id, IdentityAuditVerb.PERSON_CHANGED, "person", person.id
    )
