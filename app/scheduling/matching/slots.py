"""Which times suit all three, and which of them are fair.

Everything here is arithmetic on calendars (``calendar.py``): a common time is one AND, "any of
these people" is one OR, and the ranking is read off masks of equal cost, so that the best few slots
cost no more than themselves to write down.

The cost of a slot is the worst local hour that anyone in it has to bear, then the sum over the
people, then how long one waits for it. Three in the morning for one is last, not hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property, lru_cache
from heapq import merge
from typing import NamedTuple

from app.scheduling.time.calendar import run_starts, wall_bits
from app.scheduling.time.quarters import DAY_QUARTERS, WEEK_QUARTERS, Horizon, instant_of, low_bits

HOUR_COST = (9, 10, 10, 10, 9, 7, 5, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 7, 8)
"""The cost of meeting in each local hour, from midnight on: 0 in office hours, 10 at night."""

MAX_KIND_HOUR_COST = 4
"""The highest cost in a kind slot: between seven and twenty-one o'clock for everyone."""

SINGLE_INTERPRETER_MAX_QUARTERS = 4
"""Quarters: for longer meetings interpreters work in a team of two and take turns, because
accuracy falls with fatigue (ASTM F2089; AIIC recommends turns of about thirty minutes).
"""

_MAX_HOUR_COST = max(HOUR_COST)


class SlotCandidate(NamedTuple):
    """Someone who could take part: free time over the search's horizon, and the zone they wake and
    sleep in.
    """

    id: str
    zone: str
    free: int


@dataclass(frozen=True, slots=True)
class CandidateTeam:
    """Specialists and the interpreters who could stand between them and the patient.

    ``interpreters`` is None where specialist and patient share a language.
    """

    specialists: Sequence[SlotCandidate]
    interpreters: Sequence[SlotCandidate] | None


def count_interpreters_needed(length: int) -> int:
    """How many interpreters a meeting of that many quarters takes."""
    return 1 if length <= SINGLE_INTERPRETER_MAX_QUARTERS else 2


class Slot(NamedTuple):
    """A possible meeting. Slots sort from the fairest to the least fair.

    ``worst`` and ``total`` are costs by ``HOUR_COST``: the highest that one person bears, and
    the sum over all. ``quarter`` is the first one. ``second_id`` is the second interpreter of a
    long meeting.
    """

    worst: int
    total: int
    quarter: int
    specialist_id: str
    interpreter_id: str | None
    second_id: str | None = None

    @property
    def starts_at(self) -> datetime:
        """The aware UTC instant at which the meeting would begin."""
        return instant_of(self.quarter)

    @property
    def is_kind(self) -> bool:
        """Whether nobody has to meet early or late; see ``MAX_KIND_HOUR_COST``."""
        return self.worst <= MAX_KIND_HOUR_COST


def find_common_slots(
    horizon: Horizon, length: int, patient: SlotCandidate, teams: Sequence[CandidateTeam]
) -> Iterator[Slot]:
    """Every start at which the patient and one team have ``length`` quarters, the fairest first.

    Each start appears once, with the specialist and the interpreter for whom it is kindest; among
    equals the one who stands first. Where it takes two interpreters, they are the two for whom it
    is kindest. Lazy: take as many as you need.
    """
    if len(teams) == 1:
        yield from _team_slots(horizon, length, patient, teams[0])
        return
    seen: set[int] = set()
    for slot in merge(*(_team_slots(horizon, length, patient, team) for team in teams)):
        if slot.quarter not in seen:
            seen.add(slot.quarter)
            yield slot


def common_start_bits(length: int, patient: SlotCandidate, team: CandidateTeam) -> int:
    """The starts that suit the patient, some specialist and, where needed, some interpreter."""
    starts = run_starts(patient.free, length) & _any_start_bits(team.specialists, length)
    if team.interpreters is not None:
        starts &= _interpreted_start_bits(team.interpreters, length)
    return starts


