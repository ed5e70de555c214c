"""The allocator alone: what it pauses and restores, given an estimate written by hand."""

from __future__ import annotations

import pytest

from app.media.bandwidth.allocator import (
    FIRST_RETRY_SECONDS,
    HEADROOM_RATIO,
    PLENTY_RATIO,
    SETTLING_SECONDS,
    STEP_UP_INTERVAL_SECONDS,
    STRAIN_PATIENCE_SECONDS,
    AllocationChange,
    StreamAllocator,
    find_degradation_step,
    rank_stream,
)
from app.media.bandwidth.estimator import BandwidthEstimate, StreamRate
from app.media.messages import DegradationStep, StreamPriority
from tests.media.bandwidth.listener import FakeStream

START = 100.0
NONE, REDUCED, RESTORED = AllocationChange.NONE, AllocationChange.REDUCED, AllocationChange.RESTORED


class Allocation:
    """An interpreter's voice, a doctor's voice and picture, a guest's picture; rates in bit/s."""

    def __init__(self) -> None:
        self.allocator = StreamAllocator()
        self.interpreter = FakeStream("interpreter", False, 40_000, StreamPriority.ESSENTIAL)
        self.voice = FakeStream("doctor", False, 40_000)
        self.doctor = FakeStream("doctor", True, 300_000)
        self.guest = FakeStream("guest", True, 500_000)
        self.streams = [self.interpreter, self.voice, self.doctor, self.guest]

    def allocate(
        self,
        now: float,
        available: float = 1e9,
        level: str = "",
        capacity: float | None = None,
        speaker: str | None = "doctor",
    ) -> AllocationChange:
        """``level``: ``strained``, ``severe``, ``extreme``, or calm."""
        rates = {}
        for each in self.streams:
            rates[each] = rate = StreamRate(each)
            rate.sent_bits_per_second = 0.0 if each.is_paused else float(each.sent)
            rate.offered_bits_per_second = float(each.rate)
        running = [each for each in self.streams if each.has_source and not each.is_paused]
        estimate = BandwidthEstimate(
            sent_bits_per_second=sum(each.sent for each in running),
            available_bits_per_second=available,
            needed_bits_per_second=sum(each.sent for each in running),
            capacity_bits_per_second=capacity,
            rates=rates,
            is_strained=level in ("strained", "severe", "extreme"),
            is_severe=level in ("severe", "extreme"),
            is_extreme=level == "extreme",
        )
        return self.allocator.allocate(self.streams, estimate, now, speaker)

    @property
    def paused(self) -> list[FakeStream]:
        return [each for each in self.streams if each.is_paused]


@pytest.fixture
def allocation() -> Allocation:
    return Allocation()


def test_strain_must_last_before_anything_is_paused(allocation):
    assert allocation.allocate(START, 400_000, "strained") is NONE
    soon = START + STRAIN_PATIENCE_SECONDS
    assert allocation.allocate(soon - 0.01, 400_000, "strained") is NONE
    assert allocation.allocate(soon, 400_000, "strained") is REDUCED
    assert allocation.paused == [allocation.guest]


def test_after_a_pause_strain_must_last_again(allocation):
    allocation.allocate(START, 400_000, "strained")
    paused_at = START + STRAIN_PATIENCE_SECONDS
    assert allocation.allocate(paused_at, 400_000, "strained") is REDUCED
    assert allocation.allocate(paused_at + 0.25, 100_000, "strained") is NONE
    again = paused_at + 0.25 + STRAIN_PATIENCE_SECONDS
    assert allocation.allocate(again, 100_000, "strained") is REDUCED


def test_calm_in_between_ends_the_strain(allocation):
    allocation.allocate(START, 400_000, "strained")
    allocation.allocate(START + 1.0)
    assert allocation.allocate(START + 2.0, 400_000, "strained") is NONE


def test_a_severe_state_is_acted_on_at_once(allocation):
    assert allocation.allocate(START, 400_000, "severe") is REDUCED


def test_after_a_change_only_an_extreme_state_is_acted_on_at_once(allocation):
    allocation.allocate(START, 400_000, "severe")
    soon = START + SETTLING_SECONDS
    assert allocation.allocate(soon - 0.01, 200_000, "severe") is NONE
    assert allocation.allocate(soon - 0.01, 200_000, "extreme") is REDUCED
    assert allocation.paused == [allocation.doctor, allocation.guest]


def test_no_more_is_paused_than_must_be(allocation):
    allocation.allocate(START, 380_000, "severe")
    assert allocation.paused == [allocation.guest]


