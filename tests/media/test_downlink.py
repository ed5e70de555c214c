"""A narrow line loses pictures one by one, never sound, and gets them back by patient trial."""

from __future__ import annotations

from app.media.downlink import FIRST_RETRY, Downlink


class Stream:
    def __init__(self, is_video: bool, rate: int) -> None:
        self.is_video, self.rate = is_video, rate
        self.source, self.is_paused, self.loss, self.octets = object(), False, 0.0, 0

    def pause(self) -> None:
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False


def run(line: Downlink, streams: list[Stream], start: float, seconds: float, estimate: int | None = None) -> float:
    for _ in range(int(seconds * 2)):
        start += 0.5
        for stream in streams:
            stream.octets += 0 if stream.is_paused else stream.rate // 16
        if estimate is not None:
            line.estimated(estimate, start)
        line.adapt(streams, start)
    return start


def a_room() -> tuple[Downlink, list[Stream], Stream]:
    sound, small, large = Stream(False, 40_000), Stream(True, 300_000), Stream(True, 900_000)
    return Downlink(), [sound, small, large], sound


def test_a_good_line_keeps_everything():
    line, streams, _ = a_room()
    run(line, streams, 100.0, 30, estimate=2_000_000)
    assert not line.is_video_paused
    assert not any(stream.is_paused for stream in streams)


def test_a_narrow_line_loses_the_heaviest_picture_first_and_never_sound():
    line, streams, sound = a_room()
    sound, small, large = streams
    at = run(line, streams, 100.0, 3, estimate=400_000)
    assert (small.is_paused, large.is_paused) == (False, True)
    run(line, streams, at, 4, estimate=64_000)
    assert small.is_paused
    assert not sound.is_paused
    assert line.is_video_paused


def test_drowning_does_not_wait():
    line, streams, _ = a_room()
    at = run(line, streams, 100.0, 2)
    streams[1].loss = streams[2].loss = 0.6
    run(line, streams, at, 0.5)
    assert streams[2].is_paused


def test_a_picture_returns_after_calm_and_waits_twice_as_long_when_the_trial_failed():
    line, streams, _ = a_room()
    at = run(line, streams, 100.0, 3, estimate=900_000)
    assert streams[2].is_paused
    at = run(line, streams, at, FIRST_RETRY, estimate=900_000)
    at = run(line, streams, at, 3, estimate=900_000)
    assert streams[2].is_paused
    at = run(line, streams, at, FIRST_RETRY, estimate=2_000_000)
    assert streams[2].is_paused
    run(line, streams, at, FIRST_RETRY, estimate=2_000_000)
    assert not streams[2].is_paused
