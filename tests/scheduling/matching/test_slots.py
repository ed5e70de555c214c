"""The search: what it finds, in which order, and what it says when it finds nothing."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, date, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.scheduling.matching.slots import (
    CandidateTeam,
    NoSlotCause,
    NoSlotReason,
    SlotCandidate,
    explain_no_slots,
    find_common_slots,
)
from app.scheduling.time.calendar import (
    DatedHours,
    WeeklyWindow,
    dated_bits,
    free_bits,
    quarter_bits,
    window_bits,
)
from app.scheduling.time.quarters import Horizon
from tests.scheduling.time.test_calendar import ZONES
from tests.scheduling.worlds import COST_OF_HOUR, NaivePerson, naive_search
from tests.thoroughness import rounds

MONDAY = datetime(2026, 5, 4, tzinfo=UTC)
DAY = Horizon.between(MONDAY, MONDAY + timedelta(days=1))
WEEK = Horizon.between(MONDAY, MONDAY + timedelta(days=7))


def candidate(person: NaivePerson, horizon: Horizon) -> SlotCandidate:
    opened = window_bits(person.windows, horizon) | dated_bits(person.extra, horizon, outward=False)
    wide = Horizon(horizon.start - 96, horizon.length + 192)
    free = free_bits(
        wide,
        opened=wide.cut_from(opened, horizon),
        closed=wide.cut_from(dated_bits(person.closed, horizon, outward=True), horizon),
        busy=quarter_bits(person.busy, wide),
        buffer=person.buffer,
    )
    return SlotCandidate(person.id, person.zone, horizon.cut_from(free, wide))


def always(name: str, zone: str) -> SlotCandidate:
    return SlotCandidate(name, zone, DAY.full)


def at(hour: int, minute: int = 0) -> int:
    return DAY.start + hour * 4 + minute // 15


class TestFairness:
    def test_the_kindest_hour_for_all_three_comes_first(self):
        patient = always("amal", "Asia/Dubai")
        team = CandidateTeam([always("berg", "Europe/Berlin")], [always("ines", "Europe/Lisbon")])
        first = next(find_common_slots(DAY, 3, patient, [team]))
        # 08:00 UTC is 12:00 in Dubai, 10:00 in Berlin, 09:00 in Lisbon: office hours for everyone.
        assert (first.quarter, first.worst, first.total) == (at(8), 0, 0)
        assert (first.specialist_id, first.interpreter_id) == ("berg", "ines")

    def test_three_in_the_morning_is_last_and_not_hidden(self):
        patient = always("amal", "Asia/Dubai")
        slots = list(
            find_common_slots(
                DAY, 3, patient, [CandidateTeam([always("berg", "Europe/Berlin")], None)]
            )
        )
        assert len(slots) == 24 * 4 - 2
        assert slots == sorted(slots)
        assert not slots[-1].is_kind

    def test_the_worst_hour_counts_before_the_sum(self):
        # Noon in Tokyo is eleven at night in New York: an evening and a morning (cost 3) are fairer
        # than 0 and 8.
        patient = always("kei", "Asia/Tokyo")
        first = next(
            find_common_slots(
                DAY, 3, patient, [CandidateTeam([always("nora", "America/New_York")], None)]
            )
        )
        hours = {
            (first.starts_at + timedelta(hours=9)).hour,
            (first.starts_at - timedelta(hours=4)).hour,
        }
        assert (first.worst, hours) == (3, {8, 19})

    def test_among_equals_the_person_who_stands_first_is_chosen(self):
        patient = always("amal", "UTC")
        team = CandidateTeam([always("b", "Europe/London"), always("a", "Europe/London")], None)
        assert next(find_common_slots(DAY, 3, patient, [team])).specialist_id == "b"

    def test_a_kinder_colleague_is_chosen_before_the_first(self):
        patient = always("amal", "UTC")
        team = CandidateTeam(
            [always("far", "Pacific/Auckland"), always("near", "Europe/London")], None
        )
        assert next(find_common_slots(DAY, 3, patient, [team])).specialist_id == "near"

    def test_what_each_hour_of_the_day_costs_and_which_hours_are_kind(self):
        """The numbers stand in ``tests/scheduling/worlds.py``, not in the code under test."""
        patient = always("amal", "UTC")
        team = CandidateTeam([always("berg", "UTC")], None)
        slots = {slot.quarter: slot for slot in find_common_slots(DAY, 1, patient, [team])}
        for hour, cost in COST_OF_HOUR.items():
            slot = slots[at(hour)]
            assert (slot.worst, slot.total) == (cost, 2 * cost), hour
            assert slot.is_kind is (7 <= hour <= 20), hour


class TestSharedTime:
    def test_the_same_interpreter_must_stay_for_the_whole_meeting(self):
        """Two interpreters, each free for half of it, do not make one who is free throughout."""
        patient, specialist = always("amal", "UTC"), always("berg", "UTC")
        early = SlotCandidate("early", "UTC", DAY.span(at(9), at(9, 30)))
        late = SlotCandidate("late", "UTC", DAY.span(at(9, 30), at(10)))
        assert (
            list(find_common_slots(DAY, 3, patient, [CandidateTeam([specialist], [early, late])]))
            == []
        )

    def test_a_specialist_who_speaks_the_language_needs_nobody_between(self):
        patient = always("amal", "UTC")
        with_interpreter = CandidateTeam([always("berg", "UTC")], [SlotCandidate("ines", "UTC", 0)])
        alone = CandidateTeam([SlotCandidate("laila", "UTC", DAY.span(at(9), at(10)))], None)
        slots = list(find_common_slots(DAY, 4, patient, [with_interpreter, alone]))
        assert [(s.quarter, s.specialist_id, s.interpreter_id) for s in slots] == [
            (at(9), "laila", None)
        ]

    def test_a_start_offered_by_two_teams_appears_once_at_its_kindest(self):
        patient = always("amal", "UTC")
        far = CandidateTeam(
            [SlotCandidate("far", "Pacific/Auckland", DAY.span(at(9), at(10)))], None
        )
        near = CandidateTeam([SlotCandidate("near", "UTC", DAY.span(at(9), at(10)))], None)
        slots = list(find_common_slots(DAY, 4, patient, [far, near]))
        assert [(s.quarter, s.specialist_id) for s in slots] == [(at(9), "near")]


class TestReasons:
    patient = always("amal", "UTC")
    open = always("berg", "UTC")
    shut = SlotCandidate("shut", "UTC", 0)

    def why(
        self, *teams: CandidateTeam, patient: SlotCandidate | None = None, length: int = 3
    ) -> NoSlotReason | None:
        return explain_no_slots(length, patient or self.patient, teams)

    def test_none_when_there_is_a_time(self):
        assert self.why(CandidateTeam([self.open], None)) is None

    def test_nobody_of_the_specialty(self):
        assert self.why() == NoSlotReason(NoSlotCause.SPECIALIST)

    def test_nobody_for_the_pair(self):
        assert self.why(CandidateTeam([self.open], [])) == NoSlotReason(NoSlotCause.INTERPRETER)

    def test_no_hours(self):
        assert self.why(CandidateTeam([self.shut], None)) == NoSlotReason(
            NoSlotCause.SPECIALIST_HOURS
        )
        assert self.why(CandidateTeam([self.open], [self.shut])) == NoSlotReason(
            NoSlotCause.INTERPRETER_HOURS
        )
        assert self.why(CandidateTeam([self.open], None), patient=self.shut) == NoSlotReason(
            NoSlotCause.PATIENT_HOURS
        )

    def test_a_shorter_meeting_would_fit(self):
        half_an_hour = SlotCandidate("i", "UTC", DAY.span(at(9, 30), at(10, 30)))
        until_ten = SlotCandidate("s", "UTC", DAY.span(at(9), at(10)))
        assert self.why(CandidateTeam([until_ten], [half_an_hour])) == NoSlotReason(
            NoSlotCause.SHORTER, longest=2
        )

    def test_never_the_same_hour(self):
        morning = SlotCandidate("s", "UTC", DAY.span(at(9), at(10)))
        evening = SlotCandidate("i", "UTC", DAY.span(at(18), at(19)))
        assert self.why(CandidateTeam([morning], [evening])) == NoSlotReason(
            NoSlotCause.SHARED_HOURS
        )


class TestTeamsOfTwo:
    """Over an hour two interpreters take turns, so both must be free throughout."""

    patient, specialist = always("amal", "UTC"), always("berg", "UTC")
    morning = SlotCandidate("morning", "UTC", DAY.span(at(8), at(11)))
    forenoon = SlotCandidate("forenoon", "UTC", DAY.span(at(9), at(12)))

    def test_both_are_free_and_both_are_named(self):
        team = CandidateTeam([self.specialist], [self.morning, self.forenoon])
        slots = list(find_common_slots(DAY, 5, self.patient, [team]))
        assert [slot.quarter for slot in sorted(slots, key=lambda slot: slot.quarter)] == [
            at(9),
            at(9, 15),
            at(9, 30),
            at(9, 45),
        ]
        assert {(slot.interpreter_id, slot.second_id) for slot in slots} == {
            ("morning", "forenoon")
        }

    def test_up_to_an_hour_one_is_enough(self):
        slots = list(
            find_common_slots(
                DAY, 4, self.patient, [CandidateTeam([self.specialist], [self.morning])]
            )
        )
        assert slots and all(slot.second_id is None for slot in slots)

    def test_the_two_for_whom_it_is_kindest(self):
        far, near, nearer = (
            always("far", "Pacific/Auckland"),
            always("near", "UTC"),
            always("nearer", "Europe/Lisbon"),
        )
        slot = next(
            find_common_slots(
                DAY, 6, self.patient, [CandidateTeam([self.specialist], [far, near, nearer])]
            )
        )
        assert (slot.interpreter_id, slot.second_id, slot.worst) == ("near", "nearer", 0)

    def test_only_one_is_qualified_or_they_never_overlap(self):
        evening = SlotCandidate("evening", "UTC", DAY.span(at(18), at(21)))
        for between in ([self.morning], [self.morning, evening]):
            reason = explain_no_slots(6, self.patient, [CandidateTeam([self.specialist], between)])
            assert reason == NoSlotReason(NoSlotCause.SECOND_INTERPRETER, longest=4)
        assert explain_no_slots(
            6, self.patient, [CandidateTeam([self.specialist], [])]
        ) == NoSlotReason(NoSlotCause.INTERPRETER)


@pytest.mark.parametrize(
    "zone", ["Asia/Riyadh", "Asia/Shanghai", "America/Mexico_City", "Pacific/Auckland"]
)
def test_a_search_over_months_stays_small_however_far_apart_people_live(zone: str):
    """The further apart, the more groups of equally fair starts. A mask that doubled with each of
    them grew to gigabytes, and the page of times took 40 seconds for a patient in Mexico.
    """
    months = Horizon.between(MONDAY, MONDAY + timedelta(days=90))
    people = {
        name: SlotCandidate(name, home, months.full)
        for name, home in (("amal", zone), ("berg", "Europe/Berlin"), ("omar", "Africa/Cairo"))
    }
    team = CandidateTeam([people["berg"]], [people["omar"]])
    tracemalloc.start()
    found = sum(1 for _slot in find_common_slots(months, 3, people["amal"], [team]))
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == months.length - 2
    assert most < 20_000_000


@st.composite
def people(draw, name: str, *, wide: bool = False) -> NaivePerson:
    zone = draw(st.sampled_from(ZONES))
    starts = st.integers(0, 95).map(lambda q: q * 15)
    lengths = st.integers(24 if wide else 2, 90 if wide else 40)
    some = tuple(
        WeeklyWindow(draw(st.integers(0, 6)), start, (start + draw(lengths) * 15) % 1440, zone)
        for start in draw(st.lists(starts, min_size=1, max_size=6))
    )
    days = st.dates(date(2026, 10, 23), date(2026, 10, 28))
    closed = tuple(DatedHours(day, day, zone) for day in draw(st.lists(days, max_size=1)))
    base = AUTUMN.start
    busy = frozenset(base + q for q in draw(st.sets(st.integers(0, AUTUMN.length), max_size=10)))
    return NaivePerson(name, zone, some, closed=closed, busy=busy, buffer=draw(st.integers(0, 2)))


AUTUMN = Horizon.between(datetime(2026, 10, 23, tzinfo=UTC), datetime(2026, 10, 28, tzinfo=UTC))
"""Five days around the night on which most of Europe's clocks go back."""