def test_as_much_is_paused_as_must_be_but_no_voice_in_the_same_step(allocation):
    allocation.allocate(START, 20_000, "severe")
    assert allocation.paused == [allocation.doctor, allocation.guest]
    allocation.allocate(START + 1, 20_000, "severe")
    assert allocation.paused == [allocation.voice, allocation.doctor, allocation.guest]


def test_the_essential_voice_is_never_paused_and_nothing_else_is_reported(allocation):
    for second in range(2):
        allocation.allocate(START + second, 0, "extreme")
    for second in range(2, 60):
        assert allocation.allocate(START + second, 0, "extreme") is NONE
    assert not allocation.interpreter.is_paused


def test_voices_stay_where_there_is_no_essential_one(allocation):
    allocation.interpreter.priority = StreamPriority.ORDINARY
    for second in range(10):
        allocation.allocate(START + second, 0, "extreme")
    assert allocation.paused == [allocation.doctor, allocation.guest]


def test_a_picture_that_can_shrink_is_not_paused_if_that_is_enough(allocation):
    allocation.guest.can_shrink = True
    assert allocation.allocate(START, 540_000, "severe") is REDUCED
    assert allocation.guest.is_shrunk
    assert allocation.paused == []
    assert find_degradation_step(allocation.streams) is DegradationStep.SMALL_PICTURES


def test_shrinking_goes_first_even_if_pictures_must_then_be_paused_in_the_same_step(allocation):
    allocation.doctor.can_shrink = True
    allocation.allocate(START, 300_000, "severe")
    assert allocation.doctor.is_shrunk
    assert allocation.paused == [allocation.guest]


@pytest.mark.parametrize(
    ("available", "paused"), [(240_000, ["guest"]), (200_000, ["doctor", "guest"])]
)
def test_pausing_a_picture_that_was_just_shrunk_frees_only_its_small_layer(
    allocation, available, paused
):
    allocation.guest.can_shrink = allocation.doctor.can_shrink = True
    allocation.allocate(START, available, "severe")
    assert [each.seat for each in allocation.paused] == paused


@pytest.mark.parametrize(
    ("stream", "rank"),
    [
        (FakeStream("guest", True), 0),
        (FakeStream("doctor", True), 1),
        (FakeStream("guest", False, priority=StreamPriority.BACKGROUND), 2),
        (FakeStream("guest", False, priority=StreamPriority.ORDINARY), 3),
        (FakeStream("guest", False, priority=StreamPriority.ESSENTIAL), 4),
    ],
    ids=["picture", "speaker's picture", "background", "ordinary", "essential"],
)
def test_the_order_in_which_streams_are_paused(stream, rank):
    assert rank_stream(stream, "doctor") == rank


def test_the_shared_screen_ranks_with_the_speakers_picture():
    stage = FakeStream("guest", True)
    stage.is_stage = True
    assert rank_stream(stage, None) == rank_stream(stage, "doctor") == 1


def test_of_equal_rank_the_heavier_is_paused_first(allocation):
    allocation.allocate(START, 600_000, "severe", speaker=None)
    assert allocation.paused == [allocation.guest]
    allocation.guest.rate, allocation.doctor.rate = 300_000, 500_000
    other = Allocation()
    other.guest.rate, other.doctor.rate = 300_000, 500_000
    other.allocate(START, 600_000, "severe", speaker=None)
    assert other.paused == [other.doctor]


# --- coming back ---


@pytest.fixture
def degraded(allocation) -> Allocation:
    """Both pictures are paused since START: the guest's first, the doctor's after it."""
    allocation.allocate(START, 80_000, "severe")
    assert allocation.paused == [allocation.doctor, allocation.guest]
    return allocation


def test_what_was_paused_last_returns_first_and_the_next_a_second_later(degraded):
    first = START + STEP_UP_INTERVAL_SECONDS
    assert degraded.allocate(first - 0.01, capacity=50e6) is NONE
    assert degraded.allocate(first, capacity=50e6) is RESTORED
    assert degraded.paused == [degraded.guest]
    assert degraded.allocate(first + STEP_UP_INTERVAL_SECONDS, capacity=50e6) is RESTORED
    assert degraded.paused == []
    assert not degraded.allocator.is_degraded


def test_a_picture_returns_only_with_headroom(degraded):
    needed = 80_000 + 300_000
    assert degraded.allocate(START + 60, capacity=HEADROOM_RATIO * needed - 1) is NONE
    assert degraded.allocate(START + 60, capacity=HEADROOM_RATIO * needed) is RESTORED


