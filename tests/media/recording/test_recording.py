"""Packets in, clusters out: depacketising, choosing voices and the picture, and what PyAV makes of
the result.
"""

from __future__ import annotations

import io
from collections.abc import Iterable

import av
import pytest

from app.core import webm
from app.core.webm import BLACK_KEY_FRAME, OPUS_SILENCE, PICTURE_TRACK, WebmBlock
from app.media.recording.clusters import RtpClock, Vp8FrameAssembler, read_opus_duration_ms
from app.media.recording.recorder import find_first_free_number
from tests.media.studio import AR, EN, Studio, packets_of, tone, vp8

KEY, DELTA = b"\x00", b"\x01"
"""The bit of a VP8 frame that says so (RFC 6386, 9.1)."""


def shown(packets: Iterable[tuple[int, int, int, bytes]]) -> list[bytes]:
    """The frames that come out when these packets come in, in this order."""
    frames = Vp8FrameAssembler()
    for packet in packets:
        frames.put(*packet, 1.0)
    return [frame for _, frame in frames.take(2.0)]


FILM = [KEY + b"one--", DELTA + b"two--", DELTA + b"three", KEY + b"four-", DELTA + b"five-"]


@pytest.mark.parametrize(
    ("what", "lost", "expected"),
    [
        ("nothing", (), FILM),
        ("the middle of a delta frame", (4,), [FILM[0], *FILM[3:]]),
        ("the first packet of a key frame", (9,), [*FILM[:3]]),
        ("the last packet of a delta frame", (8,), [*FILM[:2], *FILM[3:]]),
        ("the first key frame", (0, 1, 2), FILM[3:]),
    ],
)
def test_frames_are_whole_or_left_out_until_the_next_key_frame(what, lost, expected):
    packets = [packet for place, packet in enumerate(packets_of(FILM)) if place not in lost]
    assert shown(packets) == expected


@pytest.mark.parametrize("first", [0, 65530, 65535, 32760])
def test_numbers_go_round_and_packets_change_places(first):
    packets = packets_of(FILM, first=first)
    assert shown(packets) == FILM
    packets[4], packets[5] = packets[5], packets[4]
    packets[8], packets[10] = packets[10], packets[8]
    assert shown(packets) == FILM


def test_a_repaired_packet_fills_its_gap_and_one_that_comes_too_late_does_not():
    packets = packets_of(FILM)
    frames = Vp8FrameAssembler()
    for place, packet in enumerate(packets):
        if place != 4:
            frames.put(*packet, place / 100)
    frames.put(*packets[4], 5.0)  # in time, for the others have not been taken yet
    assert [frame for _, frame in frames.take(1.0)] == FILM
    assert not frames.put(*packets[2], 6.0)


def test_padding_and_nonsense_are_no_frames():
    packets = packets_of(FILM)
    hostile = [
        (15, 14400, 0, b""),
        (16, 14400, 0, b"\x90"),
        (17, 14400, 0x80, b"\x90\xff"),
        (18, 9, 0x80, b"\x80\x80"),
    ]
    assert shown([*packets, *hostile]) == FILM


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (OPUS_SILENCE, 20),
        (b"\x78x", 20),
        (b"\x08x", 20),
        (b"\x18x", 60),
        (b"\x80x", 2.5),
        (b"\x0b\x03x", 60),
        (b"\x79x", 40),
        (b"", 0),
        (b"\x0b", 0),
        (b"\x1b\x3fx", 0),
    ],
)
def test_how_long_an_opus_packet_sounds(packet, expected):
    assert read_opus_duration_ms(packet) == expected


def test_rtp_time_becomes_the_nodes_time_across_the_circle():
    clock = RtpClock(48_000)
    start = 0xFFFFFFFF - 48_000
    times = [clock.at((start + step * 960) & 0xFFFFFFFF, 100 + step * 0.02) for step in range(200)]
    assert times == pytest.approx([100 + step * 0.02 for step in range(200)], abs=0.001)
    assert clock.at((start + 200 * 960) & 0xFFFFFFFF, 104.05) == pytest.approx(104.0, abs=0.002), (
        "late is not later"
    )


@pytest.mark.parametrize("taken", [0, 1, 2, 3, 7, 8, 9, 100, 901])
def test_the_first_free_number_is_found(taken):
    asked = []
    assert find_first_free_number(lambda number: asked.append(number) or number < taken) == taken
    assert len(asked) < 25


# --- a whole tape ---


def test_each_language_has_its_track_and_the_picture_its_own():
    studio = Studio()
    studio.tape.set_voices({AR: ("patient",), EN: ("doctor",)})
    studio.tape.want("camera", 50.0)
    studio.plays(9, {"patient": (440, 20), "doctor": (880, 20)}, camera="camera")
    studio.ends(9.0)
    film = studio.film()
    with av.open(io.BytesIO(film)) as file:
        assert [stream.metadata.get("title") for stream in file.streams.audio] == ["ar", "en"]
        assert file.duration == pytest.approx(9_000_000, abs=150_000)
        assert sum(1 for _ in file.decode(file.streams.video[0])) > 200
    assert tone(film, 0) == pytest.approx(440, abs=3)
    assert tone(film, 1) == pytest.approx(880, abs=3)
    assert len(studio.clusters) >= 2


