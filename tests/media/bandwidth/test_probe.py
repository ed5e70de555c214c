"""Trains of padding find how wide a line is; watched sound tells what it loses."""

from __future__ import annotations

import random

import pytest

from app.media.bandwidth.probe import (
    PROBE_PACKET_BITS,
    PROBE_TRAIN_PACKETS,
    BandwidthProber,
    LossEvidence,
)
from app.media.wire.rtcp import TransportFeedback


def told(
    prober: BandwidthProber, numbers: list[int], arrivals: list[int | None], now: float = 1.0
) -> None:
    prober.take_feedback(TransportFeedback(numbers[0], tuple(arrivals)), now)


def launch(prober: BandwidthProber, now: float = 1.0) -> list[int]:
    sent: list[int] = []
    prober.launch(sent.append, now)
    return sent


@pytest.mark.parametrize("rate", [32_000, 64_000, 300_000, 2_000_000])
def test_the_spread_of_a_train_is_the_width_of_the_line(rate):
    prober = BandwidthProber()
    sent = launch(prober)
    told(
        prober,
        sent,
        [
            7000 + round(step * PROBE_PACKET_BITS / rate * 4000)
            for step in range(PROBE_TRAIN_PACKETS)
        ],
    )
    assert abs(prober.find_capacity(1.5) / rate - 1) < 0.15


def test_a_train_without_spread_found_no_limit():
    prober = BandwidthProber()
    told(prober, launch(prober), [7] * PROBE_TRAIN_PACKETS)
    assert prober.find_capacity(1.5) > 10_000_000


def test_trains_are_a_second_apart_and_what_they_found_grows_stale():
    prober = BandwidthProber()
    assert launch(prober, 1.0)
    assert launch(prober, 1.5) == []
    told(prober, list(range(PROBE_TRAIN_PACKETS)), [7] * PROBE_TRAIN_PACKETS, 1.2)
    assert prober.find_capacity(2.0) is not None
    assert prober.find_capacity(20.0) is None


def test_a_train_that_lost_a_wagon_is_judged_when_the_next_leaves_and_a_wreck_never():
    prober = BandwidthProber()
    sent = launch(prober, 1.0)
    told(prober, sent, [0, 100, None, 300, 400, 500])
    assert prober.find_capacity(1.1) is None
    sent = launch(prober, 2.5)
    assert prober.find_capacity(2.6) is not None
    prober.forget()
    told(prober, sent, [0, None, None, None, 400, 500])
    launch(prober, 4.0)
    assert prober.find_capacity(4.1) is None


def test_loss_of_watched_sound_is_told_once_enough_is_known():
    prober = BandwidthProber()
    numbers = [prober.take_watched_number() for _ in range(20)]
    told(prober, numbers[:4], [1] * 4)
    assert prober.take_loss() is None
    told(prober, numbers[4:], [None if step % 2 == 0 else step for step in range(16)])
    assert 0.2 < prober.take_loss() < 0.4
    assert prober.take_loss() is None


def test_bad_luck_is_no_evidence_and_persistence_is():
    evidence = LossEvidence()
    evidence.add(3, 8)
    assert evidence.assess() < 0.15
    for _ in range(8):
        evidence.add(10, 26)
        surely = evidence.assess()
    assert 0.2 < surely < 10 / 26
    evidence.forget()
    assert evidence.assess() is None


@pytest.mark.parametrize("seed", range(5))
def test_five_percent_of_loss_never_passes_for_a_narrow_line(seed):
    dice, evidence = random.Random(seed), LossEvidence()
    for _ in range(4 * 600):
        evidence.add(sum(dice.random() < 0.05 for _ in range(13)), 13)
        assert evidence.assess() < 0.2


def test_numbers_wrap_around():
    prober = BandwidthProber()
    numbers = [prober.take_watched_number() for _ in range(65_534)]
    sent = launch(prober)
    assert sent == [65_534, 65_535, 0, 1, 2, 3]
    told(prober, sent, [0, 100, 200, 300, 400, 500])
    assert prober.find_capacity(1.5) is not None
    assert len(numbers) == 65_534
