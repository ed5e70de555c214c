"""A naive scheduler to hold the real one against: one question per person and quarter, asked of the
wall clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from zoneinfo import ZoneInfo

from app.scheduling.time.calendar import MINUTES_IN_DAY, DatedHours, WeeklyWindow
from app.scheduling.time.quarters import QUARTER_MINUTES, Horizon, instant_of

# What a meeting at each local hour costs a person. Written down here by hand, so that a change of
# the real table is noticed: nothing from nine to five, the most from one to three at night.
COST_OF_HOUR = {
    **dict.fromkeys(range(24), 0),
    **{0: 9, 1: 10, 2: 10, 3: 10, 4: 9, 5: 7, 6: 5, 7: 3, 8: 1},
    **{17: 1, 18: 2, 19: 3, 20: 4, 21: 5, 22: 7, 23: 8},
}


def is_in_window(window: WeeklyWindow, quarter: int) -> bool:
    wall = instant_of(quarter).astimezone(ZoneInfo(window.zone))
    for day in (wall.date(), wall.date() - timedelta(days=1)):
        if day.weekday() != window.weekday:
            continue
        if window.valid_from and day < window.valid_from:
            continue
        if window.valid_until and day > window.valid_until:
            continue
        begin = (wall.date() - day).days * MINUTES_IN_DAY + wall.hour * 60 + wall.minute
        end = window.end if window.end > window.start else window.end + MINUTES_IN_DAY
        # A window is cut at midnight, where each half must be filled by whole quarters of its own.
        halves = [(window.start, min(end, MINUTES_IN_DAY)), (MINUTES_IN_DAY, end)]
        if any(start <= begin and begin + QUARTER_MINUTES <= stop for start, stop in halves):
            return True
    return False


def is_in_hours(hours: DatedHours, quarter: int, *, touched: bool) -> bool:
    wall = instant_of(quarter).astimezone(ZoneInfo(hours.zone))
    if not hours.first <= wall.date() <= hours.last:
        return False
    begin = wall.hour * 60 + wall.minute
    if touched:
        return begin < hours.end and begin + QUARTER_MINUTES > hours.start
    return hours.start <= begin and begin + QUARTER_MINUTES <= hours.end


@dataclass(frozen=True)
class NaivePerson:
    id: str
    zone: str
    windows: tuple[WeeklyWindow, ...]
    extra: tuple[DatedHours, ...] = ()
    closed: tuple[DatedHours, ...] = ()
    busy: frozenset[int] = frozenset()
    buffer: int = 0

    def is_free(self, quarter: int) -> bool:
        opened = any(is_in_window(w, quarter) for w in self.windows) or any(
            is_in_hours(h, quarter, touched=False) for h in self.extra
        )
        if not opened or any(is_in_hours(h, quarter, touched=True) for h in self.closed):
            return False
        return not any(
            q in self.busy for q in range(quarter - self.buffer, quarter + self.buffer + 1)
        )

    def can_start(self, quarter: int, length: int, horizon: Horizon) -> bool:
        return quarter + length <= horizon.end and all(
            self.is_free(q) for q in range(quarter, quarter + length)
        )

    def cost(self, quarter: int, length: int) -> int:
        zone = ZoneInfo(self.zone)
        return max(
            COST_OF_HOUR[instant_of(q).astimezone(zone).hour]
            for q in range(quarter, quarter + length)
        )


NaiveTeam = tuple[Sequence[NaivePerson], Sequence[NaivePerson] | None]


def naive_search(
    horizon: Horizon, length: int, patient: NaivePerson, teams: Iterable[NaiveTeam]
) -> list[tuple[int, int, int]]:
    """Every possible start as (worst, total, quarter), the fairest first: all groups tried at every
    quarter.
    """
    teams = list(teams)
    found: dict[int, tuple[int, int, int]] = {}
    for quarter in range(horizon.start, horizon.end):
        if not patient.can_start(quarter, length, horizon):
            continue
        own = patient.cost(quarter, length)
        for specialists, interpreters in teams:
            for specialist in specialists:
                if not specialist.can_start(quarter, length, horizon):
                    continue
                theirs = [own, specialist.cost(quarter, length)]
                free = [
                    i.cost(quarter, length)
                    for i in interpreters or ()
                    if i.can_start(quarter, length, horizon)
                ]
                thirds = (
                    [()]
                    if interpreters is None
                    else combinations(free, 1 if length * QUARTER_MINUTES <= 60 else 2)
                )
                for third in thirds:
                    costs = [*theirs, *third]
                    best = (max(costs), sum(costs), quarter)
                    found[quarter] = min(found.get(quarter, best), best)
    return sorted(found.values())