def test_without_a_probe_it_returns_after_the_first_retry(degraded):
    assert degraded.allocate(START + FIRST_RETRY_SECONDS - 0.01) is NONE
    assert degraded.allocate(START + FIRST_RETRY_SECONDS) is RESTORED


def test_after_failed_trials_plenty_of_capacity_shortens_the_wait(degraded):
    now = START
    for _ in range(3):  # Each trial fails a second after it began: 4, 8 and 16 s apart.
        now += 20
        assert degraded.allocate(now) is RESTORED
        now += 1
        assert degraded.allocate(now, 80_000, "severe") is REDUCED
    needed = 80_000 + 300_000
    assert degraded.allocate(now + FIRST_RETRY_SECONDS, capacity=1.5 * needed) is NONE
    assert degraded.allocate(now + 1, capacity=PLENTY_RATIO * needed) is NONE
    assert degraded.allocate(now + FIRST_RETRY_SECONDS, capacity=PLENTY_RATIO * needed) is RESTORED


def test_once_a_picture_is_back_the_next_follows_quickly_in_spite_of_failed_trials(degraded):
    now = START
    for _ in range(3):
        now += 20
        assert degraded.allocate(now) is RESTORED
        now += 1
        assert degraded.allocate(now, 80_000, "severe") is REDUCED
    now += FIRST_RETRY_SECONDS
    assert degraded.allocate(now, capacity=50e6) is RESTORED
    assert degraded.allocate(now + STEP_UP_INTERVAL_SECONDS, capacity=50e6) is RESTORED
    assert degraded.paused == []


def test_the_picture_that_made_room_for_the_speaker_returns_last(allocation):
    patient = FakeStream("patient", True, 200_000)
    allocation.streams.append(patient)
    allocation.allocate(START, 380_000, "severe")
    assert allocation.allocator.paused == [allocation.guest, patient]
    allocation.allocate(START + 1, speaker="guest")
    assert allocation.allocate(START + 3, speaker="guest") is RESTORED
    assert allocation.allocator.paused == [allocation.doctor, patient]


def test_a_small_picture_without_a_source_is_no_longer_missed(allocation):
    allocation.guest.can_shrink = True
    allocation.allocate(START, 540_000, "severe")
    assert allocation.allocator.is_degraded
    allocation.guest.has_source = False
    assert allocation.allocate(START + 0.25) is RESTORED
    assert not allocation.allocator.is_degraded


def test_pictures_grow_again_when_there_is_room_for_the_large_layer(allocation):
    allocation.guest.can_shrink = True
    allocation.allocate(START, 540_000, "severe")
    small = 40_000 + 40_000 + 300_000 + allocation.guest.sent
    needed = small + 500_000 - 150_000
    assert allocation.allocate(START + 2, capacity=HEADROOM_RATIO * needed - 1) is NONE
    assert allocation.allocate(START + 2, capacity=HEADROOM_RATIO * needed) is RESTORED
    assert not allocation.guest.is_shrunk


def test_a_stream_without_a_source_is_released(degraded):
    degraded.doctor.has_source = degraded.guest.has_source = False
    assert degraded.allocate(START + 0.25) is RESTORED
    assert degraded.paused == []
    assert not degraded.allocator.is_degraded


def test_the_list_of_paused_streams_is_in_the_order_of_pausing(degraded):
    assert degraded.allocator.paused == [degraded.guest, degraded.doctor]
    assert degraded.allocator.is_video_paused


# --- what the listener is told ---


@pytest.mark.parametrize(
    ("paused", "step"),
    [
        ("", DegradationStep.FULL),
        ("guest", DegradationStep.FEWER_PICTURES),
        ("guest doctor", DegradationStep.NO_PICTURES),
        ("guest doctor voice", DegradationStep.INTERPRETER_ONLY),
        ("voice", DegradationStep.INTERPRETER_ONLY),
    ],
)
def test_the_step_names_what_is_missing(allocation, paused, step):
    for name in paused.split():
        getattr(allocation, name).pause()
    assert find_degradation_step(allocation.streams) is step


def test_fewer_voices_is_a_step_of_its_own(allocation):
    allocation.streams.append(FakeStream("patient", False, 40_000, StreamPriority.BACKGROUND))
    allocation.streams[-1].pause()
    assert find_degradation_step(allocation.streams) is DegradationStep.FEWER_VOICES
