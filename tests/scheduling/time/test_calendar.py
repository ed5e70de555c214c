"""The calendar arithmetic, by tables on the nights when clocks change, and by properties against an
oracle.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.scheduling.time.calendar import (
    DatedHours,
    WeeklyWindow,
    dated_bits,
    free_bits,
    quarter_bits,
    run_starts,
    split_at_clock_changes,
    widen_bits,
    window_bits,
)
from app.scheduling.time.quarters import Horizon, instant_of, is_on_grid, quarter_after, quarter_of
from tests.scheduling.worlds import is_in_hours, is_in_window

ZONES = (
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Lisbon",
    "America/New_York",
    "America/Santiago",
    "America/St_Johns",
    "America/Phoenix",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Beirut",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Antarctica/Troll",
)


def horizon(first: datetime, days: int) -> Horizon:
    return Horizon.between(first, first + timedelta(days=days))


def hours_open(windows: list[WeeklyWindow], day: date) -> float:
    """Hours open from that day's midnight UTC, over 24 hours either side."""
    around = horizon(datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1), 3)
    return window_bits(windows, around).bit_count() / 4


class TestGrid:
    def test_a_quarter_is_named_by_its_place_since_the_epoch(self):
        at = datetime(2026, 5, 4, 9, 45, tzinfo=UTC)
        assert quarter_of(at) == int(at.timestamp()) // 900
        assert instant_of(quarter_of(at)) == at

    def test_kathmandu_noon_is_on_the_grid(self):
        assert is_on_grid(
            datetime(2026, 5, 4, 12, 0, tzinfo=timezone(timedelta(hours=5, minutes=45)))
        )

    @pytest.mark.parametrize(
        "minute, second, micro", [(1, 0, 0), (15, 1, 0), (30, 0, 1), (59, 59, 999_999)]
    )
    def test_between_quarters_is_off_the_grid(self, minute, second, micro):
        at = datetime(2026, 5, 4, 9, minute, second, micro, tzinfo=UTC)
        assert not is_on_grid(at)
        assert quarter_after(at) == quarter_of(at) + 1

    def test_a_naive_time_has_no_quarter(self):
        with pytest.raises(ValueError, match="naive"):
            quarter_of(datetime(2026, 5, 4, 9, 45))

    def test_before_the_epoch(self):
        at = datetime(1969, 12, 31, 23, 50, tzinfo=UTC)
        assert quarter_of(at) == -1


