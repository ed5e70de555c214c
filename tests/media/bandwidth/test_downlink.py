"""A narrow line gives up pictures, then voices, in an order; and takes them back the other way."""

from __future__ import annotations

from types import SimpleNamespace

from app.media.bandwidth.downlink import FIRST_RETRY_SECONDS, PACKET_OVERHEAD_BYTES, Downlink
from app.media.messages import DegradationStep, StreamPriority

PACKET = 1000


class Stream:
    def __init__(
        self,
        seat: str,
        is_video: bool,
        rate: int,
        priority: StreamPriority = StreamPriority.ORDINARY,
    ) -> None:
        self.seat, self.is_video, self.rate, self.priority = seat, is_video, rate, priority
        self.source, self.is_paused, self.is_stage, self.loss = (
            SimpleNamespace(seat=seat),
            False,
            False,
            0.0,
        )
        self.is_shrunk = self.can_shrink = False
        self.octets = self.octets_offered = self.packets = self.wanted = 0

    @property
    def sent(self) -> int:
        return min(self.rate, 100_000) if self.is_shrunk else self.rate

    def flow(self, seconds: float, lost: float) -> None:
        octets = int(self.sent * seconds / 8)
        packets = octets // PACKET + 1
        self.octets_offered += int(self.rate * seconds / 8)
        if not self.is_paused:
            self.octets += octets - packets * PACKET_OVERHEAD_BYTES
            self.packets += packets
            self.wanted += round(packets * lost) if self.is_video else 0

    def pause(self) -> None:
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False

    def shrink(self) -> None:
        self.is_shrunk, self.can_shrink = True, False

    def grow(self) -> None:
        self.is_shrunk, self.can_shrink = False, True


class Room:
    """Sounds of an interpreter and a doctor, pictures of a doctor and a guest, over a line of some
    width.
    """

    def __init__(self, interpreter: StreamPriority = StreamPriority.ESSENTIAL) -> None:
        self.line, self.now, self.steps = Downlink(), 100.0, [DegradationStep.FULL]
        self.interpreter = Stream("interpreter", False, 40_000, interpreter)
        self.voice = Stream("doctor", False, 40_000)
        self.doctor = Stream("doctor", True, 300_000)
        self.guest = Stream("guest", True, 500_000)
        self.streams = [self.interpreter, self.voice, self.doctor, self.guest]

    def run(
        self,
        seconds: float,
        width: int | None = None,
        estimate: int | None = None,
        probes: bool = True,
    ) -> Room:
        for _ in range(int(seconds * 4)):
            self.now += 0.25
            offered = sum(each.sent for each in self.streams if each.source and not each.is_paused)
            lost = max(0.0, 1 - width / offered) if width else 0.0
            for each in self.streams:
                if each.source:
                    each.flow(0.25, lost)
            self.line.watched_loss = lost if self.line.is_degraded and probes else None
            self.line.capacity = (width or 50e6) if self.line.is_degraded and probes else None
            if estimate is not None:
                self.line.estimated(estimate, self.now)
            self.line.adapt(self.streams, self.now, "doctor")
            step = self.line.step(self.streams)
            if step is not self.steps[-1]:
                self.steps.append(step)
        return self

    @property
    def paused(self) -> list[Stream]:
        return [each for each in self.streams if each.is_paused]


def test_a_good_line_keeps_everything():
    room = Room().run(30, estimate=2_000_000)
    assert room.paused == []
    assert room.steps == [DegradationStep.FULL]


def test_five_percent_of_loss_costs_nobody_a_picture():
    assert Room().run(30, width=int(880_000 * 0.95)).paused == []


def test_the_order_down_to_the_interpreters_voice_and_up_again():
    room = Room().run(10, width=64_000)
    assert room.steps == [
        DegradationStep.FULL,
        DegradationStep.NO_PICTURES,
        DegradationStep.INTERPRETER_ONLY,
    ]
    assert room.paused == [room.voice, room.doctor, room.guest]
    room.steps = room.steps[-1:]
    room.run(10)
    assert room.steps == [
        DegradationStep.INTERPRETER_ONLY,
        DegradationStep.NO_PICTURES,
        DegradationStep.FEWER_PICTURES,
        DegradationStep.FULL,
    ]


