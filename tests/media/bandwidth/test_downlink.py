"""On a weak connection pictures go first, then voices, in an order; they return the other way.

Estimator and allocator together; each alone is tested beside this file.
"""

from __future__ import annotations

from itertools import pairwise

import pytest

from app.media.bandwidth.allocator import (
    FIRST_RETRY_SECONDS,
    LONGEST_RETRY_SECONDS,
    RESUME_PROVEN_SECONDS,
)
from app.media.messages import DegradationStep, StreamPriority
from tests.media.bandwidth.listener import ROUND_SECONDS, FakeStream, Listener


def test_a_good_connection_keeps_everything():
    listener = Listener().run(30, estimate=2_000_000)
    assert listener.paused == []
    assert listener.steps == [DegradationStep.FULL]


def test_five_percent_of_loss_costs_nobody_a_picture():
    assert Listener().run(30, width=int(880_000 * 0.95)).paused == []


def test_the_order_down_to_the_interpreters_voice_and_up_again():
    listener = Listener().run(10, width=64_000)
    assert listener.steps == [
        DegradationStep.FULL,
        DegradationStep.NO_PICTURES,
        DegradationStep.INTERPRETER_ONLY,
    ]
    assert listener.paused == [listener.voice, listener.doctor, listener.guest]
    listener.steps = listener.steps[-1:]
    listener.run(10)
    assert listener.steps == [
        DegradationStep.INTERPRETER_ONLY,
        DegradationStep.NO_PICTURES,
        DegradationStep.FEWER_PICTURES,
        DegradationStep.FULL,
    ]


@pytest.mark.parametrize("width", [40_000, 30_000, 20_000, 8_000])
def test_the_essential_voice_stays_however_weak_the_connection_is(width):
    # Given a minute on a connection that cannot even carry the interpreter's voice,
    listener = Listener().run(3).run(60, width=width)
    # then everything else has been paused, and that voice never was.
    assert listener.paused == [listener.voice, listener.doctor, listener.guest]
    assert listener.interpreter not in listener.paused_at
    assert listener.steps[-1] is DegradationStep.INTERPRETER_ONLY


def test_two_essential_voices_both_stay_at_20_kbit_per_second():
    listener = Listener()
    listener.voice.priority = StreamPriority.ESSENTIAL
    listener.run(3).run(60, width=20_000)
    assert listener.paused == [listener.doctor, listener.guest]
    assert listener.steps[-1] is DegradationStep.NO_PICTURES


def test_pictures_are_gone_within_two_seconds_of_a_sudden_limit():
    listener = Listener().run(3)
    assert {listener.doctor, listener.guest} <= set(listener.run(2, width=64_000).paused)


def test_where_next_to_nothing_arrives_all_pictures_go_at_once_before_the_loss_is_certain():
    listener = Listener().run(3)
    listener.run(ROUND_SECONDS, width=44_000)
    assert listener.paused == [listener.doctor, listener.guest]


def test_a_connection_that_is_losing_voices_is_not_probed():
    listener = Listener().run(3)
    for each in listener.streams:
        each.can_probe = each.is_video
    listener.run(1, width=64_000)
    assert listener.control.allocator.is_degraded
    launched = listener.prober.launches
    assert listener.run(2, width=20_000).prober.launches == launched
    assert listener.run(1).prober.launches > launched


@pytest.fixture
def probing() -> Listener:
    """A listener whose pictures can carry probes."""
    listener = Listener()
    for each in listener.streams:
        each.can_probe = each.is_video
    return listener.run(3)


def test_a_good_connection_is_never_probed(probing):
    assert probing.run(10, estimate=2_000_000).prober.launches == 0


def test_a_low_estimate_of_the_browser_is_probed_before_anything_is_paused(probing):
    probing.run(1, estimate=300_000)
    assert probing.paused == []
    assert probing.prober.launches > 0


def test_a_connection_without_a_stream_that_can_carry_probes_is_not_probed():
    listener = Listener().run(3).run(5, width=500_000)
    assert listener.paused == [listener.guest]
    assert listener.prober.launches == 0


def test_what_probes_found_is_forgotten_when_a_picture_is_paused(probing):
    assert probing.prober.forgotten == 0
    probing.run(5, width=500_000)
    assert probing.paused == [probing.guest]
    assert probing.prober.forgotten == 1
    probing.run(5, width=500_000)
    assert probing.prober.forgotten == 1


def test_audio_is_watched_packet_by_packet_while_something_is_paused():
    listener = Listener().run(3)
    assert not listener.interpreter.is_watched
    assert listener.run(3, width=500_000).interpreter.is_watched
    assert not listener.run(20).interpreter.is_watched


def test_the_picture_of_who_speaks_stays_longest_though_it_is_the_heavier():
    listener = Listener()
    listener.doctor.rate = 600_000
    assert listener.run(3, estimate=500_000).paused == [listener.guest]


@pytest.fixture
def sharing() -> tuple[Listener, FakeStream]:
    """The guest shares a screen, the heaviest picture of all."""
    listener = Listener()
    stage = FakeStream("guest", True, 900_000)
    stage.is_stage = True
    listener.streams.append(stage)
    return listener, stage


def test_the_shared_screen_stays_when_a_listeners_picture_goes(sharing):
    listener, stage = sharing
    listener.run(3).run(8, estimate=1_300_000)
    assert listener.paused == [listener.guest]
    assert stage not in listener.paused_at