class NoSlotCause(StrEnum):
    """Why no time was found, from the most to the least basic."""

    SPECIALIST = "specialist"  # nobody of that specialty
    INTERPRETER = "interpreter"  # nobody qualified for the pair
    SPECIALIST_HOURS = "specialist_hours"  # no opening long enough
    INTERPRETER_HOURS = "interpreter_hours"
    SECOND_INTERPRETER = "second_interpreter"  # it takes two, and only one is there or free
    PATIENT_HOURS = "patient_hours"
    SHARED_HOURS = "shared_hours"  # each has time, never the same
    SHORTER = "shorter"  # a shorter meeting would fit


@dataclass(frozen=True, slots=True)
class NoSlotReason:
    """Why no time was found, and what would have been possible."""

    lack: NoSlotCause
    longest: int = 0
    """The longest meeting, in quarters, that would have fitted."""


def explain_no_slots(
    length: int, patient: SlotCandidate, teams: Sequence[CandidateTeam]
) -> NoSlotReason | None:
    """Why a search finds nothing; None when it does find something."""
    if not any(team.specialists for team in teams):
        return NoSlotReason(NoSlotCause.SPECIALIST)
    if any(common_start_bits(length, patient, team) for team in teams):
        return None
    staffed = [team for team in teams if team.interpreters is None or team.interpreters]
    if not staffed:
        return NoSlotReason(NoSlotCause.INTERPRETER)
    if not any(_any_start_bits(team.specialists, length) for team in staffed):
        return NoSlotReason(NoSlotCause.SPECIALIST_HOURS)
    if not any(
        team.interpreters is None or _any_start_bits(team.interpreters, length) for team in staffed
    ):
        return NoSlotReason(NoSlotCause.INTERPRETER_HOURS)
    if not run_starts(patient.free, length):
        return NoSlotReason(NoSlotCause.PATIENT_HOURS)
    if count_interpreters_needed(length) == 2 and any(
        _starts_with_one_interpreter(length, patient, team) for team in staffed
    ):
        return NoSlotReason(
            NoSlotCause.SECOND_INTERPRETER, longest=_longest_shorter(length, patient, staffed)
        )
    shorter = _longest_shorter(length, patient, staffed)
    return (
        NoSlotReason(NoSlotCause.SHORTER, longest=shorter)
        if shorter
        else NoSlotReason(NoSlotCause.SHARED_HOURS)
    )


def _longest_shorter(length: int, patient: SlotCandidate, teams: Sequence[CandidateTeam]) -> int:
    """The longest meeting below ``length`` that some team could have with the patient; 0 when there
    is none.
    """
    return next(
        (
            shorter
            for shorter in range(length - 1, 0, -1)
            if any(common_start_bits(shorter, patient, team) for team in teams)
        ),
        0,
    )


def _starts_with_one_interpreter(length: int, patient: SlotCandidate, team: CandidateTeam) -> int:
    """The starts that would do if one interpreter were enough."""
    return (
        run_starts(patient.free, length)
        & _any_start_bits(team.specialists, length)
        & _any_start_bits(team.interpreters or (), length)
    )


# --- ranking: masks of equal cost ---


def _team_slots(
    horizon: Horizon, length: int, patient: SlotCandidate, team: CandidateTeam
) -> Iterator[Slot]:
    if team.interpreters is not None and count_interpreters_needed(length) == 2:
        yield from _slots_with_interpreter_pair(
            horizon, length, patient, team.specialists, team.interpreters
        )
        return
    specialists = _ParticipantCosts(team.specialists, length, horizon)
    interpreters = (
        None if team.interpreters is None else _ParticipantCosts(team.interpreters, length, horizon)
    )
    third = {(0, 0): -1} if interpreters is None else _cost_and_total(interpreters.at_cost)
    groups = _group_starts_by_cost(
        _ParticipantCosts([patient], length, horizon).at_cost, specialists.at_cost, third
    )
    for worst, total, starts in _starts_by_week(groups):
        who = specialists.whom(starts)
        between = interpreters.whom(starts) if interpreters else {}
        for index in iterate_set_bits(starts):
            yield Slot(worst, total, horizon.start + index, who[index], between.get(index))


