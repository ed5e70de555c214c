"""The bad network of the tests does what it says, in the time of a clock that the test moves."""

from __future__ import annotations

import heapq
import itertools

import pytest

from app.media.wire.impairment import ImpairedPath, NetworkConditions


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self._due: list = []
        self._order = itertools.count()

    def time(self) -> float:
        return self.now

    def call_at(self, when, callback) -> None:
        heapq.heappush(self._due, (when, next(self._order), callback))

    def run_until(self, end: float) -> None:
        while self._due and self._due[0][0] <= end:
            self.now, _, callback = heapq.heappop(self._due)
            callback()
        self.now = end


def send(conditions: NetworkConditions, count: int = 1000, size: int = 1000, every: float = 0.01):
    """What arrived, as (number, how late)."""
    clock = Clock()
    path, arrived = ImpairedPath(clock, conditions), []
    for number in range(count):
        sent = clock.now
        path.carry(
            size, lambda number=number, sent=sent: arrived.append((number, clock.now - sent))
        )
        clock.run_until(sent + every)
    clock.run_until(clock.now + 10)
    return arrived


def test_a_clear_line_changes_nothing():
    assert send(NetworkConditions()) == [(number, 0.0) for number in range(1000)]


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_loss_takes_its_share(share):
    assert abs(len(send(NetworkConditions(loss=share))) / 1000 - (1 - share)) < 0.05


def test_delay_and_jitter_keep_the_order():
    arrived = send(NetworkConditions(delay=0.1, jitter=0.05))
    assert [number for number, _ in arrived] == list(range(1000))
    assert min(late for _, late in arrived) >= 0.1
    assert max(late for _, late in arrived) <= 0.151


def test_a_rate_lets_through_what_it_says_and_drops_what_waits_too_long():
    arrived = send(NetworkConditions(rate=400_000, queue=0.2))
    assert abs(len(arrived) / 10 * 8000 - 400_000) < 10_000
    assert max(late for _, late in arrived) < 0.2 + 0.021


def test_reordering_overtakes_and_duplication_doubles():
    numbers = [number for number, _ in send(NetworkConditions(reorder=0.1))]
    assert sorted(numbers) == list(range(1000)) != numbers
    assert len(send(NetworkConditions(duplicate=0.1))) > 1050


def test_nothing_passes_in_an_outage_and_everything_after_it():
    clock = Clock()
    path, arrived = ImpairedPath(clock), []
    for is_out in (False, True, False):
        path.conditions = NetworkConditions(is_out=is_out)
        path.carry(100, lambda is_out=is_out: arrived.append(is_out))
    assert arrived == [False, False]
