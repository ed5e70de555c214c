"""A case that its office shares with another one, for as long as it wants."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.cases import policy
from app.cases.models import Case, CaseShare
from app.cases.service import record_case_event
from app.cases.verbs import CaseAuditVerb
from app.core.clock import now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.text import N_
from app.identity.models import Person
from app.organizations.models import Office
from app.organizations.queries import get_open_office, list_offices

MAX_SHARE_REASON_CHARACTERS = 200


@dataclass(frozen=True)
class CaseOffices:
    """With whom a case is shared, and with whom it could be."""

    shares: list[CaseShare]
    others: list[Office]

    @property
    def choices(self) -> list[tuple[str, str]]:
        return [(one.id, one.name) for one in self.others]


def load_case_offices(session: Session, reader: Person, case: Case) -> CaseOffices | None:
    """For the coordinators of the case's own office; None where there is no other office."""
    if not policy.can_share_case(reader, case):
        return None
    shares = [one for one in case.shares if one.until is None]
    taken = {case.office_id, *(one.office_id for one in shares)}
    others = [one for one in list_offices(session) if one.id not in taken]
    return CaseOffices(shares, others) if shares or others else None


def share_case(
    session: Session, actor: Person, case: Case, office_id: str, reason: str
) -> CaseShare:
    """Lets another office coordinate the case too. Raises ``Invalid`` without an office or a
    reason, and ``Conflict`` where it is shared already.
    """
    if not policy.can_share_case(actor, case):
        raise Forbidden()
    office = get_open_office(session, office_id)
    reason = reason.strip()
    if not reason:
        raise Invalid(N_("Say why the other office needs this case."), field="share_reason")
    if len(reason) > MAX_SHARE_REASON_CHARACTERS:
        raise Invalid(
            N_("Keep this under %(most)s characters."),
            field="share_reason",
            most=MAX_SHARE_REASON_CHARACTERS,
        )
    if office.id == case.office_id or any(
        one.office_id == office.id and one.until is None for one in case.shares
    ):
        raise Conflict(N_("This office already sees the case."))
    share = CaseShare(case=case, office=office, granted_by=actor.id, reason=reason)
    session.add(share)
    session.flush()
    _record(session, actor, share, CaseAuditVerb.CASE_SHARED)
    record_case_event(session, case.id, "shared", actor, office=office.id)
    return share


def end_case_share(session: Session, actor: Person, share: CaseShare) -> None:
    """The other office no longer sees the case, at once. Doing it twice is harmless."""
    if not policy.can_share_case(actor, share.case):
        raise Forbidden()
    if share.until is None:
        share.until = now()
        session.flush()
        _record(session, actor, share, CaseAuditVerb.CASE_SHARE_ENDED)


def get_case_share(case: Case, share_id: str) -> CaseShare:
    """One of the case's shares. Raises ``NotFound``."""
    for one in case.shares:
        if one.id == share_id:
            return one
    raise NotFound()


def _record(session: Session, actor: Person, share: CaseShare, verb: CaseAuditVerb) -> None:
    audit.record_audit_entry(
        session, actor.id, verb, "case_share", share.id, share.case_id, office=share.office_id
    )