def _slots_with_interpreter_pair(
    horizon: Horizon,
    length: int,
    patient: SlotCandidate,
    doctors: Sequence[SlotCandidate],
    between: Sequence[SlotCandidate],
) -> Iterator[Slot]:
    """As ``_team_slots``, with two interpreters: the two cheapest are the fairest pair, in the
    worst and in the sum.
    """
    specialists, pairs = (
        _ParticipantCosts(doctors, length, horizon),
        _InterpreterPairCosts(between, length, horizon),
    )
    groups = _group_starts_by_cost(
        _ParticipantCosts([patient], length, horizon).at_cost, specialists.at_cost, pairs.at_costs
    )
    for worst, total, starts in _starts_by_week(groups):
        who, (first, second) = specialists.whom(starts), pairs.whom_both(starts)
        for index in iterate_set_bits(starts):
            yield Slot(worst, total, horizon.start + index, who[index], first[index], second[index])


def _starts_by_week(groups: dict[tuple[int, int], int]) -> Iterator[tuple[int, int, int]]:
    """The starts as (worst, total, starts), the fairest first, a week at a time and then more and
    more, up to the whole horizon: people are named for few more of them than are asked for.
    """
    width, widest = WEEK_QUARTERS, max(map(int.bit_length, groups.values()), default=0)
    for (worst, total), starts in sorted(groups.items()):
        first = 0
        while left := starts >> first:
            first += (left & -left).bit_length() - 1  # straight to the next one
            yield worst, total, starts & low_bits(width) << first
            # Without the limit, thirty groups would ask for a mask of 2³⁰ weeks.
            first, width = first + width, min(2 * width, widest)


def _group_starts_by_cost(
    patient: dict[int, int], specialists: dict[int, int], interpreters: dict[tuple[int, int], int]
) -> dict[tuple[int, int], int]:
    """The common starts by their (worst, total). Of the interpreters' side both are given
    already.
    """
    groups: dict[tuple[int, int], int] = {}
    for p, patient_starts in patient.items():
        for s, specialist_starts in specialists.items():
            both = patient_starts & specialist_starts
            if not both:
                continue
            for (worst, total), interpreter_starts in interpreters.items():
                if starts := both & interpreter_starts:
                    key = (max(p, s, worst), p + s + total)
                    groups[key] = groups.get(key, 0) | starts
    return groups


def _cost_and_total(at_cost: dict[int, int]) -> dict[tuple[int, int], int]:
    """One person's cost is both the worst and the sum."""
    return {(cost, cost): starts for cost, starts in at_cost.items()}


class _ParticipantCosts:
    """One of the three sides of a meeting: the people who could fill it, sorted by what each start
    costs them.
    """

    def __init__(self, people: Sequence[SlotCandidate], length: int, horizon: Horizon) -> None:
        self._people = [(one, starts) for one in people if (starts := run_starts(one.free, length))]
        any_start: dict[str, int] = {}
        for one, starts in self._people:
            any_start[one.zone] = any_start.get(one.zone, 0) | starts
        self._zone_cost = {zone: starts_by_zone_cost(zone, length, horizon) for zone in any_start}
        self.at_cost = self._exact(any_start)

    def _exact(self, any_start: dict[str, int]) -> dict[int, int]:
        """For each cost, the starts whose cheapest person bears exactly that."""
        exact: dict[int, int] = {}
        cheaper = 0
        for cost in range(_MAX_HOUR_COST + 1):
            here = 0
            for zone, starts in any_start.items():
                here |= starts & self._zone_cost[zone][cost]
            if mask := here & ~cheaper:
                exact[cost] = mask
            cheaper |= here
        return exact

    def whom(self, starts: int) -> dict[int, str]:
        """For each of the starts, the person who stands first among those for whom it is
        cheapest.
        """
        return {
            index: one.id
            for one, mine in self._shares(starts, self._cheapest)
            for index in iterate_set_bits(mine)
        }

    @cached_property
    def _cheapest(self) -> dict[str, int]:
        return self._fits(self.at_cost)

    def _fits(self, at_cost: dict[int, int]) -> dict[str, int]:
        """For each zone, the starts that cost people there exactly as much as they should."""
        return {
            zone: sum(costs[cost] & starts for cost, starts in at_cost.items())
            for zone, costs in self._zone_cost.items()
        }

    def _shares(
        self, left: int, fits: dict[str, int], taken: dict[str, int] | None = None
    ) -> Iterator[tuple[SlotCandidate, int]]:
        """Who stands first at which of the starts that are ``left``, each start given to one person
        whom it fits.

        ``taken`` are starts that a person may not have again.
        """
        for one, starts in self._people:
            mine = starts & fits[one.zone] & left
            if taken is not None:
                mine &= ~taken.get(one.id, 0)
            if mine:
                left ^= mine
                yield one, mine
                if not left:
                    return