def test_of_two_voices_the_louder_has_the_track_and_a_pause_does_not_lose_it():
    studio = Studio()
    studio.tape.set_voices({AR: ("patient", "interpreter"), EN: ("patient", "interpreter")})
    studio.plays(3, {"patient": (440, 20), "interpreter": (1320, 80)})
    studio.plays(3, {"patient": (440, 80), "interpreter": (1320, 20)}, start=3)
    studio.ends(6.0)
    film = studio.film()
    assert tone(film, 0, 0.2, 2.8) == pytest.approx(440, abs=3)
    assert tone(film, 0, 4.2, 5.8) == pytest.approx(1320, abs=3)


def test_silence_is_written_so_that_no_track_has_a_gap():
    studio = Studio()
    studio.tape.set_voices({AR: ("patient",), EN: ()})
    studio.plays(2, {"patient": (440, 20)})
    studio.plays(2, {"patient": (440, 20)}, start=4)
    studio.ends(6.0)
    for track in (AR, EN):
        times = [
            block.at
            for cluster in studio.clusters
            for block in webm.read_blocks(cluster)
            if block.track == track
        ]
        assert times[0] == 0
        assert times[-1] > 5850
        assert max(after - before for before, after in zip(times, times[1:], strict=False)) <= 25
    film = studio.film()
    assert tone(film, 1) == 0.0
    assert tone(film, 0, 2.5, 3.8) == 0.0
    assert tone(film, 0, 4.5, 5.8) == pytest.approx(440, abs=3)


def test_the_picture_changes_on_a_key_frame_and_is_black_when_there_is_none():
    studio = Studio()
    studio.tape.set_voices({AR: ()})
    one, other = packets_of(vp8(50)), packets_of(vp8(50, 320, 240))
    studio.tape.want("one", 50.0)
    for packet in one:
        studio.tape.picture("one", *packet, 50.0 + packet[1] / 90_000)
    studio.clusters += studio.tape.advance(51.0)
    studio.tape.want("other", 51.0)
    for packet in other[3:]:  # its key frame is lost
        studio.tape.picture("other", *packet, 51.0 + packet[1] / 90_000)
    studio.clusters += studio.tape.advance(52.0)
    assert studio.tape.shown == "one"
    assert studio.tape.needs_key_frame == "other"
    for number, timestamp, marker, payload in packets_of(vp8(50, 320, 240), first=500):
        studio.tape.picture(
            "other", number, timestamp + 180_000, marker, payload, 53.0 + timestamp / 90_000
        )
    studio.clusters += studio.tape.advance(55.0)
    assert studio.tape.shown == "other"
    studio.tape.want(None, 56.0)
    studio.ends(58.0)
    pictures = [
        block
        for cluster in studio.clusters
        for block in webm.read_blocks(cluster)
        if block.track == PICTURE_TRACK
    ]
    assert pictures[-1].payload == BLACK_KEY_FRAME
    assert webm.read_picture_size(pictures[0].payload) == (160, 120)
    assert any(webm.read_picture_size(block.payload) == (320, 240) for block in pictures)
    times = [block.at for block in pictures]
    assert times == sorted(set(times))


def test_a_torn_film_plays_up_to_its_last_cluster():
    studio = Studio(begin_ms=60_000)
    studio.tape.set_voices({AR: ("patient",), EN: ()})
    studio.plays(11, {"patient": (440, 20)})
    whole = b"".join(studio.clusters)
    found = webm.read_clusters(whole[: len(whole) - 100])
    assert len(found) == len(studio.clusters) - 1
    assert found[0][0].at == 60_000
    studio.clusters = studio.clusters[:-1]
    assert tone(studio.film(), 0) == pytest.approx(440, abs=3)


def test_one_language_is_the_whole_with_the_others_void():
    studio = Studio()
    studio.tape.set_voices({AR: ("patient",), EN: ("doctor",)})
    studio.plays(5, {"patient": (440, 20), "doctor": (880, 20)})
    studio.ends(5.0)
    whole, head = studio.film(), len(studio.film()) - sum(map(len, studio.clusters))
    english = bytes(webm.keep_tracks(whole[:head], {PICTURE_TRACK, EN})) + b"".join(
        bytes(webm.keep_tracks(cluster, {PICTURE_TRACK, EN})) for cluster in studio.clusters
    )
    assert len(english) == len(whole)
    with av.open(io.BytesIO(english)) as file:
        assert [stream.metadata.get("title") for stream in file.streams.audio] == ["en"]
    assert tone(english, 0) == pytest.approx(880, abs=3)


def test_a_cluster_gives_back_its_blocks():
    blocks = [
        WebmBlock(5000, 1, b"\x00" * 12),
        WebmBlock(5003, 2, b"abc"),
        WebmBlock(9000, 2, b"d" * 300, is_key=False),
    ]
    assert list(webm.read_blocks(webm.write_cluster(blocks))) == blocks
    with pytest.raises(ValueError, match="span"):
        webm.write_cluster([WebmBlock(0, 1, b"a"), WebmBlock(40_000, 1, b"b")])
