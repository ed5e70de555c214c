"""Which specialists fit a case: its specialty, and a language to meet in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from app.cases.models import Case
from app.core.clock import now
from app.identity.models import Person
from app.scheduling.matching.candidates import language_pair_of
from app.scheduling.matching.queries import list_specialists_for, qualified_interpreters


class LanguageFit(StrEnum):
    """How patient and specialist would understand one another, the simplest way first."""

    SHARED = "shared"
    WRITTEN = "written"  # the case asks for an opinion in writing only
    INTERPRETED = "interpreted"  # an interpreter is qualified for the pair today
    NONE = "none"


@dataclass(frozen=True)
class SpecialistFit:
    """A specialist whom the office could put on a case, and why they fit or not.

    ``in_own_field`` is false where the case names no specialty; then any specialist may take it.
    ``source`` is the patient's language, and ``target`` the one that the specialist would speak.
    """

    person: Person
    in_own_field: bool
    language: LanguageFit
    source: str
    target: str

    @property
    def fits(self) -> bool:
        """Whether patient and specialist would understand one another in some way."""
        return self.language is not LanguageFit.NONE


def list_specialist_fits(session: Session, case: Case) -> list[SpecialistFit]:
    """The active specialists who may take the case: those who fit first, among them those who need
    no interpreter, and among equals those with the fewest meetings ahead.
    """
    has_interpreter: dict[str, bool] = {}

    def is_interpreted(source: str, target: str) -> bool:
        if target not in has_interpreter:
            found = qualified_interpreters(session, source, target, now().date())
            has_interpreter[target] = bool(found)
        return has_interpreter[target]

    def judge(person: Person) -> SpecialistFit:
        source, target, needed = language_pair_of(case.language, person)
        if not needed:
            language = LanguageFit.SHARED
        elif case.written_only:
            language = LanguageFit.WRITTEN
        elif is_interpreted(source, target):
            language = LanguageFit.INTERPRETED
        else:
            language = LanguageFit.NONE
        return SpecialistFit(person, case.specialty in person.specialties, language, source, target)

    fits = [judge(person) for person in list_specialists_for(session, case.specialty)]
    order = list(LanguageFit)
    return sorted(fits, key=lambda fit: order.index(fit.language))
