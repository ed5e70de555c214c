"""Who may do what with a case: pure functions over the person and their membership."""

from __future__ import annotations

from sqlalchemy.orm import object_session

from app.cases.models import Case, CaseMember
from app.cases.states import END_STAGES, CaseStage
from app.cases.visibility import is_office_case
from app.core.clock import now
from app.core.permissions import Role
from app.identity.models import Person
from app.organizations.queries import get_office_ids

FILE_READER_ROLES = (Role.PATIENT, Role.SPECIALIST, Role.COORDINATOR)


def is_current_member(member: CaseMember | None) -> bool:
    """Whether the membership holds at this moment."""
    return (
        member is not None
        and member.since <= now()
        and (member.until is None or now() < member.until)
    )


def can_read_case(person: Person, case: Case, member: CaseMember | None) -> bool:
    """Members read their case; coordinators those that were sent to their office or are shared with
    it.
    """
    if person.role == Role.COORDINATOR:
        return is_office_case(person, case)
    return is_current_member(member)


def can_read_file(person: Person, case: Case, member: CaseMember | None) -> bool:
    """The clinical file (story, records) is for the patient and the assigned specialist; never for
    interpreters.

    A coordinator becomes a member for an hour by opening the file with a reason
    (``service.open_file``).
    """
    return is_current_member(member) and member is not None and member.role in FILE_READER_ROLES


def can_change_case(person: Person, case: Case, member: CaseMember | None) -> bool:
    return (
        is_current_member(member) and person.id == case.patient_id and case.stage == CaseStage.DRAFT
    )


def can_add_records(person: Person, case: Case, member: CaseMember | None) -> bool:
    """The patient may send records as long as the case is not at its end; so may the office, for
    the patient.
    """
    if case.stage in END_STAGES:
        return False
    if person.role == Role.COORDINATOR:
        return is_office_case(person, case)
    return is_current_member(member) and member is not None and member.role == Role.PATIENT


def can_run_office(person: Person, case: Case) -> bool:
    """Whether the person coordinates this case."""
    return is_office_case(person, case)


def can_share_case(person: Person, case: Case) -> bool:
    """Whether the person coordinates the case in its own office: an office with which it is shared
    does not hand it further on.
    """
    return is_office_case(person, case) and case.office_id in get_office_ids(
        person, object_session(case)
    )


def is_interpreter_needed(patient: Person, specialist: Person) -> bool:
    """Whether patient and specialist share no language (regions apart: es-MX and es are one)."""
    return not _base_languages(patient) & _base_languages(specialist)


def _base_languages(person: Person) -> set[str]:
    return {tag.split("-")[0].lower() for tag in person.languages}
