"""What an honest answer needs when there is no time: which credential for a pair of languages is
the nearest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.core.permissions import Role
from app.identity.models import Person
from app.organizations.queries import holds_role
from app.scheduling.matching.languages import is_pair_covered
from app.scheduling.models import Qualification


@dataclass(frozen=True)
class NearestCredential:
    """A credential that is not good on a day: it begins later (``is_ahead``), or it has expired on
    ``day``.
    """

    person: Person
    day: date
    is_ahead: bool


def find_nearest_credential(
    session: Session, source: str, target: str, on: date
) -> NearestCredential | None:
    """The credential for the pair that begins next after a day; else the one that expired last
    before it.
    """
    held = session.scalars(
        select(Qualification)
        .join(Qualification.person)
        .options(joinedload(Qualification.person))
        .where(Person.active, holds_role(Role.INTERPRETER))
    )
    pairs = [
        one
        for one in held
        if is_pair_covered(one.source, one.target, source, target, both_ways=one.both_ways)
    ]
    ahead = [
        (one.valid_from, one)
        for one in pairs
        if one.valid_from
        and one.valid_from > on
        and (one.valid_until is None or one.valid_until >= one.valid_from)
    ]
    over = [(one.valid_until, one) for one in pairs if one.valid_until and one.valid_until < on]
    if ahead:
        day, first = min(ahead, key=lambda pair: pair[0])
        return NearestCredential(first.person, day, is_ahead=True)
    if over:
        day, last = max(over, key=lambda pair: pair[0])
        return NearestCredential(last.person, day, is_ahead=False)
    return None
