"""A camera sends two sizes; each listener gets the one that fits, and changes without a seam."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.media.forwarding.forward import forward_packet
from app.media.forwarding.publication import Publication
from app.media.messages import MediaKind
from app.media.wire import rtp, sdp
from tests.media.fakes import Wire, a_slot
from tests.media.people import Person, until
from tests.media.signalling import everyone_to_everyone

SMALL_WIDTH, LARGE_WIDTH = 320, 640


def vp8(picture: int | None, base: int | None, key: bool, is_long: bool = True) -> bytearray:
    """A payload with the descriptor of RFC 7741, section 4.2."""
    flags = (
        (0x80 if picture is not None else 0)
        | (0x40 if base is not None else 0)
        | (0x20 if base is not None else 0)
    )
    head = bytearray([0x10 | (0x80 if flags else 0)]) + (bytearray([flags]) if flags else b"")
    if picture is not None:
        head += bytearray([0x80 | picture >> 8, picture & 0xFF] if is_long else [picture & 0x7F])
    if base is not None:
        head += bytearray([base, 0])
    return head + bytearray([0 if key else 1]) + b"picture"


@given(
    st.integers(0, 0x7FFF),
    st.integers(0, 255),
    st.integers(0, 0x7FFF),
    st.integers(0, 255),
    st.booleans(),
)
def test_picture_numbers_are_shifted_around_their_circles(picture, base, by, by_base, is_long):
    picture &= 0x7FFF if is_long else 0x7F
    payload = vp8(picture, base, key=True, is_long=is_long)
    assert rtp.read_vp8_numbers(payload) == (picture, base)
    shifted = bytearray(b"head") + payload
    rtp.shift_vp8_numbers(shifted, 4, len(shifted), by, by_base)
    circle = 0x7FFF if is_long else 0x7F
    assert rtp.read_vp8_numbers(shifted[4:]) == (picture + by & circle, base + by_base & 0xFF)
    assert shifted[-7:] == b"picture"
    assert rtp.is_vp8_key_frame(shifted[4:])


@given(st.binary(max_size=12))
def test_a_cut_descriptor_is_left_alone(data):
    before = bytearray(data)
    rtp.read_vp8_numbers(before)
    rtp.shift_vp8_numbers(before, 0, len(before), 5, 5)
    assert len(before) == len(data)


def a_camera() -> tuple[Publication, Publication]:
    large = Publication("ana", MediaKind.VIDEO, "vp8", 90_000, 1000)
    large.small = Publication("ana", MediaKind.VIDEO, "vp8", 90_000, 1001)
    return large, large.small


def play(source: Publication, first: int, count: int, pictures: int, key: bool = True) -> None:
    """Frames of one packet each, numbered from ``first``; time goes on by itself."""
    for step in range(count):
        now = time.monotonic()
        sequence = first + step & 0xFFFF
        payload = vp8(pictures + step & 0x7FFF, pictures + step & 0xFF, key and step == 0)
        forward_packet(
            source,
            0x80,
            sequence,
            step * 3000,
            payload,
            source.arrive(sequence, step * 3000, now),
            now,
        )


def test_a_listener_changes_the_layer_on_a_key_frame_and_sees_one_stream():
    wire, (large, small) = Wire(), a_camera()
    slot = a_slot(wire)
    play(large, 65_530, 1, 0x7FF0)
    play(small, 9_999, 1, 16)
    slot.bind(large)
    play(large, 65_531, 10, 0x7FF8)
    slot.wants_small = True
    slot.choose_layer(time.monotonic())
    play(small, 10_000, 3, 17, key=False)
    play(large, 5, 2, 2, key=False)
    assert len(wire.packets) == 12
    play(small, 10_003, 5, 20)
    play(large, 7, 5, 4, key=False)
    slot.wants_small = False
    slot.choose_layer(time.monotonic())
    play(large, 12, 5, 9)
    play(small, 10_008, 5, 25, key=False)
    sequences = [packet.sequence for packet in wire.packets]
    numbers = [rtp.read_vp8_numbers(packet.payload) for packet in wire.packets]
    assert len(wire.packets) == 22
    assert sequences == [sequences[0] + step & 0xFFFF for step in range(22)]
    first, base = numbers[0]
    assert numbers == [(first + step & 0x7FFF, base + step & 0xFF) for step in range(22)]


def test_what_is_sent_again_bears_the_numbers_it_had():
    wire, (large, small) = Wire(), a_camera()
    slot = a_slot(wire)
    play(small, 1, 1, 300)
    play(large, 50, 1, 77)
    slot.bind(large)
    play(large, 51, 3, 78)
    slot.shrink()
    play(small, 2, 4, 301)
    lost = wire.packets[-2]
    slot.repair((lost.sequence,), time.monotonic())
    assert wire.packets[-1].payload[2:] == lost.payload


def test_a_layer_that_stopped_is_replaced_by_the_one_that_flows():
    wire, (large, small) = Wire(), a_camera()
    slot = a_slot(wire)
    play(small, 1, 1, 300)
    slot.bind(large)
    assert slot.source is small
    play(large, 1, 1, 300)
    slot.choose_layer(time.monotonic())
    assert slot.source is large
    large.last_arrival -= 5
    slot.choose_layer(time.monotonic())
    assert slot.source is small


def test_the_answer_takes_both_layers_and_only_with_their_extensions():
    rows = [
        "m=video 9 UDP/TLS/RTP/SAVPF 96",
        "a=mid:1",
        "a=sendonly",
        "a=rtpmap:96 VP8/90000",
        f"a=extmap:4 {rtp.MID_EXTENSION_URI}",
        f"a=extmap:10 {rtp.RID_EXTENSION_URI}",
        f"a=extmap:11 {rtp.REPAIRED_RID_EXTENSION_URI}",
        "a=rid:s send",
        "a=rid:l send",
        "a=simulcast:send s;l",
    ]
    line = sdp._read_section(rows)
    assert sdp.select_simulcast_layers(line) == ("s", "l")
    transport = sdp.LocalTransportParameters("u", "p", "sha-256 00", ())
    answer = sdp.AnsweredSection(
        line, tuple(sdp.select_codecs(line)), "recvonly", layers=("s", "l")
    )
    text = sdp.write_sdp_answer([answer], transport, 1)
    for row in (
        "a=rid:s recv",
        "a=rid:l recv",
        "a=simulcast:recv s;l",
        f"a=extmap:10 {rtp.RID_EXTENSION_URI}",
    ):
        assert row in text
    assert (
        sdp.select_simulcast_layers(
            sdp._read_section([row for row in rows if rtp.RID_EXTENSION_URI not in row])
        )
        is None
    )


# --- in a real browser ---


@pytest.mark.late
def test_the_browser_sends_two_sizes_and_each_listener_gets_its_own(chromium, signalling):
    names = ["ana", "ben", "phone"]
    signalling.set_routes("r", everyone_to_everyone(names))
    ana, ben, phone = people = [
        Person(chromium, signalling, name, **({"prefers": "small"} if name == "phone" else {}))
        for name in names
    ]
    for person in people:
        person.join()
    signalling.prefer("r", "ana", ("ben",))
    ben_at_ana, phone_at_ana = 0, 1
    until(lambda: ana.width(ben_at_ana) == LARGE_WIDTH, 30)
    until(lambda: ana.width(phone_at_ana) == SMALL_WIDTH)
    until(lambda: phone.width(0) == SMALL_WIDTH and phone.width(1) == SMALL_WIDTH)
    signalling.prefer("r", "ana", ("phone",))
    ana.page.evaluate(f"watchFreezes({ben_at_ana})")
    until(lambda: ana.width(ben_at_ana) == SMALL_WIDTH and ana.width(phone_at_ana) == LARGE_WIDTH)
    before = ana.frames(ben_at_ana), ana.frames(phone_at_ana)
    until(
        lambda: (
            ana.frames(ben_at_ana) > before[0] + 20 and ana.frames(phone_at_ana) > before[1] + 20
        )
    )
    for person in people:
        person.page.close()