def test_the_shared_screen_goes_before_any_voice(sharing):
    listener, stage = sharing
    listener.run(3).run(20, width=90_000)
    assert listener.paused == [listener.doctor, listener.guest, stage]


def test_a_paused_screen_changes_places_with_a_picture_of_somebody_silent(sharing):
    listener, stage = sharing
    # Given a shared screen that is paused,
    listener.doctor.has_source = listener.guest.has_source = False
    listener.run(3).run(5, width=700_000, estimate=700_000)
    assert listener.paused == [stage]
    # when the guest's camera comes on where the screen alone would fit,
    listener.guest.has_source = True
    listener.run(3, width=1_000_000, estimate=1_000_000)
    # then the screen is shown instead of the camera.
    assert listener.paused == [listener.guest]


def test_no_voice_is_given_up_where_no_interpreter_is_needed():
    listener = Listener(interpreter=StreamPriority.ORDINARY).run(20, width=30_000)
    assert listener.paused == [listener.doctor, listener.guest]


def test_what_is_heard_softly_goes_before_what_is_heard_fully():
    listener = Listener()
    soft = FakeStream("patient", False, 40_000, StreamPriority.BACKGROUND)
    listener.streams.append(soft)
    listener.run(10, width=90_000)
    assert soft.is_paused
    assert not listener.voice.is_paused


def test_a_picture_never_returns_where_the_probes_find_no_room():
    listener = Listener().run(3).run(5, width=500_000)
    assert listener.paused == [listener.guest]
    listener.steps = [DegradationStep.FEWER_PICTURES]
    assert listener.run(60, width=500_000).steps == [DegradationStep.FEWER_PICTURES]


def test_without_probes_a_picture_returns_by_trial_and_waits_twice_as_long_when_it_failed():
    listener = Listener().run(3, probes=False).run(2, width=500_000, probes=False)
    assert listener.paused == [listener.guest]
    listener.run(FIRST_RETRY_SECONDS, width=500_000, probes=False)
    listener.run(2, width=500_000, probes=False)
    assert listener.paused == [listener.guest]
    listener.run(FIRST_RETRY_SECONDS, probes=False)
    assert listener.paused == [listener.guest]
    assert listener.run(FIRST_RETRY_SECONDS, probes=False).paused == []


def test_failed_trials_are_at_most_the_longest_retry_apart():
    # Given five minutes without probes on a connection that never carries the guest's picture,
    listener = Listener().run(3, probes=False).run(300, width=500_000, probes=False)
    # when each return is paired with the pause before it,
    waits = [
        resumed - paused
        for paused, resumed in zip(
            listener.paused_at[listener.guest], listener.resumed_at[listener.guest], strict=False
        )
    ]
    # then the waits double up to the longest, and stay there.
    assert waits[:4] == [4.0, 8.0, 16.0, 32.0]
    assert len(waits) >= 7
    assert set(waits[3:]) == {32.0}
    assert all(later > earlier for earlier, later in pairwise(listener.resumed_at[listener.guest]))


def test_a_picture_that_has_proven_itself_waits_no_longer_than_the_first_time():
    listener = Listener().run(3, probes=False).run(30, width=500_000, probes=False)
    listener.run(LONGEST_RETRY_SECONDS + RESUME_PROVEN_SECONDS + 1, probes=False)
    assert listener.paused == []
    listener.paused_at, listener.resumed_at = {}, {}
    listener.run(2, width=500_000, probes=False).run(10, probes=False)
    (paused,), (resumed,) = (
        listener.paused_at[listener.guest],
        listener.resumed_at[listener.guest],
    )
    assert resumed - paused == FIRST_RETRY_SECONDS


def test_when_another_speaks_the_pictures_change_places():
    listener = Listener().run(3).run(5, width=500_000)
    assert listener.paused == [listener.guest]
    listener.doctor.rate = 400_000
    listener.run(5, width=600_000, speaker="guest")
    assert listener.paused == [listener.doctor]


def test_a_cough_does_not_change_the_places_of_pictures():
    listener = Listener().run(3).run(5, width=500_000)
    listener.run(1, width=600_000, speaker="guest").run(5, width=600_000)
    assert listener.paused == [listener.guest]
    assert listener.guest not in listener.resumed_at


def test_a_source_that_left_is_no_longer_missed():
    listener = Listener().run(3).run(5, width=500_000)
    listener.guest.has_source = False
    listener.run(1, width=500_000)
    assert not listener.control.allocator.is_degraded


def test_pictures_come_small_before_any_goes_and_large_again_after_all_are_back():
    listener = Listener()
    listener.doctor.can_shrink = listener.guest.can_shrink = True
    listener.run(3).run(5, width=400_000)
    assert listener.paused == []
    assert listener.steps == [DegradationStep.FULL, DegradationStep.SMALL_PICTURES]
    listener.run(8, width=64_000)
    assert listener.steps[-1] is DegradationStep.INTERPRETER_ONLY
    listener.steps = [DegradationStep.INTERPRETER_ONLY]
    listener.run(14)
    assert listener.steps[-2:] == [DegradationStep.SMALL_PICTURES, DegradationStep.FULL]
    assert not (listener.doctor.is_shrunk or listener.guest.is_shrunk)
