"""Who may write, read and release an opinion: pure functions."""

from __future__ import annotations

from app.cases.models import Case, CaseMember
from app.cases.policy import is_current_member
from app.cases.states import CaseStage
from app.cases.visibility import is_office_case
from app.core.permissions import Role
from app.identity.models import Person
from app.opinions.models import Opinion, OpinionState


def is_time_to_write_opinion(case: Case) -> bool:
    """After the meeting; at once where no meeting was asked for."""
    return case.stage == CaseStage.CONSULTED or (
        case.stage == CaseStage.ACCEPTED and case.written_only
    )


def can_write_opinion(
    person: Person, case: Case, member: CaseMember | None, opinion: Opinion | None
) -> bool:
    """The case's specialist, on a draft, when it is time. A new specialist goes on with the draft
    of the one before.
    """
    return (
        _is_case_specialist(person, member)
        and is_time_to_write_opinion(case)
        and (opinion is None or opinion.is_draft)
    )


def can_read_opinion(
    person: Person, case: Case, member: CaseMember | None, opinion: Opinion
) -> bool:
    """A draft is its specialist's alone. What is signed the specialist reads, and the office when
    it has opened the clinical file with a reason; the patient reads what is released.
    """
    if not is_current_member(member) or member is None:
        return False
    if opinion.is_draft:
        return _is_case_specialist(person, member)
    if member.role == Role.PATIENT:
        return opinion.state == OpinionState.RELEASED
    return member.role in (Role.SPECIALIST, Role.COORDINATOR)


def can_release_opinion(person: Person, case: Case, opinion: Opinion) -> bool:
    return (
        is_office_case(person, case)
        and case.stage == CaseStage.OPINION_SIGNED
        and not opinion.is_draft
    )


def can_add_addendum(person: Person, member: CaseMember | None, opinion: Opinion) -> bool:
    """Only the one who signed may add to it, as long as they are on the case."""
    return (
        _is_case_specialist(person, member)
        and not opinion.is_draft
        and opinion.specialist_id == person.id
    )


def _is_case_specialist(person: Person, member: CaseMember | None) -> bool:
    return (
        person.role == Role.SPECIALIST
        and is_current_member(member)
        and member is not None
        and member.role == Role.SPECIALIST
    )
