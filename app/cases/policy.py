"""Who may do what with a case: pure functions over the person and their membership."""

from __future__ import annotations

from app.cases.models import Case, CaseMember
from app.cases.states import ENDS, Stage
from app.core.clock import now
from app.core.permissions import Role
from app.identity.models import Person

FILE_READERS = (Role.PATIENT, Role.SPECIALIST, Role.COORDINATOR)


def is_open(member: CaseMember | None) -> bool:
    """Whether the membership holds at this moment."""
    return (
        member is not None
        and member.since <= now()
        and (member.until is None or now() < member.until)
    )


def can_read_case(person: Person, case: Case, member: CaseMember | None) -> bool:
    """Members read their case; the office sees every case that was sent to it."""
    if person.role == Role.COORDINATOR:
        return case.stage != Stage.DRAFT
    return is_open(member)


def can_read_file(person: Person, case: Case, member: CaseMember | None) -> bool:
    """The clinical file (story, records) is for the patient and the assigned specialist; never for
    interpreters.

    A coordinator becomes a member for an hour by opening the file with a reason
    (`service.open_file`).
    """
    return is_open(member) and member is not None and member.role in FILE_READERS


def can_change_case(person: Person, case: Case, member: CaseMember | None) -> bool:
    return is_open(member) and person.id == case.patient_id and case.stage == Stage.DRAFT


def can_add_records(person: Person, case: Case, member: CaseMember | None) -> bool:
    """The patient may send records as long as the case is not at its end; so may the office, for
    the patient.
    """
    if case.stage in ENDS:
        return False
    if person.role == Role.COORDINATOR:
        return case.stage != Stage.DRAFT
    return is_open(member) and member is not None and member.role == Role.PATIENT


def can_run_office(person: Person, case: Case) -> bool:
    return person.role == Role.COORDINATOR and case.stage != Stage.DRAFT


def needs_interpreter(patient: Person, specialist: Person) -> bool:
    """Whether patient and specialist share no language (regions apart: es-MX and es are one)."""
    return not _bases(patient) & _bases(specialist)


def _bases(person: Person) -> set[str]:
    return {tag.split("-")[0].lower() for tag in person.languages}
