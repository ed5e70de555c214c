"""A membership begins and ends at an instant, not a moment before or after."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.cases.models import CaseMember
from app.cases.policy import is_current_member
from app.core.clock import freeze_clock

SINCE = datetime(2026, 6, 1, 12, tzinfo=UTC)
UNTIL = SINCE + timedelta(hours=1)
MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    "at, is_current",
    [
        (SINCE - MOMENT, False),
        (SINCE, True),
        (UNTIL - MOMENT, True),
        (UNTIL, False),
        (UNTIL + MOMENT, False),
    ],
)
def test_it_holds_from_its_first_instant_until_just_before_its_last(at: datetime, is_current: bool):
    member = CaseMember(since=SINCE, until=UNTIL)
    with freeze_clock(at):
        assert is_current_member(member) is is_current


def test_without_an_end_it_holds_for_good():
    with freeze_clock(SINCE + timedelta(days=10_000)):
        assert is_current_member(CaseMember(since=SINCE, until=None))
    assert not is_current_member(None)