class TestNightsWhenClocksChange:
    """A window from 01:00 to 04:00 each night, on the nights on which some of it does not exist or
    comes twice.
    """

    @pytest.mark.parametrize(
        "zone, night, hours",
        [
            ("Europe/Berlin", date(2026, 3, 29), 2.0),  # 02:00 does not exist
            ("Europe/Berlin", date(2026, 10, 25), 4.0),  # 02:00 comes twice
            ("America/New_York", date(2026, 3, 8), 2.0),
            ("America/New_York", date(2026, 11, 1), 4.0),
            ("Australia/Lord_Howe", date(2026, 10, 4), 2.5),  # half an hour only
            ("Australia/Lord_Howe", date(2026, 4, 5), 3.5),
            ("Antarctica/Troll", date(2026, 3, 29), 1.0),  # two hours at once
            ("Asia/Kolkata", date(2026, 3, 29), 3.0),  # never changes
        ],
    )
    def test_open_hours_of_one_night(self, zone, night, hours):
        window = WeeklyWindow(night.weekday(), 60, 240, zone, valid_from=night, valid_until=night)
        assert hours_open([window], night) == hours

    def test_a_morning_clinic_moves_by_an_hour_in_utc(self):
        window = WeeklyWindow(0, 9 * 60, 10 * 60, "Europe/Berlin")
        winter = horizon(datetime(2026, 3, 23, tzinfo=UTC), 1)
        summer = horizon(datetime(2026, 3, 30, tzinfo=UTC), 1)
        assert window_bits([window], winter) == 0b1111 << 8 * 4
        assert window_bits([window], summer) == 0b1111 << 7 * 4

    def test_kathmandu_begins_at_a_quarter_past(self):
        window = WeeklyWindow(0, 9 * 60, 10 * 60, "Asia/Kathmandu")
        day = horizon(datetime(2026, 5, 4, tzinfo=UTC), 1)
        assert window_bits([window], day) == 0b1111 << 3 * 4 + 1

    def test_a_night_window_is_valid_by_the_day_on_which_it_begins(self):
        night = WeeklyWindow(6, 22 * 60, 6 * 60, "UTC", date(2026, 5, 3), date(2026, 5, 3))
        both = horizon(datetime(2026, 5, 3, tzinfo=UTC), 14)
        assert window_bits([night], both).bit_count() == 8 * 4

    def test_where_the_zone_changes_is_found_to_the_quarter(self):
        year = Horizon.between(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
        changes = [
            instant_of(begin)
            for begin, _, _ in split_at_clock_changes("Europe/Berlin", year.start, year.end)
        ][1:]
        assert changes == [
            datetime(2026, 3, 29, 1, tzinfo=UTC),
            datetime(2026, 10, 25, 1, tzinfo=UTC),
        ]


class TestRounding:
    def test_a_window_opens_only_whole_quarters(self):
        day = horizon(datetime(2026, 5, 4, tzinfo=UTC), 1)
        assert window_bits([WeeklyWindow(0, 5, 40, "UTC")], day) == 0b10

    def test_a_closure_closes_every_quarter_it_touches(self):
        day = horizon(datetime(2026, 5, 4, tzinfo=UTC), 1)
        closure = DatedHours(date(2026, 5, 4), date(2026, 5, 4), "UTC", 5, 40)
        assert dated_bits([closure], day, outward=True) == 0b111
        assert dated_bits([closure], day, outward=False) == 0b10


def test_a_closure_wins_over_extra_hours():
    day = horizon(datetime(2026, 5, 4, tzinfo=UTC), 1)
    assert free_bits(day, opened=0b1111, closed=0b0110) == 0b1001


def test_a_buffer_reaches_both_ways():
    day = horizon(datetime(2026, 5, 4, tzinfo=UTC), 1)
    assert free_bits(day, opened=0b111111111, busy=0b000010000, buffer=2) == 0b110000011


bits = st.integers(min_value=0, max_value=(1 << 200) - 1)


@given(bits, st.integers(1, 20))
def test_run_starts_are_where_a_run_begins(mask, length):
    run = (1 << length) - 1
    expected = sum(1 << i for i in range(200) if mask >> i & run == run)
    assert run_starts(mask, length) == expected


@given(bits, st.integers(0, 20))
def test_widened_is_every_bit_and_its_neighbours(mask, by):
    expected = 0
    for i in range(200):
        if mask >> i & 1:
            for j in range(i - by, i + by + 1):
                expected |= 1 << j if j >= 0 else 0
    assert widen_bits(mask, by) == expected


@given(st.sets(st.integers(-50, 250)))
def test_single_quarters(quarters):
    stretch = Horizon(0, 200)
    assert quarter_bits(quarters, stretch) == sum(1 << q for q in quarters if 0 <= q < 200)


@given(st.integers(-300, 300), st.integers(0, 300), st.integers(-300, 300), st.integers(0, 300))
def test_cut_from_keeps_each_quarter_in_its_place(start, length, other_start, other_length):
    ours, theirs = Horizon(start, length), Horizon(other_start, other_length)
    cut = ours.cut_from(theirs.full, theirs)
    for index in range(length):
        assert bool(cut >> index & 1) == (theirs.start <= start + index < theirs.end)


dates = st.dates(date(2026, 1, 1), date(2028, 12, 31))
minutes = st.integers(0, 24 * 60)


@st.composite
def windows(draw) -> WeeklyWindow:
    return WeeklyWindow(
        weekday=draw(st.integers(0, 6)),
        start=draw(st.integers(0, 24 * 60 - 1)),
        end=draw(minutes),
        zone=draw(st.sampled_from(ZONES)),
        valid_from=draw(st.none() | dates),
        valid_until=draw(st.none() | dates),
    )


@given(st.lists(windows(), max_size=4), dates, st.integers(0, 95), st.integers(1, 12))
@settings(deadline=None, max_examples=300)
def test_windows_equal_the_oracle(some, day, quarter, days):
    first = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=15 * quarter)
    stretch = horizon(first, days)
    expected = 0
    for index in range(stretch.length):
        if any(is_in_window(window, stretch.start + index) for window in some):
            expected |= 1 << index
    assert window_bits(some, stretch) == expected


@given(dates, st.integers(0, 4), minutes, minutes, st.sampled_from(ZONES), st.booleans())
@settings(deadline=None, max_examples=200)
def test_dated_hours_equal_the_oracle(day, length, start, end, zone, outward):
    hours = DatedHours(day, day + timedelta(days=length), zone, min(start, end), max(start, end))
    stretch = horizon(
        datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=2), length + 5
    )
    expected = 0
    for index in range(stretch.length):
        if start != end and is_in_hours(hours, stretch.start + index, touched=outward):
            expected |= 1 << index
    assert dated_bits([hours], stretch, outward=outward) == expected


@pytest.mark.parametrize("zone", ZONES)
def test_every_change_of_the_clock_equals_the_oracle(zone):
    """Three years of each zone, three days around each change, a pattern that is open every other
    quarter.
    """
    window = [
        WeeklyWindow(weekday, m, m + 15, zone) for weekday in range(7) for m in range(0, 1440, 30)
    ]
    years = Horizon.between(datetime(2026, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC))
    for begin, _, _ in split_at_clock_changes(zone, years.start, years.end):
        around = Horizon(begin - 96, 3 * 96)
        got = window_bits(window, around)
        for index in range(around.length):
            wall_is_open = is_first_half(around.start + index, zone)
            assert bool(got >> index & 1) == wall_is_open


def is_first_half(quarter: int, zone: str) -> bool:
    return instant_of(quarter).astimezone(ZoneInfo(zone)).minute % 30 == 0