class _InterpreterPairCosts(_ParticipantCosts):
    """The interpreters' side of a long meeting: at each start, the two for whom it is cheapest."""

    def __init__(self, people: Sequence[SlotCandidate], length: int, horizon: Horizon) -> None:
        super().__init__(people, length, horizon)
        one_start: dict[str, int] = {}
        two_start: dict[str, int] = {}
        for one, starts in self._people:
            had = one_start.get(one.zone, 0)
            two_start[one.zone] = two_start.get(one.zone, 0) | (had & starts)
            one_start[one.zone] = had | starts
        self._second_at = self._exact_second(one_start, two_start)
        self.at_costs = {
            (dear, cheap + dear): both
            for dear, second in self._second_at.items()
            for cheap, first in self.at_cost.items()
            if (both := first & second)
        }

    def _exact_second(self, one_start: dict[str, int], two_start: dict[str, int]) -> dict[int, int]:
        """For each cost, the starts whose second cheapest person bears exactly that."""
        exact: dict[int, int] = {}
        one = two = 0  # the starts that at least so many people can have at this cost or below
        for cost in range(_MAX_HOUR_COST + 1):
            one_here = two_here = 0
            for zone, starts in one_start.items():
                priced = self._zone_cost[zone][cost]
                two_here |= (two_start[zone] & priced) | (one_here & starts & priced)
                one_here |= starts & priced
            reached = two | two_here | (one & one_here)
            if mask := reached & ~two:
                exact[cost] = mask
            one, two = one | one_here, reached
        return exact

    def whom_both(self, starts: int) -> tuple[dict[int, str], dict[int, str]]:
        """For each of the starts, the two people."""
        first = {one.id: mine for one, mine in self._shares(starts, self._cheapest)}
        second = {one.id: mine for one, mine in self._shares(starts, self._second, taken=first)}
        return _person_by_start(first), _person_by_start(second)

    @cached_property
    def _second(self) -> dict[str, int]:
        return self._fits(self._second_at)


def _person_by_start(shares: dict[str, int]) -> dict[int, str]:
    return {
        index: person_id for person_id, mine in shares.items() for index in iterate_set_bits(mine)
    }


@lru_cache(maxsize=2048)
def starts_by_zone_cost(zone: str, length: int, horizon: Horizon) -> tuple[int, ...]:
    """For each cost, the starts of meetings whose worst hour on that zone's wall has exactly that
    cost.
    """
    exact: list[int] = []
    cheaper = 0
    for cost in range(_MAX_HOUR_COST + 1):
        within = run_starts(wall_bits(_week_pattern_up_to_cost(cost), zone, horizon), length)
        exact.append(within & ~cheaper)
        cheaper |= within
    return tuple(exact)


@lru_cache(maxsize=32)
def _week_pattern_up_to_cost(cost: int) -> int:
    """A week's quarters whose hour costs at most that much."""
    day = sum(0b1111 << hour * 4 for hour, price in enumerate(HOUR_COST) if price <= cost)
    return sum(day << weekday * DAY_QUARTERS for weekday in range(7))


def iterate_set_bits(bits: int) -> Iterator[int]:
    """The indices of the set bits, ascending."""
    digits = format(bits, "b")[::-1]
    index = digits.find("1")
    while index >= 0:
        yield index
        index = digits.find("1", index + 1)


def _interpreted_start_bits(people: Sequence[SlotCandidate], length: int) -> int:
    """Where as many of them as a meeting of that length takes are free."""
    if count_interpreters_needed(length) == 1:
        return _any_start_bits(people, length)
    one = two = 0
    for person in people:
        starts = run_starts(person.free, length)
        two |= one & starts
        one |= starts
    return two


def _any_start_bits(people: Sequence[SlotCandidate], length: int) -> int:
    starts = 0
    for person in people:
        starts |= run_starts(person.free, length)
    return starts
