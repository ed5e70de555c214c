"""What an uplink notes of its packets for the browser's bandwidth estimate."""

from __future__ import annotations

import pytest

from app.media.forwarding.forward import Uplink


class Nowhere:
    """A transport of which nothing is asked."""


def an_uplink() -> Uplink:
    return Uplink(Nowhere(), lambda data: None)  # type: ignore[arg-type]


@pytest.mark.parametrize("first", [10, 0xFFFD])
def test_transport_wide_numbers_go_on_around_the_wrap(first):
    uplink = an_uplink()
    told: dict[int, int] = {}
    for begin in (0, 3, 6):
        for step in range(begin, begin + 3):
            uplink.arrivals[(first + step) & 0xFFFF] = step / 100
        told |= uplink.take_arrivals()
    assert told == {first + step: step * 40 for step in range(9)}


def test_a_late_number_is_told_in_its_own_place_and_nothing_is_told_twice():
    uplink = an_uplink()
    uplink.arrivals = {0xFFFF: 1.0, 1: 1.1}
    assert uplink.take_arrivals() == {0xFFFF: 4000, 0x10001: 4400}
    uplink.arrivals[0] = 1.2
    assert uplink.take_arrivals() == {0x10000: 4800}
    assert uplink.take_arrivals() == {}