def test_pictures_are_gone_within_two_seconds_of_a_sudden_limit():
    room = Room().run(3)
    assert {room.doctor, room.guest} <= set(room.run(2, width=64_000).paused)


def test_where_next_to_nothing_arrives_all_pictures_go_at_once_before_the_loss_is_certain():
    room = Room().run(3)
    room.now += 0.25
    for each in room.streams:
        each.flow(0.25, 0.95)
    assert room.line.adapt(room.streams, room.now, "doctor")
    assert room.paused == [room.doctor, room.guest]


def test_a_line_that_is_losing_voices_is_not_probed():
    room = Room().run(3).run(1, width=64_000)
    assert room.line.is_degraded
    room.line.watched_loss = 0.3
    assert not room.line.wants_probe(room.now)
    room.line.watched_loss = 0.0
    assert room.line.wants_probe(room.now)


def test_the_picture_of_who_speaks_stays_longest_though_it_is_the_heavier():
    room = Room()
    room.doctor.rate = 600_000
    assert room.run(3, estimate=500_000).paused == [room.guest]


def test_no_voice_is_given_up_where_no_interpreter_is_needed():
    room = Room(interpreter=StreamPriority.ORDINARY).run(20, width=30_000)
    assert room.paused == [room.doctor, room.guest]


def test_what_is_heard_softly_goes_before_what_is_heard_fully():
    room = Room()
    room.streams.append(soft := Stream("patient", False, 40_000, StreamPriority.BACKGROUND))
    room.run(10, width=90_000)
    assert soft.is_paused
    assert not room.voice.is_paused


def test_a_picture_never_returns_where_the_probes_find_no_room():
    room = Room().run(3).run(5, width=500_000)
    assert room.paused == [room.guest]
    room.steps.clear()
    room.steps.append(DegradationStep.FEWER_PICTURES)
    assert room.run(60, width=500_000).steps == [DegradationStep.FEWER_PICTURES]


def test_without_probes_a_picture_returns_by_trial_and_waits_twice_as_long_when_it_failed():
    room = Room().run(3, probes=False).run(2, width=500_000, probes=False)
    assert room.paused == [room.guest]
    room.run(FIRST_RETRY_SECONDS, width=500_000, probes=False).run(2, width=500_000, probes=False)
    assert room.paused == [room.guest]
    room.run(FIRST_RETRY_SECONDS, probes=False)
    assert room.paused == [room.guest]
    assert room.run(FIRST_RETRY_SECONDS, probes=False).paused == []


def test_when_another_speaks_the_pictures_change_places():
    room = Room().run(3).run(5, width=500_000)
    assert room.paused == [room.guest]
    for _ in range(20):
        room.now += 0.25
        for each in room.streams:
            each.flow(0.25, 0.0)
        room.line.watched_loss, room.line.capacity = 0.0, 600_000
        room.line.adapt(room.streams, room.now, "guest")
    assert room.paused == [room.doctor]


def test_a_source_that_left_is_no_longer_missed():
    room = Room().run(3).run(5, width=500_000)
    room.guest.source = None
    room.run(1, width=500_000)
    assert not room.line.is_degraded


def test_pictures_come_small_before_any_goes_and_large_again_after_all_are_back():
    room = Room()
    room.doctor.can_shrink = room.guest.can_shrink = True
    room.run(3).run(5, width=400_000)
    assert room.paused == []
    assert room.steps == [DegradationStep.FULL, DegradationStep.SMALL_PICTURES]
    room.run(8, width=64_000)
    assert room.steps[-1] is DegradationStep.INTERPRETER_ONLY
    room.steps.clear()
    room.steps.append(DegradationStep.INTERPRETER_ONLY)
    room.run(14)
    assert room.steps[-2:] == [DegradationStep.SMALL_PICTURES, DegradationStep.FULL]
    assert not (room.doctor.is_shrunk or room.guest.is_shrunk)
