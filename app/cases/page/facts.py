"""What the slices know of a case beside its stage: a booked meeting, a finished document.

Next steps are chosen from these facts, in lists and on the page of a case. Each slice loads its
facts for many cases at once, so that a list costs no query per case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from sqlalchemy.orm import Session

from app.cases.models import Case
from app.core.slices import get_slices

Fact = TypeVar("Fact")


@dataclass(frozen=True)
class CaseFactSource:
    """A slice's contribution. ``load`` gives one object by case id, for the cases that have one."""

    load: Callable[[Session, Sequence[Case]], Mapping[str, object]]


class CaseFacts:
    """The facts of one case, each found by its type."""

    def __init__(self, facts: Sequence[object] = ()) -> None:
        self._by_type = {type(fact): fact for fact in facts}

    def find(self, kind: type[Fact]) -> Fact | None:
        return cast("Fact | None", self._by_type.get(kind))


def load_case_facts(session: Session, cases: Sequence[Case]) -> dict[str, CaseFacts]:
    """The facts of each case, by its id."""
    loaded = [
        source.load(session, cases) for source in get_slices().list_extensions(CaseFactSource)
    ]
    return {
        case.id: CaseFacts([facts[case.id] for facts in loaded if case.id in facts])
        for case in cases
    }
