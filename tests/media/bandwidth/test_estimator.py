"""The estimator alone: which signals count as strain, and how much seems to get through."""

from __future__ import annotations

import pytest

from app.media.bandwidth.estimator import (
    HEAVY_LOSS_SHARE,
    REMB_LIFETIME_SECONDS,
    SEVERE_AUDIO_LOSS_SHARE,
    SEVERE_LOSS_SHARE,
    BandwidthEstimate,
    BandwidthEstimator,
)
from app.media.bandwidth.stream import SMALL_LAYER_BITS_PER_SECOND
from tests.media.bandwidth.listener import ROUND_SECONDS, FakeStream


class Connection:
    """One voice of 40 kbit/s and one picture of 400 kbit/s."""

    def __init__(self) -> None:
        self.estimator, self.now = BandwidthEstimator(), 50.0
        self.voice = FakeStream("doctor", False, 40_000)
        self.picture = FakeStream("doctor", True, 400_000)

    def run(
        self,
        rounds: int,
        lost: float = 0.0,
        audio_loss: float | None = None,
        capacity: float | None = None,
    ) -> BandwidthEstimate:
        for _ in range(rounds):
            self.now += ROUND_SECONDS
            for each in (self.voice, self.picture):
                each.flow(ROUND_SECONDS, lost)
            estimate = self.estimator.update(
                [self.voice, self.picture], self.now, audio_loss, capacity
            )
        return estimate


@pytest.fixture
def connection() -> Connection:
    return Connection()


def test_rates_are_counted_on_the_wire_with_headers(connection):
    estimate = connection.run(8)
    assert estimate.sent_bits_per_second == pytest.approx(440_000, rel=0.01)
    assert estimate.available_bits_per_second == estimate.sent_bits_per_second
    assert not (estimate.is_strained or estimate.is_severe or estimate.is_extreme)


def test_a_paused_stream_sends_nothing_but_its_rate_is_known_for_its_return(connection):
    connection.picture.pause()
    estimate = connection.run(40)
    assert estimate.sent_bits_per_second == pytest.approx(40_000, rel=0.05)
    assert estimate.needed_bits_per_second == pytest.approx(40_000, rel=0.05)
    rate = estimate.rates[connection.picture]
    assert rate.offered_bits_per_second == pytest.approx(400_000, rel=0.02)


def test_a_pause_in_speech_keeps_the_voices_share_for_three_seconds(connection):
    connection.run(40)
    connection.voice.rate = 0
    after_one_second = connection.run(4).needed_bits_per_second
    assert after_one_second > 400_000 + 0.7 * 40_000
    assert connection.run(60).needed_bits_per_second < 400_000 + 0.1 * 40_000


def test_a_shrunk_picture_needs_no_more_than_the_small_layer(connection):
    connection.picture.is_shrunk = True
    estimate = connection.run(40)
    assert estimate.needed_bits_per_second == pytest.approx(
        SMALL_LAYER_BITS_PER_SECOND + 40_000, rel=0.02
    )


def test_a_low_estimate_of_the_browser_is_strain_and_the_most_that_gets_through(connection):
    connection.run(8)
    connection.estimator.take_remb(200_000, connection.now)
    estimate = connection.run(1)
    assert estimate.is_strained
    assert not estimate.is_severe
    assert estimate.available_bits_per_second == 200_000


def test_an_estimate_a_little_below_what_is_sent_is_no_strain(connection):
    connection.run(8)
    connection.estimator.take_remb(int(440_000 * 0.85), connection.now)
    assert not connection.run(1).is_strained


def test_an_old_estimate_of_the_browser_means_nothing(connection):
    connection.run(8)
    connection.estimator.take_remb(200_000, connection.now)
    assert connection.run(int(REMB_LIFETIME_SECONDS / ROUND_SECONDS) - 1).is_strained
    assert not connection.run(1).is_strained


def test_a_probe_disproves_a_low_estimate_but_no_loss(connection):
    connection.run(40)
    connection.estimator.take_remb(200_000, connection.now)
    assert connection.run(1, capacity=1.2 * 440_000).is_strained
    assert not connection.run(1, capacity=1.4 * 440_000).is_strained
    connection.picture.loss = connection.voice.loss = HEAVY_LOSS_SHARE
    assert connection.run(1, capacity=50e6).is_strained


@pytest.mark.parametrize(
    ("loss", "is_strained", "is_severe"),
    [
        (HEAVY_LOSS_SHARE - 0.01, False, False),
        (HEAVY_LOSS_SHARE, True, False),
        (SEVERE_LOSS_SHARE, True, True),
    ],
)
def test_reported_loss_strains_from_a_fifth_on(connection, loss, is_strained, is_severe):
    connection.voice.loss = connection.picture.loss = loss
    estimate = connection.run(8)
    assert (estimate.is_strained, estimate.is_severe) == (is_strained, is_severe)
    assert estimate.available_bits_per_second == pytest.approx(440_000 * (1 - loss), rel=0.01)


def test_reported_loss_of_audio_does_not_count_while_audio_is_watched(connection):
    connection.voice.loss = 0.9
    assert connection.run(4).is_severe
    assert not connection.run(1, audio_loss=0.0).is_severe


def test_proven_loss_of_audio_is_severe_and_forbids_probes(connection):
    assert not connection.run(4, audio_loss=SEVERE_AUDIO_LOSS_SHARE - 0.01).is_severe
    assert not connection.estimator.is_losing_audio
    assert connection.run(1, audio_loss=SEVERE_AUDIO_LOSS_SHARE).is_severe
    assert connection.estimator.is_losing_audio


def test_requests_for_lost_pictures_are_proof_and_are_forgotten_after_a_change(connection):
    connection.run(8)
    estimate = connection.run(4, lost=0.5)
    assert estimate.is_severe
    assert not estimate.is_extreme
    assert connection.run(4, lost=0.9).is_extreme
    connection.estimator.forget_loss()
    estimate = connection.run(1)
    assert not (estimate.is_severe or estimate.is_extreme)


def test_late_requests_for_a_paused_picture_prove_nothing(connection):
    other = FakeStream("guest", True, 400_000)
    connection.run(8)
    connection.estimator.update([other], connection.now)
    other.pause()
    other.nacked_packets += 40
    for _ in range(4):
        connection.now += ROUND_SECONDS
        connection.picture.flow(ROUND_SECONDS, 0.0)
        estimate = connection.estimator.update([connection.picture, other], connection.now)
        assert not estimate.is_severe


def test_chance_is_no_proof(connection):
    connection.run(8)
    assert not connection.run(8, lost=0.1).is_severe
