"""How slices bring invented data into an empty demo database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from app.core import clock

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from config import Settings

DemoAct = Callable[[], object]


@dataclass
class DemoDiary:
    """What happened in the weeks before today, to be played in order of time."""

    session: Session
    settings: Settings
    _acts: list[tuple[timedelta, DemoAct]] = field(default_factory=list[tuple[timedelta, DemoAct]])

    def on(self, days_ago: float, act: DemoAct) -> None:
        """Plans an act for that many days ago. Acts of one moment keep the order of planning."""
        self._acts.append((timedelta(days=-days_ago), act))

    def play(self) -> None:
        """Does every act, each with the clock set to its day."""
        for ago, act in sorted(self._acts, key=lambda entry: entry[0]):
            with clock.shift_clock(ago):
                act()


@dataclass(frozen=True)
class DemoData:
    """A slice's part in the demo.

    ``seed`` is called once, on an empty database, in the import order of the slices: what it
    makes at once is there for later slices, and what it plans is played when all have planned.
    ``keep`` is called at every start after that. It raises a ``Refusal`` where visitors changed
    so much that it cannot be done.
    """

    seed: Callable[[DemoDiary], None] | None = None
    keep: Callable[[Session], None] | None = None
