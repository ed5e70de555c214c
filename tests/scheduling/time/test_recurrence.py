"""Recurrence: rules of our own, and busy times read from other people's calendars."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.scheduling.time import recurrence
from app.scheduling.time.calendar import DatedHours
from app.scheduling.time.quarters import Horizon, instant_of, quarter_of
from app.scheduling.time.recurrence import (
    BadCalendar,
    BadRecurrenceRule,
    check_recurrence_rule,
    expand_recurrence,
    expand_saved_recurrence,
    merge_intervals,
    read_busy_spans,
)

OCTOBER = Horizon.between(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 15, tzinfo=UTC))


def calendar(*lines: str) -> bytes:
    return "\r\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//", *lines, "END:VCALENDAR", ""]
    ).encode()


def event(*lines: str) -> list[str]:
    return ["BEGIN:VEVENT", "UID:1", "DTSTAMP:20260901T000000Z", *lines, "END:VEVENT"]


def busy(*lines: str, zone: str = "UTC", horizon: Horizon = OCTOBER) -> list[str]:
    """The beginnings and ends of busy spans, as wall time in the zone."""
    info = ZoneInfo(zone)
    return [
        f"{instant_of(a).astimezone(info):%d.%m %H:%M}-{instant_of(b).astimezone(info):%H:%M}"
        for a, b in read_busy_spans(calendar(*lines), zone, horizon)
    ]


class TestRules:
    def test_the_first_monday_of_each_month(self):
        days = expand_recurrence(
            DatedHours(date(2026, 1, 5), date(2026, 1, 5), "UTC"), "FREQ=MONTHLY;BYDAY=1MO", OCTOBER
        )
        assert [one.first for one in days] == [date(2026, 10, 5), date(2026, 11, 2)]

    def test_an_occurrence_that_began_before_the_horizon_still_counts(self):
        week = DatedHours(date(2026, 9, 28), date(2026, 10, 2), "UTC")
        assert [one.first for one in expand_recurrence(week, "FREQ=YEARLY", OCTOBER)] == [
            date(2026, 9, 28)
        ]

    def test_until_and_count(self):
        hours = DatedHours(date(2026, 10, 5), date(2026, 10, 5), "UTC")
        assert len(expand_recurrence(hours, "FREQ=WEEKLY;COUNT=2", OCTOBER)) == 2
        assert len(expand_recurrence(hours, "FREQ=WEEKLY;UNTIL=20261019T000000Z", OCTOBER)) == 3

    @pytest.mark.parametrize(
        "rule",
        [
            "",
            "FREQ=HOURLY",
            "FREQ=SECONDLY",
            "FREQ=WEEKLY;BYDAY=XX",
            "nonsense",
            "FREQ=DAILY;BYHOUR=3",
            "FREQ=DAILY\nFREQ=DAILY",
            "FREQ=WEEKLY;INTERVAL=x",
            "FREQ=DAILY;" + "A=B;" * 100,
        ],
    )
    def test_what_cannot_be_a_rule(self, rule):
        with pytest.raises(BadRecurrenceRule):
            check_recurrence_rule(rule, date(2026, 1, 1))


class TestBusy:
    def test_one_event(self):
        assert busy(*event("DTSTART:20261005T090000Z", "DTEND:20261005T100000Z")) == [
            "05.10 09:00-10:00"
        ]

    def test_a_duration_and_odd_minutes_fill_every_quarter_they_touch(self):
        assert busy(*event("DTSTART:20261005T090700Z", "DURATION:PT25M")) == ["05.10 09:00-09:45"]

    def test_weekly_at_nine_stays_at_nine_when_clocks_go_back(self):
        lines = event(
            "DTSTART;TZID=Europe/Berlin:20261019T090000",
            "DTEND;TZID=Europe/Berlin:20261019T100000",
            "RRULE:FREQ=WEEKLY;COUNT=3",
        )
        assert busy(*lines, zone="Europe/Berlin") == [
            "19.10 09:00-10:00",
            "26.10 09:00-10:00",
            "02.11 09:00-10:00",
        ]

    def test_a_time_that_does_not_exist_comes_after_the_gap(self):
        spring = Horizon.between(
            datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC)
        )
        lines = event(
            "DTSTART;TZID=Europe/Berlin:20260328T023000",
            "DURATION:PT30M",
            "RRULE:FREQ=DAILY;COUNT=2",
        )
        assert busy(*lines, zone="Europe/Berlin", horizon=spring) == [
            "28.03 02:30-03:00",
            "29.03 03:30-04:00",
        ]

    def test_until_in_utc_with_a_start_in_a_zone(self):
        lines = event(
            "DTSTART;TZID=America/New_York:20261005T210000",
            "DURATION:PT1H",
            "RRULE:FREQ=DAILY;UNTIL=20261007T010000Z",
        )
        assert len(busy(*lines)) == 2

    def test_excluded_added_and_changed_occurrences(self):
        lines = event(
            "DTSTART:20261005T090000Z",
            "DURATION:PT1H",
            "RRULE:FREQ=DAILY;COUNT=4",
            "EXDATE:20261006T090000Z",
            "RDATE:20261020T120000Z",
        )
        moved = event("RECURRENCE-ID:20261007T090000Z", "DTSTART:20261007T150000Z", "DURATION:PT1H")
        assert busy(*lines, *moved) == [
            "05.10 09:00-10:00",
            "07.10 15:00-16:00",
            "08.10 09:00-10:00",
            "20.10 12:00-13:00",
        ]

    def test_a_whole_day_is_the_owners_day(self):
        spans = busy(*event("DTSTART;VALUE=DATE:20261005"), zone="Asia/Tokyo")
        assert spans == ["05.10 00:00-00:00"]

    @pytest.mark.parametrize(
        "line", ["TRANSP:TRANSPARENT", "STATUS:CANCELLED", "X-MICROSOFT-CDO-BUSYSTATUS:FREE"]
    )
    def test_what_does_not_count(self, line):
        assert busy(*event("DTSTART:20261005T090000Z", "DURATION:PT1H", line)) == []

    def test_free_busy_components(self):
        lines = [
            "BEGIN:VFREEBUSY",
            "UID:2",
            "DTSTAMP:20260901T000000Z",
            "FREEBUSY;FBTYPE=BUSY:20261005T090000Z/20261005T100000Z",
            "FREEBUSY;FBTYPE=FREE:20261006T090000Z/20261006T100000Z",
            "END:VFREEBUSY",
        ]
        assert busy(*lines) == ["05.10 09:00-10:00"]

    @pytest.mark.parametrize(
        "text",
        [
            b"",
            b"<html>not found</html>",
            b"\x00\xff\xfe",
            b"BEGIN:VCALENDAR\r\n",
            b"BEGIN:VEVENT\r\nEND:VEVENT\r\n",
        ],
    )
    def test_what_is_no_calendar(self, text):
        with pytest.raises(BadCalendar):
            read_busy_spans(text, "UTC", OCTOBER)

    def test_an_event_that_recurs_every_second_is_given_up(self):
        with pytest.raises(BadCalendar):
            busy(*event("DTSTART:20200101T000000Z", "DURATION:PT1S", "RRULE:FREQ=SECONDLY"))


NEVER_MATCHING = [
    "FREQ=DAILY;INTERVAL=0",
    "FREQ=WEEKLY;INTERVAL=0",
    "FREQ=MONTHLY;INTERVAL=0;BYMONTHDAY=31;BYMONTH=2",
    "FREQ=YEARLY;INTERVAL=0",
    "FREQ=DAILY;INTERVAL=-1",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=31",
    "FREQ=YEARLY;BYYEARDAY=366;BYMONTH=3",
    "FREQ=DAILY;BYYEARDAY=366;BYMONTH=3",
    "FREQ=YEARLY;BYWEEKNO=20;BYMONTH=1",
    "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=9",
    "FREQ=YEARLY;BYDAY=MO;BYSETPOS=366",
    "FREQ=DAILY;BYEASTER=1;BYMONTH=12",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;UNTIL=20270101",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=3",
]


class TestRulesThatNeverMatch:
    """dateutil looks for the next occurrence until the year 9999, or for ever."""

    @pytest.mark.parametrize("rule", NEVER_MATCHING)
    def test_one_of_ours_is_refused_or_empty(self, rule):
        hours = DatedHours(date(2026, 1, 1), date(2026, 1, 1), "UTC", None, None)
        with pytest.raises(BadRecurrenceRule):
            expand_recurrence(hours, rule, OCTOBER)
        assert expand_saved_recurrence(hours, rule, OCTOBER) == [hours]

    @pytest.mark.parametrize(
        "rule",
        [
            *NEVER_MATCHING,
            "FREQ=HOURLY;INTERVAL=0",
            "FREQ=SECONDLY;INTERVAL=0",
            "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=HOURLY;BYHOUR=3;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=SECONDLY;BYSECOND=61",
            "FREQ=MINUTELY;INTERVAL=1440;BYHOUR=3",
        ],
    )
    def test_in_a_calendar_from_elsewhere_it_is_given_up(self, rule, monkeypatch):
        monkeypatch.setattr(recurrence, "MAX_CALENDAR_DAYS_EXAMINED", 100_000)
        with pytest.raises(BadCalendar):
            busy(*event("DTSTART:20260101T090000Z", "DTEND:20260101T100000Z", f"RRULE:{rule}"))

    def test_a_rare_rule_is_still_found(self):
        leap = DatedHours(date(1904, 2, 29), date(1904, 2, 29), "UTC", None, None)
        horizon = Horizon.between(
            datetime(2028, 2, 1, tzinfo=UTC), datetime(2028, 4, 1, tzinfo=UTC)
        )
        found = expand_recurrence(leap, "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", horizon)
        assert [one.first for one in found] == [date(2028, 2, 29)]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20))))
def test_joined_spans_cover_the_same_quarters(pairs):
    spans = [(begin, begin + length) for begin, length in pairs]
    result = merge_intervals(spans)
    assert {q for a, b in result for q in range(a, b)} == {q for a, b in spans for q in range(a, b)}
    assert all(one[1] < other[0] for one, other in zip(result, result[1:], strict=False))


ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/St_Johns",
]


@given(
    st.sampled_from(ZONES),
    st.integers(0, 44),
    st.integers(0, 95),
    st.integers(1, 14),
    st.integers(1, 20),
)
@settings(deadline=None, max_examples=100)
def test_a_daily_event_equals_walking_the_wall(zone, day, quarter, interval, count):
    """Expanded by us, against days counted on the wall one by one."""
    start = datetime(2026, 10, 1) + timedelta(days=day, minutes=15 * quarter)
    lines = event(
        f"DTSTART;TZID={zone}:{start:%Y%m%dT%H%M%S}",
        "DURATION:PT15M",
        f"RRULE:FREQ=DAILY;INTERVAL={interval};COUNT={count}",
    )
    expected = set()
    for number in range(count):
        wall = (start + timedelta(days=interval * number)).replace(tzinfo=ZoneInfo(zone))
        at = quarter_of(wall.astimezone(UTC))
        if OCTOBER.start <= at < OCTOBER.end:
            expected.add(at)
    got = {q for a, b in read_busy_spans(calendar(*lines), zone, OCTOBER) for q in range(a, b)}
    assert got == expected
