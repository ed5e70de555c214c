"""The credentials that qualify an interpreter for a pair of languages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from app.core.errors import Forbidden, Invalid
from app.core.permissions import Role
from app.core.text import N_
from app.identity.models import Person
from app.scheduling.availability.hours import (
    CREDENTIAL_KINDS,
    INTERPRETING_MODES,
    check_period,
    record_availability_change,
)
from app.scheduling.matching.languages import is_well_formed_tag
from app.scheduling.models import (
    Qualification,
)


@dataclass(frozen=True)
class InterpreterCredential:
    """What makes an interpreter proposable for a pair of languages."""

    source: str
    target: str
    credential: str = "other"
    number: str = ""
    issuer: str = ""
    both_ways: bool = True
    modes: tuple[str, ...] = INTERPRETING_MODES
    valid_from: date | None = None
    valid_until: date | None = None


def add_qualification(
    session: Session, actor: Person, owner: Person, held: InterpreterCredential
) -> Qualification:
    """A pair of languages that ``owner`` may be proposed for. The office or an administrator has
    seen the paper.
    """
    if actor.role not in (Role.COORDINATOR, Role.ADMINISTRATOR):
        raise Forbidden()
    if owner.role != Role.INTERPRETER:
        raise Invalid(N_("Only interpreters have language pairs."), field="person")
    for field, tag in (("source", held.source), ("target", held.target)):
        if not is_well_formed_tag(tag):
            raise Invalid(N_("Choose a language from the list."), field=field)
    if held.source.lower() == held.target.lower():
        raise Invalid(N_("Choose two different languages."), field="target")
    if held.credential not in CREDENTIAL_KINDS:
        raise Invalid(N_("Choose a kind of credential."), field="credential")
    if not held.modes or any(mode not in INTERPRETING_MODES for mode in held.modes):
        raise Invalid(N_("Choose at least one type of interpreting."), field="modes")
    check_period(held.valid_from, held.valid_until)
    row = Qualification(
        person_id=owner.id,
        source=held.source,
        target=held.target,
        both_ways=held.both_ways,
        modes=list(held.modes),
        credential=held.credential,
        number=held.number,
        issuer=held.issuer,
        valid_from=held.valid_from,
        valid_until=held.valid_until,
    )
    session.add(row)
    session.flush()
    record_availability_change(
        session, actor, owner, qualification=row.id, source=held.source, target=held.target
    )
    return row


def end_qualification(session: Session, actor: Person, owner: Person, row: Qualification) -> None:
    """The pair no longer counts. Meetings already agreed stay; the office sees them on its
    board.
    """
    if actor.role not in (Role.COORDINATOR, Role.ADMINISTRATOR) or row.person_id != owner.id:
        raise Forbidden()
    session.delete(row)
    session.flush()
    record_availability_change(
        session, actor, owner, qualification_ended=row.id, source=row.source, target=row.target
    )
