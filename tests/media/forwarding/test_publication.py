"""What arrives of a stream: gaps are asked for, asked for again, and given up for a key frame."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.media.forwarding.publication import (
    ARRIVED_DUPLICATE,
    ARRIVED_LATE,
    ARRIVED_NEWER,
    CACHE_INDEX_MASK,
    KEY_FRAME_REQUEST_INTERVAL_SECONDS,
    MAX_NACKS_PER_PACKET,
    Publication,
)
from app.media.wire.rtcp import SenderReport
from tests.media.fakes import a_camera, a_microphone


class Requests:
    def __init__(self, publication: Publication) -> None:
        self.nacks: list[list[int]] = []
        self.key_frames = 0
        publication.send_nack = self.nacks.append
        publication.send_pli = self._count

    def _count(self) -> None:
        self.key_frames += 1


@pytest.mark.parametrize("first", [10, 0xFFFD, 0xFFFF])
def test_a_gap_is_asked_for_at_once(first):
    camera = a_camera()
    asked = Requests(camera)
    camera.arrive(first, 0, 0.0)
    assert camera.arrive((first + 4) & 0xFFFF, 9000, 0.1) == ARRIVED_NEWER
    assert asked.nacks == [[(first + step) & 0xFFFF for step in (1, 2, 3)]]


def test_a_repair_ends_the_asking_and_a_second_one_is_a_duplicate():
    camera = a_camera()
    Requests(camera)
    camera.arrive(1, 0, 0.0)
    camera.arrive(3, 0, 0.0)
    assert camera.repaired(2) == ARRIVED_LATE
    assert camera.repaired(2) == ARRIVED_DUPLICATE
    assert not camera.missing


def test_what_is_still_missing_is_asked_for_ten_times_and_then_a_key_frame():
    camera = a_camera()
    asked = Requests(camera)
    camera.arrive(1, 0, 0.0)
    camera.arrive(3, 0, 0.0)
    for step in range(1, 40):
        camera.ask_again(step * 0.05, rtt=0.05)
    assert asked.nacks == [[2]] * MAX_NACKS_PER_PACKET
    assert asked.key_frames == 1
    assert not camera.missing


def test_a_great_gap_is_not_repaired_but_begun_anew():
    camera = a_camera()
    asked = Requests(camera)
    camera.arrive(1, 0, 0.0)
    camera.arrive(500, 0, 0.0)
    assert asked.nacks == []
    assert asked.key_frames == 1


def test_sound_is_not_asked_for_again():
    microphone = a_microphone()
    asked = Requests(microphone)
    microphone.arrive(1, 0, 0.0)
    microphone.arrive(5, 0, 0.0)
    assert asked.nacks == []
    assert microphone.arrive(3, 0, 0.0) == ARRIVED_LATE


def test_key_frame_requests_are_half_a_second_apart_and_the_last_is_not_lost():
    camera = a_camera()
    asked = Requests(camera)
    for at in (10.0, 10.1, 10.2):
        camera.request_key_frame(at)
    assert asked.key_frames == 1
    camera.repeat_key_frame_request(10.3)
    assert asked.key_frames == 1
    camera.repeat_key_frame_request(10.0 + KEY_FRAME_REQUEST_INTERVAL_SECONDS)
    assert asked.key_frames == 2
    camera.repeat_key_frame_request(12.0)
    assert asked.key_frames == 2


def test_the_report_tells_true_loss_though_it_was_repaired():
    camera = a_camera()
    Requests(camera)
    for sequence in (1, 2, 4):
        camera.arrive(sequence, 0, 0.0)
    camera.repaired(3)
    camera.report, camera.report_at = SenderReport(1000, 0x1_2345_6789, 0), 1.0
    block = camera.report_block(2.0)
    assert (block.fraction, block.lost, block.highest) == (0.25, 1, 4)
    assert (block.last_report, block.delay) == (0x12345, 65536)
    assert camera.report_block(3.0).fraction == 0.0


@given(st.integers(0, 0xFFFF), st.lists(st.integers(1, 90), min_size=1, max_size=200))
def test_loss_is_counted_right_around_the_wrap(first, steps):
    camera = a_camera()
    camera.arrive(first, 0, 0.0)
    sequence = first
    for step in steps:
        sequence += step
        camera.arrive(sequence & 0xFFFF, 0, 0.0)
    block = camera.report_block(1.0)
    assert block.highest == sequence
    assert block.lost == sum(steps) - len(steps)


@given(st.permutations(range(30)), st.integers(0, 0xFFFF))
def test_reordering_within_reach_loses_and_doubles_nothing(order, first):
    camera = a_camera()
    camera.arrive((first - 1) & 0xFFFF, 0, 0.0)
    places = [camera.arrive((first + step) & 0xFFFF, 0, 0.0) for step in order]
    assert ARRIVED_DUPLICATE not in places
    assert not camera.missing
    assert camera.arrive(first, 0, 0.0) == ARRIVED_DUPLICATE
    assert camera.report_block(1.0).lost == 0


@pytest.mark.parametrize("first", [10, 0xFFF0])
def test_the_cache_keeps_two_seconds_and_always_the_newest(first):
    camera = a_camera()

    def publish(numbers: range) -> None:
        for number in numbers:
            sequence, timestamp = (first + number) & 0xFFFF, number * 9000
            camera.arrive(sequence, timestamp, number / 10)
            camera.cache[sequence & CACHE_INDEX_MASK] = (
                sequence,
                timestamp,
                0,
                bytearray(b"payload"),
            )

    def kept() -> list[int]:
        return sorted((each[0] - first) & 0xFFFF for each in camera.cache if each is not None)

    publish(range(50))
    camera.forget_old()
    assert kept() == list(range(29, 50))
    camera.forget_old()
    publish(range(50, 55))
    camera.forget_old()
    assert kept() == list(range(34, 55))
    camera.last_timestamp += 90_000 * 60
    camera.forget_old()
    assert kept() == [54]