@st.composite
def worlds(draw):
    patient = draw(people("patient", wide=True))
    specialists = [draw(people(f"s{n}")) for n in range(draw(st.integers(1, 3)))]
    interpreters = [draw(people(f"i{n}")) for n in range(draw(st.integers(0, 3)))]
    alone = [draw(people(f"a{n}")) for n in range(draw(st.integers(0, 1)))]
    teams = [(specialists, interpreters)] + ([(alone, None)] if alone else [])
    return patient, teams, draw(st.integers(1, 6))


@given(worlds())
@settings(deadline=None, max_examples=rounds(100, 1000))
def test_random_worlds_equal_the_naive_search(world):
    patient, teams, length = world
    expected = naive_search(AUTUMN, length, patient, teams)
    fast = [
        CandidateTeam(
            [candidate(s, AUTUMN) for s in specialists],
            None if interpreters is None else [candidate(i, AUTUMN) for i in interpreters],
        )
        for specialists, interpreters in teams
    ]
    slots = list(find_common_slots(AUTUMN, length, candidate(patient, AUTUMN), fast))
    assert [(slot.worst, slot.total, slot.quarter) for slot in slots] == expected
    by_id = {
        p.id: p
        for specialists, interpreters in teams
        for p in [*specialists, *(interpreters or [])]
    }
    for slot in islice(slots, 20):  # the people it names really can, at the cost it names
        named = [patient, by_id[slot.specialist_id]]
        between = [one for one in (slot.interpreter_id, slot.second_id) if one]
        named += [by_id[one] for one in between]
        assert len(set(between)) == (0 if slot.interpreter_id is None else 1 if length <= 4 else 2)
        assert all(p.can_start(slot.quarter, length, AUTUMN) for p in named)
        costs = [p.cost(slot.quarter, length) for p in named]
        assert (max(costs), sum(costs)) == (slot.worst, slot.total)
    assert (explain_no_slots(length, candidate(patient, AUTUMN), fast) is None) == bool(slots)
